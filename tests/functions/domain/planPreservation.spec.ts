import { expect } from "chai";
import fc from "fast-check";
import {
    mostConcurrentCopies,
    planPreservation,
    type PreservationAction,
    type PreservationState,
    type SnapshotState,
    type VictimVolume,
} from "../../../functions/domain/planPreservation";

const volumesOf = (count: number): VictimVolume[] =>
    Array.from({ length: count }, (_, index) => ({ volumeId: `vol-${index}`, device: `/dev/sd${index}`, root: index === count - 1 }));
const snapshot = (changes: Partial<SnapshotState>): SnapshotState => ({
    snapshotId: "snap-0",
    volumeId: "vol-0",
    sourceSnapshotId: null,
    state: "completed",
    problem: null,
    encrypted: false,
    sizeGiB: 8,
    startedAt: "2026-11-24T10:00:00.000Z",
    ...changes,
});
const nothing: PreservationState = {
    volumes: volumesOf(2),
    sources: [],
    sharedCopies: [],
    evidence: [],
    locks: new Map(),
    pending: { member: 0, forensics: 0 },
};

/** A world that does what a plan says, with some of what is pending becoming completed between two plans. */
class World {
    private next = 0;
    private readonly made: Record<"sources" | "sharedCopies" | "evidence", SnapshotState[]> = {
        sources: [],
        sharedCopies: [],
        evidence: [],
    };
    private readonly locks = new Map<string, { mode: "governance"; expiresAt: string }>();
    readonly counts: Record<string, number> = {};

    constructor(
        private readonly volumes: VictimVolume[],
        private readonly encrypted: (volumeId: string) => boolean,
    ) {}

    state(): PreservationState {
        const pendingIn = (...lists: SnapshotState[][]) => lists.flat().filter(({ state }) => state === "pending").length;
        return {
            volumes: this.volumes,
            ...this.made,
            locks: this.locks,
            pending: { member: pendingIn(this.made.sources, this.made.sharedCopies), forensics: pendingIn(this.made.evidence) },
        };
    }

    private add(list: keyof World["made"], volumeId: string, source: SnapshotState | null, encrypted: boolean): void {
        this.made[list].push(
            snapshot({
                snapshotId: `snap-${this.next++}`,
                volumeId,
                sourceSnapshotId: source?.snapshotId ?? null,
                state: "pending",
                encrypted,
            }),
        );
        const key = `${list}/${volumeId}`;
        this.counts[key] = (this.counts[key] ?? 0) + 1;
    }

    do(action: PreservationAction): void {
        switch (action.kind) {
            case "snapshot-all":
                for (const { volumeId } of this.volumes) this.add("sources", volumeId, null, this.encrypted(volumeId));
                break;
            case "snapshot-volume":
                this.add("sources", action.volumeId, null, this.encrypted(action.volumeId));
                break;
            case "copy-to-share":
                this.add("sharedCopies", action.source.volumeId, action.source, true);
                break;
            case "share-and-copy":
                this.add("evidence", action.source.volumeId, action.source, true);
                break;
            case "lock":
                this.locks.set(action.snapshot.snapshotId, { mode: "governance", expiresAt: "2027-11-24T10:00:00.000Z" });
                break;
        }
    }

    complete(chosen: boolean[]): void {
        Object.values(this.made)
            .flat()
            .filter(({ state }) => state === "pending")
            .forEach((one, index) => {
                if (chosen[index % chosen.length]) one.state = "completed";
            });
    }
}

describe("planPreservation", () => {
    it("ends with every volume preserved, each made once, whatever completes first and wherever it is interrupted", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 1, max: 45 }),
                fc.array(fc.boolean(), { minLength: 1 }),
                fc.array(fc.array(fc.boolean(), { minLength: 1 }), { maxLength: 10 }),
                fc.array(fc.nat(), { minLength: 1 }),
                (count, encrypted, completions, cuts) => {
                    const volumes = volumesOf(count);
                    const world = new World(volumes, (volumeId) => encrypted[Number(volumeId.slice(4)) % encrypted.length]!);
                    for (let round = 0; round < 200; round++) {
                        const plan = planPreservation(world.state());
                        expect(plan.failures).to.deep.equal([]);
                        if (plan.preserved.length === count) {
                            expect(plan.actions).to.deep.equal([]);
                            expect(plan.preserved[0]!.volume.root).to.equal(true);
                            expect(Object.values(world.counts).every((times) => times === 1)).to.equal(true);
                            for (const { source, sharedCopy } of plan.preserved) expect(sharedCopy !== null).to.equal(source.encrypted);
                            return;
                        }
                        // Something is always to be done or to be waited for.
                        expect(plan.actions.length + plan.waitingFor.length).to.be.greaterThan(0);
                        // A call that ends early does only the first of its actions.
                        const most = round < 20 ? cuts[round % cuts.length]! % (plan.actions.length + 1) : plan.actions.length;
                        plan.actions.slice(0, most).forEach((action) => world.do(action));
                        const { pending } = world.state();
                        expect(pending.forensics).to.be.at.most(mostConcurrentCopies);
                        world.complete(completions[round] ?? [true]);
                    }
                    throw new Error("the volumes were not preserved in 200 rounds");
                },
            ),
            { numRuns: 200 },
        );
    });

    it("takes all volumes at one point in time, and only those that are missing one by one", () => {
        expect(planPreservation(nothing).actions).to.deep.equal([{ kind: "snapshot-all" }]);
        const half = planPreservation({ ...nothing, sources: [snapshot({ state: "pending" })] });
        expect(half.actions).to.deep.equal([{ kind: "snapshot-volume", volumeId: "vol-1" }]);
    });

    it("never plans more copies than the Region takes, whoever else copies", () => {
        fc.assert(
            fc.property(fc.nat(30), fc.nat(30), fc.boolean(), (member, forensics, encrypted) => {
                const volumes = volumesOf(30);
                const sources = volumes.map(({ volumeId }) => snapshot({ snapshotId: `snap-${volumeId}`, volumeId, encrypted }));
                const plan = planPreservation({ ...nothing, volumes, sources, pending: { member, forensics } });
                const busy = encrypted ? member : forensics;
                expect(plan.actions).to.have.length(Math.max(0, mostConcurrentCopies - busy));
                expect(plan.actions.length + plan.waitingFor.length).to.equal(30);
            }),
        );
    });

    it("goes on with the earliest of two snapshots and passes a failed one by", () => {
        const early = snapshot({ snapshotId: "snap-early" });
        const late = snapshot({ snapshotId: "snap-late", startedAt: "2026-11-24T10:00:05.000Z" });
        const sourceOf = (...sources: SnapshotState[]) =>
            planPreservation({ ...nothing, volumes: volumesOf(1), sources }).actions.map(
                (action) => action.kind === "share-and-copy" && action.source.snapshotId,
            );
        expect(sourceOf(late, early)).to.deep.equal(["snap-early"]);
        expect(sourceOf(late, { ...early, state: "error" })).to.deep.equal(["snap-late"]);
    });

    it("names what failed, and neither copies nor waits for it", () => {
        const source = snapshot({});
        const failedCopy = snapshot({
            snapshotId: "snap-copy",
            sourceSnapshotId: "snap-0",
            state: "error",
            problem: "Given key ID is not accessible",
        });
        const plan = planPreservation({ ...nothing, volumes: volumesOf(1), sources: [source], evidence: [failedCopy] });
        expect(plan).to.deep.equal({ actions: [], waitingFor: [], preserved: [], failures: [{ snapshot: failedCopy, stage: "evidence" }] });
    });

    it("does not take another volume's copy for this one's", () => {
        const plan = planPreservation({
            ...nothing,
            volumes: volumesOf(1),
            sources: [snapshot({})],
            evidence: [snapshot({ snapshotId: "snap-copy", sourceSnapshotId: "snap-other" })],
        });
        expect(plan.actions.map(({ kind }) => kind)).to.deep.equal(["share-and-copy"]);
    });
});
