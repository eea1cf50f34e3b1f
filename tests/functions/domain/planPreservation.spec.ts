import { expect } from "chai";
import fc from "fast-check";
import { type Pin } from "../../../functions/domain/pins";
import { planPreservation } from "../../../functions/domain/planPreservation";
import {
    accountOf,
    mostConcurrentCopies,
    type Attempt,
    type PreservationAction,
    type PreservationState,
    type SnapshotState,
    type Stage,
    type VictimVolume,
} from "../../../functions/domain/preservation";
import { lagMilliseconds, mostGenerations, mostTries, quietMilliseconds } from "../../../functions/domain/volumePlanner";

const begin = Date.parse("2026-11-24T10:00:00.000Z");
const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
const volumesOf = (count: number): VictimVolume[] =>
    Array.from({ length: count }, (_, index) => ({ volumeId: `vol-${index}`, device: `/dev/sd${index}`, root: index === count - 1 }));

interface Held extends SnapshotState {
    account: "member" | "forensics";
    stage: Stage;
    volumeId: string;
    sharedWith: string[];
    /** Under the evidence key; a source has its volume's. */
    evidenceKey: boolean;
}

/** A world that does what a plan says, in which things become completed, EC2 lags, and somebody in the member account deletes. */
class World {
    private next = 0;
    now = begin;
    readonly held = new Map<string, Held>();
    readonly pins: Pin[] = [];
    readonly locks = new Map<string, { mode: "governance"; expiresAt: string }>();
    readonly unseen = new Map<string, number>();
    readonly deleted: string[] = [];

    constructor(
        readonly volumes: VictimVolume[],
        private readonly encrypted: (volumeId: string) => boolean,
        private readonly lag = 0,
    ) {}

    state(): PreservationState {
        const shown = [...this.held.values()].filter(({ snapshotId }) => (this.unseen.get(snapshotId) ?? 0) <= 0);
        for (const [id, left] of this.unseen) this.unseen.set(id, left - 1);
        return {
            volumes: this.volumes,
            pins: this.pins,
            snapshots: new Map(shown.map((one) => [one.snapshotId, one])),
            locks: this.locks,
            sharedWith: new Map(shown.map(({ snapshotId, sharedWith }) => [snapshotId, sharedWith])),
            strangers: new Map(),
            now: iso(this.now),
        };
    }

    private add(stage: Stage, volumeId: string, { generation, replaces }: Attempt, encrypted: boolean): void {
        const snapshotId = `snap-${this.next++}`;
        const account = accountOf(stage);
        this.held.set(snapshotId, {
            snapshotId,
            state: "pending",
            problem: null,
            encrypted,
            sizeGiB: 8,
            startedAt: iso(this.now),
            account,
            stage,
            volumeId,
            sharedWith: [],
            evidenceKey: stage !== "source",
        });
        this.unseen.set(snapshotId, this.lag);
        this.pins.push({ volumeId, stage, generation, snapshotId, madeAt: iso(this.now), ...(replaces ? { replaces } : {}) });
    }

    do(action: PreservationAction): void {
        switch (action.kind) {
            case "snapshot-all":
                for (const { volumeId } of this.volumes) this.add("source", volumeId, { generation: 1 }, this.encrypted(volumeId));
                break;
            case "snapshot-volume":
                this.add("source", action.volumeId, action, this.encrypted(action.volumeId));
                break;
            case "copy-to-share":
                expect(this.held.get(action.from)!.state).to.equal("completed");
                this.add("shared-copy", action.volumeId, action, true);
                break;
            case "share-and-copy": {
                const from = this.held.get(action.from)!;
                expect(from.state).to.equal("completed");
                // EC2 refuses to share what is encrypted under another key than one that can be shared.
                expect(
                    !from.encrypted || from.evidenceKey,
                    "only unencrypted snapshots and those under the evidence key are shared",
                ).to.equal(true);
                from.sharedWith.push("forensics");
                this.add("evidence", action.volumeId, action, true);
                break;
            }
            case "lock":
                this.locks.set(action.snapshotId, { mode: "governance", expiresAt: "2027-11-24T10:00:00.000Z" });
                break;
            case "un-share":
                // EC2 takes back what is named, and nothing else.
                expect(accountOf(this.held.get(action.snapshotId)!.stage)).to.equal("member");
                this.held.get(action.snapshotId)!.sharedWith = this.held
                    .get(action.snapshotId)!
                    .sharedWith.filter((each) => !action.from.includes(each));
                break;
            case "delete-intermediate":
                expect(this.held.get(action.snapshotId)!.stage).to.equal("shared-copy");
                this.locks.delete(action.snapshotId);
                this.held.delete(action.snapshotId);
                break;
        }
    }

    complete(chosen: boolean[]): void {
        [...this.held.values()]
            .filter(({ state }) => state === "pending")
            .forEach((one, index) => {
                if (chosen[index % chosen.length]) one.state = "completed";
            });
    }

    /** EC2 fails to make one of what is pending. */
    fail(choice: number): void {
        const pending = [...this.held.values()].filter(({ state }) => state === "pending");
        const one = pending[choice % Math.max(1, pending.length)];
        if (one) Object.assign(one, { state: "error", problem: "Given key ID is not accessible" });
    }

    /** Somebody in the member account shares a snapshot of ours with everybody, or with an account of their own: EC2 refuses the first of an encrypted one. */
    expose(choice: number): void {
        const open = [...this.held.values()].filter(({ account }) => account === "member");
        const victim = open[choice % Math.max(1, open.length)];
        if (victim) victim.sharedWith.push(victim.encrypted || choice % 2 === 0 ? "999999999999" : "all");
    }

    /** Somebody in the member account deletes a snapshot that is not locked. */
    attack(choice: number): void {
        const open = [...this.held.values()].filter(({ account, snapshotId }) => account === "member" && !this.locks.has(snapshotId));
        if (open.length === 0) return;
        const victim = open[choice % open.length]!;
        this.held.delete(victim.snapshotId);
        this.deleted.push(victim.snapshotId);
    }

    tick(): void {
        this.now += lagMilliseconds / 3;
    }
}

/** Runs to the end. @returns the last plan */
function run(
    world: World,
    completions: boolean[][],
    cuts: number[],
    attacks: (number | null)[] = [],
    exposures: (number | null)[] = [],
    failures: (number | null)[] = [],
) {
    for (let round = 0; round < 400; round++) {
        const plan = planPreservation(world.state());
        // At no moment is a volume called preserved whose copy is not complete and locked.
        for (const { evidence, lock } of plan.preserved) {
            expect(lock).to.be.an("object").that.equals(world.locks.get(evidence.snapshotId));
            expect(world.held.get(evidence.snapshotId)!.state).to.equal("completed");
        }
        const settled = new Set([
            ...plan.preserved.map(({ volume }) => volume.volumeId),
            ...plan.failures.map(({ volume }) => volume.volumeId),
        ]);
        if (settled.size === world.volumes.length && plan.actions.length === 0) return plan;
        // Something is always to be done or to be waited for.
        expect(plan.actions.length + plan.waitingFor.length).to.be.greaterThan(0);
        // A call that ends early does only the first of its actions.
        const most = round < 20 ? cuts[round % cuts.length]! % (plan.actions.length + 1) : plan.actions.length;
        plan.actions.slice(0, most).forEach((action) => world.do(action));
        for (const account of ["member", "forensics"] as const) {
            const copies = [...world.held.values()].filter(
                (one) => one.account === account && one.stage !== "source" && one.state === "pending",
            );
            expect(copies.length).to.be.at.most(mostConcurrentCopies);
        }
        const attack = attacks[round];
        if (attack !== null && attack !== undefined) world.attack(attack);
        const exposure = exposures[round];
        if (exposure !== null && exposure !== undefined) world.expose(exposure);
        const failure = failures[round];
        if (failure !== null && failure !== undefined) world.fail(failure);
        world.complete(completions[round] ?? [true]);
        world.tick();
    }
    throw new Error("the volumes were not settled in 400 rounds");
}

const completionsOf = fc.array(fc.array(fc.boolean(), { minLength: 1 }), { maxLength: 10 });

describe("planPreservation", () => {
    it("ends with one locked snapshot a volume under the evidence key, nothing shared and no intermediate, wherever it is interrupted", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 1, max: 45 }),
                fc.array(fc.boolean(), { minLength: 1 }),
                completionsOf,
                fc.array(fc.nat(), { minLength: 1 }),
                fc.integer({ min: 0, max: 2 }),
                fc.array(fc.option(fc.nat(), { nil: null }), { maxLength: 30 }),
                (count, encrypted, completions, cuts, lag, exposures) => {
                    const world = new World(volumesOf(count), (volumeId) => encrypted[Number(volumeId.slice(4)) % encrypted.length]!, lag);
                    const plan = run(world, completions, cuts, [], exposures);
                    expect(plan.failures).to.deep.equal([]);
                    expect(plan.anomalies).to.deep.equal([]);
                    expect(plan.preserved[0]!.volume.root).to.equal(true);
                    const held = [...world.held.values()];
                    for (const { volumeId } of world.volumes) {
                        const evidence = held.filter((one) => one.stage === "evidence" && one.volumeId === volumeId);
                        expect(evidence).to.have.length(1);
                        expect(evidence[0]).to.deep.include({ account: "forensics", evidenceKey: true, state: "completed" });
                        expect(world.locks.has(evidence[0]!.snapshotId)).to.equal(true);
                        expect(held.filter((one) => one.stage === "source" && one.volumeId === volumeId)).to.have.length(1);
                    }
                    expect(held.filter(({ stage }) => stage === "shared-copy")).to.deep.equal([]);
                    expect(held.filter(({ sharedWith }) => sharedWith.length > 0)).to.deep.equal([]);
                    for (const { source, sharedCopyId } of plan.preserved) expect(sharedCopyId !== null).to.equal(source.encrypted);
                },
            ),
            { numRuns: 200 },
        );
    });

    it("preserves or names every volume while somebody deletes in the member account, and tells of each loss", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 1, max: 6 }),
                fc.array(fc.boolean(), { minLength: 1 }),
                completionsOf,
                fc.array(fc.option(fc.nat(), { nil: null }), { maxLength: 60 }),
                (count, encrypted, completions, attacks) => {
                    const world = new World(volumesOf(count), (volumeId) => encrypted[Number(volumeId.slice(4)) % encrypted.length]!);
                    const told = new Set<string>();
                    const plans = [];
                    const original = world.state.bind(world);
                    world.state = () => {
                        const state = original();
                        for (const each of planPreservation(state).anomalies) told.add(each);
                        plans.push(state);
                        return state;
                    };
                    const plan = run(world, completions, [1000], attacks);
                    expect(plan.preserved.length + plan.failures.length).to.be.at.least(count);
                    // A snapshot that was replaced is named; one whose successor stands already is not needed any more.
                    for (const pin of world.pins.filter((each) => each.generation > 1)) {
                        const before = world.pins.find(
                            (one) => one.volumeId === pin.volumeId && one.stage === pin.stage && one.generation === pin.generation - 1,
                        )!;
                        expect(
                            [...told].some((sentence) => sentence.includes(before.snapshotId)),
                            `${before.snapshotId} was replaced in silence`,
                        ).to.equal(true);
                    }
                    for (const pin of world.pins) expect(pin.generation).to.be.at.most(mostGenerations);
                },
            ),
            { numRuns: 150 },
        );
    });

    it("preserves or names every volume while EC2 fails copies, leaves no failed one that it replaced, and calls none of it a deletion", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 1, max: 6 }),
                fc.array(fc.boolean(), { minLength: 1 }),
                fc.array(fc.option(fc.nat(), { nil: null }), { maxLength: 40 }),
                (count, encrypted, failures) => {
                    const world = new World(volumesOf(count), (volumeId) => encrypted[Number(volumeId.slice(4)) % encrypted.length]!);
                    const plan = run(world, [], [1000], [], [], failures);
                    const named = [...plan.preserved.map(({ volume }) => volume), ...plan.failures.map(({ volume }) => volume)];
                    expect(named.map(({ volumeId }) => volumeId)).to.have.members(world.volumes.map(({ volumeId }) => volumeId));
                    expect(plan.anomalies.filter((each) => each.includes("deleted"))).to.deep.equal([]);
                    const done = new Set(plan.preserved.map(({ volume }) => volume.volumeId));
                    for (const { volumeId } of world.volumes) {
                        const copies = [...world.held.values()].filter(
                            (each) => each.stage === "shared-copy" && each.volumeId === volumeId,
                        );
                        expect(copies.length, "the newest failure of a volume that is given up").to.be.at.most(done.has(volumeId) ? 0 : 1);
                    }
                    // A source that was taken again is of a later moment, which is told.
                    for (const pin of world.pins.filter(({ stage, replaces }) => stage === "source" && replaces))
                        if (done.has(pin.volumeId))
                            expect(plan.anomalies.join(" ")).to.include(`source snapshot`).and.include(pin.volumeId);
                },
            ),
            { numRuns: 200 },
        );
    });

    const one = volumesOf(1);
    const shown = (changes: Partial<SnapshotState> = {}): SnapshotState => ({
        snapshotId: "snap-a",
        state: "completed",
        problem: null,
        encrypted: false,
        sizeGiB: 8,
        startedAt: iso(begin),
        ...changes,
    });
    const pin = (stage: Stage, snapshotId: string, generation = 1): Pin => ({
        volumeId: "vol-0",
        stage,
        generation,
        snapshotId,
        madeAt: iso(begin),
    });
    const state = (changes: Partial<PreservationState>): PreservationState => ({
        volumes: one,
        pins: [],
        snapshots: new Map(),
        locks: new Map(),
        sharedWith: new Map(),
        strangers: new Map(),
        now: iso(begin),
        ...changes,
    });

    it("takes nothing that merely carries its tag, and says so", () => {
        const plan = planPreservation(state({ strangers: new Map([["snap-backup", "it is older than the incident"]]) }));
        expect(plan.actions).to.deep.equal([{ kind: "snapshot-all" }]);
        expect(plan.anomalies.join()).to.include("snap-backup").and.include("not used");
    });

    it("waits while EC2 lags, and takes a snapshot that stays away for deleted", () => {
        const pins = [pin("source", "snap-a")];
        expect(planPreservation(state({ pins }))).to.deep.include({ actions: [], anomalies: [] });
        const later = planPreservation(state({ pins, now: iso(begin + lagMilliseconds + 1) }));
        expect(later.actions).to.deep.equal([{ kind: "snapshot-volume", volumeId: "vol-0", generation: 2 }]);
        expect(later.anomalies.join()).to.include("snap-a").and.include("deleted");
    });

    it("gives a volume up whose snapshot was deleted again and again", () => {
        const pins = [1, 2, 3].map((generation) => pin("source", `snap-${generation}`, generation));
        const plan = planPreservation(state({ pins, now: iso(begin + lagMilliseconds + 1) }));
        expect(plan.failures).to.have.length(1);
        expect(plan.actions).to.deep.equal([]);
    });

    it("locks a snapshot while it is pending, in both accounts", () => {
        const pins = [pin("source", "snap-a"), pin("evidence", "snap-b")];
        const snapshots = new Map([shown(), shown({ snapshotId: "snap-b", state: "pending" })].map((each) => [each.snapshotId, each]));
        expect(planPreservation(state({ pins, snapshots })).actions).to.deep.equal([
            { kind: "lock", stage: "source", snapshotId: "snap-a" },
            { kind: "lock", stage: "evidence", snapshotId: "snap-b" },
        ]);
    });

    it("needs the source no longer once the locked copy is complete, and says that it is gone", () => {
        const pins = [pin("source", "snap-a"), pin("evidence", "snap-b")];
        const plan = planPreservation(
            state({
                pins,
                snapshots: new Map([["snap-b", shown({ snapshotId: "snap-b" })]]),
                locks: new Map([["snap-b", { mode: "governance", expiresAt: iso(begin) }]]),
                now: iso(begin + lagMilliseconds + 1),
            }),
        );
        expect(plan.preserved).to.have.length(1);
        expect(plan.actions).to.deep.equal([]);
        expect(plan.anomalies.join()).to.include("snap-a");
    });

    it("makes a failed copy anew at once, gives the volume up when that fails too, and tries again when it is asked later", () => {
        const error = (snapshotId: string) => shown({ snapshotId, state: "error", problem: "Given key ID is not accessible" });
        const source = shown({ encrypted: true });
        const locks = new Map([["snap-a", { mode: "governance" as const, expiresAt: iso(begin) }]]);
        const at = (now: number, pins: Pin[], ...copies: SnapshotState[]) =>
            planPreservation(
                state({
                    pins: [pin("source", "snap-a"), ...pins],
                    snapshots: new Map([source, ...copies].map((each) => [each.snapshotId, each])),
                    locks,
                    now: iso(now),
                }),
            );
        const first = pin("shared-copy", "snap-1");
        const again = { kind: "copy-to-share", volumeId: "vol-0", from: "snap-a", replaces: "failed" };
        expect(at(begin, [first], error("snap-1"))).to.deep.include({
            actions: [{ ...again, generation: 2 }],
            failures: [],
            anomalies: [],
        });

        const second: Pin = { ...pin("shared-copy", "snap-2", 2), replaces: "failed" };
        const removal = { kind: "delete-intermediate", snapshotId: "snap-1", locked: false };
        const givenUp = at(begin, [first, second], error("snap-1"), error("snap-2"));
        expect(givenUp).to.deep.include({ actions: [removal], anomalies: [] });
        expect(givenUp.failures[0]!.why).to.include("snap-2").and.include("not accessible");

        const later = at(begin + quietMilliseconds, [first, second], error("snap-2"));
        expect(later).to.deep.include({ actions: [{ ...again, generation: 3 }], failures: [], anomalies: [] });
        const many = Array.from({ length: mostTries }, (_, index) => ({ ...second, generation: index + 1 }));
        expect(at(begin + quietMilliseconds, many, error("snap-2")).failures, "not for ever").to.have.length(1);
    });

    it("makes a failed evidence copy anew, and never counts failures as deletions", () => {
        const error = shown({ snapshotId: "snap-1", state: "error" });
        const plan = planPreservation(
            state({
                pins: [pin("source", "snap-a"), pin("evidence", "snap-1")],
                snapshots: new Map([
                    ["snap-a", shown()],
                    ["snap-1", error],
                ]),
            }),
        );
        expect(plan.actions).to.deep.include({
            kind: "share-and-copy",
            volumeId: "vol-0",
            generation: 2,
            replaces: "failed",
            from: "snap-a",
        });
        const pins = [1, 2, 3, 4].map((generation): Pin => ({
            ...pin("source", `snap-${generation}`, generation),
            ...(generation > 1 ? { replaces: "failed" } : {}),
        }));
        const lost = planPreservation(state({ pins, now: iso(begin + lagMilliseconds + 1) }));
        expect(lost.actions).to.deep.equal([{ kind: "snapshot-volume", volumeId: "vol-0", generation: 5 }]);
    });

    it("fails a volume for EC2's reason and goes on with the others", () => {
        const plan = planPreservation(
            state({
                volumes: volumesOf(2),
                pins: [
                    pin("source", "snap-0"),
                    { ...pin("source", "snap-a", 2), replaces: "failed" },
                    { ...pin("source", "snap-c"), volumeId: "vol-1" },
                ],
                snapshots: new Map([
                    ["snap-a", shown({ state: "error", problem: "Given key ID is not accessible" })],
                    ["snap-c", shown({ snapshotId: "snap-c" })],
                ]),
            }),
        );
        expect(plan.failures.map(({ why }) => why).join())
            .to.include("snap-a")
            .and.include("not accessible");
        expect(plan.actions.map(({ kind }) => kind)).to.deep.equal(["lock", "share-and-copy"]);
    });

    it("waits for nobody else's copies", () => {
        const pins = [pin("source", "snap-a")];
        const snapshots = new Map([["snap-a", shown()]]);
        expect(planPreservation(state({ pins, snapshots })).actions.map(({ kind }) => kind)).to.include("share-and-copy");
    });
});
