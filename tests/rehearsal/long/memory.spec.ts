/** What lives only in memory, taken on the local AWS from a victim that runs something, and found by the analysis. Needs root on Linux. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { CleanUp } from "../../../rehearsal/cleanUp";
import { builtInFinding, loadFinding } from "../../../rehearsal/finding";
import { readInput } from "../../../rehearsal/input";
import { InputError, parseOptions } from "../../../rehearsal/options";
import { Progress } from "../../../rehearsal/progress";
import { rehearse } from "../../../rehearsal/run";

const possible = process.platform === "linux" && process.getuid?.() === 0;

describe("a rehearsal that takes what lives only in memory", function () {
    this.timeout(600_000);
    const cleanUp = new CleanUp();
    let out: string;
    before(async () => {
        out = await mkdtemp(path.join(tmpdir(), "memory-"));
        cleanUp.add("the test's folder", () => rm(out, { recursive: true }));
    });
    after(() => cleanUp.run());

    if (!possible) {
        it("is refused where this machine lets no command mount anything", async () => {
            const error = await readInput(parseOptions(["--memory", "volatile", "--out", out], out)).catch((reason: Error) => reason);
            expect(error).to.be.instanceOf(InputError);
        });
        return;
    }

    it("quarantines, acquires, contains, preserves and finds the planted process", async () => {
        const lines: string[] = [];
        const { passed } = await rehearse(
            await loadFinding(builtInFinding),
            parseOptions(["--memory", "volatile", "--out", out], out),
            new Progress({ write: (text) => lines.push(text) }),
            cleanUp,
        );
        expect(passed, lines.join("")).to.equal(true);
        expect(lines.join("")).to.match(/After the finding: quarantined [\d.]+ s.*contained [\d.]+ s/);
    });
});
