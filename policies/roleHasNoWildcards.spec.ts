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
const rolePolicy = (policy: string): Promise<Verdict> =>
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
