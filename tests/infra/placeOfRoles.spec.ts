import { expect } from "chai";
import { neverWritten } from "../../functions/aws/containment/permissions";
import { commonTags } from "../../infra/accounts";
import { parseSettings } from "../../infra/config";
import { declare, type Declared } from "./support/declared";

const given = {
    forensics: { accountId: "111111111111" },
    regions: ["eu-west-1"],
    members: [{ accountId: "222222222222" }],
    organization: { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] },
    coverage: { mode: "existing" },
    forensicInstance: { imageParameter: "/clean-room/forensic-image" },
    imagePipeline: { enabled: true, subnetId: "subnet-0123456789abcdef0" },
    range: { enabled: true },
    findings: { drill: true },
    tags: { "cost-center": "4711", owner: "security" },
    permissionsBoundary: "boundaries/workload",
    rolePath: "/corp/clean/",
};

describe("tags, boundary and path of the configuration", function () {
    this.timeout(120_000);
    let resources: Declared[];
    const of = (type: string) => resources.filter((each) => each.type === type);

    before(async () => {
        const detectors = { "111111111111/eu-west-1": "ENABLED", "222222222222/eu-west-1": "ENABLED" };
        const declared = await declare(given, { detectors });
        expect(declared.problems).to.deep.equal([]);
        resources = declared.resources;
    });

    it("are on every role and instance profile, in whichever account", () => {
        const roles = of("aws:iam/role:Role");
        expect(new Set(roles.map(({ accountId }) => accountId))).to.deep.equal(new Set(["111111111111", "222222222222"]));
        expect(roles.length).to.be.greaterThan(20);
        for (const { name, accountId, inputs } of roles)
            expect([name, inputs.path, inputs.permissionsBoundary]).to.deep.equal([
                name,
                "/corp/clean/",
                `arn:aws:iam::${accountId}:policy/boundaries/workload`,
            ]);
        const profiles = of("aws:iam/instanceProfile:InstanceProfile");
        expect(profiles).to.have.length(3);
        for (const { name, inputs } of profiles) expect([name, inputs.path]).to.deep.equal([name, "/corp/clean/"]);
    });

    it("are followed by every ARN that names one of our roles: in policies, trusts, key policies and the template", () => {
        const text = JSON.stringify(resources.map(({ inputs }) => inputs)).replaceAll("\\", "");
        const arns = [...text.matchAll(/arn:aws:iam::[^:"]*:role\/([^"]*)"/g)].map(([, name]) => name!);
        // Whatever path they have, the responder never writes the policies of these.
        const never = new Set(neverWritten);
        const ours = arns.filter((name) => name.includes("clean-room-") && name !== "clean-room-evidence-custodian" && !never.has(name));
        expect(ours.length).to.be.greaterThan(25);
        for (const name of ours) expect(name).to.match(/^corp\/clean\/clean-room-/);
        // Of every role below the account some statements speak, and the custodian is yours.
        expect(new Set(arns.filter((name) => !ours.includes(name) && !never.has(name)))).to.deep.equal(
            new Set(["*", "clean-room-evidence-custodian"]),
        );
    });

    it("reach the accounts of the units by the StackSet", () => {
        const [set] = of("aws:cloudformation/stackSet:StackSet");
        expect(set!.inputs.tags).to.deep.include(given.tags);
        const template = JSON.parse(set!.inputs.templateBody as string) as {
            Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
        };
        const roles = Object.values(template.Resources).filter(({ Type }) => Type === "AWS::IAM::Role");
        expect(roles).to.have.length(2);
        for (const { Properties } of roles) {
            expect(Properties.Path).to.equal("/corp/clean/");
            expect(Properties.PermissionsBoundary).to.deep.equal({
                "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:policy/boundaries/workload",
            });
        }
    });

    it("are the providers', and every function's for what it makes at an incident", () => {
        expect(commonTags(parseSettings(given))).to.deep.equal({ ...given.tags, "clean-room:managed-by": "pulumi" });
        for (const { name, inputs } of of("aws:lambda/function:Function")) {
            const { variables } = inputs.environment as { variables: Record<string, string> };
            expect([name, variables.ROLE_PATH, variables.RESOURCE_TAGS]).to.deep.equal([name, "/corp/clean/", JSON.stringify(given.tags)]);
        }
    });

    it("are refused where AWS would refuse them, or where they would stand in the place of ours", () => {
        for (const [changes, words] of [
            [{ tags: { "clean-room:incident": "x" } }, /neither with aws: nor with clean-room:/],
            [{ tags: { "aws:x": "y" } }, /neither with aws:/],
            [{ tags: { a: "b".repeat(257) } }, /value/],
            [{ tags: Object.fromEntries([1, 2, 3].map((each) => [`k${each}`, "v".repeat(200)])) }, /600 characters/],
            [{ rolePath: "corp" }, /begins and ends with a slash/],
            [{ rolePath: "/corp" }, /begins and ends with a slash/],
            [{ permissionsBoundary: "arn:aws:iam::111111111111:policy/x" }, /name of a managed policy/],
        ] as const)
            expect(() => parseSettings({ ...given, ...changes }), JSON.stringify(changes)).to.throw(words);
    });
});
