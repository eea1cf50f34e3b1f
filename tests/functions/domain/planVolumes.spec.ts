import { expect } from "chai";
import fc from "fast-check";
import type { Evidence } from "../../../functions/domain/containers";
import {
    deviceNames,
    mostVolumes,
    keyOf,
    planVolumes,
    wantedVolumes,
    type VolumesState,
    type VolumeState,
} from "../../../functions/domain/planVolumes";

const host = "i-0123456789abcdef0";
const lock = { mode: "governance" as const, expiresAt: "2027-11-24T10:00:00.000Z" };
const evidenceOf = (sizes: number[]): Evidence => ({
    schemaVersion: 1,
    incidentId: "i-1-1",
    missing: [],
    anomalies: [],
    completedAt: "2026-11-24T10:00:00.000Z",
    snapshots: sizes.map((sizeGiB, index) => ({
        volumeId: `vol-source-${index}`,
        device: `/dev/sd${index}`,
        root: index === sizes.length - 1,
        sizeGiB,
        sourceEncrypted: false,
        sourceSnapshotId: `snap-source-${index}`,
        sharedSnapshotId: null,
        evidenceSnapshotId: `snap-${index}`,
        startedAt: "2026-11-24T10:00:00.000Z",
        lock,
    })),
});
const stateOf = (evidence: Evidence, devices: string[] = ["/dev/xvda"], state = "running"): VolumesState => ({
    incidentId: "i-1-1",
    evidence,
    host: { instanceId: host, availabilityZone: "eu-west-1a", state, devices },
    refused: new Map(),
    volumes: [],
});
const place = (device: string) => device.replace(/^\/dev\/(xvd|sd)/, "");

/** Does what a plan says. Volumes become available when the caller says so. */
function act(state: VolumesState, most: number, tokens: Map<string, string>): VolumesState {
    let volumes: VolumeState[] = [...state.volumes];
    for (const action of planVolumes(state).actions.slice(0, most)) {
        if (action.kind === "create" && !tokens.has(action.clientToken)) {
            tokens.set(action.clientToken, `vol-${tokens.size}`);
            volumes.push({
                volumeId: `vol-${tokens.size}`,
                purpose: action.purpose,
                snapshotId: action.snapshot.evidenceSnapshotId,
                availabilityZone: "eu-west-1a",
                state: "creating",
                coded: false,
                attachment: null,
            });
        } else if (action.kind === "attach") {
            volumes = volumes.map((one) =>
                one.volumeId === action.volumeId
                    ? {
                          ...one,
                          state: "in-use",
                          attachment: { instanceId: host, device: action.device, state: "attached", deleteOnTermination: false },
                      }
                    : one,
            );
        } else if (action.kind === "delete-on-termination") {
            volumes = volumes.map((one) =>
                one.attachment?.device === action.device ? { ...one, attachment: { ...one.attachment, deleteOnTermination: true } } : one,
            );
        }
    }
    return { ...state, volumes };
}

describe("planVolumes", () => {
    it("ends with every snapshot attached on devices of its own, whatever is taken and wherever it is interrupted", () => {
        fc.assert(
            fc.property(
                fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: mostVolumes }),
                fc.subarray([...deviceNames, "/dev/xvda", "/dev/xvdf", "/dev/sdh"], { maxLength: 20 }),
                fc.array(fc.nat(30), { maxLength: 12 }),
                (sizes, devices, cuts) => {
                    const evidence = evidenceOf(sizes);
                    const tokens = new Map<string, string>();
                    let state = stateOf(evidence, devices);
                    for (let round = 0; round < 40; round++) {
                        state = act(state, cuts[round] ?? Infinity, tokens);
                        state = {
                            ...state,
                            volumes: state.volumes.map((one) => (one.state === "creating" ? { ...one, state: "available" } : one)),
                        };
                    }
                    const plan = planVolumes(state);
                    expect(plan.actions).to.deep.equal([]);
                    expect(plan.waitingFor).to.deep.equal([]);
                    const places = plan.attached.map(({ device }) => place(device));
                    expect(new Set(places).size).to.equal(plan.attached.length);
                    expect(places.filter((one) => devices.map(place).includes(one))).to.deep.equal([]);
                    expect(
                        plan.attached.filter(({ purpose }) => purpose === "evidence").map(({ snapshotId }) => snapshotId),
                    ).to.have.members(evidence.snapshots.map(({ evidenceSnapshotId }) => evidenceSnapshotId));
                    expect(plan.attached).to.have.length(wantedVolumes(evidence).length);
                    expect(state.volumes).to.have.length(plan.attached.length);
                    expect(plan.attached[0]).to.include({ root: true, purpose: "evidence" });
                },
            ),
            { numRuns: 150 },
        );
    });

    it("wants a work volume of every snapshot as far as the instance takes them, the root's first", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: mostVolumes }), (count) => {
                const wanted = wantedVolumes(evidenceOf(Array.from({ length: count }, () => 8)));
                expect(wanted.length).to.be.at.most(mostVolumes);
                expect(wanted.filter(({ purpose }) => purpose === "evidence")).to.have.length(count);
                expect(wanted.filter(({ purpose }) => purpose === "work")).to.have.length(Math.min(count, mostVolumes - count));
                if (count < mostVolumes) expect(wanted.find(({ purpose }) => purpose === "work")!.snapshot.root).to.equal(true);
            }),
        );
    });

    it("takes as many snapshots as an instance takes volumes, the root's first, and names the others", () => {
        const plan = planVolumes(stateOf(evidenceOf(Array.from({ length: mostVolumes + 2 }, () => 8))));
        const creates = plan.actions.filter(({ kind }) => kind === "create");
        expect(creates).to.have.length(mostVolumes);
        expect(plan.missing.map(({ purpose }) => purpose)).to.deep.equal(["evidence", "evidence"]);
        expect(plan.missing[0]!.why).to.include(`${mostVolumes} volumes`);
    });

    const standing = (snapshot: number, changes: Partial<VolumeState> = {}): VolumeState => ({
        volumeId: `vol-of-${snapshot}-${changes.purpose ?? "evidence"}`,
        purpose: "evidence",
        snapshotId: `snap-${snapshot}`,
        availabilityZone: "eu-west-1a",
        state: "available",
        coded: false,
        attachment: null,
        ...changes,
    });
    const both = (snapshot: number, changes: Partial<VolumeState> = {}) => [
        standing(snapshot, changes),
        standing(snapshot, { ...changes, purpose: "work" }),
    ];

    it("goes on without a volume that EC2 could not make or will not attach, and names it", () => {
        const state = stateOf(evidenceOf([8, 8]));
        const plan = planVolumes({ ...state, volumes: [...both(0, { state: "error" }), ...both(1)] });
        expect(plan.actions.map(({ kind }) => kind)).to.deep.equal(["attach", "attach"]);
        expect(plan.missing.map(({ sourceVolumeId }) => sourceVolumeId)).to.deep.equal(["vol-source-0", "vol-source-0"]);
        const refused = new Map([[keyOf("snap-0", "evidence"), "OptInRequired"]]);
        expect(planVolumes({ ...state, volumes: [...both(0), ...both(1)], refused }).missing).to.deep.equal([
            { sourceVolumeId: "vol-source-0", purpose: "evidence", why: "OptInRequired" },
        ]);
    });

    it("stops the host for a volume with a Marketplace product code, and starts it again when all are attached", () => {
        const evidence = evidenceOf([8]);
        const coded = both(0, { coded: true });
        expect(planVolumes({ ...stateOf(evidence), volumes: coded }).actions).to.deep.equal([{ kind: "stop-host" }]);
        expect(planVolumes({ ...stateOf(evidence, ["/dev/xvda"], "stopping"), volumes: coded })).to.deep.include({ actions: [] });
        const stopped = planVolumes({ ...stateOf(evidence, ["/dev/xvda"], "stopped"), volumes: coded });
        expect(stopped.actions.map(({ kind }) => kind)).to.deep.equal(["attach", "attach"]);
        const attached = coded.map((one, index) => ({
            ...one,
            state: "in-use",
            attachment: { instanceId: host, device: `/dev/sd${"fg"[index]}`, state: "attached", deleteOnTermination: true },
        }));
        const after = planVolumes({ ...stateOf(evidence, ["/dev/xvda"], "stopped"), volumes: attached });
        expect(after.actions).to.deep.equal([{ kind: "start-host" }]);
        expect(planVolumes({ ...stateOf(evidence), volumes: attached })).to.deep.include({ actions: [], waitingFor: [], missing: [] });
    });

    it("makes volumes while the instance starts, and attaches none before it runs", () => {
        const evidence = evidenceOf([8]);
        const state = { ...act(stateOf(evidence, [], "pending"), Infinity, new Map()) };
        expect(state.volumes).to.have.length(2);
        const plan = planVolumes({ ...state, volumes: state.volumes.map((one) => ({ ...one, state: "available" })) });
        expect(plan.actions).to.deep.equal([]);
        expect(plan.waitingFor[0]).to.include(host);
    });

    it("gives another instance other tokens, and passes by volumes in another zone or on their way out", () => {
        const tokensOf = (state: VolumesState) =>
            planVolumes(state).actions.map((action) => (action.kind === "create" ? action.clientToken : action.kind));
        const state = stateOf(evidenceOf([8]));
        const other = tokensOf({ ...state, host: { ...state.host, instanceId: "i-00000000000000002" } });
        expect(other.filter((token) => tokensOf(state).includes(token))).to.deep.equal([]);
        expect(tokensOf(state).every((token) => token.length <= 64)).to.equal(true);
        const stray = {
            volumeId: "vol-stray",
            purpose: "evidence" as const,
            snapshotId: "snap-0",
            state: "available",
            coded: false,
            attachment: null,
        };
        expect(
            tokensOf({
                ...state,
                volumes: [
                    { ...stray, availabilityZone: "eu-west-1b" },
                    { ...stray, availabilityZone: "eu-west-1a", state: "deleting" },
                ],
            }),
        ).to.deep.equal(tokensOf(state));
    });
});
