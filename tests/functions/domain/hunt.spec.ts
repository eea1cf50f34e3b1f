import { expect } from "chai";
import fc from "fast-check";
import { huntStatements, siblingLines, siblingStatements } from "../../../functions/domain/hunt";
import { instanceStateSchema } from "../../../functions/domain/instanceState";
import type { Indicator, IndicatorKind } from "../../../functions/domain/report/indicators";

const indicator = (kind: IndicatorKind, value: string, side: Indicator["side"] = "theirs"): Indicator => ({
    kind,
    value,
    side,
    severity: "high",
    findings: ["a"],
    alert: false,
});

describe("hunt", () => {
    it("makes statements for every kind that somebody can look for, and none for our own addresses", () => {
        const { statements, leftOut } = huntStatements(
            [
                indicator("address", "203.0.113.44"),
                indicator("address", "10.0.0.5", "own"),
                indicator("domain", "c2.example.net"),
                indicator("sha256", "a".repeat(64)),
                indicator("user", "sysadm"),
                indicator("path", "/var/tmp/.x/kworkerd"),
            ],
            "2026-11-19T03:11:00.000Z",
            ["ASIAIOSFODNN7EXAMPLE", "not a key'"],
        );
        const text = statements.map((each) => each.text).join("\n");
        expect(text)
            .to.contain("'203.0.113.44'")
            .and.contain("c2\\.example\\.net")
            .and.contain("DATE '2026-11-19'")
            .and.contain("ASIAIOSFODNN7EXAMPLE")
            .and.contain("/var/tmp/.x/kworkerd");
        expect(text).to.not.contain("10.0.0.5").and.not.contain("not a key");
        expect(new Set(statements.map(({ where }) => where.split(/[ ,]/)[0]))).to.deep.equal(new Set(["CloudWatch", "Athena", "osquery"]));
        expect(leftOut).to.equal(0);
    });

    it("puts nothing into a statement that could leave its literal, and counts what it leaves out", () => {
        const hostile = ["x'; DROP TABLE t; --", "a\nb", "/tmp/'||'", "(?:", "]", "`", "\\'", "/tmp/$(id)", "%_"];
        const { statements, leftOut } = huntStatements(
            hostile.flatMap((value) => (["address", "domain", "user", "path", "sha256"] as const).map((kind) => indicator(kind, value))),
            "2026-11-19'; --",
        );
        expect(statements).to.deep.equal([]);
        expect(leftOut).to.equal(hostile.length * 5);
        fc.assert(
            fc.property(
                fc.constantFrom<IndicatorKind>("address", "domain", "user", "path", "url", "key", "sha256"),
                fc.string({ unit: "binary" }),
                (kind, value) => {
                    for (const { text } of huntStatements([indicator(kind, value)], "2026-11-19T00:00:00Z").statements)
                        if (/['"`;\\\n]/.test(value)) expect(text).to.not.contain(value);
                },
            ),
        );
    });
});

describe("siblings", () => {
    const state = instanceStateSchema.parse({
        schemaVersion: 1,
        instance: { instanceId: "i-0a1b2c3d4e5f60718", accountId: "222222222222", region: "eu-west-1" },
        readAt: "2026-11-20T03:31:09.000Z",
        state: "running",
        vpcId: "vpc-1",
        availabilityZone: "eu-west-1a",
        lifecycle: "on-demand",
        rootDeviceType: "ebs",
        interfaces: [{ networkInterfaceId: "eni-1", subnetId: "subnet-0a", privateIps: [], ipv6: false, groups: ["sg-0a", "sg-0b"] }],
        volumes: [],
        terminationProtection: false,
        stopProtection: false,
        shutdownBehavior: "stop",
        metadataEndpoint: "enabled",
        instanceProfileArn: "arn:aws:iam::222222222222:instance-profile/web",
        autoScaling: { group: "web", lifecycleState: "InService" },
        targets: [],
        classicLoadBalancers: [],
        trackedPaths: [],
    });

    it("are looked for by what they share with the instance, the replacement first", () => {
        const statements = siblingStatements(state, "ami-0123456789abcdef0");
        expect(statements.map(({ text }) => /Name=([^,]+),/.exec(text)![1])).to.deep.equal([
            "tag:aws:autoscaling:groupName",
            "iam-instance-profile.arn",
            "image-id",
            "network-interface.group-id",
            "subnet-id",
        ]);
        expect(statements[3]!.text).to.contain("Values=sg-0a,sg-0b").and.contain("i-0a1b2c3d4e5f60718");
    });

    it("are not looked for by what nothing tells, nor by a name that could leave its place in a command", () => {
        const hostile = { ...state, instanceProfileArn: null, autoScaling: { group: "web' ; rm -rf / '", lifecycleState: "InService" } };
        const text = siblingStatements(hostile, "$(id)")
            .map((each) => each.text)
            .join("\n");
        expect(text).to.not.contain("rm -rf").and.not.contain("$(id)").and.not.contain("instance-profile");
    });

    it("prints the siblings that were kept, replacements marked, each on a line that cannot be left", () => {
        const sibling = (instanceId: string, more = {}) => ({
            instanceId,
            state: "running",
            launchedAt: null,
            shares: ["image" as const, "subnet" as const],
            publicAddresses: ["203.0.113.5"],
            privateAddresses: [],
            replacement: false,
            ...more,
        });
        const lines = siblingLines({
            schemaVersion: 1,
            instanceId: "i-1",
            compared: 9,
            traits: [],
            siblings: [sibling("i-2", { replacement: true }), sibling("i-3\nDROP TABLE", { publicAddresses: [] })],
            leftOut: 4,
        });
        expect(lines[0]).to.contain("6 of 9 instances");
        expect(lines[1]).to.contain("i-2  running  203.0.113.5  REPLACEMENT").and.contain("shares image, subnet");
        for (const line of lines) expect(line).to.match(/^--[^\n]*$/);
        expect(lines.at(-1)).to.contain("and 4 more");
    });
});
