/** The roles of bootstrap/ as a Pulumi program: the same templates, and parameters that are checked before anything is deployed. */
import { readFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { readTemplate, templateNames } from "../../bootstrap/pulumi/template";

const root = path.resolve(__dirname, "../..");
const program = path.join(root, "bootstrap/pulumi/index.ts");
const project = "ec2-clean-room-bootstrap";
const principal = "arn:aws:iam::111111111111:role/clean-room-deployment";
const text = (name: string) => readFileSync(path.join(root, "bootstrap", `${name}.json`), "utf8");

/** The resources that the program declares with a configuration. */
async function declared(config: Record<string, string>) {
    const resources: pulumi.runtime.MockResourceArgs[] = [];
    await pulumi.runtime.setMocks(
        {
            newResource: (args) => {
                resources.push(args);
                return { id: args.name, state: args.inputs };
            },
            call: () => ({}),
        },
        project,
        "member",
        false,
    );
    pulumi.runtime.setAllConfig(Object.fromEntries(Object.entries(config).map(([key, value]) => [`${project}:${key}`, value])), []);
    delete require.cache[program];
    const { stackId } = require(program) as { stackId: pulumi.Output<string> };
    await new Promise((resolve) => stackId.apply(resolve));
    await pulumi.runtime.disconnect();
    return resources.map(({ type, inputs }) => ({ type, inputs: inputs as Record<string, unknown> }));
}

describe("the bootstrap program", () => {
    it("deploys the very template, with what is configured", async () => {
        expect(
            await declared({
                template: "member",
                parameters: JSON.stringify({ DeploymentPrincipalArn: principal, DrillRange: true }),
            }),
        ).to.deep.equal([
            {
                type: "aws:cloudformation/stack:Stack",
                inputs: {
                    name: "clean-room-bootstrap",
                    templateBody: text("member"),
                    parameters: { DeploymentPrincipalArn: principal, DrillRange: "true" },
                    capabilities: ["CAPABILITY_NAMED_IAM"],
                },
            },
        ]);
        const [operators] = await declared({ template: "operators" });
        expect(operators!.inputs).to.deep.include({ name: "clean-room-operators", templateBody: text("operators"), parameters: {} });
    });

    it("has every template that is made for an account", () => {
        for (const name of templateNames) expect(JSON.parse(text(name))).to.have.property("Resources");
        expect(readTemplate("forensics", {}).parameters).to.deep.equal({});
    });

    it("names everything that is wrong with what is configured", () => {
        expect(() => readTemplate("members", {})).to.throw(
            /template is "members"; give one of forensics, member, management, operators, guardduty-administrator/,
        );
        expect(() => readTemplate("member", { DrillRange: "yes", Principal: "x" }))
            .to.throw(/parameters\.Principal is none of member\.json; it has DeploymentPrincipalArn/)
            .and.match(/parameters\.DeploymentPrincipalArn is missing/)
            .and.match(/parameters\.DrillRange is "yes"; give true or false/);
        expect(() => readTemplate("member", { DeploymentPrincipalArn: "arn:aws:iam::111111111111:role/*" })).to.throw(
            /"arn:aws:iam::111111111111:role\/\*"; give the ARN of one role or user, without a wildcard/,
        );
        const readers = (ReaderPrincipalArns: string) => readTemplate("guardduty-administrator", { ReaderPrincipalArns }).parameters;
        expect(readers(`${principal},${principal}-2`)).to.deep.equal({ ReaderPrincipalArns: `${principal},${principal}-2` });
        expect(() => readers(`${principal},*`)).to.throw(/give ARNs of roles or users, separated by commas/);
        expect(() => readTemplate("member", { DeploymentPrincipalArn: ["x"] })).to.throw(/DeploymentPrincipalArn is not text/);
    });
});
