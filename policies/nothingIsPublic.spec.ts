import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { nothingIsPublic } from "./nothingIsPublic";
import { document, judge, unknownString, type Declared } from "./testing/engine";

const judged = (is: Declared["is"], props: object): ReturnType<typeof judge> => judge(nothingIsPublic, [{ is, name: "thing", props }]);
const ours = "arn:aws:sns:eu-west-1:111111111111";
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
            aws.s3.BucketAcl,
            { accessControlPolicy: { grants: [{ grantee: { uri: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers" } }] } },
            { accessControlPolicy: { grants: [{ grantee: { uri: "http://acs.amazonaws.com/groups/s3/LogDelivery" } }] } },
        ],
        [aws.s3.BucketObjectv2, { acl: "public-read" }, { acl: "private" }],
        [
            aws.ec2.ManagedPrefixList,
            { entries: [{ cidr: "198.51.100.0/24" }, { cidr: "128.0.0.0/1" }] },
            { entries: [{ cidr: "198.51.100.0/24" }] },
        ],
        [aws.ec2.ManagedPrefixListEntry, { cidr: "::/1" }, { cidr: "fd00::/8" }],
        [
            aws.s3.BucketPublicAccessBlock,
            { blockPublicAcls: true },
            { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
        ],
        [
            aws.cloudwatch.LogAccountPolicy,
            { policyDocument: JSON.stringify({ DestinationArn: "arn:aws:lambda:eu-west-1:666666666666:function:f", FilterPattern: "" }) },
            { policyDocument: JSON.stringify({ DestinationArn: "arn:aws:lambda:eu-west-1:111111111111:function:f", FilterPattern: "" }) },
        ],
        [aws.lambda.FunctionUrl, { authorizationType: "NONE" }, { authorizationType: "AWS_IAM" }],
        [aws.lambda.Permission, { principal: "*" }, { principal: "*", principalOrgId: "o-a1b2c3d4e5" }],
        [aws.lambda.Permission, { principal: "666666666666" }, { principal: "arn:aws:iam::222222222222:role/x" }],
        [aws.lambda.Permission, { principal: "sns.amazonaws.com" }, { principal: "sns.amazonaws.com", sourceArn: `${ours}:topic` }],
        [
            aws.lambda.Permission,
            { principal: "s3.amazonaws.com", sourceArn: "arn:aws:s3:::reports" },
            { principal: "s3.amazonaws.com", sourceArn: "arn:aws:s3:::reports", sourceAccount: "111111111111" },
        ],
        [
            aws.lambda.Permission,
            { principal: "events.amazonaws.com", sourceArn: "arn:aws:events:*:*:rule/*" },
            { principal: "events.amazonaws.com", sourceArn: "arn:aws:events:*:111111111111:rule/*" },
        ],
        [aws.lambda.LayerVersionPermission, { principal: "*" }, { principal: "*", organizationId: "o-a1b2c3d4e5" }],
        [
            aws.cloudwatch.EventPermission,
            { principal: "*", condition: { type: "StringLike", key: "aws:PrincipalOrgID", value: "o-*" } },
            { principal: "*", condition: { type: "StringEquals", key: "aws:PrincipalOrgID", value: "o-a1b2c3d4e5" } },
        ],
        [aws.cloudwatch.EventPermission, { principal: "666666666666" }, { principal: "222222222222" }],
        [aws.cloudwatch.EventTarget, { arn: "arn:aws:events:eu-west-1:666666666666:event-bus/x" }, { arn: `${ours}:topic` }],
        [aws.sns.TopicSubscription, { endpoint: "arn:aws:sqs:eu-west-1:666666666666:q" }, { endpoint: "responders@example.com" }],
        [
            aws.ram.PrincipalAssociation,
            { principal: "arn:aws:organizations::666666666666:organization/o-ffffffffff" },
            { principal: "222222222222" },
        ],
        [
            aws.ram.PrincipalAssociation,
            { principal: "arn:aws:iam::666666666666:role/x" },
            { principal: "arn:aws:organizations::999999999999:ou/o-a1b2c3d4e5/ou-ab12-11111111" },
        ],
        [aws.ec2.VpcEndpointServiceAllowedPrinciple, { principalArn: "*" }, { principalArn: "arn:aws:iam::222222222222:root" }],
        [aws.ec2.VpcEndpointService, { allowedPrincipals: ["arn:aws:iam::666666666666:root"] }, { allowedPrincipals: [] }],
        [aws.rds.Snapshot, { sharedAccounts: ["all"] }, { sharedAccounts: ["222222222222"] }],
        [
            aws.imagebuilder.DistributionConfiguration,
            { distributions: [{ amiDistributionConfiguration: { launchPermission: { userGroups: ["all"] } } }] },
            { distributions: [{ amiDistributionConfiguration: { launchPermission: { userIds: ["222222222222"] } } }] },
        ],
        [
            aws.s3.BucketReplicationConfig,
            { rules: [{ destination: { bucket: "arn:aws:s3:::x", account: "666666666666" } }] },
            { rules: [{ destination: { bucket: "arn:aws:s3:::x", account: "222222222222" } }] },
        ],
        [
            aws.dlm.LifecyclePolicy,
            { policyDetails: { schedules: [{ shareRule: { targetAccounts: ["666666666666"] } }] } },
            { policyDetails: { schedules: [{ shareRule: { targetAccounts: ["222222222222"] } }] } },
        ],
        [aws.guardduty.OrganizationAdminAccount, { adminAccountId: "666666666666" }, { adminAccountId: "111111111111" }],
        [aws.ec2.SnapshotCreateVolumePermission, { accountId: "all" }, { accountId: "111111111111" }],
        [aws.ec2.SnapshotCreateVolumePermission, { accountId: "666666666666" }, { accountId: "222222222222" }],
        [
            aws.ec2.AmiLaunchPermission,
            { organizationArn: "arn:aws:organizations::666666666666:organization/o-ffffffffff" },
            { accountId: "222222222222" },
        ],
        [
            aws.ssm.Document,
            { permissions: { type: "Share", account_ids: "111111111111,666666666666" } },
            { permissions: { type: "Share", account_ids: "111111111111,222222222222" } },
        ],
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
        it(`refuses ${is.name} with ${JSON.stringify(open)}, and not ${JSON.stringify(closed)}`, async () => {
            const { violations } = await judged(is, open);
            expect(violations).to.have.length(1);
            expect(violations[0]).to.include(`"thing"`);
            expect(await judged(is, closed)).to.deep.equal({ violations: [], deferred: [] });
        });
    }

    it("leaves a principal that is not known yet to the update, visibly", async () => {
        for (const is of [aws.lambda.Permission, aws.cloudwatch.EventPermission]) {
            expect(await judged(is, { principal: unknownString }))
                .to.deep.include({ violations: [] })
                .and.have.property("deferred")
                .with.length(1);
        }
    });

    it("leaves an address range that is not known yet to the update, visibly", async () => {
        expect(await judged(aws.vpc.SecurityGroupIngressRule, { cidrIpv4: unknownString }))
            .to.have.property("deferred")
            .with.length(1);
        expect(await judged(aws.ec2.SecurityGroup, { ingress: unknownString }))
            .to.have.property("deferred")
            .with.length(1);
    });
});
