import { expect } from "chai";
import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { caseBrief, handlers } from "../../../tools/custody/caseBrief";
import { fileOf } from "../../../tools/custody/copyCase";
import { folderSource } from "../../../tools/custody/folderSource";
import { planHold, readUntil } from "../../../tools/custody/planHold";
import { readAddress } from "../../../tools/custody/bucketSource";
import { verifyCase } from "../../../functions/domain/custody/verifyCase";
import { custody, summary } from "../../fixtures/analysis/plain";
import { SealedCase } from "../../support/sealedCase";

const repository = path.resolve(__dirname, "../../..");
const verify = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ["-r", "tsx/cjs", "tools/verify.ts", ...args],
        // Without any credentials: a folder is checked by itself.
        { cwd: repository, encoding: "utf8", env: { PATH: process.env.PATH, AWS_EC2_METADATA_DISABLED: "true" } },
    );
    return { status, text: `${stdout}${stderr}` };
};

/** A sealed case as a folder on disk. */
async function onDisk(made: SealedCase): Promise<string> {
    const folder = await mkdtemp(path.join(tmpdir(), "case-"));
    for (const [name, body] of made.files) {
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
        await writeFile(path.join(folder, name), body);
    }
    return folder;
}

function sealed(): SealedCase {
    const made = new SealedCase();
    made.write({ "restore-record.json": "{}", "findings/0123.json": "{}" });
    made.seal();
    return made;
}

describe("npm run verify", function () {
    this.timeout(60_000);

    it("checks a folder without network or credentials, says which of the two it proved, and exits 1 at the first thing wrong", async () => {
        const made = sealed();
        const folder = await onDisk(made);
        const key = `${folder}.pem`;
        try {
            await writeFile(key, made.anchor.pem!);
            const alone = verify(folder);
            expect(alone.text).to.include("INTACT in itself").and.include("not origin").and.include("objects with size and SHA-256");
            expect(alone.status).to.equal(0);
            const trusted = verify(folder, "--key", key);
            expect(trusted.text).to.include("of the account that you trust");
            expect(verify(folder, "--fingerprint", made.anchor.fingerprint).text).to.include("of the account that you trust");
            const other = verify(folder, "--fingerprint", `SHA256:${"0".repeat(64)}`);
            expect([other.status, other.text.includes("another key")]).to.deep.equal([1, true]);

            await writeFile(path.join(folder, "findings/0123.json"), "[]");
            const wrong = verify(folder, "--key", key);
            expect(wrong.status).to.equal(1);
            expect(wrong.text).to.include("WRONG").and.include("where: findings/0123.json");
        } finally {
            await rm(folder, { recursive: true, force: true });
            await rm(key, { force: true });
        }
    });

    it("exits 2, and says what to give it, where there is nothing to check", () => {
        for (const args of [["/nowhere"], [".", "--key", "package.json"]]) {
            const { status, text } = verify(...args);
            expect(status, args.join(" ")).to.equal(2);
            expect(text).to.include("npm run verify");
        }
        expect(() => readAddress("s3://bucket/elsewhere/")).to.throw("is no case");
        expect(readAddress("s3://b/incidents/i-1/")).to.deep.equal({ bucket: "b", incidentId: "i-1" });
        expect(readAddress("./folder")).to.equal(null);
    });

    it("counts whatever lies in the folder: a link is no object that anybody sealed", async () => {
        const made = sealed();
        const folder = await onDisk(made);
        try {
            await rm(path.join(folder, "restore-record.json"));
            const { symlink } = await import("node:fs/promises");
            await symlink("/etc/hostname", path.join(folder, "restore-record.json"));
            const verdict = await verifyCase(await folderSource(folder), made.anchor, Date.now());
            expect(verdict.wrong!.where).to.equal("restore-record.json");
        } finally {
            await rm(folder, { recursive: true, force: true });
        }
    });
});

describe("copying a case", () => {
    it("never writes outside its folder, whatever an object is called", () => {
        for (const name of ["../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a/\0b", "", ".", `a/${"x".repeat(256)}`])
            expect(fileOf("/tmp/case", name), JSON.stringify(name)).to.equal(null);
        expect(fileOf("/tmp/case", "analysis/AROA:i-1/x.json")).to.equal("/tmp/case/analysis/AROA:i-1/x.json");
        fc.assert(
            fc.property(fc.string(), (name) => {
                const file = fileOf("/tmp/case", name);
                expect(file === null || file.startsWith("/tmp/case/")).to.equal(true);
            }),
        );
    });
});

describe("holding a case", () => {
    const date = fc.integer({ min: 1_700_000_000_000, max: 2_500_000_000_000 }).map((at) => new Date(at).toISOString());

    it("locks everything until then, shortens no lock and weakens no mode", () => {
        const mode = fc.constantFrom("GOVERNANCE" as const, "COMPLIANCE" as const);
        const object = fc.record({
            name: fc.string(),
            versionId: fc.string(),
            retention: fc.option(fc.record({ mode, until: date }), { nil: null }),
        });
        fc.assert(
            fc.property(fc.array(object), date, (objects, until) => {
                const plan = planHold(objects, [], until);
                expect(plan.objects.length + plan.kept).to.equal(objects.length);
                for (const each of plan.objects) {
                    expect(each.retention === null || each.retention.until < until).to.equal(true);
                    if (each.retention?.mode === "COMPLIANCE") expect(each.mode).to.equal("COMPLIANCE");
                }
            }),
        );
        const lock = { mode: "compliance" as const, expiresAt: "2027-01-01T00:00:00.000Z" };
        expect(planHold([], [{ snapshotId: "snap-1", lock }], "2028-01-01T00:00:00.000Z").snapshots).to.deep.equal([
            { snapshotId: "snap-1", lock, mode: "compliance" },
        ]);
        expect(planHold([], [{ snapshotId: "snap-1", lock }], "2026-01-01T00:00:00.000Z").kept).to.equal(1);
    });

    it("takes dates that a lock can end at", () => {
        const now = Date.parse("2026-11-28T00:00:00Z");
        expect(readUntil("2030-12-31", now)).to.equal("2030-12-31T23:59:59.000Z");
        for (const text of ["2026-01-01", "soon", "2200-01-01", "2030-13-01"]) expect(() => readUntil(text, now), text).to.throw();
    });
});

describe("the brief", () => {
    it("says what is known, what is not, when people knew, what is at risk, who had the evidence, and whether it holds", async () => {
        const made = sealed();
        const verdict = await verifyCase(made.folder(), made.anchor, Date.now());
        const lines = caseBrief({
            incidentId: custody.incident.incidentId,
            custody,
            reports: [],
            summary,
            verdict,
            errors: ["errors/TearDown.error.json"],
            at: "2026-12-01T00:00:00.000Z",
        });
        const page = lines.join("\n");
        for (const heading of ["WHEN AWARE", "KNOWN", "NOT KNOWN", "DATA AT RISK", "WHO HAD THE EVIDENCE", "WHETHER IT CAN BE RELIED ON"])
            expect(page).to.include(heading);
        expect(page)
            .to.include(custody.evidence.snapshots[0]!.evidenceSnapshotId)
            .and.include("There is no report")
            .and.include("errors/TearDown.error.json");
        expect(handlers(verdict.entries)).to.have.length(1);
        // A hold extends the locks, and the record of the analysis stays what it was.
        const [first] = custody.evidence.snapshots;
        const held = {
            ...made.snapshots[0]!,
            snapshotId: first!.evidenceSnapshotId,
            lock: { mode: "governance" as const, expiresAt: "2031-01-01T00:00:00.000Z" },
        };
        const input = { incidentId: "i-1", custody, reports: [], summary, errors: [], at: "" };
        const brief = (snapshots: (typeof held)[]) =>
            caseBrief({ ...input, verdict: { ...verdict, manifest: { ...made.manifest(), snapshots } } }).join("\n");
        expect(brief([held]))
            .to.include(`${first!.evidenceSnapshotId}, locked (governance) until 2031-01-01`)
            .and.not.include(first!.lock.expiresAt);
        expect(brief([{ ...held, lock: null as never }])).to.include(`${first!.evidenceSnapshotId}, NOT locked`);
        const edition = (number: number, high: number) => ({
            schemaVersion: 1 as const,
            incidentId: custody.incident.incidentId,
            page: { bucket: "evidence", key: `page-${number}`, sha256: "0".repeat(64) },
            complete: number === 2,
            intact: true,
            findingsBySeverity: { high },
            manifestSha256: "0".repeat(64),
            edition: number,
            at: `2026-11-2${number}T00:00:00.000Z`,
        });
        const twice = caseBrief({ ...input, verdict, reports: [edition(1, 3), edition(2, 7)] }).join("\n");
        expect(twice)
            .to.include("(2026-11-22T00:00:00.000Z, edition 2 of the report): 7 high")
            .and.include("An earlier report, edition 1 of 2026-11-21T00:00:00.000Z, stays as evidence: s3://evidence/page-1")
            .and.not.include("3 high")
            .and.not.include("did not look at everything");
        const empty = caseBrief({
            incidentId: "i-1",
            custody: null,
            reports: [],
            summary: null,
            verdict: { ...verdict, wrong: { what: "x", where: "y" } },
            errors: [],
            at: "",
        });
        expect(empty.join("\n")).to.include("NO: x (y)").and.include("No custody record");
    });
});
