import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { kinds, misjudged } from "../../policies/testing/kinds/all";

describe("the policies on small programs of each kind", function () {
    this.timeout(120_000);
    let verdicts: Record<string, string[]>;

    before(async () => {
        const script = path.join(__dirname, "../../policies/testing/kinds/judge.ts");
        const { stdout } = await promisify(execFile)(process.execPath, ["-r", "tsx/cjs", script]);
        verdicts = JSON.parse(stdout) as Record<string, string[]>;
    });

    for (const kind of kinds) {
        it(`${kind.title}: ${kind.cases.length} programs`, () => {
            expect(misjudged(verdicts, [kind])).to.deep.equal([]);
        });
    }

    it("name each program once", () => {
        const names = kinds.flatMap(({ cases }) => cases.map(({ name }) => name));
        expect(names.filter((name, index) => names.indexOf(name) !== index)).to.deep.equal([]);
    });
});
