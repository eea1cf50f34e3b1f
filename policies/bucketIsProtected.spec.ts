import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { bucketIsProtected } from "./bucketIsProtected";
import { judge, document, unknownString, type Declared } from "./testing/engine";

const bucket = (name = "clean-room-tools-111111111111-eu-west-1"): Declared => ({
    is: aws.s3.Bucket,
    name: "bucket",
    props: { bucket: name },
});
const beside = (is: Declared["is"], props: object): Declared => ({ is, name: is.name, props, refs: { bucket: ["bucket"] } });
const tls = document({
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: "*",
    Condition: { Bool: { "aws:SecureTransport": "false" } },
});
const block = beside(aws.s3.BucketPublicAccessBlock, {});
const policy = (text: string): Declared => beside(aws.s3.BucketPolicy, { policy: text });
const versions = (status: string): Declared => beside(aws.s3.BucketVersioning, { versioningConfiguration: { status } });
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(bucketIsProtected, stack)).violations;

describe("policy bucket-is-protected", () => {
    it("accepts a closed bucket with versions, a plain one without, and companions that name it by a text", async () => {
        expect(await violations(bucket(), block, policy(tls), versions("Enabled"))).to.be.empty;
        expect(await violations(bucket("access-logs"), block, policy(unknownString))).to.be.empty;
        const named = [block, policy(tls)].map((each) => ({ ...each, refs: {}, props: { ...each.props, bucket: "access-logs" } }));
        expect(await violations(bucket("access-logs"), ...named)).to.be.empty;
    });

    it("refuses a bucket without one of them", async () => {
        expect(await violations(bucket())).to.have.length(3);
        expect(await violations(bucket(), policy(tls), versions("Enabled"))).to.have.length(1);
        expect(await violations(bucket(), block, versions("Enabled"))).to.have.length(1);
        expect(await violations(bucket(), block, policy(tls), versions("Suspended"))).to.have.length(1);
        expect(await violations(bucket(), block, policy(document()), versions("Enabled"))).to.have.length(1);
    });
});
