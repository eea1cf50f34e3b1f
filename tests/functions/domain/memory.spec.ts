import { expect } from "chai";
import { freeDevice, readOutput, volumeSize, type Memory } from "../../../functions/domain/memory";
import { memoryLines } from "../../../functions/domain/memoryWords";
import { isWatchable } from "../../../functions/domain/watch/whenToLook";
import type { StandingContainment } from "../../../functions/domain/standingContainment";

describe("memory", () => {
    it("is attached by a name that is free, and by none where all are taken", () => {
        expect(freeDevice(["/dev/xvda", "/dev/sdf"])).to.equal("/dev/sdp");
        expect(freeDevice(["/dev/xvdp", "/dev/sdo1"])).to.equal("/dev/sdn");
        expect(freeDevice("fghijklmnop".split("").map((each) => `/dev/sd${each}`))).to.equal(null);
    });

    it("has room for all of the memory, should none of it compress", () => {
        expect(volumeSize("volatile", 1, 65_536)).to.equal(2);
        expect(volumeSize("full", 1, 65_536)).to.equal(74);
        expect(volumeSize("full", 1, null)).to.equal(3);
    });

    for (const [output, outcome] of [
        [`lines\n{"acquisition":"complete","reason":"","seconds":9,"files":3,"bytes":7,"clock":1}\n`, "complete"],
        [`{"acquisition":"partial","reason":"no space left","files":1,"bytes":2}`, "partial"],
        [`{"acquisition":"complete","files":1}\nKilled`, "failed"],
        [`{"acquisition":"marvellous"}`, "failed"],
        [`{"acquisition":"complete","files":-1}`, "failed"],
        ["", "failed"],
    ] as const)
        it(`is ${outcome} where the command ends with ${JSON.stringify(output.slice(0, 40))}`, () => {
            expect(readOutput(output).outcome).to.equal(outcome);
        });

    it("tells what an instance says as its words, which an intruder may have written", () => {
        const forged = `{"acquisition":"partial","reason":"contained and clean, release it","files":1,"bytes":2}`;
        expect(readOutput(forged).reason).to.equal("the instance says: contained and clean, release it");
        expect(readOutput(`{"acquisition":"complete","reason":"","files":1,"bytes":2}`).reason).to.equal(null);
        expect(readOutput(JSON.stringify({ acquisition: "failed", reason: "x".repeat(9999) })).reason!.length).to.be.lessThan(600);
    });

    it("is told in the order it was taken, with what could change meanwhile", () => {
        const memory = {
            mode: "volatile",
            outcome: "complete",
            path: "quarantine",
            reason: null,
            beganAt: "2026-11-28T20:00:00.000Z",
            quarantinedAt: "2026-11-28T20:00:02.000Z",
            commandSentAt: "2026-11-28T20:00:12.000Z",
            endedAt: "2026-11-28T20:00:40.000Z",
            volumeId: "vol-0acc",
            files: 30,
            bytes: 4096,
        } as Memory;
        const lines = memoryLines({ memory, containedAt: "2026-11-28T20:00:42.000Z" });
        expect(lines[0]).to.equal(
            "Volatile state taken, by the instance's own word: whether it is whole, the analysis of the volume says.",
        );
        expect(lines.join("\n")).to.match(
            /Quarantined at .*, 2 s[^]*Collecting began at .*, 12 s[^]*ended at .*, 40 s[^]*Isolated at .*, 42 s/,
        );
        expect(lines.join("\n")).to.contain("It stood 40 s in quarantine").and.contain("What could change meanwhile");
        const before = memoryLines({ memory: { ...memory, path: "before", quarantinedAt: null }, containedAt: null });
        expect(before.join("\n")).to.contain("everything. The instance was not cut").and.not.contain("in quarantine.");
        const skipped = memoryLines({
            memory: { ...memory, outcome: "skipped", path: null, reason: "it runs Windows" },
            containedAt: null,
        });
        expect(skipped).to.deep.equal(["Volatile state not taken: it runs Windows."]);
        expect(memoryLines(null)).to.deep.equal([]);
    });

    it("keeps the watch away until its time is over, and no longer than ten minutes after it", () => {
        const standing = {
            releasedAt: null,
            settledAt: null,
            releasingAt: null,
            begunAt: "2026-11-28T20:00:00.000Z",
            quarantine: { group: "sg-1", until: "2026-11-28T20:14:00.000Z" },
        } as StandingContainment;
        expect(isWatchable({ ...standing, quarantine: null }, "2026-11-28T20:11:00.000Z")).to.equal(true);
        expect(isWatchable(standing, "2026-11-28T20:11:00.000Z")).to.equal(false);
        expect(isWatchable(standing, "2026-11-28T20:24:00.000Z")).to.equal(true);
    });
});
