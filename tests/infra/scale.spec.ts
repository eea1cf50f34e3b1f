import { expect } from "chai";
import { knownRegions, needsOptIn, partitionOf } from "../../infra/awsRegions";
import { declare, type Declaration } from "./support/declared";

const accounts = Array.from({ length: 50 }, (_, index) => String(222_222_222_000 + index));
const regions = knownRegions.filter((region) => partitionOf(region) === "aws" && !needsOptIn(region));
const sizes = [1, 5, 10, regions.length];

describe("an estate of 50 accounts and up to 17 Regions", function () {
    this.timeout(15 * 60_000);
    const measured = new Map<number, Declaration>();

    before(async () => {
        for (const size of sizes) {
            const declaration = await declare(
                {
                    forensics: { accountId: "111111111111" },
                    regions: regions.slice(0, size),
                    members: accounts.map((accountId) => ({ accountId })),
                },
                {},
                { heapMiB: 1792 },
            );
            const pairs = accounts.length * size;
            console.log(
                `      ${accounts.length} accounts x ${String(size).padStart(2)} Regions: ${String(declaration.resources.length).padStart(5)} resources, ${(declaration.cpuMilliseconds / pairs).toFixed(0)} ms of processor and ${(declaration.peakMiB / pairs).toFixed(1)} MB a pair (${(declaration.cpuMilliseconds / 1000).toFixed(1)} s, ${declaration.peakMiB.toFixed(0)} MB in all)`,
            );
            measured.set(size, declaration);
        }
    });
    const of = (size: number) => measured.get(size)!;

    it("is declared without a problem", () => {
        for (const { problems } of measured.values()) expect(problems).to.deep.equal([]);
    });

    it("grows by the same number of resources with each Region", () => {
        const count = (size: number) => of(size).resources.length;
        const growth = [
            [1, 5],
            [5, 10],
            [10, regions.length],
        ].map(([from, to]) => (count(to!) - count(from!)) / (to! - from!));
        expect(new Set(growth)).to.have.length(1);
    });

    it("takes time that grows no faster than the estate", () => {
        const perRegion = (from: number, to: number) => (of(to).cpuMilliseconds - of(from).cpuMilliseconds) / (to - from);
        // Quadratic growth would make a Region of the second half 2.5 times as dear as one of the first; the rest is the machine's.
        // Not of the largest estate: there the heap is as full as the bound below lets it be, and V8 collects garbage for most of the time.
        expect(perRegion(5, 10)).to.be.below(2 * perRegion(1, 5));
    });

    it("stays under 2 GiB", () => {
        for (const { peakMiB } of measured.values()) expect(peakMiB).to.be.below(2048);
    });

    it("gives every resource an account, and a Region unless it is the whole account's", () => {
        const isGlobal = (type: string) =>
            type.startsWith("aws:iam/") || type === "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock";
        const { resources } = of(regions.length);
        const known = new Set(["111111111111", ...accounts]);
        const astray = resources.filter(
            ({ custom, type, accountId, region }) =>
                custom && !(known.has(accountId ?? "") && (isGlobal(type) ? region === null : regions.includes(region ?? ""))),
        );
        expect(astray.map(({ type, name }) => `${type} ${name}`)).to.deep.equal([]);
    });

    it("reaches every account in every Region with a detector and a rule, once", () => {
        const { resources } = of(regions.length);
        for (const type of ["aws:guardduty/detector:Detector", "aws:cloudwatch/eventRule:EventRule"]) {
            const pairs = resources
                .filter((resource) => resource.type === type && resource.accountId !== "111111111111")
                .map(({ accountId, region }) => `${accountId}/${region}`);
            expect(pairs).to.have.length(accounts.length * regions.length);
            expect(new Set(pairs)).to.have.length(pairs.length);
        }
    });
});
