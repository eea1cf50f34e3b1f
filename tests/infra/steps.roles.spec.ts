import { expect } from "chai";
import { parseSettings } from "../../infra/config";
import { deployedNames, functionRoleName } from "../../infra/names";
import { memberStatements, respondingFunctions, steps, type Step } from "../../infra/steps";
import type { Statement } from "../../functions/aws/permissions";

const keyArn = (region: string) => `arn:aws:kms:${region}:111111111111:key/11111111-2222-3333-4444-555555555555`;
const names = deployedNames({
    partition: "aws",
    region: "ap-southeast-1",
    forensicsAccountId: "111111111111",
    memberAccountIds: ["222222222222", "333333333333"],
    evidenceKeyArn: keyArn("ap-southeast-1"),
    custodyKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/custody",
    imageParameter: "/golden/forensic-image",
    slack: true,
});
/** IAM's limit for the inline policies of a role together, in characters without white space. */
const inlineLimit = 10_240;

function check(statements: Statement[], what: string): void {
    expect(statements, what).to.not.be.empty;
    const sids = statements.map((statement) => statement.Sid).filter((sid) => sid !== undefined);
    expect(
        sids.filter((sid, index) => sids.indexOf(sid) !== index),
        `${what}: a Sid stands twice in one policy, which IAM refuses`,
    ).to.deep.equal([]);
    for (const sid of sids) expect(sid, what).to.match(/^[A-Za-z0-9]+$/);
    for (const statement of statements) {
        expect(statement.Action, what).to.not.be.empty;
        expect(statement.Resource, what).to.not.be.empty;
        for (const resource of statement.Resource) expect(resource, what).to.match(/^(\*|arn:aws:[a-z0-9-]+:[a-z0-9*-]*:(\d{12}|\*)?:.+)$/);
    }
}

describe("what the functions' roles may do", () => {
    for (const [handler, step] of Object.entries<Step>(steps)) {
        it(`${handler}: named statements, once each, within IAM's limit`, () => {
            const statements = step.permissions(names);
            check(statements, handler);
            // The log, dead letters and message key of infra/callback.ts come on top.
            expect(JSON.stringify(statements).length).to.be.lessThan(inlineLimit - 1200);
        });
        it(`${handler}: its role's name fits IAM in the Region with the longest name`, () =>
            expect(functionRoleName(handler, "ap-southeast-1").length).to.be.at.most(64));
    }

    it("the responder role: one policy, within IAM's limit with 17 Regions", () => {
        // The Regions that are on in every account.
        const regions = [
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
            "ca-central-1",
            "sa-east-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "eu-central-1",
            "eu-north-1",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
        ];
        for (const mode of ["off", "volatile", "full"] as const) {
            const settings = parseSettings({
                forensics: { accountId: "111111111111" },
                regions,
                members: [{ accountId: "222222222222" }],
                memory: { mode },
            });
            const statements = memberStatements({
                settings,
                partition: "aws",
                accountId: "222222222222",
                evidenceKeyArns: regions.map(keyArn),
            });
            check(statements, "responder");
            expect(JSON.stringify(statements).length, mode).to.be.lessThan(inlineLimit);
            // What runs commands and attaches volumes is there only where memory is taken.
            const actions = statements
                .flatMap(({ Action }) => Action)
                .filter((each) => /^ssm:(Send|Cancel)Command|AttachVolume|CreateVolume$/.test(each));
            expect(actions.length > 0, mode).to.equal(mode !== "off");
        }
    });

    it("only functions that act in member accounts are trusted there", () => {
        expect(respondingFunctions).to.include.members(["isolateInstance", "createSnapshots"]);
        for (const handler of Object.keys(steps)) {
            const assumes = (steps as Record<string, Step>)
                [handler]!.permissions(names)
                .some((statement) => statement.Action.includes("sts:AssumeRole"));
            expect(assumes, handler).to.equal(respondingFunctions.includes(handler));
        }
    });

    const writesPolicies = (options: object) =>
        memberStatements({
            settings: parseSettings({ forensics: { accountId: "111111111111" }, regions: ["eu-west-1"], ...options }),
            partition: "aws",
            accountId: "222222222222",
            evidenceKeyArns: [keyArn("eu-west-1")],
        }).filter(({ Action }) => Action.includes("iam:PutRolePolicy"));

    it("the responder role never writes policies of the roles that rule an account, its deployment's own among them", () => {
        const deployRoleArn = "arn:aws:iam::222222222222:role/platform/deployer";
        const denied = writesPolicies({ members: [{ accountId: "222222222222", deployRoleArn }] })
            .filter(({ Effect }) => Effect === "Deny")
            .flatMap(({ Resource }) => Resource);
        const role = (name: string) => `arn:aws:iam::222222222222:role/${name}`;
        expect(denied).to.include.members(
            [
                "clean-room-*",
                "aws-reserved/*",
                "aws-service-role/*",
                "AWSControlTower*",
                "OrganizationAccountAccessRole",
                "stacksets-exec-*",
            ].map(role),
        );
        expect(denied).to.include(deployRoleArn);
    });

    it("the responder role writes policies of roles with the configured boundary alone", () => {
        const members = [{ accountId: "222222222222" }];
        const [bounded] = writesPolicies({ members, containment: { boundary: "teams/workload" } });
        expect(bounded?.Condition).to.deep.equal({
            StringEquals: { "iam:PermissionsBoundary": "arn:aws:iam::222222222222:policy/teams/workload" },
        });
        expect(bounded?.Action).to.deep.equal(["iam:PutRolePolicy", "iam:DeleteRolePolicy"]);
        expect(writesPolicies({ members })[0]?.Condition).to.equal(undefined);
    });
});
