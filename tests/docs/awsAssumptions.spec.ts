/** docs/aws-assumptions.md: made of its data, every row with a source, and held by a test that is there. */
import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { documentFile, readAssumptions, renderAssumptions } from "../../rehearsal/assumptions";

const root = path.resolve(__dirname, "../..");

describe("docs/aws-assumptions.md", () => {
    const { assumptions, calls, through } = readAssumptions();

    it("is what `npm run assumptions` writes", () => {
        expect(readFileSync(documentFile, "utf8"), "run `npm run assumptions`").to.equal(renderAssumptions());
    });

    it("names files of the program and tests that are there", () => {
        for (const { believes, program, rehearsed } of assumptions) {
            expect(existsSync(path.join(root, program)), `${program} (${believes})`).to.equal(true);
            if (!rehearsed) continue;
            const spec = readFileSync(path.join(root, rehearsed.spec), "utf8");
            const byRow = rehearsed.spec.endsWith("serviceCalls.spec.ts") && calls.some((each) => each.id === rehearsed.test);
            expect(byRow || spec.includes(rehearsed.test), `${rehearsed.spec} has no test "${rehearsed.test}"`).to.equal(true);
        }
    });

    it("says each thing once, and marks what is not proven", () => {
        const said = [...assumptions.map((each) => each.believes), ...calls.map((each) => each.id), ...through.map((each) => each.id)];
        expect(said).to.deep.equal([...new Set(said)]);
        const text = readFileSync(documentFile, "utf8");
        for (const each of [...assumptions, ...calls, ...through].filter((row) => row.proof === "unproven")) {
            expect(
                text.split("\n").find((line) => line.includes("believes" in each ? String(each.believes) : `| ${each.id} |`)),
            ).to.include("**!**");
        }
    });

    it("rehearses a thing, or says what an account can prove of it", () => {
        const neither = assumptions.filter((each) => each.rehearsed === null && each.preflight === null).map((each) => each.believes);
        expect(neither).to.deep.equal([]);
    });
});
