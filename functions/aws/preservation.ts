/** Reading and changing the snapshots of an incident in its two accounts. What to do is decided in domain/planPreservation. */
import {
    CopySnapshotCommand,
    CreateSnapshotCommand,
    CreateSnapshotsCommand,
    LockSnapshotCommand,
    ModifySnapshotAttributeCommand,
    type EC2Client,
    type TagSpecification,
} from "@aws-sdk/client-ec2";
import type { Incident } from "../domain/containers";
import { incidentTags, type Purpose } from "../domain/tags";
import type { PreservationAction, PreservationState } from "../domain/planPreservation";
import { eventually } from "./consistency";
import { environment } from "./environment";
import { errorCode, isNotFound, NotYetError, StepError } from "./errors";
import { log, toStepError } from "./handler";
import { locksOf, pendingSnapshots, snapshotsOf } from "./snapshots";
import type { VictimVolumes } from "./victimVolumes";

/** The two accounts and what is known of the incident. */
export interface Sides {
    incident: Incident;
    victims: VictimVolumes;
    member: EC2Client;
    forensics: EC2Client;
}

async function readState({ incident, victims, member, forensics }: Sides): Promise<PreservationState> {
    const { incidentId } = incident;
    const [sources, sharedCopies, evidence, pendingInMember, pendingInForensics] = await Promise.all([
        snapshotsOf(member, incidentId, "source"),
        snapshotsOf(member, incidentId, "shared-copy"),
        snapshotsOf(forensics, incidentId, "evidence"),
        pendingSnapshots(member),
        pendingSnapshots(forensics),
    ]);
    const locks = await locksOf(
        forensics,
        evidence.map(({ snapshotId }) => snapshotId),
    );
    return {
        volumes: victims.volumes,
        sources,
        sharedCopies,
        evidence,
        locks,
        pending: { member: pendingInMember, forensics: pendingInForensics },
    };
}

/**
 * EC2's describes lag behind its creates: planning from a state without what was just made would make it twice.
 *
 * @param made ids that the state must show
 */
export async function readStateWith(sides: Sides, made: ReadonlySet<string>): Promise<PreservationState> {
    const unseen = ({ sources, sharedCopies, evidence }: PreservationState) => {
        const shown = new Set([...sources, ...sharedCopies, ...evidence].map(({ snapshotId }) => snapshotId));
        return [...made].filter((snapshotId) => !shown.has(snapshotId));
    };
    const state = await eventually(
        () => readState(sides),
        (seen) => unseen(seen).length === 0,
    );
    if (unseen(state).length > 0) throw new NotYetError(`EC2 does not show ${unseen(state).join(", ")} yet.`);
    return state;
}

function snapshotTags(incident: Incident, purpose: Purpose, source?: { volumeId: string; snapshotId: string }): TagSpecification[] {
    return [{ ResourceType: "snapshot", Tags: incidentTags(incident.incidentId, purpose, source) }];
}

const description = (incident: Incident) => `Evidence of incident ${incident.incidentId}`;

async function snapshotVolume({ incident, member }: Sides, volumeId: string): Promise<string[]> {
    try {
        const { SnapshotId } = await member.send(
            new CreateSnapshotCommand({
                VolumeId: volumeId,
                Description: description(incident),
                TagSpecifications: snapshotTags(incident, "source"),
            }),
        );
        return [SnapshotId!];
    } catch (error) {
        if (!isNotFound(error)) throw error;
        throw new StepError(
            "A volume was deleted before it could be preserved",
            volumeId,
            "Look for older snapshots of it in the member account; ask its owner what deleted it.",
            { cause: error },
        );
    }
}

async function snapshotAll(sides: Sides): Promise<string[]> {
    const { incident, member, victims } = sides;
    if (victims.foundBy === "instance") {
        try {
            // Tags are not copied from the volumes: whoever owns the instance may have written anything into them.
            const { Snapshots = [] } = await member.send(
                new CreateSnapshotsCommand({
                    InstanceSpecification: { InstanceId: incident.instance.instanceId, ExcludeBootVolume: false },
                    Description: description(incident),
                    TagSpecifications: snapshotTags(incident, "source"),
                }),
            );
            return Snapshots.map(({ SnapshotId }) => SnapshotId!);
        } catch (error) {
            if (!isNotFound(error) && !errorCode(error).startsWith("IncorrectState") && errorCode(error) !== "IncorrectInstanceState")
                throw error;
            log("the instance is gone; its volumes are preserved one by one", {
                instanceId: incident.instance.instanceId,
                error: errorCode(error),
            });
        }
    }
    const made: string[] = [];
    for (const { volumeId } of victims.volumes) made.push(...(await snapshotVolume(sides, volumeId)));
    return made;
}

async function copy(sides: Sides, where: "member" | "forensics", snapshotId: string, tags: TagSpecification[]): Promise<string[]> {
    const { region } = sides.incident.instance;
    try {
        const { SnapshotId } = await sides[where].send(
            new CopySnapshotCommand({
                SourceRegion: region,
                SourceSnapshotId: snapshotId,
                Encrypted: true,
                KmsKeyId: environment("EVIDENCE_KEY_ARN"),
                Description: description(sides.incident),
                TagSpecifications: tags,
            }),
        );
        return [SnapshotId!];
    } catch (error) {
        if (errorCode(error) !== "ResourceLimitExceeded") throw error;
        throw new NotYetError(`${snapshotId} waits for other copies in the ${where} account to end.`, { cause: error });
    }
}

async function lock(sides: Sides, snapshotId: string): Promise<string[]> {
    await sides.forensics.send(
        new LockSnapshotCommand({
            SnapshotId: snapshotId,
            LockMode: environment("LOCK_MODE"),
            LockDuration: environment("LOCK_DAYS"),
        }),
    );
    return [];
}

/** @returns ids of the snapshots it made */
async function act(sides: Sides, action: PreservationAction): Promise<string[]> {
    const { incident, member } = sides;
    switch (action.kind) {
        case "snapshot-all":
            return snapshotAll(sides);
        case "snapshot-volume":
            return snapshotVolume(sides, action.volumeId);
        case "copy-to-share":
            return copy(sides, "member", action.source.snapshotId, snapshotTags(incident, "shared-copy", action.source));
        case "share-and-copy":
            await member.send(
                new ModifySnapshotAttributeCommand({
                    SnapshotId: action.shareable.snapshotId,
                    Attribute: "createVolumePermission",
                    OperationType: "add",
                    UserIds: [environment("FORENSICS_ACCOUNT_ID")],
                }),
            );
            try {
                return await copy(sides, "forensics", action.shareable.snapshotId, snapshotTags(incident, "evidence", action.source));
            } catch (error) {
                if (!isNotFound(error)) throw error;
                throw new NotYetError(
                    `${action.shareable.snapshotId} was shared a moment ago and is not visible in the forensics account yet.`,
                    { cause: error },
                );
            }
        case "lock":
            return lock(sides, action.snapshot.snapshotId);
    }
}

/**
 * Does all actions of a plan; what one of them throws does not keep the others from being done.
 *
 * @param made takes the ids of the snapshots that were made
 * @returns what was thrown, and how many went well
 */
export async function actOnAll(
    sides: Sides,
    actions: PreservationAction[],
    made: Set<string>,
): Promise<{ done: number; problems: Error[] }> {
    const problems: Error[] = [];
    for (const action of actions) {
        try {
            for (const snapshotId of await act(sides, action)) made.add(snapshotId);
            log("preserving", { incidentId: sides.incident.incidentId, action: action.kind });
        } catch (error) {
            problems.push(toStepError("CreateSnapshots", error));
        }
    }
    return { done: actions.length - problems.length, problems };
}
