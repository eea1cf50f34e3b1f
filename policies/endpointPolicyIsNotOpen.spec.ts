import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { endpointPolicyIsNotOpen } from "./endpointPolicyIsNotOpen";
import { document, judge, unknownString, type Verdict } from "./testing/engine";

const endpoint = (policy?: unknown): Promise<Verdict> =>
    judge(endpointPolicyIsNotOpen, [{ is: aws.ec2.VpcEndpoint, name: "s3", props: { serviceName: "com.amazonaws.eu-west-1.s3", policy } }]);

describe("policy endpoint-policy-is-not-open", () => {
    const closed = {
        "named buckets for one's own account": {
            Effect: "Allow",
            Principal: "*",
            Action: ["s3:GetObject"],
            Resource: ["arn:aws:s3:::tools/*"],
            Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111" } },
        },
        "one's own account on its own resources": {
            Effect: "Allow",
            Principal: "*",
            Action: "ssm:*",
            Resource: "*",
            Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111", "aws:ResourceAccount": "111111111111" } },
        },
        "AWS's own data perimeter": {
            Effect: "Allow",
            Principal: { AWS: "*" },
            Action: "*",
            Resource: "*",
            Condition: { StringEquals: { "aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:ResourceOrgID": "o-a1b2c3d4e5" } },
        },
        "a role by name, on a key of its account": {
            Effect: "Allow",
            Principal: { AWS: "arn:aws:iam::111111111111:role/forensic-instance" },
            Action: "kms:Decrypt",
            Resource: "arn:aws:kms:eu-west-1:111111111111:key/1",
        },
        "channels of the SSM agent, which have no resource": {
            Effect: "Allow",
            Principal: "*",
            Action: ["ssmmessages:OpenDataChannel", "ssmmessages:OpenControlChannel"],
            Resource: "*",
            Condition: { ArnEquals: { "aws:PrincipalArn": "arn:aws:iam::111111111111:role/forensic-instance" } },
        },
        "reading Amazon Linux's packages, without credentials": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: "arn:aws:s3:::al2023-repos-eu-west-1-de612dc2/*",
        },
        "a denial": { Effect: "Deny", Principal: "*", Action: "*", Resource: "*" },
    };
    for (const [what, statement] of Object.entries(closed)) {
        it(`accepts ${what}`, async () => {
            expect(await endpoint(document(statement))).to.deep.equal({ violations: [], deferred: [] });
        });
    }

    describe("of endpoints that a function makes when an incident needs them", () => {
        const made = (variables: Record<string, unknown>) =>
            judge(endpointPolicyIsNotOpen, [{ is: aws.lambda.Function, name: "openEndpoints", props: { environment: { variables } } }]);
        it("accepts a closed one, and what is no policy of an endpoint", async () => {
            const ENDPOINT_POLICY_SSM = document(closed["one's own account on its own resources"]);
            expect(await made({ ENDPOINT_POLICY_SSM, EVIDENCE_BUCKET: "evidence" })).to.deep.equal({ violations: [], deferred: [] });
        });
        for (const service of ["logs", "ssm", "ssmmessages"])
            it(`refuses an open one for ${service}, by its variable`, async () => {
                const name = `ENDPOINT_POLICY_${service.toUpperCase()}`;
                const { violations } = await made({ [name]: document({ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }) });
                expect(violations).to.not.be.empty;
                expect(JSON.stringify(violations[0])).to.include(name);
            });
    });

    const open = {
        everything: { Effect: "Allow", Principal: "*", Action: "*", Resource: "*" },
        "everything, for one account": {
            Effect: "Allow",
            Principal: "*",
            Action: "*",
            Resource: "*",
            Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111" } },
        },
        "named buckets for everyone's credentials": {
            Effect: "Allow",
            Principal: "*",
            Action: ["s3:GetObject"],
            Resource: ["arn:aws:s3:::tools/*"],
        },
        "every bucket whose name begins so": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:PutObject",
            Resource: "arn:aws:s3:::clean-room-*/*",
            Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111" } },
        },
        "a stranger's key": {
            Effect: "Allow",
            Principal: { AWS: "111111111111" },
            Action: "kms:Encrypt",
            Resource: "arn:aws:kms:eu-west-1:666666666666:key/1",
        },
        "a stranger by name": {
            Effect: "Allow",
            Principal: { AWS: "666666666666" },
            Action: "s3:GetObject",
            Resource: "arn:aws:s3:::tools/*",
        },
        "an organisation of others": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: "arn:aws:s3:::tools/*",
            Condition: { StringEquals: { "aws:PrincipalOrgID": "o-ffffffffff" } },
        },
        "a resource's account in place of the caller's": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:*",
            Resource: "*",
            Condition: { StringEquals: { "aws:ResourceAccount": "111111111111" } },
        },
        "an account that may be absent": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: "arn:aws:s3:::tools/*",
            Condition: { StringEqualsIfExists: { "aws:PrincipalAccount": "111111111111" } },
        },
        "its own VPC": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: "arn:aws:s3:::tools/*",
            Condition: { StringEquals: { "aws:SourceVpc": "vpc-0123456789abcdef0", "aws:SourceVpce": "vpce-0123456789abcdef0" } },
        },
        "writing to Amazon's buckets": {
            Effect: "Allow",
            Principal: "*",
            Action: ["s3:GetObject", "s3:PutObject"],
            Resource: "arn:aws:s3:::al2023-repos-eu-west-1-de612dc2/*",
        },
        "one action on every resource": { Effect: "Allow", Principal: { AWS: "*" }, Action: "s3:PutObject", Resource: ["*"] },
        "one action on every bucket, spelled out": { Effect: "Allow", Principal: "*", Action: "s3:PutObject", Resource: "arn:aws:s3:::*" },
        "a condition that narrows nothing": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:PutObject",
            Resource: "*",
            Condition: { StringLike: { "aws:PrincipalAccount": "*" } },
        },
        "a condition on TLS": {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:PutObject",
            Resource: "*",
            Condition: { Bool: { "aws:SecureTransport": "true" } },
        },
        "all but": { Effect: "Allow", Principal: "*", NotAction: "s3:DeleteObject", Resource: "arn:aws:s3:::tools/*" },
    };
    for (const [what, statement] of Object.entries(open)) {
        it(`refuses ${what}`, async () => {
            const { violations } = await endpoint(document(statement));
            expect(violations).to.not.be.empty;
            expect(violations[0]).to.include(`VPC endpoint "s3"`);
        });
    }

    it("refuses an endpoint without a policy, or with an empty one", async () => {
        expect((await endpoint()).violations).to.have.length(1);
        expect((await endpoint("")).violations).to.have.length(1);
    });

    it("takes a policy that a resource of its own gives to the endpoint, and judges that one", async () => {
        const withPolicy = (...statements: object[]): Promise<Verdict> =>
            judge(endpointPolicyIsNotOpen, [
                { is: aws.ec2.VpcEndpoint, name: "s3", props: { serviceName: "com.amazonaws.eu-west-1.s3" } },
                {
                    is: aws.ec2.VpcEndpointPolicy,
                    name: "s3-policy",
                    props: { vpcEndpointId: unknownString, policy: document(...statements) },
                    refs: { vpcEndpointId: ["s3"] },
                },
            ]);
        expect((await withPolicy(closed["named buckets for one's own account"])).violations).to.be.empty;
        expect((await withPolicy(open.everything)).violations).to.not.be.empty;
    });

    it("judges the known statements of a policy that holds something unknown", async () => {
        const { violations, deferred } = await endpoint({
            Version: "2012-10-17",
            Statement: [{ ...closed["named buckets for one's own account"], Resource: [unknownString] }, open.everything],
        });
        expect(violations).to.not.be.empty;
        expect(deferred).to.have.length(1);
    });

    it("leaves a policy that is not known yet to the update, visibly", async () => {
        const { violations, deferred } = await endpoint(unknownString);
        expect(violations).to.be.empty;
        expect(deferred).to.have.length(1);
    });
});
