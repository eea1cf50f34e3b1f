import { expect } from "chai";
import { incidentPrefix } from "../../functions/domain/evidenceKeys";
import { handler } from "../../functions/sealCustody";
import { appendCustody, readCustodyLog } from "../../functions/aws/custody/custodyLog";
import { resourcesIn } from "../../functions/aws/custody/recorder";
import { custodyActionSchema, sha256Of, type CustodyAction } from "../../functions/domain/custody/custodyLog";
import { readPublicKey } from "../../functions/domain/custody/seal";
import { verifyCase, type CaseSource } from "../../functions/domain/custody/verifyCase";
import { incident, InMemoryAws, thrown } from "./inMemoryAws";

const { incidentId, prefix } = incident;
const longAgo = new Date("2026-11-24T10:00:00.000Z");

describe("sealing a case", () => {
    let aws: InMemoryAws;

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        Object.assign(process.env, { NOTIFICATION_TOPIC_ARN: "", SLACK_WEBHOOK_PARAMETER: "" });
    });
    afterEach(() => aws.remove());

    const action = (key: string, versionId: string, body: string): CustodyAction =>
        custodyActionSchema.parse({
            incidentId,
            at: "2026-11-24T10:00:00.000Z",
            who: "arn:aws:sts::111111111111:assumed-role/a/b",
            step: "Test",
            what: "s3:PutObject",
            requestId: "r",
            object: { key, versionId, sha256: sha256Of(body), bytes: body.length },
            resources: [],
            error: null,
            note: null,
        });
    const writeLogged = async (name: string, body: string) => {
        const key = `${prefix}${name}`;
        await appendCustody(incidentId, [action(key, aws.overwrite(key, body, longAgo), body)]);
    };

    /** The bucket as verify reads it. */
    const bucket = (): CaseSource => ({
        where: "memory",
        allVersions: true,
        objects: () =>
            Promise.resolve(
                [...aws.versions].flatMap(([key, all]) =>
                    all.map(({ id, body }, index) => ({
                        name: key.slice(prefix.length),
                        versionId: id,
                        latest: index === all.length - 1,
                        bytes: Buffer.byteLength(body),
                    })),
                ),
            ),
        digest: ({ name, versionId }) =>
            Promise.resolve(sha256Of(aws.versions.get(`${prefix}${name}`)!.find(({ id }) => id === versionId)!.body)),
        text: ({ name, versionId }) => Promise.resolve(aws.versions.get(`${prefix}${name}`)!.find(({ id }) => id === versionId)!.body),
    });
    const verdict = () => {
        const pem = aws.kms.keys.publicKey.export({ type: "spki", format: "pem" }).toString();
        return verifyCase(bucket(), { from: "the test", ...readPublicKey(pem) }, Date.parse("2026-12-01T00:00:00Z"));
    };

    it("covers what steps entered and what it finds without an entry, and says which is which", async () => {
        await writeLogged("restore-record.json", "{}");
        aws.overwrite(`${prefix}analysis/AROAX:i-0f0e0d0c0b0a09080/findings.jsonl`, "{}\n", longAgo);
        const sealed = await handler({ incidentId });
        expect(sealed).to.deep.include({ seal: 1, sealed: true });
        const { wrong, entries, manifest } = await verdict();
        expect(wrong).to.equal(null);
        expect(manifest!.objects.map(({ name }) => name))
            .to.include("analysis/AROAX:i-0f0e0d0c0b0a09080/findings.jsonl")
            .and.include("custody/README.txt");
        const found = entries.filter(({ what }) => what === "custody:FoundObject");
        expect(found.map(({ who, note }) => [who, /forensic instance i-0f0e0d0c0b0a09080/.test(note ?? "")])).to.deep.include([null, true]);
        expect(entries.at(-1)!.what).to.equal("custody:Seal");
    });

    it("changes nothing when asked again, and covers by a second seal what came later", async () => {
        await writeLogged("restore-record.json", "{}");
        await handler({ incidentId });
        const before = [...aws.objects.keys()];
        expect(await handler({ incidentId })).to.deep.include({ seal: 1, sealed: false });
        expect([...aws.objects.keys()]).to.deep.equal(before);

        await writeLogged("releases/2026-11-25.json", "{}");
        expect((await verdict()).wrong).to.not.equal(null);
        expect(await handler({ incidentId })).to.deep.include({ seal: 2, sealed: true });
        expect((await verdict()).wrong).to.equal(null);
    });

    it("covers an object that was written over, both versions of it", async () => {
        await writeLogged("custody.txt", "first");
        await writeLogged("custody.txt", "second");
        await handler({ incidentId });
        const { wrong, manifest } = await verdict();
        expect(wrong).to.equal(null);
        expect(manifest!.objects.filter(({ name }) => name === "custody.txt").map(({ latest }) => latest)).to.deep.equal([false, true]);
        aws.overwrite(`${prefix}custody.txt`, "third");
        expect((await verdict()).wrong!.where).to.match(/^custody.txt/);
    });

    it("never signs on top of a broken log or a forged seal", async () => {
        await writeLogged("a.json", "{}");
        await writeLogged("b.json", "{}");
        const segment = `${prefix}custody/log/00000001.jsonl`;
        const text = aws.objects.get(segment)!;
        aws.overwrite(segment, text.replace("assumed-role/a/b", "assumed-role/c/d"));
        const broken = await thrown(handler({ incidentId }));
        expect(broken.name).to.equal("StepFailed");
        expect(broken.message).to.include("does not follow");

        aws.overwrite(segment, text);
        aws.versions.set(segment, aws.versions.get(segment)!.slice(0, 1));
        await handler({ incidentId });
        const seal = `${prefix}custody/seals/0001.dsse.json`;
        const honest = aws.objects.get(seal)!;
        const envelope = JSON.parse(honest) as { payload: string };
        const payload = Buffer.from(envelope.payload, "base64").toString().replace('"notes":[]', '"notes":["x"]');
        aws.overwrite(seal, `${JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString("base64") })}\n`);
        await writeLogged("late.json", "{}");
        const forged = await thrown(handler({ incidentId }));
        expect(forged.message).to.include("signature is not the custody key's");
    });

    it("waits for a report that is being made and for a writer that is about to enter its object, but not for ever", async () => {
        const since = new Date().toISOString();
        aws.overwrite(`${prefix}analysis/AROAX:i-0f0e0d0c0b0a09080/manifest.sha256`, "", longAgo);
        expect((await thrown(handler({ incidentId, since }))).message).to.include("report is not there yet");
        aws.overwrite(`${prefix}report/report.json`, "{}");
        expect((await thrown(handler({ incidentId, since }))).message).to.include("has not entered it");
        const version = aws.versions.get(`${prefix}report/report.json`)![0]!.id;
        await appendCustody(incidentId, [action(`${prefix}report/report.json`, version, "{}")]);
        // What the waiting calls wrote of key and text is entered by them at their end, which this test has not.
        for (const all of aws.versions.values()) for (const each of all) each.at = longAgo;
        expect(await handler({ incidentId, since })).to.deep.include({ seal: 1 });
        expect((await verdict()).wrong).to.equal(null);
        // A report that never came is sealed without.
        const other = { incidentId: "i-0a1b2c3d4e5f60718-0000000000000000", since: "2026-11-24T10:00:00.000Z" };
        aws.overwrite(`${incidentPrefix(other.incidentId)}analysis/AROAX:i-0f0e0d0c0b0a09080/manifest.sha256`, "", longAgo);
        expect(await handler(other)).to.deep.include({ seal: 1 });
        // Any edition of the report is one: the first may be a page that nobody was told of.
        const second = { incidentId: "i-0a1b2c3d4e5f60718-1111111111111111", since };
        aws.overwrite(`${incidentPrefix(second.incidentId)}analysis/AROAX:i-0f0e0d0c0b0a09080/manifest.sha256`, "", longAgo);
        aws.overwrite(`${incidentPrefix(second.incidentId)}report/edition-2/report.json`, "{}", longAgo);
        expect((await thrown(handler(second))).message).to.not.include("report is not there yet");
    });

    it("seals the error of a step at once: Step Functions wrote it, and enters nothing in the log", async () => {
        const since = new Date().toISOString();
        await writeLogged("finding.json", "{}");
        aws.overwrite(`${prefix}errors/CreateSnapshots.error.json`, "{}");
        aws.overwrite(`${prefix}errors/SendReport.error.json`, "{}");
        expect((await thrown(handler({ incidentId, since }))).message).to.include("errors/SendReport.error.json was written a moment ago");
        aws.versions.delete(`${prefix}errors/SendReport.error.json`);
        aws.objects.delete(`${prefix}errors/SendReport.error.json`);
        for (const [key, all] of aws.versions) if (!key.includes("/errors/")) for (const each of all) each.at = longAgo;
        expect(await handler({ incidentId, since })).to.deep.include({ seal: 1 });
    });

    it("takes the next number when another seal took this one at the same moment", async () => {
        await writeLogged("a.json", "{}");
        let once = true;
        aws.beforePut = (key) => {
            if (!key.endsWith("0001.dsse.json") || !once) return;
            once = false;
            aws.beforePut = null;
            // The other one sealed the same case a moment before: its whole seal stands when ours is written.
            aws.objects.set(key, "taken");
        };
        const error = await thrown(handler({ incidentId }));
        expect(error.message).to.not.include("TypeError");
        expect(once).to.equal(false);
    });

    it("keeps one chain when many steps append at the same moment, and each entry once", async () => {
        const groups = Array.from({ length: 12 }, (_, index) => [
            action(`${prefix}x${index}`, `v${index}`, "x"),
            action(`${prefix}y${index}`, `v${index}`, "y"),
        ]);
        await Promise.all(groups.map((group) => appendCustody(incidentId, group)));
        const chain = await readCustodyLog(incidentId);
        expect(chain.problem).to.equal(null);
        expect(chain.entries.map(({ object }) => object!.key).sort()).to.deep.equal(
            groups
                .flat()
                .map(({ object }) => object!.key)
                .sort(),
        );
    });
});

describe("what the custody log notes of a call", () => {
    it("takes ids and ARNs out of its parameters and its answer, and nothing else", () => {
        expect(
            resourcesIn(
                {
                    InstanceId: "i-0123456789abcdef0",
                    Groups: ["sg-01234567"],
                    UserData: "aGVsbG8=",
                    Tags: [{ Key: "Name", Value: "web-1" }],
                },
                {
                    Snapshots: [{ SnapshotId: "snap-0123456789abcdef0" }],
                    Arn: "arn:aws:iam::111111111111:role/x",
                    $metadata: { requestId: "sg-01234567a" },
                },
            ),
        ).to.deep.equal(["i-0123456789abcdef0", "sg-01234567", "snap-0123456789abcdef0", "arn:aws:iam::111111111111:role/x"]);
        expect(resourcesIn({ a: Array.from({ length: 500 }, (_, index) => `vol-${String(index).padStart(8, "0")}`) })).to.have.length(64);
    });
});
