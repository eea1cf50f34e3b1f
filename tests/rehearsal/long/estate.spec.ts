/** Two members, two Regions, four findings at the same moment, on the local AWS. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { CleanUp } from "../../../rehearsal/cleanUp";
import { rehearseEstate } from "../../../rehearsal/estate/run";
import { builtInFinding, loadFinding } from "../../../rehearsal/finding";
import { parseOptions } from "../../../rehearsal/options";
import { Progress } from "../../../rehearsal/progress";

describe("a rehearsal of an estate", function () {
    this.timeout(600_000);
    const cleanUp = new CleanUp();
    let out: string;
    before(async () => {
        out = await mkdtemp(path.join(tmpdir(), "estate-"));
        cleanUp.add("the test's folder", () => rm(out, { recursive: true }));
    });
    after(() => cleanUp.run());

    it("follows four incidents to their reports, and no call leaves its Region", async () => {
        const lines: string[] = [];
        const { passed, record } = await rehearseEstate(
            await loadFinding(builtInFinding),
            parseOptions(["--estate", "--out", out], out),
            new Progress({ write: (text) => lines.push(text) }),
            cleanUp,
        );
        expect(passed, lines.join("")).to.equal(true);
        expect(record["checks"]).to.have.length(7);
        const written = JSON.parse(await readFile(path.join(out, "latest", "incident.json"), "utf8")) as {
            incidents: unknown[];
            facts: { calls: { service: string; region: string }[] };
        };
        expect(written.incidents).to.have.length(4);
        expect(new Set(written.facts.calls.filter(({ service }) => service === "ec2").map(({ region }) => region))).to.deep.equal(
            new Set(["eu-west-1", "eu-central-1"]),
        );
    });
});
