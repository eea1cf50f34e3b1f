import { expect } from "chai";
import fc from "fast-check";
import type { EvidenceSnapshot } from "../../../functions/domain/containers";
import { gp3, initialization, instanceType, sizes } from "../../../functions/domain/instanceTypes";
import { longestSeconds, overFill, planSize, sizeOn, sizeVolume, soughtSeconds } from "../../../functions/domain/planSize";
import { mostVolumes, wantedVolumes } from "../../../functions/domain/planVolumes";

const snapshotsOf = (sizesGiB: readonly number[]): EvidenceSnapshot[] =>
    sizesGiB.map((sizeGiB, index) => ({
        volumeId: `vol-${index}`,
        device: `/dev/sd${index}`,
        root: index === 0,
        sizeGiB,
        sourceEncrypted: false,
        sourceSnapshotId: `snap-source-${index}`,
        sharedSnapshotId: null,
        evidenceSnapshotId: `snap-${index}`,
        startedAt: "2026-11-24T10:00:00.000Z",
        lock: { mode: "governance", expiresAt: "2027-11-24T10:00:00.000Z" },
    }));
const anySizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 16_384 })), { minLength: 1, maxLength: 40 });
const leastSeconds = 14_400;

describe("planSize", () => {
    it("never asks for less than is configured, for another family, or for a type twice", () => {
        fc.assert(
            fc.property(anySizes, fc.constantFrom("m6i", "m7g"), fc.constantFrom(...sizes), (given, family, size) => {
                const { types, plan } = planSize(snapshotsOf(given), `${family}.${size}`, leastSeconds);
                expect(new Set(types).size).to.equal(types.length);
                expect(types).to.include(`${family}.${size}`);
                for (const each of types) {
                    expect(each.startsWith(`${family}.`)).to.equal(true);
                    expect(instanceType(each)!.vcpus).to.be.at.least(instanceType(`${family}.${size}`)!.vcpus);
                }
                // Where the right one cannot be had, the fastest of the others comes first.
                const speeds = types.map((each) => instanceType(each)!.ebsBytesPerSecond);
                expect(speeds).to.deep.equal([...speeds].sort((left, right) => right - left));
                expect(plan.instanceType).to.equal(types[0]);
            }),
        );
    });

    it("takes the smallest that reads everything in four hours, or while the volumes are being filled", () => {
        fc.assert(
            fc.property(anySizes, (given) => {
                const snapshots = snapshotsOf(given);
                const { types, plan } = planSize(snapshots, "m6i.large", leastSeconds);
                const fill = Math.max(
                    ...snapshots.map(
                        (each) => (each.sizeGiB * 1024) / (sizeVolume(each, snapshots, types[0]!).initializationRate ?? Infinity),
                    ),
                );
                const sought = Math.max(soughtSeconds, fill * overFill) + 1;
                if (types[0] !== "m6i.8xlarge") expect(plan.expectedSeconds!).to.be.at.most(sought);
                for (const smaller of types.slice(1))
                    expect(sizeOn(smaller, snapshots, leastSeconds).expectedSeconds!).to.be.greaterThan(sought - 2);
            }),
        );
    });

    it("gives twice the time that the arithmetic says, as far as Run Command does, and never less than is configured", () => {
        fc.assert(
            fc.property(anySizes, fc.integer({ min: 60, max: longestSeconds }), (given, least) => {
                const { timeoutSeconds, expectedSeconds, fits } = planSize(snapshotsOf(given), "m7g.large", least).plan;
                expect(timeoutSeconds).to.be.at.least(least).and.at.most(longestSeconds);
                if (timeoutSeconds < longestSeconds) expect(timeoutSeconds).to.be.greaterThan(2 * expectedSeconds!);
                if (fits) expect(expectedSeconds!).to.be.lessThan(0.85 * timeoutSeconds);
            }),
        );
    });

    it("asks EC2 for no volume that gp3 has not, and together for no more than the account's quota of filling", () => {
        fc.assert(
            fc.property(anySizes, fc.constantFrom(...sizes), (given, size) => {
                const snapshots = snapshotsOf(given);
                const volumes = wantedVolumes({ snapshots })
                    .slice(0, mostVolumes)
                    .map(({ snapshot }) => ({ gib: snapshot.sizeGiB, ...sizeVolume(snapshot, snapshots, `m6i.${size}`) }));
                for (const { gib, throughput, iops, initializationRate } of volumes) {
                    expect(throughput).to.be.at.least(gp3.baseThroughput).and.at.most(gp3.mostThroughput);
                    expect(throughput).to.be.at.most(iops * gp3.throughputPerIops);
                    expect(iops <= gp3.baseIops || iops <= 500 * gib).to.equal(true);
                    if (initializationRate !== undefined)
                        expect(initializationRate).to.be.at.least(initialization.least).and.at.most(initialization.most);
                }
                const together = volumes.reduce((sum, { initializationRate = 0 }) => sum + initializationRate, 0);
                expect(together).to.be.at.most(initialization.together);
            }),
        );
    });

    it("takes longer on the same instance for each volume more", () => {
        fc.assert(
            fc.property(
                fc.array(fc.integer({ min: 1, max: 16_384 }), { minLength: 1, maxLength: 12 }),
                fc.integer({ min: 1, max: 16_384 }),
                (given, more) => {
                    const seconds = (of: number[]) => sizeOn("m6i.2xlarge", snapshotsOf(of), leastSeconds).expectedSeconds!;
                    expect(seconds([...given, more])).to.be.at.least(seconds(given));
                },
            ),
        );
    });

    it("gives a second hash the time of one more full read", () => {
        const of = (hashTwice: boolean) => sizeOn("m6i.large", snapshotsOf([1024]), leastSeconds, hashTwice);
        expect(of(true).expectedSeconds! - of(false).expectedSeconds!).to.be.closeTo((1024 * 2 ** 30) / 81.25e6, 2);
        expect(of(true).timeoutSeconds).to.be.greaterThan(of(false).timeoutSeconds);
    });

    it("says of a type that it does not know nothing but the longest time", () => {
        const { types, plan } = planSize(snapshotsOf([100]), "x2gd.metal", leastSeconds);
        expect(types).to.deep.equal(["x2gd.metal"]);
        expect(plan).to.deep.include({ expectedSeconds: null, dollars: null, timeoutSeconds: longestSeconds });
        expect(sizeVolume({ sizeGiB: 100 }, snapshotsOf([100]), "x2gd.metal")).to.deep.equal({
            throughput: 125,
            iops: 3000,
            initializationRate: 300,
        });
    });

    it("says where the volumes together are more than any of its instances reads in Run Command's longest time", () => {
        expect(planSize(snapshotsOf([16_384]), "m6i.large", leastSeconds).plan.fits).to.equal(true);
        expect(planSize(snapshotsOf(Array<number>(13).fill(16_384)), "m6i.large", leastSeconds).plan.fits).to.equal(false);
    });
});
