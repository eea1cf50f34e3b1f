/**
 * Which volumes the forensic instance needs, and what to do next to have them attached: pure, from what EC2 shows.
 *
 * One volume that cannot be made or attached is missing, with the reason; the others go on. A volume with an AWS Marketplace product
 * code attaches to a stopped instance only (EC2, AttachVolume), so the host is stopped for it, and started again.
 *
 * Each evidence snapshot becomes two volumes: one that is never mounted, and one that the analysis mounts. Where the
 * instance cannot take that many, snapshots at the end of the list (data volumes) go without a work volume, and the
 * analysis reads the evidence volume's file systems without mounting them.
 */
import { createHash } from "node:crypto";
import type { Evidence, EvidenceSnapshot, ForensicVolume } from "./containers";

/** A volume of the incident as EC2 shows it. */
export interface VolumeState {
    volumeId: string;
    purpose: "evidence" | "work";
    snapshotId: string;
    availabilityZone: string;
    /** creating, available, in-use, deleting, deleted, error. */
    state: string;
    /** It carries an AWS Marketplace product code. */
    coded: boolean;
    attachment: { instanceId: string; device: string; state: string; deleteOnTermination: boolean } | null;
}

export interface VolumesState {
    incidentId: string;
    evidence: Evidence;
    host: {
        instanceId: string;
        availabilityZone: string;
        /** EC2's word: pending, running, stopping, stopped. */
        state: string;
        devices: readonly string[];
    };
    /** What could not be made or attached before, by evidence snapshot and purpose as {@link keyOf} joins them, and why. */
    refused: ReadonlyMap<string, string>;
    volumes: readonly VolumeState[];
}

export type VolumeAction =
    | {
          kind: "create";
          of: string;
          purpose: "evidence" | "work";
          snapshot: EvidenceSnapshot;
          clientToken: string;
      }
    | { kind: "attach"; volumeId: string; device: string; of: string }
    /** For the volumes that attach to a stopped instance only, and back. */
    | { kind: "stop-host" }
    | { kind: "start-host" }
    /** So that the volume goes when the instance is terminated, whoever terminates it. */
    | { kind: "delete-on-termination"; device: string };

export interface VolumesPlan {
    actions: VolumeAction[];
    waitingFor: string[];
    /** What the analysis goes without, and why. */
    missing: MissingVolume[];
    /** In the order the analysis reads them. Complete when nothing else is left in the plan. */
    attached: ForensicVolume[];
}

/** Joins what `refused` is known by. */
export const keyOf = (snapshotId: string, purpose: "evidence" | "work") => `${purpose}/${snapshotId}`;

/** A volume the forensic instance does not have. */
export interface MissingVolume {
    /** The victim's volume. */
    sourceVolumeId: string;
    purpose: "evidence" | "work";
    why: string;
}

/** A Nitro instance takes 28 attachments: its network interface, its root volume and these. */
export const mostVolumes = 26;

/** Names EC2 admits for EBS volumes besides the root. On Nitro they are labels only: the analysis finds volumes by serial number. */
export const deviceNames: readonly string[] = [
    ..."fghijklmnop".split("").map((letter) => `/dev/sd${letter}`),
    ..."bc".split("").flatMap((first) => "abcdefghijklmnopqrstuvwxyz".split("").map((second) => `/dev/xvd${first}${second}`)),
];

/** `/dev/sdf` and `/dev/xvdf` are one place to EC2. */
const placeOf = (device: string) => device.replace(/^\/dev\/(xvd|sd)/, "");

interface Wanted {
    purpose: "evidence" | "work";
    snapshot: EvidenceSnapshot;
}

/** As they are analysed: the root volume first, then by device. */
export const inOrder = (snapshots: readonly EvidenceSnapshot[]): EvidenceSnapshot[] =>
    [...snapshots].sort((left, right) => Number(right.root) - Number(left.root) || (left.device < right.device ? -1 : 1));

/** The volumes to have. Evidence comes before work, so that no snapshot goes unread for another's convenience. */
export function wantedVolumes(evidence: { snapshots: readonly EvidenceSnapshot[] }): Wanted[] {
    const snapshots = inOrder(evidence.snapshots);
    const withWork = Math.max(0, mostVolumes - snapshots.length);
    return snapshots.flatMap((snapshot, index): Wanted[] =>
        index < withWork
            ? [
                  { purpose: "evidence", snapshot },
                  { purpose: "work", snapshot },
              ]
            : [{ purpose: "evidence", snapshot }],
    );
}

function clientToken(state: VolumesState, { purpose, snapshot }: Wanted): string {
    // With the instance: a later one gets new volumes, not a token whose volume is gone.
    return createHash("sha256")
        .update([state.incidentId, state.host.instanceId, snapshot.evidenceSnapshotId, purpose].join("/"))
        .digest("hex");
}

/** Plans the next actions. */
export function planVolumes(state: VolumesState): VolumesPlan {
    const plan: VolumesPlan = { actions: [], waitingFor: [], missing: [], attached: [] };
    const all = wantedVolumes(state.evidence);
    const wanted = all.slice(0, mostVolumes);
    for (const { purpose, snapshot } of all.slice(mostVolumes))
        plan.missing.push({
            sourceVolumeId: snapshot.volumeId,
            purpose,
            why: `a forensic instance takes ${mostVolumes} volumes, and the round has more`,
        });
    const running = state.host.state === "running";
    const stopped = state.host.state === "stopped";
    let forStopped = 0;

    const taken = new Set(
        [
            ...state.host.devices,
            ...state.volumes.flatMap(({ attachment }) => (attachment?.instanceId === state.host.instanceId ? [attachment.device] : [])),
        ].map(placeOf),
    );
    const free = deviceNames.filter((device) => !taken.has(placeOf(device)));

    for (const want of wanted) {
        const { purpose, snapshot } = want;
        // Volumes of a former forensic instance may stand in another zone or still hang on it; they are left to TearDown.
        const candidates = state.volumes.filter(
            (one) =>
                one.purpose === purpose &&
                one.snapshotId === snapshot.evidenceSnapshotId &&
                one.availabilityZone === state.host.availabilityZone &&
                one.state !== "deleting" &&
                one.state !== "deleted" &&
                (one.attachment === null || one.attachment.instanceId === state.host.instanceId),
        );
        const refusal = state.refused.get(keyOf(snapshot.evidenceSnapshotId, purpose));
        const rank = (one: VolumeState) => `${one.attachment ? 0 : one.state === "error" ? 2 : 1}/${one.volumeId}`;
        const volume = candidates.sort((left, right) => (rank(left) < rank(right) ? -1 : 1))[0];

        if (refusal !== undefined && !volume?.attachment) {
            plan.missing.push({ sourceVolumeId: snapshot.volumeId, purpose, why: refusal });
        } else if (!volume) {
            plan.actions.push({
                kind: "create",
                of: keyOf(snapshot.evidenceSnapshotId, purpose),
                purpose,
                snapshot,
                clientToken: clientToken(state, want),
            });
        } else if (volume.state === "error") {
            const why = `${purpose} volume ${volume.volumeId} of ${snapshot.evidenceSnapshotId} is in state error`;
            plan.missing.push({ sourceVolumeId: snapshot.volumeId, purpose, why });
        } else if (volume.attachment) {
            const { device, state: attachmentState, deleteOnTermination } = volume.attachment;
            if (attachmentState !== "attached") plan.waitingFor.push(`${volume.volumeId}, which is ${attachmentState}`);
            else if (!deleteOnTermination) plan.actions.push({ kind: "delete-on-termination", device });
            plan.attached.push({
                purpose,
                volumeId: volume.volumeId,
                device,
                snapshotId: snapshot.evidenceSnapshotId,
                sourceVolumeId: snapshot.volumeId,
                root: snapshot.root,
                ...(snapshot.kind === undefined ? {} : { kind: snapshot.kind }),
            });
        } else if (volume.state !== "available") {
            plan.waitingFor.push(`${purpose} volume ${volume.volumeId}, which is ${volume.state}`);
        } else if (volume.coded) {
            forStopped++;
            if (stopped)
                plan.actions.push({
                    kind: "attach",
                    volumeId: volume.volumeId,
                    device: free.shift()!,
                    of: keyOf(snapshot.evidenceSnapshotId, purpose),
                });
        } else if (running || stopped) {
            plan.actions.push({
                kind: "attach",
                volumeId: volume.volumeId,
                device: free.shift()!,
                of: keyOf(snapshot.evidenceSnapshotId, purpose),
            });
        }
    }
    if (forStopped > 0 && running) plan.actions.push({ kind: "stop-host" });
    else if (stopped && plan.actions.length === 0) plan.actions.push({ kind: "start-host" });
    if (!running) plan.waitingFor.push(`${state.host.instanceId}, which is ${state.host.state}`);
    return plan;
}
