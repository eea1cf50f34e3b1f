import { expect } from "chai";
import fc from "fast-check";
import type { AnalysisSummary } from "../../../functions/domain/analysisOutputs";
import type { EvidenceSnapshot } from "../../../functions/domain/containers";
import { joinSummaries } from "../../../functions/domain/joinSummaries";
import {
    evidenceOfRound,
    failedRounds,
    lastRound,
    missingOnHosts,
    mostRounds,
    planRounds,
    withAnalysis,
    withRounds,
    type Analysed,
} from "../../../functions/domain/planRounds";
import { mostVolumes } from "../../../functions/domain/planVolumes";
import { custody, summary } from "../../fixtures/analysis/plain";

const snapshotsOf = (count: number, root: number): EvidenceSnapshot[] =>
    Array.from({ length: count }, (_, index) => ({
        ...custody.evidence.snapshots[0]!,
        volumeId: `vol-${index}`,
        evidenceSnapshotId: `snap-${index}`,
        device: `/dev/sd${String(index).padStart(3, "0")}`,
        root: index === root,
    }));

describe("planRounds", () => {
    it("has every snapshot in one round, as few rounds as there can be, all of about one size, the root volume first of all", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: mostVolumes * mostRounds + 20 }), fc.nat(), fc.nat(), (count, root, seed) => {
                const snapshots = snapshotsOf(count, root % count);
                const shuffled = [...snapshots].sort((left, right) =>
                    (left.volumeId.length * seed) % 7 < (right.volumeId.length * seed) % 5 ? -1 : 1,
                );
                const rounds = planRounds(shuffled);
                expect(rounds, "the order in which they came decides nothing").to.deep.equal(planRounds(snapshots));
                expect(rounds.flat().map(({ volumeId }) => volumeId)).to.have.members(snapshots.map(({ volumeId }) => volumeId));
                expect(rounds.flat()).to.have.length(count);
                expect(rounds[0]![0]!.root).to.equal(true);
                expect(rounds).to.have.length(Math.min(mostRounds, Math.ceil(count / mostVolumes)));
                const sizes = rounds.map(({ length }) => length);
                expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1);
                if (count <= mostVolumes * mostRounds) expect(Math.max(...sizes)).to.be.at.most(mostVolumes);
            }),
        );
        expect(planRounds([])).to.deep.equal([]);
    });

    it("names exactly the rounds without results, and their volumes", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 130 }), fc.array(fc.integer({ min: 1, max: mostRounds })), (count, read) => {
                const snapshots = snapshotsOf(count, 0);
                const rounds = planRounds(snapshots);
                const failed = failedRounds({ snapshots }, new Set(read));
                expect(failed.map(({ round }) => round)).to.deep.equal(
                    rounds.flatMap((_, index) => (read.includes(index + 1) ? [] : [index + 1])),
                );
                for (const { round, of, volumeIds } of failed) {
                    expect(of).to.equal(rounds.length);
                    expect(volumeIds).to.deep.equal(rounds[round - 1]!.map(({ volumeId }) => volumeId));
                }
            }),
        );
    });

    it("has in the rounds of a resumed execution what is not analysed, each once, under numbers that no round had", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 130 }), fc.array(fc.nat(129)), fc.nat(20), (number, done, roundsBefore) => {
                const snapshots = snapshotsOf(number, 0);
                const analysed = ["snap-of-another-incident", ...done.map((index) => `snap-${index}`)];
                const evidence = withRounds({ ...custody.evidence, snapshots }, { analysed, roundsBefore });
                const read = Array.from(
                    { length: evidence.rounds! },
                    (_, index) => evidenceOfRound(evidence, roundsBefore + index + 1).snapshots,
                );
                const left = snapshots.filter(({ evidenceSnapshotId }) => !analysed.includes(evidenceSnapshotId));
                expect(read.flat()).to.have.length(left.length).and.have.members(left);
                for (const round of read) expect(round).to.not.have.length(0);
                for (const none of [roundsBefore, lastRound(evidence) + 1])
                    expect(evidenceOfRound(evidence, none).snapshots).to.deep.equal([]);
                const failed = failedRounds(evidence, new Set());
                expect(failed.flatMap(({ volumeIds }) => volumeIds)).to.have.members(left.map(({ volumeId }) => volumeId));
                for (const { round, of } of failed) expect([round > roundsBefore, of]).to.deep.equal([true, lastRound(evidence)]);
            }),
        );
    });

    it("has one analysis of each round counting, the newest, whatever the order in which they were sent, and forgets none", () => {
        fc.assert(
            fc.property(fc.array(fc.integer({ min: 1, max: mostRounds }), { minLength: 1, maxLength: 12 }), (sent) => {
                const { counting, superseded } = sent.reduce<{ counting: Analysed[]; superseded: Analysed[] }>(
                    (before, round, index) =>
                        withAnalysis(before, {}, { host: { ...custody.host, round }, resultsPrefix: `analysis/A:i-${index}/` }),
                    { counting: [], superseded: [] },
                );
                expect(counting.map(({ host }) => host.round)).to.deep.equal([...new Set(sent)].sort());
                for (const { host, resultsPrefix } of counting)
                    expect(resultsPrefix).to.equal(`analysis/A:i-${sent.lastIndexOf(host.round!)}/`);
                expect(counting.length + superseded.length).to.equal(sent.length);
            }),
        );
    });

    it("lets an earlier execution's analysis count while its results stand, and no longer", () => {
        const sent = (name: string, round: number, ...snapshotIds: string[]): Analysed => ({
            host: {
                ...custody.host,
                round,
                volumes: snapshotIds.map((snapshotId) => ({ ...custody.host.volumes[0]!, purpose: "evidence", snapshotId })),
            },
            resultsPrefix: `analysis/A:i-${name}/`,
        });
        const before = { counting: [sent("1", 1, "snap-a", "snap-b"), sent("2", 2, "snap-c"), sent("3", 3)], superseded: [] };
        const { counting, superseded } = withAnalysis(before, { analysed: ["snap-a", "snap-b"], roundsBefore: 3 }, sent("4", 4, "snap-c"));
        expect(counting.map(({ resultsPrefix }) => resultsPrefix)).to.deep.equal(["analysis/A:i-1/", "analysis/A:i-4/"]);
        expect(superseded.map(({ resultsPrefix }) => resultsPrefix)).to.deep.equal(["analysis/A:i-2/", "analysis/A:i-3/"]);
        const again = withAnalysis({ counting, superseded }, { analysed: ["snap-a", "snap-b"], roundsBefore: 3 }, sent("4", 4, "snap-c"));
        expect(again, "sent again to the same host, it is the same").to.deep.equal({ counting, superseded });
    });

    it("misses no volume on a host that another host had", () => {
        const [volume] = custody.host.volumes;
        const missing = [{ sourceVolumeId: volume!.sourceVolumeId, purpose: volume!.purpose, why: "refused" }];
        const first = { host: { ...custody.host, volumes: [], missing }, resultsPrefix: "analysis/A:i-1/" };
        expect(missingOnHosts([first])).to.deep.equal(missing);
        expect(missingOnHosts([first, { ...first, host: { ...custody.host, missing: [] } }])).to.deep.equal([]);
    });
});

describe("joinSummaries", () => {
    const other: AnalysisSummary = {
        ...summary,
        startedAt: "2020-01-01T00:00:00Z",
        complete: false,
        volumes: summary.volumes.map((volume) => ({ ...volume, volumeId: `${volume.volumeId}-other` })),
        checks: [{ check: summary.checks[0]!.check, itemsLookedAt: 7, findings: 2, error: "out of memory" }],
        findingsBySeverity: { high: 3 },
        notLookedAt: [{ what: "a disk", why: "broken" }, ...summary.notLookedAt],
        timelineEvents: 5,
    };

    it("is the summary itself where there is one", () => {
        expect(joinSummaries([summary])).to.equal(summary);
    });

    it("adds what is counted, and is complete only where each is", () => {
        const joined = joinSummaries([summary, other]);
        expect(joined.complete).to.equal(false);
        expect(joined.volumes).to.deep.equal([...summary.volumes, ...other.volumes]);
        expect(joined.findingsBySeverity.high).to.equal((summary.findingsBySeverity.high ?? 0) + 3);
        expect(joined.timelineEvents).to.equal(summary.timelineEvents + 5);
        expect(joined.startedAt).to.equal(other.startedAt);
        expect(joined.checks).to.have.length(summary.checks.length);
        expect(joined.checks[0]).to.deep.equal({
            check: summary.checks[0]!.check,
            itemsLookedAt: summary.checks[0]!.itemsLookedAt + 7,
            findings: summary.checks[0]!.findings + 2,
            error: "out of memory",
        });
        expect(joined.notLookedAt).to.deep.equal([...summary.notLookedAt, other.notLookedAt[0]]);
        expect(joined.incidentId).to.equal(summary.incidentId);
    });

    it("is of no incident where one of them is another's", () => {
        expect(joinSummaries([summary, { ...other, incidentId: "i-other" }]).incidentId).to.not.equal(summary.incidentId);
    });
});
