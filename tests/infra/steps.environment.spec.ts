import { expect } from "chai";
import path from "node:path";
import { buildSync } from "esbuild";
import { variableSchemas } from "../../functions/aws/environment";
import { parseSettings } from "../../infra/config";
import { deployedSteps, steps } from "../../infra/steps";
import { declare, type Declared } from "./support/declared";

const repository = path.resolve(__dirname, "../..");

/** The variables that a function's code reads: those named in its bundle, out of which esbuild took what is never called. */
function readBy(handler: string): string[] {
    const { outputFiles } = buildSync({
        absWorkingDir: repository,
        entryPoints: [`functions/${handler}.ts`],
        bundle: true,
        write: false,
        treeShaking: true,
        platform: "node",
        format: "cjs",
        packages: "external",
        logLevel: "error",
    });
    const names = [...outputFiles[0]!.text.matchAll(/\benvironment\("([A-Z0-9_]+)"\)/g)].map((match) => match[1]!);
    return [...new Set(names)].filter((name) => name !== "AWS_REGION").sort();
}

describe("what functions are given", function () {
    this.timeout(240_000);

    for (const [handler, { variables }] of Object.entries(steps)) {
        it(`${handler} declares what its code reads, and nothing more`, () => {
            expect([...variables].sort()).to.deep.equal(readBy(handler));
        });
    }

    it("is what each declares, with a value for all", async () => {
        const chosen = {
            forensics: { accountId: "111111111111" },
            regions: ["eu-west-1"],
            members: [{ accountId: "222222222222" }],
            notifications: { chat: true, chatActions: true },
        };
        const { resources, problems } = await declare(chosen);
        expect(problems).to.deep.equal([]);
        const functions = resources.filter(({ type }) => type === "aws:lambda/function:Function");
        const given = (each: Declared) => (each.inputs.environment as { variables?: Record<string, string> } | undefined)?.variables ?? {};
        expect(Object.fromEntries(functions.map((each) => [each.inputs.name as string, Object.keys(given(each)).sort()]))).to.deep.equal(
            Object.fromEntries(
                Object.entries(deployedSteps(parseSettings(chosen))).map(([handler, { variables }]) => [
                    `clean-room-${handler}`,
                    [...variables].sort(),
                ]),
            ),
        );
        // And each value is one that the function will take.
        for (const each of functions)
            for (const [name, value] of Object.entries(given(each)))
                expect(variableSchemas[name as keyof typeof variableSchemas].safeParse(value).success, `${name}=${value}`).to.equal(true);
    });
});
