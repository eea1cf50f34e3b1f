/**
 * Checks a case against its seals: the last one must cover every object there is, the log must lead to it, and a key must have signed it.
 * Pure but for what it reads through a {@link CaseSource}: a copied folder, or the evidence bucket itself.
 */
import { analysisSummarySchema } from "../analysisOutputs";
import { custodySchema } from "../containers";
import { custodyKey, custodySeal, custodySegment, incidentPrefix, objectNames, objectPrefixes, resultNames } from "../evidenceKeys";
import { parseManifest } from "../manifest";
import { analysesOf } from "../planRounds";
import { visible } from "../visibleText";
import { readChain, sha256Of, type CustodyEntry, type ReadChain } from "./custodyLog";
import { parseSeal, readPublicKey, signatureHolds, type CaseManifest, type Retention, type Seal, type SealedObject } from "./seal";
import { parsedOrNull, verifyReports } from "./verifyReports";

/** An object as it lies somewhere. */
export interface CaseObject {
    /** Below the incident's prefix. */
    name: string;
    /** Null where the place keeps no versions. */
    versionId: string | null;
    latest: boolean;
    bytes: number;
}

/** Where a case lies. */
export interface CaseSource {
    /** For people. */
    where: string;
    /** Whether every version is there, as in the bucket; a copy has the newest and those that it says it has. */
    allVersions: boolean;
    objects(): Promise<CaseObject[]>;
    /** SHA-256 of a whole object. */
    digest(object: CaseObject): Promise<string>;
    text(object: CaseObject): Promise<string>;
    /** Object Lock as it stands now; absent where nothing can be asked. */
    retention?: (object: CaseObject) => Promise<Retention | null>;
    /** Locks of snapshots as they stand now, by id; one that is not there is missing in the answer. Null: EC2 did not let us look. */
    snapshotLocks?: (ids: string[]) => Promise<Map<string, { state: string; lockedUntil: string | null }> | null>;
}

/** A public key that the reader has from elsewhere. */
export interface Anchor {
    /** Where it comes from, for people. */
    from: string;
    fingerprint: string;
    /** Null where only the fingerprint is known; the folder's key must then have it. */
    pem: string | null;
}

export interface Verdict {
    /** The first thing wrong, and where; null when nothing is. */
    wrong: { what: string; where: string } | null;
    incidentId: string | null;
    /** What was looked at, as sentences. */
    lookedAt: string[];
    /** What the signature proves: `origin` where the key came from elsewhere, `consistency` where it came with the folder. */
    proves: "origin" | "consistency" | "nothing";
    /** Whose key, as a sentence. */
    signedBy: string;
    /** The newest seal. */
    manifest: CaseManifest | null;
    entries: CustodyEntry[];
}

/** The version of an object that stands for a delete marker, in a place that has them. */
export const deleteMarker = "delete marker";

/** What ends the check. */
class Wrong extends Error {
    constructor(
        readonly what: string,
        readonly where: string,
    ) {
        super(`${what}: ${where}`);
    }
}

const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/** Checks one case. @param now milliseconds since 1970 */
export async function verifyCase(source: CaseSource, anchor: Anchor | null, now: number): Promise<Verdict> {
    const verdict: Verdict = {
        wrong: null,
        incidentId: null,
        lookedAt: [],
        proves: "nothing",
        signedBy: "no seal was read",
        manifest: null,
        entries: [],
    };
    try {
        await new Verification(source, anchor, now, verdict).run();
    } catch (error) {
        if (!(error instanceof Wrong)) throw error;
        verdict.wrong = { what: error.what, where: error.where };
        verdict.proves = "nothing";
    }
    return verdict;
}

class Verification {
    private objects: CaseObject[] = [];
    /** The first thing that came after the last seal. It is told where nothing sealed is wrong: what goes on in a case must not hide what was done to it. */
    private notCovered: Wrong | null = null;

    constructor(
        private readonly source: CaseSource,
        private readonly anchor: Anchor | null,
        private readonly now: number,
        private readonly verdict: Verdict,
    ) {}

    async run(): Promise<void> {
        this.objects = await this.source.objects();
        const seals = await this.seals();
        const last = seals.at(-1)!;
        this.verdict.manifest = last.seal.manifest;
        this.verdict.incidentId = last.seal.manifest.incidentId;
        const chain = await this.log(seals);
        this.verdict.entries = chain.entries;
        await this.everyObject(last);
        this.entriesAndObjects(last.seal.manifest, chain);
        await this.retentions(last.seal.manifest);
        await this.analysis(last.seal.manifest);
        await this.snapshots(last.seal.manifest);
        if (this.notCovered) throw this.notCovered;
    }

    private latest(name: string): CaseObject | undefined {
        return this.objects.find((object) => object.name === name && object.latest);
    }

    private async readText(name: string): Promise<string | null> {
        const object = this.latest(name);
        return object ? this.source.text(object) : null;
    }

    /** Reads every seal and holds each against the key and the one before it. */
    private async seals(): Promise<{ name: string; text: string; seal: Seal }[]> {
        const names = [
            ...new Set(this.objects.map(({ name }) => name).filter((name) => name.startsWith(objectPrefixes.custodySeals))),
        ].sort();
        if (names.length === 0) throw new Wrong("There is no seal, so nothing can be proved", `${this.source.where} (${custodySeal(1)})`);
        const read: { name: string; text: string; seal: Seal }[] = [];
        for (const [index, name] of names.entries()) {
            const expected = custodySeal(index + 1);
            if (name !== expected)
                throw new Wrong("A seal is missing, or a file stands among the seals that is none", `${expected} (found ${name})`);
            if (this.objects.filter((object) => object.name === name).length > 1)
                throw new Wrong("The seal was written more than once", name);
            const text = (await this.readText(name)) ?? "";
            let seal: Seal;
            try {
                seal = parseSeal(text);
            } catch (error) {
                throw new Wrong(`The seal cannot be read: ${(error as Error).message}`, name);
            }
            await this.signature(seal, name);
            const { manifest } = seal;
            if (manifest.seal !== index + 1) throw new Wrong(`The seal says that it is number ${manifest.seal}: it was moved here`, name);
            const before = read.at(-1);
            if (before && manifest.incidentId !== before.seal.manifest.incidentId)
                throw new Wrong(`The seal is of another case, ${manifest.incidentId}`, name);
            if (manifest.prefix !== incidentPrefix(manifest.incidentId))
                throw new Wrong(`The seal covers ${manifest.prefix}, which is not its incident's`, name);
            if (manifest.previousSeal !== (before ? sha256Of(before.text) : null))
                throw new Wrong("The seal does not follow from the one before it, which was changed or replaced", name);
            this.neverLost(before?.seal.manifest ?? null, manifest, name);
            read.push({ name, text, seal });
        }
        this.verdict.lookedAt.push(`${count(read.length, "seal")}, the newest of ${read.at(-1)!.seal.manifest.sealedAt}`);
        return read;
    }

    /** What a seal covered, every later one must cover. */
    private neverLost(before: CaseManifest | null, after: CaseManifest, name: string): void {
        const later = new Set(after.objects.map((object) => `${object.name}\0${object.versionId}\0${object.sha256}`));
        for (const object of before?.objects ?? [])
            if (!later.has(`${object.name}\0${object.versionId}\0${object.sha256}`))
                throw new Wrong(`${object.name} was sealed before and is not in this seal: it was deleted or changed`, name);
        const snapshots = new Set(after.snapshots.map(({ snapshotId }) => snapshotId));
        for (const { snapshotId } of before?.snapshots ?? [])
            if (!snapshots.has(snapshotId)) throw new Wrong(`${snapshotId} was sealed before and is not in this seal`, name);
    }

    private async signature(seal: Seal, name: string): Promise<void> {
        const { fingerprint, manifest } = seal;
        const { anchor } = this;
        if (anchor && anchor.fingerprint !== fingerprint)
            throw new Wrong(`It was signed by another key (${fingerprint}) than ${anchor.from} (${anchor.fingerprint})`, name);
        const pem = anchor?.pem ?? (await this.ownKey(fingerprint, name));
        if (!signatureHolds(seal, pem))
            throw new Wrong("The signature does not hold: the manifest was changed, or another key signed it", name);
        this.verdict.proves = anchor ? "origin" : "consistency";
        this.verdict.signedBy = anchor
            ? `Signed by the key that you trust: ${anchor.from}, ${fingerprint}. The seal names it ${manifest.key.arn}.`
            : `Signed by the key that came with it, ${fingerprint}, which says of itself that it is ${manifest.key.arn}. That proves consistency, not origin: whoever could write the case could have made the key. Give the key that you have from the forensics account: --key FILE or --fingerprint SHA256:….`;
    }

    /** The key beside the seals. */
    private async ownKey(fingerprint: string, seal: string): Promise<string> {
        const name = custodyKey(fingerprint);
        const text = await this.readText(name);
        if (text === null) throw new Wrong(`The public key of ${seal} is not there`, name);
        try {
            const key = readPublicKey(text);
            if (key.fingerprint === fingerprint) return key.pem;
        } catch {
            // no key at all
        }
        throw new Wrong(`It is not the public key that ${seal} names (${fingerprint})`, name);
    }

    private async log(seals: { name: string; seal: Seal }[]): Promise<ReadChain> {
        const names = [
            ...new Set(this.objects.map(({ name }) => name).filter((name) => name.startsWith(objectPrefixes.custodyLog))),
        ].sort();
        for (const name of names)
            if (this.objects.filter((object) => object.name === name).length > 1)
                throw new Wrong("A part of the log was written more than once", name);
        const segments: { name: string; text: string }[] = [];
        for (const name of names) segments.push({ name, text: (await this.readText(name)) ?? "" });
        const incidentId = seals.at(-1)!.seal.manifest.incidentId;
        const chain = readChain(segments, incidentId, custodySegment);
        // A changed entry shows in the one behind it; the seal knows which segment it was.
        const sealedAs = new Map(seals.at(-1)!.seal.manifest.objects.map((each) => [each.name, each.sha256]));
        const changed = segments.find(({ name, text }) => sealedAs.has(name) && sealedAs.get(name) !== sha256Of(text))?.name;
        if (chain.problem) throw new Wrong(`The custody log is broken: ${chain.problem.what}`, changed ?? chain.problem.segment);
        for (const { name, seal } of seals) {
            const { log } = seal.manifest;
            const there = chain.heads[log.segments - 1];
            if (!there)
                throw new Wrong(
                    `${name} covers ${log.entries} entries of the log and ${chain.head.entries} are left: its end was cut off`,
                    custodySegment(log.segments),
                );
            if (there.entries !== log.entries || there.sha256 !== log.sha256)
                throw new Wrong(`The log is not the one that ${name} covers`, changed ?? custodySegment(log.segments));
        }
        const sealed = seals.at(-1)!.seal.manifest.log;
        if (chain.head.segments > sealed.segments)
            this.notCovered ??= new Wrong(
                `${count(chain.head.entries - sealed.entries, "entry", "entries")} of the log came after the last seal and no seal covers them; seal the case again`,
                custodySegment(sealed.segments + 1),
            );
        this.verdict.lookedAt.push(
            `${count(chain.entries.length, "entry", "entries")} of the custody log in ${count(segments.length, "segment")}`,
        );
        return chain;
    }

    /** Every object that there is, against the manifest, and the other way about. */
    private async everyObject({ seal: { manifest }, name: lastSeal }: { name: string; seal: Seal }): Promise<void> {
        const key = (each: { name: string; versionId: string | null }) => `${each.name}\0${each.versionId ?? ""}`;
        const sealed = new Map<string, SealedObject>(manifest.objects.map((each) => [key(each), each]));
        const newest = new Map(manifest.objects.filter(({ latest }) => latest).map((each) => [each.name, each]));
        const names = new Set(manifest.objects.map(({ name }) => name));
        const found = new Set<SealedObject>();
        for (const object of [...this.objects].sort((left, right) => left.name.localeCompare(right.name))) {
            if (object.name === lastSeal) continue;
            const version = object.versionId === null ? "" : ` (version ${object.versionId})`;
            if (object.versionId === deleteMarker)
                throw new Wrong("A delete marker hides it from readers; its versions are still there", object.name);
            const entry = object.versionId === null ? newest.get(object.name) : sealed.get(key(object));
            if (!entry) {
                const wrong = new Wrong(
                    "No seal covers it: it was put there, or written anew, after the case was sealed",
                    `${object.name}${version}`,
                );
                if (names.has(object.name)) throw wrong;
                this.notCovered ??= wrong;
                continue;
            }
            if (this.source.allVersions && object.latest !== entry.latest)
                throw new Wrong("Another version is the newest now than when the case was sealed", `${object.name}${version}`);
            if (object.bytes !== entry.bytes)
                throw new Wrong(`It has ${object.bytes} bytes and was sealed with ${entry.bytes}`, `${object.name}${version}`);
            if ((await this.source.digest(object)) !== entry.sha256)
                throw new Wrong("Its content is not what was sealed: the SHA-256 differs", `${object.name}${version}`);
            found.add(entry);
        }
        const absent = manifest.objects.filter((each) => !found.has(each));
        const missing = absent.find(({ latest }) => latest || this.source.allVersions);
        if (missing)
            throw new Wrong(
                "It was sealed and is not there",
                `${missing.name}${missing.versionId ? ` (version ${missing.versionId})` : ""}`,
            );
        this.verdict.lookedAt.push(
            `${count(found.size, "object")} with size and SHA-256${absent.length > 0 ? `; not in this copy: ${count(absent.length, "earlier version")}` : ""}`,
        );
    }

    /** Whatever the log says was written must be sealed, and whatever is sealed must be in the log. */
    private entriesAndObjects({ prefix, objects, log }: CaseManifest, { entries }: ReadChain): void {
        const version = (name: string, versionId: string | null) => `${name}\0${versionId ?? ""}`;
        const sealed = new Map(objects.map((each) => [version(each.name, each.versionId), each]));
        const logged = new Set<string>();
        for (const { object, error, sequence } of entries.slice(0, log.entries)) {
            if (object === null || error !== null) continue;
            const name = object.key.slice(prefix.length);
            const entry = sealed.get(version(name, object.versionId));
            if (!object.key.startsWith(prefix) || !entry)
                throw new Wrong(
                    `Entry ${sequence} of the log tells that it was written, and no seal covers it: it was deleted`,
                    object.key,
                );
            if (object.sha256 !== null && object.sha256 !== entry.sha256)
                throw new Wrong(`Entry ${sequence} of the log has another SHA-256 of it than the seal`, object.key);
            logged.add(version(name, object.versionId));
        }
        for (const each of objects)
            if (!each.name.startsWith(objectPrefixes.custodyLog) && !each.name.startsWith(objectPrefixes.custodySeals))
                if (!logged.has(version(each.name, each.versionId))) throw new Wrong("No entry of the custody log tells of it", each.name);
    }

    private async retentions({ objects, sealedAt }: CaseManifest): Promise<void> {
        let ended = 0;
        for (const { name, retention } of objects) {
            if (retention === null || retention.until <= sealedAt) throw new Wrong("No Object Lock held it when the case was sealed", name);
            if (Date.parse(retention.until) <= this.now) ended++;
        }
        const asRecorded = `Object Lock as recorded: ${count(objects.length, "object")}${ended > 0 ? `, of which ${ended} are past their end by now` : ""}`;
        if (!this.source.retention) {
            this.verdict.lookedAt.push(`${asRecorded} (a copy cannot be asked how it stands now)`);
            return;
        }
        const byVersion = new Map(this.objects.map((each) => [`${each.name}\0${each.versionId}`, each]));
        for (const each of objects) {
            const live = await this.source.retention(byVersion.get(`${each.name}\0${each.versionId}`)!);
            const recorded = each.retention!;
            if (live === null) throw new Wrong(`Its Object Lock was taken off; it was to hold until ${recorded.until}`, each.name);
            if (live.until < recorded.until)
                throw new Wrong(`Its Object Lock was shortened from ${recorded.until} to ${live.until}`, each.name);
            if (recorded.mode === "COMPLIANCE" && live.mode !== "COMPLIANCE")
                throw new Wrong("Its Object Lock is no longer in compliance mode", each.name);
        }
        this.verdict.lookedAt.push(`${asRecorded}, and each as it stands now`);
    }

    /** The analysis' own manifest, what the reports are of, and the hash of each volume. */
    private async analysis(manifest: CaseManifest): Promise<void> {
        const { objects, snapshots } = manifest;
        const sealed = new Map(objects.filter(({ latest }) => latest).map((each) => [each.name, each]));
        let listed = 0;
        for (const name of sealed.keys()) {
            if (!name.startsWith(objectPrefixes.analysis) || !name.endsWith(`/${resultNames.manifest}`)) continue;
            const folder = name.slice(0, -resultNames.manifest.length);
            for (const entry of parseManifest((await this.readText(name)) ?? "").entries) {
                const object = sealed.get(`${folder}${entry.name}`);
                if (!object) throw new Wrong(`${name} lists it, and it is not in the case`, `${folder}${entry.name}`);
                if (object.sha256 !== entry.sha256)
                    throw new Wrong(`${name} has another SHA-256 of it than the seal`, `${folder}${entry.name}`);
                listed++;
            }
        }
        if (listed > 0) this.verdict.lookedAt.push(`${count(listed, "result")} of the analysis against its own manifest`);
        const reports = await verifyReports(manifest, (name) => this.readText(name));
        if (reports.wrong) throw new Wrong(reports.wrong.what, reports.wrong.where);
        if (reports.editions > 0)
            this.verdict.lookedAt.push(`${count(reports.editions, "edition")} of the report against page and results`);
        if (reports.unread > 0)
            this.verdict.lookedAt.push(
                `${count(reports.unread, "record")} of a report, which cannot be understood and were compared with nothing`,
            );
        const custody = await this.readText(objectNames.custody);
        if (custody === null) return;
        const parsed = custodySchema.safeParse(parsedOrNull(custody));
        if (!parsed.success) throw new Wrong("The custody record does not match its schema", objectNames.custody);
        const recorded = parsed.data;
        for (const one of recorded.evidence.snapshots) {
            const snapshot = snapshots.find(({ snapshotId }) => snapshotId === one.evidenceSnapshotId);
            if (!snapshot || snapshot.volumeId !== one.volumeId || snapshot.sourceSnapshotId !== one.sourceSnapshotId)
                throw new Wrong("The custody record names a snapshot that the seal has not, or has otherwise", one.evidenceSnapshotId);
        }
        for (const { resultsPrefix } of analysesOf(recorded)) await this.volumeHashes(resultsPrefix, snapshots);
    }

    /** What one analysis' summary says of the volumes that it hashed. */
    private async volumeHashes(resultsPrefix: string, snapshots: CaseManifest["snapshots"]): Promise<void> {
        const summary = await this.readText(`${resultsPrefix}${resultNames.summary}`);
        if (summary === null) return;
        const read = analysisSummarySchema.safeParse(parsedOrNull(summary));
        if (!read.success) {
            this.verdict.lookedAt.push("the analysis' summary, which is no summary, so that its hashes of volumes were not compared");
            return;
        }
        for (const volume of read.data.volumes) {
            const snapshot = snapshots.find(({ snapshotId }) => snapshotId === volume.snapshotId);
            if (volume.evidenceSha256Before === null || !snapshot) continue;
            if (snapshot.sha256 !== volume.evidenceSha256Before)
                throw new Wrong("The analysis and the seal have different hashes of it", `${snapshot.snapshotId} (${volume.volumeId})`);
        }
    }

    private async snapshots({ snapshots, sealedAt }: CaseManifest): Promise<void> {
        for (const { snapshotId, state, lock } of snapshots) {
            if (state !== "completed") throw new Wrong(`The snapshot was ${state} when the case was sealed`, snapshotId);
            if (lock === null || lock.expiresAt <= sealedAt)
                throw new Wrong("The snapshot was not locked when the case was sealed", snapshotId);
        }
        const hashed = snapshots.filter(({ sha256 }) => sha256 !== null).length;
        const what = `${count(snapshots.length, "snapshot")}, ${hashed} of them with the SHA-256 of the whole volume`;
        const live = this.source.snapshotLocks ? await this.source.snapshotLocks(snapshots.map(({ snapshotId }) => snapshotId)) : undefined;
        if (!live) {
            this.verdict.lookedAt.push(
                `${what}, locks as recorded (${live === null ? "EC2 did not let us look how they stand now" : "a copy cannot be asked how they stand now"})`,
            );
            return;
        }
        for (const { snapshotId, lock } of snapshots) {
            const now = live.get(snapshotId);
            if (!now) throw new Wrong("The snapshot is not there any more", snapshotId);
            if (now.lockedUntil === null)
                throw new Wrong(`The snapshot's lock was taken off; it was to hold until ${lock!.expiresAt}`, snapshotId);
            if (now.lockedUntil < lock!.expiresAt)
                throw new Wrong(`The snapshot's lock was shortened from ${lock!.expiresAt} to ${now.lockedUntil}`, snapshotId);
        }
        this.verdict.lookedAt.push(`${what}, each there and locked now`);
    }
}

/** What people read of a verdict. */
export function verdictLines({ wrong, incidentId, lookedAt, proves, signedBy, manifest }: Verdict, where: string): string[] {
    return [
        `Case ${incidentId ?? "unknown"} in ${where}`,
        `Looked at: ${lookedAt.length > 0 ? lookedAt.join("; ") : "nothing that could be read"}.`,
        ...(manifest?.notes ?? []).map((note) => `Noted when it was sealed: ${visible(note)}`),
        ...(wrong
            ? [`WRONG: ${wrong.what}.`, `  where: ${wrong.where}`, "The check ends at the first thing that is wrong; there may be more."]
            : [proves === "origin" ? "INTACT, and of the account that you trust." : "INTACT in itself (consistent).", signedBy]),
    ];
}
