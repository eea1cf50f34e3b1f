import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { endpointPolicyIsNotOpen } from "./endpointPolicyIsNotOpen";
import { document, judge, unknownString, type Verdict } from "./testing/engine";

const endpoint = (policy?: string): Promise<Verdict> =>
    judge(endpointPolicyIsNotOpen, [{ is: aws.ec2.VpcEndpoint, name: "s3", props: { serviceName: "com.amazonaws.eu-west-1.s3", policy } }]);

describe("policy endpoint-policy-is-not-open", () => {
    const closed = {
        "named buckets": { Effect: "Allow", Principal: "*", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::tools/*"] },
        "one's own account": {
            Effect: "Allow",
            Principal: "*",
            Action: "ssm:*",
            Resource: "*",
            Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111" } },
        },
        "a denial": { Effect: "Deny", Principal: "*", Action: "*", Resource: "*" },
    };
    for (const [what, statement] of Object.entries(closed)) {
        it(`accepts ${what}`, async () => {
            expect(await endpoint(document(statement))).to.deep.equal({ violations: [], deferred: [] });
        });
    }

    const open = {
        everything: { Effect: "Allow", Principal: "*", Action: "*", Resource: "*" },
        "everything, for one account": {
            Effect: "Allow",
            Principal: "*",
            Action: "*",
            Resource: "*",
            Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111" } },
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
            expect(violations).to.have.length(1);
            expect(violations[0]).to.include(`VPC endpoint "s3"`);
        });
    }

    it("refuses an endpoint without a policy, or with an empty one", async () => {
        expect((await endpoint()).violations).to.have.length(1);
        expect((await endpoint(document())).violations).to.have.length(1);
    });

    it("leaves a policy that is not known yet to the update, visibly", async () => {
        const { violations, deferred } = await endpoint(unknownString);
        expect(violations).to.be.empty;
        expect(deferred).to.have.length(1);
    });
});
