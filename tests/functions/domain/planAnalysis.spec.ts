import { expect } from "chai";
import fc from "fast-check";
import type { ForensicVolume } from "../../../functions/domain/containers";
import type { Finding } from "../../../functions/domain/containers";
import { analysisOf, documentVolumes, encodeVolumes, leftResults, outputTail } from "../../../functions/domain/planAnalysis";

const volume = (purpose: "evidence" | "work", index: number): ForensicVolume => ({
    purpose,
    volumeId: `vol-${purpose}-${index}`,
    device: "/dev/sdf",
    snapshotId: `snap-${index}`,
    sourceVolumeId: `vol-${index}`,
    root: index === 0,
});

describe("planAnalysis", () => {
    it("pairs every evidence volume with its own work volume, or with none", () => {
        fc.assert(
            fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 26 }), fc.infiniteStream(fc.nat()), (withWork, order) => {
                const volumes = withWork.flatMap((work, index) =>
                    work ? [volume("evidence", index), volume("work", index)] : [volume("evidence", index)],
                );
                const shuffled = volumes
                    .map((one) => ({ one, key: order.next().value as number }))
                    .sort((left, right) => left.key - right.key)
                    .map(({ one }) => one);
                const paired = documentVolumes({ volumes: shuffled });
                expect(paired).to.have.length(withWork.length);
                for (const { volumeId, snapshotId, evidenceVolumeId, workVolumeId, role } of paired) {
                    const index = Number(volumeId.slice(4));
                    expect({ snapshotId, evidenceVolumeId, workVolumeId, role }).to.deep.equal({
                        snapshotId: `snap-${index}`,
                        evidenceVolumeId: `vol-evidence-${index}`,
                        workVolumeId: withWork[index] ? `vol-work-${index}` : null,
                        role: index === 0 ? "root" : "data",
                    });
                }
                // The document's own pattern for the parameter.
                expect(encodeVolumes(paired)).to.match(/^[A-Za-z0-9+/]{4,40000}={0,2}$/);
            }),
        );
    });

    it("tells the analysis of an acquisition volume, and of no other, which addresses the findings name", () => {
        const disk = { volumeId: "vol-1", snapshotId: "snap-1", evidenceVolumeId: "vol-e", workVolumeId: null, role: "root" as const };
        const acquired = { ...disk, role: "data" as const, kind: "memory" as const };
        const facts = (...remoteAddresses: string[]) => ({ facts: { remoteAddresses } }) as unknown as Pick<Finding, "facts">;
        const encoded = encodeVolumes([disk, acquired], [facts("198.51.100.7"), { facts: null }, facts("203.0.113.9", "198.51.100.7")]);
        expect(JSON.parse(Buffer.from(encoded, "base64").toString())).to.deep.equal([
            disk,
            { ...acquired, addresses: ["198.51.100.7", "203.0.113.9"] },
        ]);
    });

    it("takes the first command of the document, whatever order the list has", () => {
        const at = (commandId: string, requestedAt: string, documentName = "ours") => ({ commandId, requestedAt, documentName });
        const list = [at("c", "2026-11-24T10:00:02Z"), at("b", "2026-11-24T10:00:01Z"), at("a", "2026-11-24T10:00:00Z", "other")];
        fc.assert(
            fc.property(fc.shuffledSubarray(list, { minLength: 3 }), (shuffled) => {
                expect(analysisOf("ours", shuffled)!.commandId).to.equal("b");
            }),
        );
        expect(analysisOf("mine", list)).to.equal(null);
    });

    it("counts results only after a success or the exit code for incomplete ones", () => {
        expect(leftResults({ status: "Success", exitCode: 0 })).to.equal(true);
        expect(leftResults({ status: "Failed", exitCode: 3 })).to.equal(true);
        for (const [status, exitCode] of [
            ["Failed", 1],
            ["Failed", null],
            ["TimedOut", 3],
            ["Cancelled", 3],
        ] as const)
            expect(leftResults({ status, exitCode })).to.equal(false);
    });

    it("keeps the end of an output, bounded, without a character that acts", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary", maxLength: 3000 }), (output) => {
                const tail = outputTail(output, 200);
                expect(tail.length).to.be.at.most(200);
                expect(tail).not.to.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
            }),
        );
        expect(outputTail(`${"a".repeat(500)}END`, 50))
            .to.match(/^…a+END$/)
            .and.have.length(50);
    });
});
