import { expect } from "chai";
import { progressLines } from "../../tools/analysisProgress";

const at = Date.parse("2026-11-20T03:50:00Z");

describe("progress of an analysis", () => {
    it("is the last step, and of each volume how much is read, how fast, and when that ends", () => {
        const lines = progressLines(
            [
                { message: "03:49:01 incident i-0a, Python 3.12.8\n[    9.0 s] first look: 1 critical", timestamp: at - 60_000 },
                { message: "[   60.0 s] progress vol-1: 5 %, 100 MiB/s, 9000 s left", timestamp: at - 50_000 },
                { message: "[   70.0 s] progress vol-2: 50 %, 90 MiB/s, 10 s left", timestamp: at - 40_000 },
                { message: "[  120.0 s] progress vol-1: 10 %, 120 MiB/s, 5400 s left", timestamp: at },
            ],
            at,
        );
        expect(lines).to.deep.equal([
            "last step: first look: 1 critical",
            "vol-1: 10 % read and hashed at 120 MiB/s, done in about 1 h 30 min, at 2026-11-20T05:20Z",
            "vol-2: 50 % read and hashed at 90 MiB/s, about done",
        ]);
    });

    it("takes nothing for progress that is none, and shows what a disk put there as text", () => {
        expect(progressLines([], at)).to.deep.equal(["last step: started"]);
        expect(progressLines([{ message: "[ 1.0 s] progress vol: x %\u202e", timestamp: at }], at)).to.deep.equal([
            "last step: progress vol: x %⟨U+202E⟩",
        ]);
    });
});
