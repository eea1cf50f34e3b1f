import { expect } from "chai";
import { standingContainmentSchema } from "../../functions/domain/standingContainment";
import { standingLines } from "../../tools/standingLines";

const instance = { instanceId: "i-0123456789abcdef0", accountId: "222222222222", region: "eu-west-1" };
const at = "2026-11-24T10:00:00.000Z";
const standing = standingContainmentSchema.parse({
    instance,
    incidentIds: ["i-0123456789abcdef0-1", "i-0123456789abcdef0-2"],
    record: {
        schemaVersion: 1,
        instance,
        readAt: at,
        state: "running",
        vpcId: "vpc-1",
        availabilityZone: "eu-west-1a",
        lifecycle: "on-demand",
        rootDeviceType: "ebs",
        interfaces: [],
        volumes: [],
        terminationProtection: false,
        stopProtection: false,
        shutdownBehavior: "stop",
        metadataEndpoint: "enabled",
        instanceProfileArn: null,
        autoScaling: null,
        targets: [],
        classicLoadBalancers: [],
        trackedPaths: [],
    },
    complete: true,
    groups: { isolation: "sg-1", untrack: null, networkAcl: null },
    check: null,
    begunAt: at,
    releasedAt: null,
    revision: 0,
});

describe("the list of standing containments", () => {
    it("names instance, incidents, group, and that nobody has looked since", () => {
        expect(standingLines([standing]).join("\n"))
            .to.contain("i-0123456789abcdef0 in 222222222222/eu-west-1")
            .and.contain("i-0123456789abcdef0-1, i-0123456789abcdef0-2")
            .and.contain("sg-1")
            .and.contain("never");
    });
    it("says which of them belong to one Auto Scaling group", () => {
        const of = (instanceId: string) => ({
            ...standing,
            instance: { ...instance, instanceId },
            record: { ...standing.record, autoScaling: { group: "web", lifecycleState: "InService" } },
        });
        expect(standingLines([of("i-1"), standing, of("i-2")]).filter((each) => each.includes("like 1 more of this list"))).to.have.length(
            2,
        );
    });
    it("shows drift as text that cannot act on the terminal", () => {
        const [line] = standingLines([
            { ...standing, check: { at, drift: ["eni-1\u001b[2J"], repaired: [], state: "running", launchTime: at } },
        ]).filter((each) => each.includes("drift"));
        expect(line).to.contain("eni-1").and.not.contain("\u001b");
    });
    it("says how the last check ended, and what became of each drift, with who did it", () => {
        const check = { at, drift: [], repaired: [], state: "running", launchTime: at };
        expect(standingLines([{ ...standing, check }]).join("\n")).to.contain(`${at}, as it was left`);
        const drift = { key: "metadata", what: "the metadata endpoint answers", by: "arn:mallory", since: at, toldAt: at };
        const lines = (outcome: "stands" | "put-back") =>
            standingLines([{ ...standing, check: { ...check, drift: [drift.what] }, drifts: [{ ...drift, outcome }] }]).join("\n");
        expect(lines("stands")).to.contain("NOT as it was left").and.contain("still so").and.contain("arn:mallory");
        expect(lines("put-back")).to.contain("put back").and.not.contain("still so");
    });
    it("says so when nothing stands", () => {
        expect(standingLines([])).to.have.length(1);
    });
});
