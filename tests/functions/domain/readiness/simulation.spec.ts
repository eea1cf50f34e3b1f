import { expect } from "chai";
import { simulationsOf, type AskedStatement } from "../../../../functions/domain/readiness/simulation";
import { parseSettings } from "../../../../infra/config";
import { responderStatements } from "../../../../infra/readinessPlan";

const settings = parseSettings({
    forensics: { accountId: "111111111111" },
    regions: ["eu-west-1"],
    members: [{ accountId: "222222222222" }],
});
/** As the deployment writes them down for the function. */
const statements = JSON.parse(
    responderStatements({ settings, partition: "aws", evidenceKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/evidence" }),
) as AskedStatement[];

describe("the simulation of what the responder role may do", () => {
    it("asks for everything that the response needs, on resources that the patterns fit, and with no pattern", () => {
        const simulations = simulationsOf(statements, "222222222222", "eu-west-1");
        const asked = new Set(simulations.flatMap(({ actions }) => actions));
        for (const action of ["ec2:ModifyNetworkInterfaceAttribute", "iam:PutRolePolicy", "ec2:CreateSnapshots", "ec2:DeleteSecurityGroup"])
            expect([...asked]).to.include(action);
        for (const { Effect, Action } of statements) if (Effect === "Allow") expect([...asked]).to.include.members(Action);
        for (const { resources, context } of simulations) {
            for (const resource of resources ?? []) {
                expect(resource).to.not.match(/[*?]|undefined/);
                expect(resource.split(":").length).to.be.at.least(6);
            }
            for (const { ContextKeyValues } of context) expect(ContextKeyValues.join()).to.not.include("*");
            expect(context[0]).to.deep.include({ ContextKeyName: "aws:RequestedRegion", ContextKeyValues: ["eu-west-1"] });
        }
    });

    it("asks with the conditions of the statement fulfilled, each key in its type", () => {
        const [simulation] = simulationsOf(
            [
                {
                    Effect: "Allow",
                    Action: ["kms:CreateGrant"],
                    Resource: ["arn:aws:kms:*:222222222222:key/*"],
                    Condition: {
                        StringLike: { "kms:ViaService": "ec2.*.amazonaws.com" },
                        Bool: { "kms:GrantIsForAWSResource": "true" },
                        "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b"] },
                        Null: { "ec2:Add/group": "true" },
                        StringNotEquals: { "aws:ResourceAccount": "111111111111" },
                    },
                },
                { Effect: "Deny", Action: ["iam:PutRolePolicy"], Resource: ["*"] },
            ],
            "222222222222",
            "eu-west-1",
        );
        expect(simulation).to.deep.equal({
            actions: ["kms:CreateGrant"],
            resources: ["arn:aws:kms:eu-west-1:222222222222:key/preflight"],
            context: [
                { ContextKeyName: "aws:RequestedRegion", ContextKeyType: "string", ContextKeyValues: ["eu-west-1"] },
                { ContextKeyName: "kms:ViaService", ContextKeyType: "string", ContextKeyValues: ["ec2.preflight.amazonaws.com"] },
                { ContextKeyName: "kms:GrantIsForAWSResource", ContextKeyType: "boolean", ContextKeyValues: ["true"] },
                { ContextKeyName: "aws:TagKeys", ContextKeyType: "stringList", ContextKeyValues: ["a", "b"] },
            ],
        });
    });
});
