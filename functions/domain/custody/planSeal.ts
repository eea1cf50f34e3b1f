/** What of a case has to be sealed, and whether there is anything. Pure. */
import { objectPrefixes } from "../evidenceKeys";
import type { CustodyAction, CustodyEntry, ReadChain } from "./custodyLog";
import type { CaseManifest, SealedObject, SealedSnapshot } from "./seal";

const isOf = (prefix: string) => (object: { name: string }) => object.name.startsWith(prefix);
const isLog = isOf(objectPrefixes.custodyLog);
const isSeal = isOf(objectPrefixes.custodySeals);
const version = (name: string, versionId: string | null) => `${name}\0${versionId ?? ""}`;

/** Objects that no entry of the log tells of: their writer has no log, as a forensic instance, or died before its end. */
export function unrecorded(
    objects: readonly { name: string; versionId: string | null }[],
    entries: readonly CustodyEntry[],
    prefix: string,
): Set<string> {
    const told = new Set(
        entries.flatMap(({ object, error }) =>
            object && error === null ? [version(object.key.slice(prefix.length), object.versionId)] : [],
        ),
    );
    return new Set(
        objects
            .filter((each) => !isLog(each) && !isSeal(each))
            .map((each) => version(each.name, each.versionId))
            .filter((each) => !told.has(each)),
    );
}

/** What the seal enters about an object that it found. */
export function foundAction(object: SealedObject, incidentId: string, prefix: string, at: string): CustodyAction {
    const host = /^analysis\/[^/:]+:(i-[0-9a-f]+)\//.exec(object.name)?.[1];
    return {
        incidentId,
        at,
        who: null,
        step: "SealCustody",
        what: "custody:FoundObject",
        requestId: null,
        object: { key: `${prefix}${object.name}`, versionId: object.versionId, sha256: object.sha256, bytes: object.bytes },
        resources: host ? [host] : [],
        error: null,
        note: host
            ? `Written at ${object.writtenAt} by the forensic instance ${host}: its role lets nobody else write there.`
            : `Written at ${object.writtenAt}; its writer left no entry, so CloudTrail's data events of the bucket say who it was.`,
    };
}

/** Objects that a manifest lists now: everything but seals that are not there yet and segments behind the log's end. */
export function sealable(objects: readonly SealedObject[], segments: number, segmentName: (number: number) => string): SealedObject[] {
    return objects
        .filter((object) => !isLog(object) || object.name <= segmentName(segments))
        .sort((left, right) => left.name.localeCompare(right.name) || (left.versionId ?? "").localeCompare(right.versionId ?? ""));
}

/** What came since the last seal: nothing means that there is nothing to seal. */
export function sinceLastSeal(
    last: CaseManifest | null,
    objects: readonly { name: string; versionId: string | null }[],
    chain: Pick<ReadChain, "head">,
): { objects: string[]; entries: number } {
    const covered = new Set(last?.objects.map((each) => version(each.name, each.versionId)));
    return {
        objects: objects
            .filter((each) => !isLog(each) && !isSeal(each) && !covered.has(version(each.name, each.versionId)))
            .map(({ name }) => name),
        entries: chain.head.entries - (last?.log.entries ?? 0),
    };
}

/** A snapshot as it was pinned, with how it stands. */
export interface PinnedSnapshot extends SealedSnapshot {
    generation: number;
}

/**
 * Snapshots of the manifest: of each volume the newest evidence that is complete and locked. What was sealed before stays, however it stands
 * now; a volume without any is noted.
 */
export function sealedSnapshots(
    pinned: readonly PinnedSnapshot[],
    before: CaseManifest | null,
): { snapshots: SealedSnapshot[]; notes: string[] } {
    const sealedBefore = new Set(before?.snapshots.map(({ snapshotId }) => snapshotId));
    const snapshots: SealedSnapshot[] = [];
    const notes: string[] = [];
    for (const volumeId of [...new Set(pinned.map((each) => each.volumeId))].sort()) {
        const ofVolume = pinned.filter((each) => each.volumeId === volumeId).sort((left, right) => right.generation - left.generation);
        const newest = ofVolume.find(({ state, lock }) => state === "completed" && lock !== null);
        const kept = ofVolume.filter((each) => each === newest || sealedBefore.has(each.snapshotId));
        snapshots.push(...kept.map(({ generation: _, ...snapshot }) => snapshot));
        if (!newest)
            notes.push(
                `${volumeId} has no complete and locked snapshot: ${ofVolume.map(({ snapshotId, state }) => `${snapshotId} is ${state}`).join(", ")}.`,
            );
    }
    return { snapshots, notes };
}
