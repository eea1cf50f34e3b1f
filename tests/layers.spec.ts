import { expect } from "chai";
import path from "node:path";
import { ESLint, Linter } from "eslint";

const repository = path.resolve(__dirname, "..");

/** What the project's configuration says of an import in a file, which need not exist. */
async function complaints(file: string, imported: string): Promise<string[]> {
    const config = (await new ESLint({ cwd: repository }).calculateConfigForFile(path.join(repository, file))) as {
        rules?: Record<string, Linter.RuleEntry>;
    };
    const rule = config.rules?.["no-restricted-imports"];
    if (!rule) return [];
    return new Linter().verify(`import "${imported}";`, [{ rules: { "no-restricted-imports": rule } }]).map(({ message }) => message);
}

describe("the layers", function () {
    this.timeout(60_000);
    for (const [file, imported] of [
        ["functions/domain/planX.ts", "../aws/clients"],
        ["functions/domain/planX.ts", "../startIncident"],
        ["functions/domain/report/page.ts", "../../aws/clients"],
        ["functions/domain/channels/slack/x.ts", "../../../aws/clients"],
        ["functions/domain/channels/slack/x.ts", "../../../../infra/names"],
        ["functions/aws/clients.ts", "../startIncident"],
        ["functions/aws/containment/x.ts", "../../../infra/names"],
        ["functions/startIncident.ts", "../infra/names"],
        ["infra/cleanRoom.ts", "../tools/drill"],
        ["infra/workflow/tasks.ts", "../../rehearsal/victim"],
        ["packaging/python.ts", "../infra/names"],
        ["report-page/main.tsx", "../functions/aws/clients"],
        ["policies/cleanRoomHasNoGateway.ts", "../infra/names"],
        ["policies/lib/estate.ts", "../../infra/estate"],
        ["tools/coverage/judge.ts", "../../rehearsal/run"],
        ["rehearsal/deploy/program.ts", "../../tests/support/x"],
    ] as const)
        it(`keep ${file} from importing ${imported}`, async () => {
            expect(await complaints(file, imported)).to.have.length(1);
        });
    for (const [file, imported] of [
        ["functions/domain/report/page.ts", "../containers"],
        ["functions/aws/containment/x.ts", "../../domain/containers"],
        ["functions/startIncident.ts", "./aws/clients"],
        ["report-page/main.tsx", "../functions/domain/severity"],
        ["infra/workflow/tasks.ts", "../names"],
        ["infra/cleanRoom.ts", "../functions/aws/permissions"],
        ["infra/cleanRoom.ts", "../packaging/analysisArchive"],
        ["tools/coverage/judge.ts", "../../policies/pack"],
        ["rehearsal/deploy/program.ts", "../../infra/names"],
        ["tests/infra/x.spec.ts", "../../rehearsal/run"],
    ] as const)
        it(`let ${file} import ${imported}`, async () => {
            expect(await complaints(file, imported)).to.deep.equal([]);
        });
});
