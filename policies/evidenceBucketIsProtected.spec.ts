import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { evidenceBucketIsProtected } from "./evidenceBucketIsProtected";
import { document, judge, unknownString, type Declared } from "./testing/engine";

const refs = { bucket: ["store"] };
const tls = { Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } };

/** A protected bucket; a key replaces the properties of one part, null leaves the part out. */
function stack(change: Record<string, object | null> = {}): Declared[] {
    const parts: Record<string, { is: Declared["is"]; props: object }> = {
        store: { is: aws.s3.Bucket, props: { objectLockEnabled: true, tags: { "clean-room:role": "evidence" } } },
        versioning: { is: aws.s3.BucketVersioning, props: { versioningConfiguration: { status: "Enabled" } } },
        lock: { is: aws.s3.BucketObjectLockConfiguration, props: { rule: { defaultRetention: { mode: "COMPLIANCE", days: 365 } } } },
        encryption: {
            is: aws.s3.BucketServerSideEncryptionConfiguration,
            props: { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: unknownString } }] },
        },
        block: {
            is: aws.s3.BucketPublicAccessBlock,
            props: { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
        },
        policy: { is: aws.s3.BucketPolicy, props: { policy: document(tls) } },
    };
    return Object.entries(parts)
        .filter(([name]) => change[name] !== null)
        .map(([name, { is, props }]) => ({ is, name, props: change[name] ?? props, ...(name === "store" ? {} : { refs }) }));
}
const violations = async (change: Record<string, object | null>): Promise<string[]> =>
    (await judge(evidenceBucketIsProtected, stack(change))).violations;

describe("policy evidence-bucket-is-protected", () => {
    it("accepts a bucket with everything", async () => {
        expect(await judge(evidenceBucketIsProtected, stack())).to.deep.equal({ violations: [], deferred: [] });
    });

    for (const part of ["versioning", "lock", "encryption", "block", "policy"]) {
        it(`refuses a bucket without ${part}`, async () => {
            const messages = await violations({ [part]: null });
            expect(messages).to.have.length(1);
            expect(messages[0]).to.match(/^Evidence bucket "store" (has no|takes)/);
        });
    }

    const weakened: Record<string, [string, object]> = {
        "suspended versioning": ["versioning", { versioningConfiguration: { status: "Suspended" } }],
        "versioning that is not known": ["versioning", { versioningConfiguration: { status: unknownString } }],
        "a lock without a period": ["lock", { rule: { defaultRetention: { mode: "GOVERNANCE" } } }],
        "Amazon's own encryption": ["encryption", { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] }],
        "AWS's key": ["encryption", { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" } }] }],
        "a block with a gap": ["block", { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true }],
        "a policy that denies one action": ["policy", { policy: document({ ...tls, Action: "s3:PutObject" }) }],
        "a denial that a second condition weakens": [
            "policy",
            { policy: document({ ...tls, Condition: { ...tls.Condition, StringEquals: { "aws:PrincipalAccount": "111111111111" } } }) },
        ],
        "no Object Lock": ["store", { tags: { "clean-room:role": "evidence" } }],
        "a bucket that is emptied on destroy": [
            "store",
            { objectLockEnabled: true, forceDestroy: true, tags: { "clean-room:role": "evidence" } },
        ],
    };
    for (const [what, [part, props]] of Object.entries(weakened)) {
        it(`refuses ${what}`, async () => {
            expect(await violations({ [part]: props })).to.have.length(1);
        });
    }

    it("knows the bucket by its name, without its tag", async () => {
        expect(await violations({ store: { bucket: "acme-evidence-eu-west-1", objectLockEnabled: false, tags: {} } })).to.have.length(1);
        expect((await judge(evidenceBucketIsProtected, [{ is: aws.s3.Bucket, name: "evidence", props: {} }])).violations).to.not.be.empty;
    });

    it("leaves a bucket policy that is not known yet to the update, and judges the rest", async () => {
        const verdict = await judge(evidenceBucketIsProtected, stack({ policy: { policy: unknownString }, block: null }));
        expect(verdict.violations).to.have.length(1);
        expect(verdict.deferred).to.have.length(1);
    });

    it("leaves other buckets alone", async () => {
        const tools: Declared = { is: aws.s3.Bucket, name: "evidence-store-tools", props: { bucket: "acme-tools", forceDestroy: true } };
        expect((await judge(evidenceBucketIsProtected, [{ is: aws.s3.Bucket, name: "tools", props: {} }, tools])).violations).to.be.empty;
    });
});
