import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parseMessage } from "../../functions/domain/parseMessage";
import { parseSettings } from "../../infra/config";
import { decidedBy } from "../../tools/parse/ruling";
import { fixturesFolder, fixtureText, victim, victimFindingId } from "../functions/domain/messageFixtures";

const root = join(__dirname, "..", "..");
const path = (name: string) => join(fixturesFolder, `${name}.json`);

function parse(files: string[], input = "") {
    const run = spawnSync(process.execPath, ["-r", "tsx/cjs", "tools/parse.ts", ...files], {
        cwd: root,
        input,
        encoding: "utf8",
    });
    return {
        status: run.status,
        stderr: run.stderr,
        lines: run.stdout
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line) as Record<string, unknown>),
    };
}

describe("npm run parse", function () {
    // Each test starts a process and compiles its TypeScript.
    this.timeout(60_000);
    let folder: string;
    before(() => {
        folder = mkdtempSync(join(tmpdir(), "parse-"));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it("prints one line a file in the order given, and nothing but what was promised", () => {
        const files = [path("s3-bucket"), path("eventbridge"), path("malformed")];
        const { status, lines, stderr } = parse(files);
        expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
        expect(lines.map((line) => [line.file, line.outcome])).to.deep.equal([
            [files[0], "refused"],
            [files[1], "incident"],
            [files[2], "refused"],
        ]);
        expect(lines[1]).to.deep.equal({
            file: files[1],
            outcome: "incident",
            reason: null,
            findings: [
                {
                    id: victimFindingId,
                    type: "Backdoor:EC2/C&CActivity.B!DNS",
                    accountId: victim.accountId,
                    region: victim.region,
                    severity: 8,
                    sample: false,
                    instances: [victim],
                },
            ],
        });
    });

    it("says of an incident what in the message was not followed", () => {
        const { lines } = parse([path("getfindings-response")]);
        expect(lines[0].outcome).to.equal("incident");
        expect(lines[0].reason).to.match(/"S3Bucket"/);
    });

    it("reads standard input for -", () => {
        const { status, lines } = parse(["-"], fixtureText("manual"));
        expect(status).to.equal(0);
        expect(lines[0]).to.include({ file: "-", outcome: "incident" });
    });

    it("exits 2 for a missing file and for a folder, and still reads the others", () => {
        const { status, lines, stderr } = parse([join(folder, "missing.json"), folder, path("eventbridge")]);
        expect(status).to.equal(2);
        expect(lines).to.have.length(1);
        expect(stderr)
            .to.match(/missing\.json cannot be read: ENOENT/)
            .and.match(/cannot be read: EISDIR/);
    });

    it("exits 2 when no file is given", () => {
        expect(parse([])).to.deep.include({ status: 2, lines: [] });
    });

    it("refuses what is no text at all, and keeps to one line", () => {
        const file = join(folder, "disk\nimage.bin");
        writeFileSync(file, Buffer.from([0, 255, 10, 13, 200, 10]));
        const { status, lines } = parse([file]);
        expect(status).to.equal(0);
        expect(lines).to.have.length(1);
        expect(lines[0]).to.include({ file, outcome: "refused" });
        expect(lines[0].reason).to.match(/not valid JSON/);
    });

    it("says with --stack what that stack's rules decide of it, and refuses what the stack would", () => {
        const { status, lines, stderr } = parse(["--stack", "prod", path("eventbridge"), path("s3-bucket")]);
        expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
        expect(lines[0]).to.include({ outcome: "incident", stack: "prod" });
        const [decision] = lines[0].decisions as Record<string, unknown>[];
        expect(decision).to.deep.include({ finding: victimFindingId, instance: victim, mayChange: false });
        // Pulumi.prod.yaml ships as a first week: below critical nothing is contained.
        expect([decision.decision, decision.why]).to.deep.equal([
            "observe",
            "containment.mode says observe for Backdoor:EC2/C&CActivity.B!DNS of severity 8.",
        ]);
        expect(lines[1].decisions).to.deep.equal([]);
        const unknown = parse(["--stack", "staging", path("eventbridge")]);
        expect(unknown.status).to.equal(2);
        expect(unknown.stderr).to.match(/There is no Pulumi\.staging\.yaml/);
    });
});

describe("what a stack decides", () => {
    const finding = parseMessage(fixtureText("eventbridge")).findings[0]!;
    const settings = (changes: object = {}) =>
        parseSettings({
            forensics: { accountId: "111111111111" },
            regions: [victim.region],
            members: [{ accountId: victim.accountId }],
            ...changes,
        });
    const decide = (changes: object, of = finding) => decidedBy(settings(changes), [of], new Date(0))[0]!;

    it("follows the rules in their order, says that a VPC or a tag may change it, and that a mild finding does not arrive", () => {
        expect(decide({})).to.include({ decision: "automatic", mayChange: false });
        const rules = [{ vpcs: ["vpc-0123456789abcdef0"], mode: "approval" }];
        expect(decide({ containment: { mode: "observe", rules } })).to.include({ decision: "approval", mayChange: true });
        expect(decide({ findings: { minimumSeverity: 9 } }).why).to.include("it does not arrive at all: findings.minimumSeverity is 9");
    });

    it("refuses what the deployed function refuses: another Region, another account, a sample", () => {
        const other = victim.region === "eu-west-2" ? "eu-west-1" : "eu-west-2";
        expect(decide({ regions: [other] }))
            .to.include({ decision: "refused" })
            .and.property("why")
            .that.includes("has no clean room there");
        expect(decide({ members: [{ accountId: "333333333333" }] }))
            .to.include({ decision: "refused" })
            .and.property("why")
            .that.includes("not a member");
        expect(decide({}, { ...finding, sample: true }))
            .to.include({ decision: "refused" })
            .and.property("why")
            .that.includes("sample");
    });
});
