import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { noFullAccessPolicy } from "./noFullAccessPolicy";
import { judge, unknownString, type Declared } from "./testing/engine";

const judged = (is: Declared["is"], props: object): ReturnType<typeof judge> => judge(noFullAccessPolicy, [{ is, name: "attach", props }]);

describe("policy no-full-access-policy", () => {
    for (const name of [
        "AmazonEC2FullAccess",
        "AWSLambda_FullAccess",
        "AdministratorAccess",
        "PowerUserAccess",
        "job-function/SystemAdministrator",
        "AdministratorAccess-Amplify",
    ]) {
        it(`refuses ${name}`, async () => {
            const { violations } = await judged(aws.iam.RolePolicyAttachment, { policyArn: `arn:aws:iam::aws:policy/${name}` });
            expect(violations).to.have.length(1);
            expect(violations[0]).to.include(name);
        });
    }

    it("refuses it on a role, among others, and in another partition", async () => {
        const { violations } = await judged(aws.iam.Role, {
            managedPolicyArns: ["arn:aws-cn:iam::aws:policy/AmazonS3FullAccess", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"],
        });
        expect(violations).to.have.length(1);
    });

    it("accepts a narrow managed policy and one of the stack's own", async () => {
        expect(
            await judged(aws.iam.RolePolicyAttachment, { policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" }),
        ).to.deep.equal({ violations: [], deferred: [] });
    });

    it("leaves an ARN that is not known yet to the update, visibly", async () => {
        expect(await judged(aws.iam.RolePolicyAttachment, { policyArn: unknownString }))
            .to.have.property("deferred")
            .with.length(1);
    });
});
