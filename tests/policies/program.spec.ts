import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { policies } from "../../policies/pack";
import { judge, typed, type Declared as Judged } from "../../policies/testing/engine";
import { declare } from "../infra/support/declared";

/** The settings of a stack, as `Pulumi.<stack>.yaml` has them, of at most two Regions: the others are as these. */
function settingsOf(stack: string): object {
    const text = readFileSync(path.resolve(__dirname, `../../Pulumi.${stack}.yaml`), "utf8");
    const { config } = parse(text) as { config: Record<string, { regions: string[] }> };
    const settings = config["ec2-clean-room-forensics:settings"];
    return { ...settings, regions: settings.regions.filter((region) => ["eu-west-1", "us-east-1"].includes(region)) };
}

/** The real program under mocks, where every value is known: what an update would be judged by, without an engine. */
describe("the policies on the program itself", function () {
    this.timeout(240_000);
    for (const stack of ["dev", "prod"]) {
        it(`hold for the stack ${stack}`, async () => {
            const { resources, problems } = await declare(settingsOf(stack));
            expect(problems).to.deep.equal([]);
            const judged = resources.map(({ type, name, inputs, accountId, region, ignoreChanges }): Judged => ({
                is: typed(type),
                name,
                // What the mocks answer, by which resources name each other.
                props: {
                    id: `${name}-id`,
                    arn: `arn:aws:${type.split(/[:/]/)[1]}:${region ?? ""}:${accountId ?? ""}:${name}`,
                    ...inputs,
                },
                ignoreChanges,
                ...(accountId === null ? {} : { provider: { allowedAccountIds: [accountId] } }),
            }));
            const violations: string[] = [];
            for (const policy of policies) {
                const verdict = await judge(
                    policy,
                    judged,
                    policy.name === "account-defaults-are-safe" ? { requireAccountDefaults: true } : {},
                );
                violations.push(...verdict.violations.map((message) => `${policy.name}: ${message}`));
            }
            expect(violations).to.deep.equal([]);
        });
    }
});
