import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { kinds } from "../../policies/testing/kinds/all";

describe("the policies on small programs of each kind", function () {
    this.timeout(120_000);
    let verdicts: Record<string, string[]>;

    before(async () => {
        const script = path.join(__dirname, "kinds/judge.ts");
        const { stdout } = await promisify(execFile)(process.execPath, ["-r", "tsx/cjs", script]);
        verdicts = JSON.parse(stdout) as Record<string, string[]>;
    });

    for (const { title, cases } of kinds) {
        it(`${title}: ${cases.length} programs`, () => {
            const wrong = cases
                .filter(({ name, policies }) =>
                    policies.length === 0 ? verdicts[name]!.length > 0 : !policies.some((policy) => verdicts[name]!.includes(policy)),
                )
                .map(
                    ({ name, policies }) =>
                        `${name}: ${policies.join(" or ") || "no policy"} should refuse it, and ${verdicts[name]!.join(", ") || "none"} did`,
                );
            expect(wrong).to.deep.equal([]);
        });
    }

    it("name each program once", () => {
        const names = kinds.flatMap(({ cases }) => cases.map(({ name }) => name));
        expect(names.filter((name, index) => names.indexOf(name) !== index)).to.deep.equal([]);
    });
});
