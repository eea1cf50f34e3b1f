import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";

const root = path.resolve(__dirname, "../..");
/** What the worked example makes. */
const made = ["analysis/clean_room_analysis/checks/core_pattern.py"];

for (const name of ["CONTRIBUTING.md", "SECURITY.md", "README.md", "docs/architecture.md"]) {
    describe(name, () => {
        const text = readFileSync(path.join(root, name), "utf8");
        const folders = "analysis|docs|functions|infra|localemu-plugin|packaging|policies|rehearsal|tests|tools|\\.github|\\.devcontainer";
        const paths = [...new Set([...text.matchAll(new RegExp(`\`((?:${folders})/[\\w./-]*)\``, "g"))].map((match) => match[1]!))];

        it("names only files and folders that are there", () => {
            expect(paths).to.not.be.empty;
            const missing = paths.filter((each) => !made.includes(each) && !each.startsWith("rehearsal/out/"));
            expect(missing.filter((each) => !existsSync(path.join(root, each)))).to.deep.equal([]);
        });
    });
}

describe("CHANGELOG.md", () => {
    it("has an entry for the version in package.json", () => {
        const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
        expect(readFileSync(path.join(root, "CHANGELOG.md"), "utf8")).to.contain(`## [${version}] - `);
    });
});
