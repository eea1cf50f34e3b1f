import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { roleHasNoWildcards } from "./roleHasNoWildcards";
import { document, judge, unknownString, type Verdict } from "./testing/engine";

const allow = (Action: string | string[], Resource: string | string[], more: object = {}): object => ({
    Effect: "Allow",
    Action,
    Resource,
    ...more,
});
const rolePolicy = (policy: unknown): Promise<Verdict> =>
    judge(roleHasNoWildcards, [{ is: aws.iam.RolePolicy, name: "isolate", props: { policy } }]);
const violations = async (...statements: object[]): Promise<string[]> => (await rolePolicy(document(...statements))).violations;

describe("policy role-has-no-wildcards", () => {
    it("accepts named actions on named resources, and describes on all", async () => {
        const arn = "arn:aws:ec2:eu-west-1:222222222222:network-interface/*";
        expect(
            await violations(
                allow(["ec2:ModifyNetworkInterfaceAttribute"], [arn]),
                allow(["ec2:DescribeInstances", "support:CreateCase"], ["*"]),
            ),
        ).to.be.empty;
    });

    it("accepts a denial of everything", async () => {
        expect(await violations({ Effect: "Deny", Action: "*", Resource: "*" })).to.be.empty;
    });

    for (const action of ["*", "ec2:*", "ec2:Describe*", "s3:Get?bject"]) {
        it(`refuses the action ${action}`, async () => {
            expect(await violations(allow(action, "arn:aws:s3:::evidence/*"))).to.deep.equal([
                `Statement number 1 of "isolate" (aws:iam/rolePolicy:RolePolicy) allows the action "${action}"; name the actions that are needed.`,
            ]);
        });
    }

    it("refuses every resource for an action that can be limited, also beside one that cannot", async () => {
        const [message, ...others] = await violations(allow(["ec2:DescribeInstances", "ec2:TerminateInstances"], "*", { Sid: "TearDown" }));
        expect(others).to.be.empty;
        expect(message)
            .to.include(`Statement "TearDown"`)
            .and.to.include("allows ec2:TerminateInstances on every resource")
            .and.to.not.include("DescribeInstances");
    });

    for (const every of [
        "arn:aws:ec2:*:*:*",
        "arn:aws:ec2:eu-west-1:222222222222:*",
        "arn:aws:ec2:*",
        "arn:*",
        "?*",
        "arn:aws:ec2:*:*:*/*",
    ]) {
        it(`takes ${every} for every resource`, async () => {
            expect(await violations(allow("ec2:TerminateInstances", every))).to.have.length(1);
        });
    }

    it("does not take the kind of a resource, or one bucket's objects, for every resource", async () => {
        expect(
            await violations(
                allow("ec2:TerminateInstances", "arn:aws:ec2:*:*:instance/*"),
                allow("s3:GetObject", "arn:aws:s3:::evidence/*"),
            ),
        ).to.be.empty;
    });

    it("does not take a similar name for an allowed one", async () => {
        expect(await violations(allow("ec2:DescribeInstances:Terminate", "*"))).to.have.length(1);
        expect(await violations(allow("iam:DescribeInstances", "*"))).to.have.length(1);
    });

    it("refuses NotAction and NotResource", async () => {
        expect(await violations({ Effect: "Allow", NotAction: "iam:*", NotResource: "arn:aws:s3:::evidence" })).to.have.length(2);
    });

    it("accepts every action that takes no resource, by AWS's reference", async () => {
        const actions = ["s3:ListAllMyBuckets", "kms:CreateKey", "EC2:describeimages", "iam:ListRoles", "ssm:DescribeParameters"];
        expect(await violations(allow(actions, "*"))).to.be.empty;
        expect(await violations(allow(["s3:ListBucket", "kms:Decrypt", "iam:PassRole"], "*"))).to.have.length(1);
    });

    const roles: [resource: string, refused: number, condition?: object][] = [
        ["arn:aws:iam::111111111111:role/forensic-instance", 0],
        ["arn:aws:iam::111111111111:role/clean-room/forensic-*", 0],
        ["arn:aws:iam::*:role/clean-room-responder", 0, { StringEquals: { "aws:ResourceOrgID": "o-a1b2c3d4e5" } }],
        ["arn:aws:iam::*:role/clean-room-responder", 1, { StringEquals: { "aws:ResourceOrgID": "o-ffffffffff" } }],
        ["arn:aws:iam::*:role/clean-room-responder", 1],
        ["arn:aws:iam::111111111111:role/*", 1],
        ["arn:aws:iam::111111111111:role/service/*", 1],
        ["arn:aws:iam::111111111111:role/?*", 1],
        ["arn:aws:iam::111111111111:*", 1],
        ["arn:aws:iam::*:role/*", 1],
        ["arn:*:iam::*:role/*", 1],
        ["arn:aws:iam::666666666666:role/help", 1],
    ];
    for (const [resource, refused, Condition] of roles) {
        it(`${refused ? "refuses" : "accepts"} becoming or passing ${resource}${Condition ? ` where ${JSON.stringify(Condition)}` : ""}`, async () => {
            for (const action of ["sts:AssumeRole", "iam:PassRole", "STS:assumerole"]) {
                expect(await violations(allow(action, resource, { Condition })), action).to.have.length(refused);
            }
        });
    }

    it("refuses every key, secret and parameter there is, unless a condition chooses", async () => {
        const every = [
            allow("kms:Decrypt", "arn:aws:kms:*:*:key/*"),
            allow("secretsmanager:GetSecretValue", ["arn:aws:secretsmanager:eu-west-1:111111111111:secret:*"]),
            allow(["ssm:GetParameter", "ssm:GetParametersByPath"], "arn:aws:ssm:eu-west-1:111111111111:parameter/*"),
        ];
        expect(await violations(...every)).to.have.length(3);
        const viaEbs = { StringEquals: { "kms:ViaService": "ec2.eu-west-1.amazonaws.com" } };
        expect(
            await violations(
                allow("kms:Decrypt", "arn:aws:kms:eu-west-1:111111111111:key/*", { Condition: viaEbs }),
                allow("ssm:GetParameter", "arn:aws:ssm:eu-west-1:111111111111:parameter/clean-room/*"),
                allow("kms:DescribeKey", "arn:aws:kms:eu-west-1:111111111111:key/*"),
            ),
        ).to.be.empty;
    });

    it("accepts keys of any account through EBS where they are of the organisation, and refuses them without", async () => {
        const through = (also: object) => ({ StringLike: { "kms:ViaService": "ec2.*.amazonaws.com" }, ...also });
        const any = (also: object) => allow("kms:Decrypt", "arn:aws:kms:*:*:key/*", { Condition: through(also) });
        expect(await violations(any({ StringEquals: { "aws:ResourceOrgID": "o-a1b2c3d4e5" } }))).to.be.empty;
        expect(await violations(any({}))).to.have.length(1);
        expect(await violations(any({ StringEquals: { "aws:ResourceOrgID": "o-ffffffffff" } }))).to.have.length(1);
        expect(await violations(allow("kms:Decrypt", "arn:aws:kms:*:222222222222:key/*", { Condition: through({}) }))).to.be.empty;
    });

    it("judges a permission set, a user's and a group's policy, and the known statements beside unknown ones", async () => {
        const wide = allow("ec2:*", "*");
        for (const [is, property] of [
            [aws.ssoadmin.PermissionSetInlinePolicy, "inlinePolicy"],
            [aws.iam.UserPolicy, "policy"],
            [aws.iam.GroupPolicy, "policy"],
            [aws.iam.Policy, "policy"],
        ] as const) {
            const verdict = await judge(roleHasNoWildcards, [{ is, name: "p", props: { [property]: document(wide) } }]);
            expect(verdict.violations, is.name).to.have.length(1);
        }
        const mixed = await rolePolicy({
            Statement: [unknownString, allow("sqs:SendMessage", unknownString), allow("s3:*", [unknownString, "arn:aws:s3:::x"])],
        });
        expect(mixed.violations).to.have.length(1);
        expect(mixed.deferred).to.have.length(1);
    });

    it("judges a role's inline policies, each for itself", async () => {
        const inlinePolicies = [
            { name: "a", policy: unknownString },
            { name: "b", policy: document(allow("*", "*")) },
        ];
        const verdict = await judge(roleHasNoWildcards, [{ is: aws.iam.Role, name: "role", props: { inlinePolicies } }]);
        expect(verdict.violations).to.have.length(1);
        expect(verdict.deferred).to.have.length(1);
    });

    it("leaves what is not known yet to the update, visibly", async () => {
        expect(await rolePolicy(unknownString))
            .to.have.property("deferred")
            .with.length(1);
        expect(await judge(roleHasNoWildcards, [{ is: aws.iam.Role, name: "role", props: { inlinePolicies: unknownString } }]))
            .to.have.property("deferred")
            .with.length(1);
    });

    it("refuses a document that is not JSON", async () => {
        const { violations } = await rolePolicy("{not json");
        expect(violations).to.have.length(1);
        expect(violations[0]).to.include("not JSON");
    });
});
