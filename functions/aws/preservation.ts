/** Changing the snapshots of an incident in its two accounts. What to do is decided in domain/planPreservation, from what preservationState.ts reads. */
import {
    CopySnapshotCommand,
    CreateSnapshotCommand,
    CreateSnapshotsCommand,
    DeleteSnapshotCommand,
    LockSnapshotCommand,
    ModifySnapshotAttributeCommand,
    UnlockSnapshotCommand,
    type TagSpecification,
} from "@aws-sdk/client-ec2";
import type { Incident } from "../domain/containers";
import { type Pin } from "../domain/pins";
import { accountOf, isAside, type Attempt, type PreservationAction, type Stage } from "../domain/preservation";
import { incidentTags, type Purpose } from "../domain/tags";
import { environment } from "./environment";
import { errorCode, isNotFound, isTransient, NotYetError, StepError } from "./errors";
import { log, toStepError } from "./handler";
import { writePin } from "./snapshotPins";
import type { Sides } from "./preservationState";

/** Days that snapshots in the member account are locked: longer than any copy takes, short enough to be no burden there. */
const memberLockDays = 7;

/** EC2 has a code for each kind of limit; all of them end by waiting. */
const limitCodes =
    /^(ResourceLimitExceeded|(Pending|Concurrent)?SnapshotLimitExceeded|PendingSnapshotLimitExceeded|ConcurrentSnapshotLimitExceeded|SnapshotCreationPerVolumeRateExceeded)$/;

function snapshotTags(incident: Incident, purpose: Purpose, source?: { volumeId: string; snapshotId: string }): TagSpecification[] {
    return [{ ResourceType: "snapshot", Tags: incidentTags(incident.incidentId, purpose, source) }];
}

const description = (incident: Incident) => `Evidence of incident ${incident.incidentId}`;

type Made = Omit<Pin, "madeAt">;

const attemptOf = ({ generation, replaces }: Attempt): Attempt => ({ generation, ...(replaces === undefined ? {} : { replaces }) });

async function snapshotVolume({ incident, member }: Sides, volumeId: string, attempt: Attempt): Promise<Made[]> {
    try {
        const { SnapshotId } = await member.send(
            new CreateSnapshotCommand({
                VolumeId: volumeId,
                Description: description(incident),
                TagSpecifications: snapshotTags(incident, "source"),
            }),
        );
        return [{ volumeId, stage: "source", snapshotId: SnapshotId!, ...attemptOf(attempt) }];
    } catch (error) {
        if (limitCodes.test(errorCode(error))) throw new NotYetError(`${volumeId} waits for other snapshots to end.`, { cause: error });
        if (!isNotFound(error)) throw error;
        throw new StepError(
            "A volume was deleted before it could be preserved",
            volumeId,
            "Look for older snapshots of it in the member account; ask its owner what deleted it.",
            { cause: error },
        );
    }
}

/** All volumes at one point in time, where there still is an instance. @returns what EC2 answered, which may lack a volume that was detached */
async function snapshotAll(sides: Sides): Promise<Made[]> {
    const { incident, member, victims } = sides;
    const instanceId = incident.instance.instanceId;
    if (victims.foundBy !== "instance") return [];
    try {
        // Tags are not copied from the volumes: whoever owns the instance may have written anything into them.
        const { Snapshots = [] } = await member.send(
            new CreateSnapshotsCommand({
                InstanceSpecification: { InstanceId: instanceId, ExcludeBootVolume: false },
                Description: description(incident),
                TagSpecifications: snapshotTags(incident, "source"),
            }),
        );
        return Snapshots.map((one) => ({ volumeId: one.VolumeId!, stage: "source", generation: 1, snapshotId: one.SnapshotId! }));
    } catch (error) {
        if (limitCodes.test(errorCode(error))) throw new NotYetError(`${instanceId} waits for other snapshots to end.`, { cause: error });
        if (isTransient(error)) throw error;
        // One volume's fault must not keep the others from being preserved: each is tried for itself.
        log("the volumes are preserved one by one", { instanceId, error: errorCode(error) });
        return [];
    }
}

async function copy(sides: Sides, stage: Stage, action: { volumeId: string; from: string } & Attempt): Promise<Made[]> {
    const { incident } = sides;
    const account = accountOf(stage);
    try {
        const { SnapshotId } = await sides[account].send(
            new CopySnapshotCommand({
                SourceRegion: incident.instance.region,
                SourceSnapshotId: action.from,
                Encrypted: true,
                KmsKeyId: environment("EVIDENCE_KEY_ARN"),
                Description: description(incident),
                TagSpecifications: snapshotTags(incident, stage, { volumeId: action.volumeId, snapshotId: action.from }),
            }),
        );
        return [{ volumeId: action.volumeId, stage, snapshotId: SnapshotId!, ...attemptOf(action) }];
    } catch (error) {
        if (limitCodes.test(errorCode(error)))
            throw new NotYetError(`${action.from} waits for other copies in the ${account} account to end.`, { cause: error });
        if (stage === "evidence" && isNotFound(error))
            throw new NotYetError(`${action.from} was shared a moment ago and is not visible in the forensics account yet.`, {
                cause: error,
            });
        throw error;
    }
}

async function share({ member }: Sides, snapshotId: string): Promise<void> {
    await member.send(
        new ModifySnapshotAttributeCommand({
            SnapshotId: snapshotId,
            Attribute: "createVolumePermission",
            OperationType: "add",
            UserIds: [environment("FORENSICS_ACCOUNT_ID")],
        }),
    );
}

async function unShare({ member }: Sides, snapshotId: string, from: readonly string[]): Promise<void> {
    const accounts = from.filter((each) => each !== "all");
    await member.send(
        new ModifySnapshotAttributeCommand({
            SnapshotId: snapshotId,
            Attribute: "createVolumePermission",
            OperationType: "remove",
            ...(accounts.length > 0 ? { UserIds: accounts } : {}),
            ...(from.includes("all") ? { GroupNames: ["all"] } : {}),
        }),
    );
}

async function deleteIntermediate({ member }: Sides, SnapshotId: string, locked: boolean): Promise<void> {
    if (locked) await member.send(new UnlockSnapshotCommand({ SnapshotId }));
    await member.send(new DeleteSnapshotCommand({ SnapshotId }));
}

async function lock(sides: Sides, stage: Stage, SnapshotId: string): Promise<void> {
    const evidence = stage === "evidence";
    await sides[accountOf(stage)].send(
        new LockSnapshotCommand({
            SnapshotId,
            // Only evidence is locked as configured: an intermediate copy must be deleted in the end, and the member's owner pays for the source.
            LockMode: evidence ? environment("LOCK_MODE") : "governance",
            LockDuration: evidence ? environment("LOCK_DAYS") : memberLockDays,
        }),
    );
}

/** @returns the snapshots it made */
async function act(sides: Sides, action: PreservationAction): Promise<Made[]> {
    switch (action.kind) {
        case "snapshot-all": {
            const made = await snapshotAll(sides);
            if (made.length > 0) return made;
            const each = await Promise.allSettled(
                sides.victims.volumes.map(({ volumeId }) => snapshotVolume(sides, volumeId, { generation: 1 })),
            );
            const whole = each.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
            const broken = each.find((result) => result.status === "rejected");
            if (whole.length === 0 && broken) throw broken.reason;
            return whole;
        }
        case "snapshot-volume":
            return snapshotVolume(sides, action.volumeId, action);
        case "copy-to-share":
            return copy(sides, "shared-copy", action);
        case "share-and-copy":
            await share(sides, action.from);
            return copy(sides, "evidence", action);
        case "lock":
            await lock(sides, action.stage, action.snapshotId);
            return [];
        case "un-share":
            await unShare(sides, action.snapshotId, action.from);
            return [];
        case "delete-intermediate":
            await deleteIntermediate(sides, action.snapshotId, action.locked);
            return [];
    }
}

/** What an action is about, for people. */
const subjectOf = (action: PreservationAction): string =>
    "snapshotId" in action ? action.snapshotId : "from" in action ? action.from : "volumeId" in action ? action.volumeId : "the volumes";

/** What came of a plan's actions. */
export interface Acted {
    /** Everything that was made is pinned. */
    made: Pin[];
    /** Actions that went well. */
    done: number;
    /** What volumes could not be brought on by, by volume; those of all volumes together have null. */
    problems: { volumeId: string | null; error: Error }[];
    /** Actions aside of the evidence that failed, as sentences. */
    aside: string[];
}

/** Does all actions of a plan; what one of them throws does not keep the others from being done. */
export async function actOnAll(sides: Sides, actions: readonly PreservationAction[]): Promise<Acted> {
    const acted: Acted = { made: [], done: 0, problems: [], aside: [] };
    for (const action of actions) {
        try {
            const madeAt = new Date().toISOString();
            for (const made of await act(sides, action)) acted.made.push(await writePin(sides.incident, { ...made, madeAt }));
            acted.done++;
            log("preserving", { incidentId: sides.incident.incidentId, action: action.kind });
        } catch (error) {
            if (isAside(action)) {
                log("preserving: an action aside failed", { action: action.kind, subject: subjectOf(action), error: String(error) });
                acted.aside.push(`${subjectOf(action)} could not be ${asideWords[action.kind] ?? action.kind}: ${errorCode(error)}.`);
            } else
                acted.problems.push({
                    volumeId: "volumeId" in action ? action.volumeId : null,
                    error: toStepError("CreateSnapshots", error),
                });
        }
    }
    return acted;
}

const asideWords: Partial<Record<PreservationAction["kind"], string>> = {
    lock: "locked in the member account while it was copied",
    "un-share": "un-shared",
    "delete-intermediate": "deleted, though it is needed no longer",
};
