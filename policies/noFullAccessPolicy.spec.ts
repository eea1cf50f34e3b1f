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
        "SecretsManagerReadWrite",
        "AWSKeyManagementServicePowerUser",
        "service-role/AmazonElasticMapReduceforEC2Role",
        "AWSBackupFullAccess",
        "AWSSomethingNewFullAccess",
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
        for (const name of ["NoFullAccess", "AdministratorAccess", "path/AmazonEC2FullAccess"]) {
            const policyArn = `arn:aws:iam::111111111111:policy/${name}`;
            expect((await judged(aws.iam.RolePolicyAttachment, { policyArn })).violations, name).to.be.empty;
        }
    });

    const attaching: [Declared["is"], string, boolean][] = [
        [aws.iam.UserPolicyAttachment, "policyArn", false],
        [aws.iam.GroupPolicyAttachment, "policyArn", false],
        [aws.iam.PolicyAttachment, "policyArn", false],
        [aws.iam.UserPolicyAttachmentsExclusive, "policyArns", true],
        [aws.iam.GroupPolicyAttachmentsExclusive, "policyArns", true],
        [aws.iam.RolePolicyAttachmentsExclusive, "policyArns", true],
        [aws.ssoadmin.ManagedPolicyAttachment, "managedPolicyArn", false],
        [aws.ssoadmin.ManagedPolicyAttachmentsExclusive, "managedPolicyArns", true],
        [aws.rolesanywhere.Profile, "managedPolicyArns", true],
    ];
    for (const [is, property, isList] of attaching) {
        it(`refuses it by ${is.name}, beside what is not known`, async () => {
            const arn = "arn:aws:iam::aws:policy/AdministratorAccess";
            expect((await judged(is, { [property]: isList ? [unknownString, arn] : arn })).violations).to.have.length(1);
        });
    }

    it("leaves an ARN that is not known yet to the update, visibly", async () => {
        expect(await judged(aws.iam.RolePolicyAttachment, { policyArn: unknownString }))
            .to.have.property("deferred")
            .with.length(1);
    });
});
