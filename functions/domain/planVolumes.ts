/**
 * Which volumes the forensic instance needs, and what to do next to have them attached: pure, from what EC2 shows.
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
    attachment: { instanceId: string; device: string; state: string; deleteOnTermination: boolean } | null;
}

export interface VolumesState {
    incidentId: string;
    evidence: Evidence;
    host: { instanceId: string; availabilityZone: string; running: boolean; devices: readonly string[] };
    volumes: readonly VolumeState[];
}

export type VolumeAction =
    | {
          kind: "create";
          purpose: "evidence" | "work";
          snapshot: EvidenceSnapshot;
          clientToken: string;
          initializationRate: number | undefined;
      }
    | { kind: "attach"; volumeId: string; device: string }
    /** So that the volume goes when the instance is terminated, whoever terminates it. */
    | { kind: "delete-on-termination"; device: string };

export interface VolumesPlan {
    actions: VolumeAction[];
    waitingFor: string[];
    /** Volumes that EC2 could not make; nothing but a person's help will change that. */
    failures: string[];
    /** In the order the analysis reads them. Complete when nothing else is left in the plan. */
    attached: ForensicVolume[];
}

/** A Nitro instance takes 28 attachments: its network interface, its root volume and these. */
export const mostVolumes = 26;
/** Volumes above this many GiB are filled from their snapshot ahead of the reads; below, reading them is as fast. */
const initializedAboveGiB = 16;
/** MiB/s, the highest rate EC2 offers. */
const initializationRate = 300;

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

/** The volumes to have. Evidence comes before work, so that no snapshot goes unread for another's convenience. */
export function wantedVolumes(evidence: Evidence): Wanted[] {
    const snapshots = [...evidence.snapshots].sort(
        (left, right) => Number(right.root) - Number(left.root) || (left.device < right.device ? -1 : 1),
    );
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

/** Plans the next actions. @throws nothing: more snapshots than fit are a failure of the plan */
export function planVolumes(state: VolumesState): VolumesPlan {
    const plan: VolumesPlan = { actions: [], waitingFor: [], failures: [], attached: [] };
    const wanted = wantedVolumes(state.evidence);
    if (wanted.length > mostVolumes) {
        plan.failures.push(`the incident has ${wanted.length} volumes and a forensic instance takes ${mostVolumes}`);
        return plan;
    }
    if (!state.host.running) plan.waitingFor.push(`${state.host.instanceId} to run`);

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
        const rank = (one: VolumeState) => `${one.attachment ? 0 : one.state === "error" ? 2 : 1}/${one.volumeId}`;
        const volume = candidates.sort((left, right) => (rank(left) < rank(right) ? -1 : 1))[0];

        if (!volume) {
            plan.actions.push({
                kind: "create",
                purpose,
                snapshot,
                clientToken: clientToken(state, want),
                initializationRate: snapshot.sizeGiB > initializedAboveGiB ? initializationRate : undefined,
            });
        } else if (volume.state === "error") {
            plan.failures.push(`${purpose} volume ${volume.volumeId} of ${snapshot.evidenceSnapshotId} is in state error`);
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
            });
        } else if (volume.state !== "available") {
            plan.waitingFor.push(`${purpose} volume ${volume.volumeId}, which is ${volume.state}`);
        } else if (state.host.running) {
            plan.actions.push({ kind: "attach", volumeId: volume.volumeId, device: free.shift()! });
        }
    }
    return plan;
}
