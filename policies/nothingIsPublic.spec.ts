import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { nothingIsPublic } from "./nothingIsPublic";
import { document, judge, unknownString, type Declared } from "./testing/engine";

const judged = (is: Declared["is"], props: object): ReturnType<typeof judge> => judge(nothingIsPublic, [{ is, name: "thing", props }]);
const everyone = { Effect: "Allow", Principal: { AWS: ["*"] }, Action: "sns:Publish", Resource: "*" };

describe("policy nothing-is-public", () => {
    const holders: [Declared["is"], string][] = [
        [aws.s3.BucketPolicy, "policy"],
        [aws.sns.TopicPolicy, "policy"],
        [aws.sqs.QueuePolicy, "policy"],
        [aws.kms.Key, "policy"],
        [aws.iam.Role, "assumeRolePolicy"],
        [aws.cloudwatch.EventBusPolicy, "policy"],
    ];
    for (const [is, property] of holders) {
        it(`refuses everyone in the ${property} of ${is.name}, unless a condition names an account`, async () => {
            expect((await judged(is, { [property]: document(everyone) })).violations).to.have.length(1);
            expect(
                (
                    await judged(is, {
                        [property]: document({ ...everyone, Condition: { StringEquals: { "aws:SourceAccount": "111111111111" } } }),
                    })
                ).violations,
            ).to.be.empty;
            expect((await judged(is, { [property]: document({ ...everyone, Effect: "Deny" }) })).violations).to.be.empty;
            expect((await judged(is, { [property]: unknownString })).deferred).to.have.length(1);
        });
    }

    it("is not satisfied by a condition that holds where the key is missing", async () => {
        const condition = { "ForAllValues:StringEquals": { "aws:PrincipalOrgID": "o-1" } };
        expect((await judged(aws.sns.TopicPolicy, { policy: document({ ...everyone, Condition: condition }) })).violations).to.have.length(
            1,
        );
    });

    const settings: [Declared["is"], object, object][] = [
        [aws.s3.BucketAcl, { acl: "public-read" }, { acl: "private" }],
        [
            aws.s3.BucketPublicAccessBlock,
            { blockPublicAcls: true },
            { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
        ],
        [aws.lambda.FunctionUrl, { authorizationType: "NONE" }, { authorizationType: "AWS_IAM" }],
        [aws.lambda.Permission, { principal: "*" }, { principal: "sns.amazonaws.com" }],
        [aws.lambda.Permission, { principal: unknownString }, { principal: "*", principalOrgId: "o-1" }],
        [aws.ec2.SnapshotCreateVolumePermission, { accountId: "all" }, { accountId: "111111111111" }],
        [aws.ec2.AmiLaunchPermission, { group: "all" }, { accountId: "111111111111" }],
        [
            aws.ssm.Document,
            { permissions: { type: "Share", account_ids: "All" } },
            { permissions: { type: "Share", account_ids: "111111111111" } },
        ],
        [
            aws.ec2.SecurityGroup,
            { ingress: [{ cidrBlocks: ["10.0.0.0/8", "0.0.0.0/0"] }] },
            { ingress: [{ cidrBlocks: ["10.0.0.0/8"] }], egress: [{ cidrBlocks: ["0.0.0.0/0"] }] },
        ],
        [aws.ec2.SecurityGroupRule, { type: "ingress", cidrBlocks: ["128.0.0.0/1"] }, { type: "egress", cidrBlocks: ["0.0.0.0/0"] }],
        [aws.vpc.SecurityGroupIngressRule, { cidrIpv6: "::/0" }, { cidrIpv6: "fd00::/8" }],
    ];
    for (const [is, open, closed] of settings) {
        it(`refuses ${is.name} with ${JSON.stringify(open)}`, async () => {
            const { violations } = await judged(is, open);
            expect(violations).to.have.length(1);
            expect(violations[0]).to.include(`"thing"`);
            expect(await judged(is, closed)).to.deep.equal({ violations: [], deferred: [] });
        });
    }

    it("leaves an address range that is not known yet to the update, visibly", async () => {
        expect(await judged(aws.vpc.SecurityGroupIngressRule, { cidrIpv4: unknownString }))
            .to.have.property("deferred")
            .with.length(1);
        expect(await judged(aws.ec2.SecurityGroup, { ingress: unknownString }))
            .to.have.property("deferred")
            .with.length(1);
    });
});
