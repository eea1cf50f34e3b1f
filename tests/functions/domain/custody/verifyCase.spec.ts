import { expect } from "chai";
import fc from "fast-check";
import { nextSegment, readChain, emptyChain, sha256Of } from "../../../../functions/domain/custody/custodyLog";
import { parseSeal, sealText } from "../../../../functions/domain/custody/seal";
import { deleteMarker, verdictLines, verifyCase, type Verdict } from "../../../../functions/domain/custody/verifyCase";
import {
    anomalyRecord,
    custodyKey,
    custodyReadme,
    custodySeal,
    custodySegment,
    endedAnalysis,
    errorRecord,
    firstLookTold,
    joinedFinding,
    objectNames,
    objectPrefixes,
    pinObject,
    receivedMessage,
    releaseRecord,
    reportNames,
    resultNames,
    upkeepRecord,
    watchRecord,
} from "../../../../functions/domain/evidenceKeys";
import { custody, summary } from "../../../fixtures/analysis/plain";
import { newKeys, SealedCase } from "../../../support/sealedCase";

const now = Date.parse("2026-12-01T00:00:00.000Z");
const results = custody.resultsPrefix;

/** A name below each prefix that holds any number of objects: the compiler asks for one of each that comes. */
const under = {
    analysis: [resultNames.firstLook, resultNames.timeline, "content-findings.jsonl.gz", `${resultNames.partial}bodyfile.gz`].map(
        (name) => `${results}${name}`,
    ),
    ended: [endedAnalysis("i-0123456789abcdef0")],
    findings: [joinedFinding("0123")],
    messages: [receivedMessage("a".repeat(64))],
    releases: [releaseRecord("2026-11-25T10:00:00.000Z")],
    preservation: [pinObject("vol-0aaaaaaaaaaaaaaaa", "source", 1)],
    errors: [errorRecord("TearDown"), anomalyRecord("SendReport", "0123")],
    metadata: [`${objectPrefixes.metadata}role.json`, `${objectPrefixes.metadata}later/index.json`],
    upkeep: [upkeepRecord("expires", "0123")],
    watch: [watchRecord("2026-11-24T11:00:00.000Z")],
    report: [firstLookTold(2), ...Object.values(reportNames(2))],
    // Its own objects are there by themselves.
    custody: [],
    custodyLog: [],
    custodySeals: [],
} satisfies Record<keyof typeof objectPrefixes, string[]>;

/** A case with one object of each kind that an incident writes, sealed twice: a release came late. */
function wholeCase(incidentId?: string, keys?: ReturnType<typeof newKeys>): SealedCase {
    const made = new SealedCase(incidentId, keys);
    const analysed = {
        ...summary,
        volumes: [{ ...summary.volumes[0]!, snapshotId: "snap-0eeeeeeeeeeeeeeee", evidenceSha256Before: "5".repeat(64) }],
    };
    const record = {
        ...custody,
        evidence: {
            ...custody.evidence,
            snapshots: [
                {
                    ...custody.evidence.snapshots[0]!,
                    evidenceSnapshotId: "snap-0eeeeeeeeeeeeeeee",
                    sourceSnapshotId: "snap-0bbbbbbbbbbbbbbbb",
                    volumeId: "vol-0aaaaaaaaaaaaaaaa",
                },
            ],
        },
    };
    const kinds = [...Object.values(objectNames), ...Object.values(under).flat()];
    const late = under.releases;
    const plain = kinds.filter((name) => name !== objectNames.custody && !late.includes(name));
    // No two alike, so that exchanging any two changes something.
    made.write(Object.fromEntries(plain.map((name, index) => [name, `{"object":${index}}`])));
    made.write({ "preservation/vol-0aaaaaaaaaaaaaaaa/evidence.1.json": '{"snapshotId":"snap-0eeeeeeeeeeeeeeee"}' });
    made.append([{ what: "ec2:LockSnapshot", resources: ["snap-0eeeeeeeeeeeeeeee"] }]);
    made.write({ "custody.json": JSON.stringify(record) });
    const outputs: Record<string, string> = {
        [`${results}summary.json`]: JSON.stringify(analysed),
        [`${results}findings.jsonl`]: '{"id":1}\n',
    };
    const listed = Object.entries(outputs).map(([name, body]) => `${sha256Of(body)}  ${name.slice(results.length)}\n`);
    made.write({ ...outputs, [`${results}manifest.sha256`]: listed.join("") });
    made.seal();
    made.write(Object.fromEntries(late.map((name) => [name, "{}"])));
    made.seal();
    return made;
}

const check = (made: SealedCase, anchored = true): Promise<Verdict> => verifyCase(made.folder(), anchored ? made.anchor : null, now);

/** A changed copy of a case's file. */
function change(made: SealedCase, name: string, edit: (body: Buffer) => Buffer): void {
    made.files.set(name, edit(made.files.get(name)!));
}

describe("verifying a case", () => {
    it("finds a whole case intact, says what it looked at, and which of the two it proved", async () => {
        const made = wholeCase();
        const { wrong, proves, lookedAt, signedBy } = await check(made);
        expect(wrong).to.equal(null);
        expect(proves).to.equal("origin");
        expect(signedBy).to.include(made.anchor.fingerprint);
        const said = lookedAt.join("; ");
        for (const part of [
            "2 seals",
            "entries of the custody log in 7 segments",
            `${made.files.size - 1} objects`,
            "1 snapshot",
            "Object Lock as recorded",
        ])
            expect(said).to.include(part);

        const alone = await check(made, false);
        expect(alone.wrong).to.equal(null);
        expect(alone.proves).to.equal("consistency");
        expect(alone.signedBy).to.match(/consistency, not origin/);
        expect(verdictLines(alone, "x").join("\n")).to.not.include("trust");
        const fingerprint = { ...made.anchor, pem: null };
        expect((await verifyCase(made.folder(), fingerprint, now)).proves).to.equal("origin");
    });

    it("holds each edition of the report against its page and its results, as they were when it was made", async () => {
        const manifest = `${results}manifest.sha256`;
        const sealedWith = (change: object) => {
            const made = wholeCase();
            const sha256 = sha256Of(made.files.get(manifest)!);
            const { page, record } = reportNames(3);
            const edition = {
                schemaVersion: 1,
                incidentId: made.incidentId,
                page: { bucket: "evidence", key: `${made.prefix}${page}`, sha256: sha256Of("page 3") },
                complete: true,
                intact: true,
                findingsBySeverity: {},
                manifestSha256: sha256,
                results: [{ resultsPrefix: results, sha256 }],
                at: "2026-11-25T10:00:00.000Z",
                ...change,
            };
            made.write({ [page]: "page 3", [record]: JSON.stringify(edition) });
            made.seal();
            return check(made);
        };
        const whole = await sealedWith({});
        expect(whole.wrong).to.equal(null);
        expect(whole.lookedAt.join("; ")).to.include("1 edition of the report against page and results");
        for (const change of [
            { page: { bucket: "evidence", key: reportNames(3).page, sha256: "0".repeat(64) } },
            { page: { bucket: "evidence", key: reportNames(9).page, sha256: sha256Of("page 3") } },
            { results: [{ resultsPrefix: results, sha256: "0".repeat(64) }] },
        ]) {
            const { wrong } = await sealedWith(change);
            expect(wrong).to.deep.include({ where: reportNames(3).record });
            expect(wrong!.what).to.include("that the report is of");
        }
    });

    it("is tried on a case that has every kind of object that an incident writes", () => {
        const names = [...wholeCase().files.keys()];
        for (const name of Object.values(objectNames)) expect(names).to.include(name);
        for (const prefix of Object.values(objectPrefixes))
            expect(
                names.some((name) => name.startsWith(prefix)),
                prefix,
            ).to.equal(true);
        for (const name of Object.values(resultNames))
            expect(
                names.some((each) => each.startsWith(`${results}${name}`)),
                name,
            ).to.equal(true);
    });

    it("finds any flipped bit in any file, and names the file", async function () {
        this.timeout(20_000);
        const names = [...wholeCase().files.keys()];
        await fc.assert(
            fc.asyncProperty(
                fc.constantFrom(...names),
                fc.nat(),
                fc.integer({ min: 0, max: 7 }),
                fc.boolean(),
                async (name, at, bit, anchored) => {
                    const made = wholeCase();
                    change(made, name, (body) => {
                        const bytes = Buffer.from(body);
                        bytes[at % bytes.length]! ^= 1 << bit;
                        return bytes;
                    });
                    const { wrong, proves } = await check(made, anchored);
                    expect(wrong, `${name} at ${at}`).to.not.equal(null);
                    expect(proves).to.equal("nothing");
                    // What a broken seal leads to is named by the seal; everything else by itself.
                    if (!name.startsWith("custody/seals/") && name !== custodyKey(made.anchor.fingerprint))
                        expect(wrong!.where).to.include(name);
                },
            ),
            { numRuns: 150 },
        );
        // Chance leaves no kind out.
        for (const name of names)
            for (const at of [0, -1]) {
                const made = wholeCase();
                change(made, name, (body) => {
                    const bytes = Buffer.from(body);
                    bytes[at < 0 ? bytes.length - 1 : 0]! ^= 1;
                    return bytes;
                });
                expect((await check(made)).wrong, `${name} at ${at}`).to.not.equal(null);
            }
    });

    it("finds any file that is missing, cut off, put in, or exchanged with another", async function () {
        this.timeout(20_000);
        const names = [...wholeCase().files.keys()];
        for (const name of names) {
            const without = wholeCase();
            without.files.delete(name);
            // A public key that the reader has from elsewhere is not needed, but it was sealed.
            expect((await check(without)).wrong, `without ${name}`).to.not.equal(null);
            const cut = wholeCase();
            change(cut, name, (body) => body.subarray(0, -1));
            expect((await check(cut)).wrong, `${name} cut off`).to.not.equal(null);
        }
        await fc.assert(
            fc.asyncProperty(fc.constantFrom(...names), fc.constantFrom(...names), async (one, other) => {
                const made = wholeCase();
                const [left, right] = [made.files.get(one)!, made.files.get(other)!];
                fc.pre(!left.equals(right));
                made.files.set(one, right).set(other, left);
                expect((await check(made)).wrong).to.not.equal(null);
            }),
            { numRuns: 60 },
        );
        for (const name of [
            "more.json",
            "analysis/x/y.json",
            custodySegment(9),
            custodySeal(3),
            "custody/log/x.jsonl",
            "custody/other.txt",
        ]) {
            const made = wholeCase();
            made.files.set(name, Buffer.from("{}\n"));
            const { wrong } = await check(made);
            expect(wrong, name).to.not.equal(null);
            expect(wrong!.where).to.include(name);
        }
    });

    it("finds an entry that was dropped, moved, put in or cut off, wherever it stands", async function () {
        this.timeout(20_000);
        const segments = [...wholeCase().files.keys()].filter((name) => name.startsWith("custody/log/"));
        const edits: Record<string, (lines: string[], at: number) => string[]> = {
            drop: (lines, at) => lines.filter((_, index) => index !== at),
            swap: (lines, at) =>
                lines.map((line, index) =>
                    index === at ? lines[(at + 1) % lines.length]! : index === (at + 1) % lines.length ? lines[at]! : line,
                ),
            truncate: (lines, at) => lines.slice(0, at),
            add: (lines, at) => [...lines.slice(0, at), lines[at]!, ...lines.slice(at)],
        };
        for (const name of segments)
            for (const [what, edit] of Object.entries(edits)) {
                const lines = wholeCase().files.get(name)!.toString().trimEnd().split("\n");
                if (what === "swap" && lines.length === 1) continue;
                for (let at = 0; at < lines.length; at++) {
                    const made = wholeCase();
                    change(made, name, () =>
                        Buffer.from(
                            edit(lines, at)
                                .map((line) => `${line}\n`)
                                .join(""),
                        ),
                    );
                    const { wrong } = await check(made);
                    expect(wrong, `${what} ${at} of ${name}`).to.not.equal(null);
                    expect(wrong!.where).to.match(/^custody\/log\//);
                }
            }
    });

    it("finds a log that was written anew from any place on, hashes and all", async () => {
        const made = wholeCase();
        const texts = [...made.files]
            .filter(([name]) => name.startsWith("custody/log/"))
            .map(([name, body]) => ({ name, text: body.toString() }));
        const { entries } = readChain(texts, made.incidentId, custodySegment);
        let head = emptyChain;
        for (const { name, text } of texts) {
            const actions = entries
                .slice(head.entries, head.entries + text.trimEnd().split("\n").length)
                .map(({ schemaVersion: _, sequence: __, previous: ___, ...action }) => ({
                    ...action,
                    who: "arn:aws:iam::111111111111:user/somebody-else",
                }));
            const next = nextSegment(head, actions);
            head = next.head;
            made.files.set(name, Buffer.from(next.text));
        }
        expect((await check(made)).wrong!.what).to.include("not the one that custody/seals/0001.dsse.json covers");
    });

    it("refuses another case's seal and signature, and a case sealed anew by another key", async () => {
        const [made, other] = [wholeCase(), wholeCase("i-0fedcba9876543210-0000000000000000")];
        made.files.set(custodySeal(2), other.files.get(custodySeal(2))!);
        expect((await check(made)).wrong).to.deep.include({ where: custodySeal(2) });

        // This case's manifest under another case's signature.
        const replayed = wholeCase();
        const own = parseSeal(replayed.files.get(custodySeal(2))!.toString());
        const foreign = parseSeal(other.files.get(custodySeal(2))!.toString());
        replayed.files.set(custodySeal(2), Buffer.from(sealText(own.payload, own.fingerprint, foreign.signature)));
        expect((await check(replayed)).wrong!.what).to.include("signature does not hold");

        // Everything made anew by somebody with a key of their own: consistent, and found out by whoever has the real key.
        const forged = wholeCase(undefined, newKeys());
        const honest = wholeCase().anchor;
        expect((await check(forged, false)).proves).to.equal("consistency");
        const verdict = await verifyCase(forged.folder(), honest, now);
        expect(verdict.wrong!.what).to.include("signed by another key");
        expect(verdict.proves).to.equal("nothing");
    });

    it("finds the last seal taken away: what came since is covered by none", async () => {
        const made = wholeCase();
        made.files.delete(custodySeal(2));
        expect((await check(made)).wrong!.what).to.match(/came after the last seal/);
        const first = wholeCase();
        first.files.delete(custodySeal(1));
        expect((await check(first)).wrong!.where).to.include(custodySeal(1));
    });

    it("does not let a later seal drop what an earlier one covered", async () => {
        const made = wholeCase();
        made.files.delete("report/report.json");
        made.append([{ what: "custody:Seal" }]);
        made.seal();
        expect((await check(made)).wrong!.what).to.include("report/report.json was sealed before");
    });

    it("holds the log against the objects: what was written and is not sealed was deleted, what nobody entered is told", async () => {
        const deleted = new SealedCase();
        deleted.write({ "a.json": "{}", "b.json": "{}" });
        deleted.files.delete("b.json");
        deleted.seal();
        expect((await check(deleted)).wrong).to.deep.include({ where: `${deleted.prefix}b.json` });
        const silent = new SealedCase();
        silent.put("c.json", "{}");
        silent.seal();
        expect((await check(silent)).wrong).to.deep.equal({ what: "No entry of the custody log tells of it", where: "c.json" });
    });

    it("holds snapshots, their hashes and locks against what analysis and custody record say", async () => {
        const edits: [string, (made: SealedCase) => void][] = [
            ["different hashes", (made) => (made.snapshots[0]!.sha256 = "6".repeat(64))],
            ["snapshot that the seal has not", (made) => (made.snapshots[0]!.snapshotId = "snap-0dddddddddddddddd")],
            ["not locked", (made) => (made.snapshots[0]!.lock = null)],
            ["was error", (made) => (made.snapshots[0]!.state = "error")],
        ];
        for (const [what, edit] of edits) {
            const made = wholeCase();
            // A signer who signs what is not so: the parts contradict each other.
            made.files.delete(custodySeal(2));
            const manifest = structuredClone(made.manifest());
            edit(Object.assign(Object.create(SealedCase.prototype) as SealedCase, { snapshots: manifest.snapshots }));
            const fresh = new SealedCase();
            for (const [name, body] of made.files) if (!name.startsWith("custody/")) fresh.write({ [name]: body.toString() });
            fresh.seal({ ...fresh.manifest(), snapshots: manifest.snapshots });
            expect((await check(fresh)).wrong?.what, what).to.include(what);
        }
    });

    it("asks in the bucket how locks stand, and finds versions that came since", async () => {
        const made = wholeCase();
        const verify = (live?: Parameters<SealedCase["bucket"]>[0]) => verifyCase(made.bucket(live), made.anchor, now);
        const intact = await verify();
        expect(intact.wrong).to.equal(null);
        expect(intact.lookedAt.join("; ")).to.include("each as it stands now").and.include("each there and locked now");
        expect((await verify({ retention: () => null })).wrong!.what).to.include("taken off");
        expect((await verify({ retention: () => ({ mode: "GOVERNANCE", until: "2027-01-01T00:00:00.000Z" }) })).wrong!.what).to.include(
            "shortened",
        );
        expect((await verify({ lockedUntil: null })).wrong!.what).to.include("lock was taken off");
        expect((await verify({ lockedUntil: "2027-01-01T00:00:00.000Z" })).wrong!.what).to.include("lock was shortened");
        expect((await verify({ gone: true })).wrong!.what).to.include("not there any more");
        const version = (name: string, versionId: string) => ({ name, versionId, latest: true, bytes: 2 });
        expect((await verify({ others: [version("restore-record.json", "v99")] })).wrong!.where).to.equal(
            "restore-record.json (version v99)",
        );
        expect((await verify({ others: [version(custodySeal(2), "v99")] })).wrong!.what).to.include("more than once");
        expect((await verify({ others: [version(custodySegment(1), "v99")] })).wrong!.what).to.include("more than once");
    });

    it("tells what was done to the case before what went on in it, which an intruder could bring about", async () => {
        const goneOn = () => {
            const made = wholeCase();
            made.write({ "errors/SendReport.0123456789abcdef.error.json": "{}" });
            return made;
        };
        expect((await check(goneOn())).wrong!.what).to.match(/came after the last seal/);
        const altered = goneOn();
        altered.files.set("report/report.json", Buffer.from(altered.files.get("report/report.json")!.toString().replace("{", "[")));
        expect((await check(altered)).wrong).to.deep.include({ where: "report/report.json" });
        const deleted = goneOn();
        deleted.files.delete("report/report.json");
        const { what, where } = (await check(deleted)).wrong!;
        expect(what).to.equal("It was sealed and is not there");
        expect(where).to.match(/^report\/report\.json /);
        const hidden = { name: "report/report.json", versionId: deleteMarker, latest: true, bytes: 0 };
        const made = goneOn();
        expect((await verifyCase(made.bucket({ others: [hidden] }), made.anchor, now)).wrong!.what).to.include("delete marker");
        expect((await verifyCase(made.bucket({ lockedUntil: null }), made.anchor, now)).wrong!.what).to.include("lock was taken off");
        // What was put in, and nothing else, is told too.
        const added = wholeCase();
        added.files.set("analysis/put-in.json", Buffer.from("{}"));
        expect((await check(added)).wrong!.where).to.equal("analysis/put-in.json");
    });

    it("says so of a folder that holds no seal", async () => {
        const made = new SealedCase();
        const { wrong, lookedAt } = await check(made);
        expect(wrong!.what).to.include("There is no seal");
        expect(lookedAt).to.deep.equal([]);
        expect(made.files.has(custodyReadme)).to.equal(true);
    });
});

describe("the custody log", () => {
    it("reads back whatever was appended, in however many segments", () => {
        const action = fc.record({ what: fc.string({ maxLength: 20 }), note: fc.option(fc.string({ maxLength: 50 }), { nil: null }) });
        fc.assert(
            fc.property(fc.array(fc.array(action, { minLength: 1, maxLength: 5 }), { maxLength: 6 }), (groups) => {
                const made = new SealedCase();
                for (const group of groups) made.append(group);
                const segments = [...made.files]
                    .filter(([name]) => name.startsWith("custody/log/"))
                    .map(([name, body]) => ({ name, text: body.toString() }));
                const chain = readChain(segments.reverse(), made.incidentId, custodySegment);
                expect(chain.problem).to.equal(null);
                expect(chain.entries.slice(2).map(({ what }) => what)).to.deep.equal(groups.flat().map(({ what }) => what));
            }),
            { numRuns: 50 },
        );
    });
});
