/**
 * Makes one volume as a snapshot of a running instance has it: the tree checkpointed, the newest entries in the journal alone.
 * How: write and unmount the tree; mount again, write the newest entries, fsync them, stop the file system with its log flushed
 * (the GOINGDOWN ioctl, which xfs_io's "shutdown -f" issues for XFS and ext4) before it checkpoints, and copy the image while
 * it is still mounted: unmounting writes the buffers that a committed transaction left dirty, even after a shutdown.
 */
import * as fs from "node:fs";
import { countNames, exists, populate, remove, synchronise } from "./populate";
import { run, withLoopDevice, withMount } from "./host";
import { type Artefact, type DeletedFile, type Oddity } from "../artefacts/artefact";
import { type Entry } from "../tree/entry";

export interface VolumePlan {
    readonly image: string;
    readonly type: "xfs" | "ext4";
    /** The part of the image the file system takes. */
    readonly offsetBytes: number;
    readonly sizeBytes: number;
    readonly tree: readonly Entry[];
    readonly artefacts: readonly Artefact[];
    readonly oddities: readonly Oddity[];
    readonly deleted: readonly DeletedFile[];
}

/** `nodiscard`: the loop device would punch holes where deleted content has to stay. */
const writable = "nodiscard,noatime";
const noReplay = { xfs: "ro,norecovery,nouuid", ext4: "ro,noload" } as const;
const replay = { xfs: "ro,nouuid", ext4: "ro" } as const;

/** Writes everything into the formatted image and leaves its journal dirty. */
export function fillVolume(plan: VolumePlan): void {
    const settled = plan.artefacts.filter((artefact) => !artefact.needsJournalReplay);
    const newest = plan.artefacts.filter((artefact) => artefact.needsJournalReplay);
    const snapshot = `${plan.image}.snapshot`;
    withLoopDevice(plan.image, plan, (device) => {
        withMount(device, plan.type, writable, (mountPoint) => {
            populate(
                mountPoint,
                plan.deleted.map((deleted) => deleted.entry),
            );
            plan.deleted.forEach((deleted) => synchronise(mountPoint, deleted.entry.path));
            // The rest is written while the doomed files hold their blocks, so that nothing takes these over.
            populate(mountPoint, [
                ...plan.tree,
                ...plan.oddities.map((oddity) => oddity.entry),
                ...settled.flatMap((artefact) => artefact.entries),
            ]);
            run("sync", ["--file-system", mountPoint]);
            plan.deleted.forEach((deleted) => remove(mountPoint, deleted.entry.path));
            // Directory times again: deleting changed them.
            populate(
                mountPoint,
                plan.tree.filter((entry) => entry.kind === "directory"),
            );
        });
        withMount(device, plan.type, writable, (mountPoint) => {
            const entries = newest.flatMap((artefact) => artefact.entries);
            populate(mountPoint, entries);
            entries.forEach((entry) => synchronise(mountPoint, entry.path));
            run("xfs_io", ["-x", "-c", "shutdown -f", mountPoint]);
            fs.copyFileSync(plan.image, snapshot);
        });
    });
    fs.renameSync(snapshot, plan.image);
}

/**
 * Checks on copies that the image is what the ground truth says: the newest artefacts are missing without replay and there with it,
 * every other artefact and oddity is there, and the file system is sound once replayed.
 * @returns the number of names after replay
 */
export function verifyVolume(plan: VolumePlan): number {
    const copy = `${plan.image}.verify`;
    const onCopy = <T>(options: string, use: (mountPoint: string) => T, afterwards?: (device: string) => void): T => {
        fs.copyFileSync(plan.image, copy);
        try {
            return withLoopDevice(copy, plan, (device) => {
                const result = withMount(device, plan.type, options, use);
                afterwards?.(device);
                return result;
            });
        } finally {
            fs.rmSync(copy);
        }
    };
    const expect = (condition: boolean, problem: string): void => {
        if (!condition) {
            throw new Error(`${plan.image}: ${problem}. The image is not usable; build it again.`);
        }
    };
    onCopy(noReplay[plan.type], (mountPoint) => {
        for (const artefact of plan.artefacts) {
            expect(
                exists(mountPoint, artefact.path) !== artefact.needsJournalReplay,
                `${artefact.id} (${artefact.path}) is ${artefact.needsJournalReplay ? "already checkpointed" : "missing"} without journal replay`,
            );
        }
    });
    return onCopy(
        replay[plan.type],
        (mountPoint) => {
            plan.artefacts.forEach((artefact) =>
                expect(exists(mountPoint, artefact.path), `${artefact.id} (${artefact.path}) is missing after journal replay`),
            );
            plan.oddities.forEach((oddity) =>
                expect(exists(mountPoint, oddity.entry.path), `${oddity.id} is missing after journal replay`),
            );
            plan.deleted.forEach((deleted) => expect(!exists(mountPoint, deleted.entry.path), `${deleted.id} is still there`));
            return countNames(mountPoint);
        },
        (device) => run(plan.type === "xfs" ? "xfs_repair" : "e2fsck", plan.type === "xfs" ? ["-n", device] : ["-f", "-n", device]),
    );
}

/** Where the first surviving block of a deleted file lies on the raw image, in bytes. @throws when none survives */
export function findDeleted(image: Buffer, deleted: DeletedFile): number {
    const offset = image.indexOf(deleted.marker);
    if (offset < 0) {
        throw new Error(
            `Nothing of the deleted ${deleted.entry.path} survives in free space: every block was written over. Give it more blocks.`,
        );
    }
    return offset;
}
