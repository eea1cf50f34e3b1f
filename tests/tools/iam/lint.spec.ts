import { expect } from "chai";
import { lint } from "../../../tools/iam/lint";
import { identityPolicies } from "../../../tools/iam/policies";

const allow = (Action: string, Resource: string) => ({ Effect: "Allow", Action, Resource });
const policy = (name: string, ...Statement: object[]) => ({ name, document: { Version: "2012-10-17", Statement } });

describe("the linter of IAM policies", function () {
    // The first call may make the virtual environment.
    this.timeout(600_000);

    it("finds nothing in the program's identity policies, and an action, a resource and a condition that AWS does not know", async () => {
        const ours = await identityPolicies();
        expect(ours.length).to.be.greaterThan(25);
        const wrong = [
            policy("action", allow("ec2:DescribeInstancez", "*")),
            policy("resource", allow("kms:Sign", "arn:aws:s3:::bucket")),
            policy("condition", {
                ...allow("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:queue"),
                Condition: { StringEquals: { "sqs:Nonsense": "x" } },
            }),
            // Of two statements that name one of the two resources each, neither is wrong.
            policy(
                "right",
                allow("ec2:CreateSnapshot", "arn:aws:ec2:eu-west-1::snapshot/*"),
                allow("ec2:CreateSnapshot", "arn:aws:ec2:eu-west-1:111111111111:volume/*"),
            ),
        ];
        const findings = await lint([...ours, ...wrong]);
        expect(findings.map((finding) => finding.split(":")[0])).to.deep.equal(["action", "resource", "condition"]);
    });
});
