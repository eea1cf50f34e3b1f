import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { EvidenceSnapshot } from "../../functions/domain/containers";
import { gp3, instanceType } from "../../functions/domain/instanceTypes";
import { planSize, sizeOn, sizeVolume } from "../../functions/domain/planSize";
import { duration } from "../../functions/domain/report/format";

const configured = "m6i.large";
const leastSeconds = 14_400;

function rowOf(name: string, sizeGiB: number): string {
    const snapshots: EvidenceSnapshot[] = [
        {
            volumeId: "vol-1",
            device: "/dev/xvda",
            root: true,
            sizeGiB,
            sourceEncrypted: false,
            sourceSnapshotId: "snap-1",
            sharedSnapshotId: null,
            evidenceSnapshotId: "snap-2",
            startedAt: "2026-11-24T10:00:00.000Z",
            lock: { mode: "governance", expiresAt: "2027-11-24T10:00:00.000Z" },
        },
    ];
    const { plan } = planSize(snapshots, configured, leastSeconds);
    const { throughput, initializationRate } = sizeVolume(snapshots[0]!, snapshots, plan.instanceType);
    return `| ${[
        name,
        plan.instanceType,
        `${throughput} MiB/s`,
        duration((sizeGiB * 1024) / initializationRate!),
        duration(plan.expectedSeconds!),
        duration(plan.timeoutSeconds),
        `$${plan.dollars!.toFixed(2)}`,
        duration(sizeOn(configured, snapshots, leastSeconds).expectedSeconds!),
    ].join(" | ")} |`;
}

describe("docs/evidence.md", () => {
    it("has the sizes, times and costs that the plan has", () => {
        const text = readFileSync(path.resolve(__dirname, "../../docs/evidence.md"), "utf8");
        const rows = [...text.matchAll(/^\| (?:100 GB|1 TB|16 TB) \|.*$/gm)].map(([row]) => row);
        expect(rows).to.deep.equal([rowOf("100 GB", 100), rowOf("1 TB", 1024), rowOf("16 TB", 16_384)]);
    });

    it("has the prices that npm run cost has", () => {
        const prices = JSON.parse(readFileSync(path.resolve(__dirname, "../../tools/cost/prices.json"), "utf8")) as {
            regions: Record<string, { volumeGigabyteMonth: number; instanceHour: Record<string, number> }>;
        };
        const { volumeGigabyteMonth, instanceHour } = prices.regions["us-east-1"]!;
        expect(gp3.gigabyteMonth).to.equal(volumeGigabyteMonth);
        for (const [type, hour] of Object.entries(instanceHour)) expect(instanceType(type)!.dollarsPerHour, type).to.equal(hour);
    });
});
