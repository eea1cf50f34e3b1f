import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { evidenceBucketIsProtected } from "./evidenceBucketIsProtected";
import { document, judge, typed, unknownString, type Declared } from "./testing/engine";

const arn = "arn:aws:s3:::acme-store";
const refs = { bucket: ["store"] };
const tls = { Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } };

/** A protected bucket; a key replaces the properties of one part, null leaves the part out. */
function stack(change: Record<string, object | null> = {}): Declared[] {
    const parts: Record<string, { is: Declared["is"]; props: object }> = {
        store: { is: aws.s3.Bucket, props: { bucket: "acme-store", objectLockEnabled: true, tags: { "clean-room:role": "evidence" } } },
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

    it("refuses copies to a bucket that says by its name alone whose it is", async () => {
        const copied = async (destination: object, more: Declared[] = []): Promise<string[]> => {
            const copy = { is: aws.s3.BucketReplicationConfig, name: "copy", props: { rules: [{ destination }] }, refs };
            return (await judge(evidenceBucketIsProtected, [...stack(), ...more, copy])).violations;
        };
        expect(await copied({ bucket: "arn:aws:s3:::somewhere" })).to.have.length(1);
        expect(await copied({ bucket: "arn:aws:s3:::somewhere", account: "111111111111" })).to.be.empty;
        const second: Declared = { is: aws.s3.Bucket, name: "second", props: { bucket: "second" } };
        expect(await copied({ bucket: "arn:aws:s3:::second" }, [second])).to.be.empty;
    });

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
        "AWS's key by its alias": [
            "encryption",
            { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: "alias/aws/s3" } }] },
        ],
        "a stranger's key": [
            "encryption",
            {
                rules: [
                    {
                        applyServerSideEncryptionByDefault: {
                            sseAlgorithm: "aws:kms:dsse",
                            kmsMasterKeyId: "arn:aws:kms:eu-west-1:666666666666:key/1",
                        },
                    },
                ],
            },
        ],
        "a lock of a day": ["lock", { rule: { defaultRetention: { mode: "COMPLIANCE", days: 1 } } }],
        "a denial of another bucket": [
            "policy",
            { policy: document({ ...tls, Resource: ["arn:aws:s3:::other", "arn:aws:s3:::other/*"] }) },
        ],
        "a denial of its objects alone": ["policy", { policy: document({ ...tls, Resource: [`${arn}/*`] }) }],
        "a denial of the bucket alone": ["policy", { policy: document({ ...tls, Resource: arn }) }],
        "a denial of a part": ["policy", { policy: document({ ...tls, Resource: [arn, `${arn}/incidents/*`] }) }],
        "a denial of everybody but one": [
            "policy",
            { policy: document({ ...tls, Principal: undefined, NotPrincipal: { AWS: "111111111111" } }) },
        ],
        "a denial where TLS is used": [
            "policy",
            { policy: document({ ...tls, Condition: { Bool: { "aws:SecureTransport": ["false", "true"] } } }) },
        ],
        "a policy by which somebody deletes versions": [
            "policy",
            { policy: document(tls, { Effect: "Allow", Principal: { AWS: "111111111111" }, Action: "s3:Delete*", Resource: `${arn}/*` }) },
        ],
        "no Object Lock": ["store", { bucket: "acme-store", tags: { "clean-room:role": "evidence" } }],
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

    it("accepts a denial in two statements, of the bucket's own name or by a pattern, in any partition", async () => {
        for (const resources of [[arn, `${arn}/*`], [`${arn}*`], ["arn:aws-cn:s3:::acme-store", "arn:aws-cn:s3:::acme-store/*"]]) {
            expect(await violations({ policy: { policy: document(...resources.map((Resource) => ({ ...tls, Resource }))) } })).to.be.empty;
        }
    });

    it("takes settings that name the bucket by its text, that stand on it, or that have their older name", async () => {
        const [bucket, ...rest] = stack();
        const byName = rest.map((each) => ({ ...each, props: { ...each.props, bucket: "acme-store" }, refs: {} }));
        expect(await judge(evidenceBucketIsProtected, [bucket, ...byName])).to.deep.equal({ violations: [], deferred: [] });
        const inline = {
            ...bucket,
            props: {
                ...bucket.props,
                versioning: { enabled: true },
                objectLockConfiguration: { objectLockEnabled: "Enabled", rule: { defaultRetention: { mode: "COMPLIANCE", years: 1 } } },
                serverSideEncryptionConfiguration: {
                    rule: { applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: unknownString } },
                },
            },
        };
        const others = rest.filter(({ name }) => name === "block" || name === "policy");
        expect((await judge(evidenceBucketIsProtected, [inline, ...others])).violations).to.be.empty;
        const older: Record<string, Declared["is"]> = {
            versioning: aws.s3.BucketVersioningV2,
            lock: aws.s3.BucketObjectLockConfigurationV2,
        };
        const renamed = rest.map((each) => ({ ...each, is: older[each.name] ?? each.is }));
        expect((await judge(evidenceBucketIsProtected, [{ ...bucket, is: aws.s3.BucketV2 }, ...renamed])).violations).to.be.empty;
    });

    it("asks for the lock that the policy's configuration or the program demands", async () => {
        const locked = (mode: string, days: number): Declared[] => stack({ lock: { rule: { defaultRetention: { mode, days } } } });
        const counted = async (declared: Declared[], config = {}): Promise<number> =>
            (await judge(evidenceBucketIsProtected, declared, config)).violations.length;
        expect(await counted(locked("GOVERNANCE", 30))).to.equal(0);
        expect(await counted(locked("GOVERNANCE", 29))).to.equal(1);
        expect(await counted(locked("GOVERNANCE", 400), { lockMode: "COMPLIANCE" })).to.equal(1);
        expect(await counted(locked("COMPLIANCE", 400), { lockMode: "COMPLIANCE", minimumRetentionDays: 500 })).to.equal(1);
        const announced = (evidence: object): Declared => ({
            is: typed("ec2-clean-room:index:Accounts"),
            name: "accounts",
            props: {
                estate: { forensicsAccountId: "111111111111", regions: ["eu-west-1"], members: [{ accountId: "222222222222" }], evidence },
            },
        });
        expect(await counted([announced({ retentionDays: 1, lockMode: "governance" }), ...locked("GOVERNANCE", 1)])).to.equal(0);
        expect(await counted([announced({ retentionDays: 365, lockMode: "compliance" }), ...locked("GOVERNANCE", 365)])).to.equal(1);
    });

    it("refuses the key of something else where the account has one for evidence", async () => {
        const key = (name: string): Declared => ({ is: aws.kms.Key, name, props: {} });
        const under = (name: string): Declared[] =>
            stack().map((each) => (each.name === "encryption" ? { ...each, refs: { ...refs, rules: [name] } } : each));
        expect(
            (await judge(evidenceBucketIsProtected, [key("evidence"), key("messages"), ...under("messages")])).violations,
        ).to.have.length(1);
        expect((await judge(evidenceBucketIsProtected, [key("evidence"), key("messages"), ...under("evidence")])).violations).to.be.empty;
    });

    const lifecycles: [what: string, rule: object, refused: number][] = [
        ["expires objects early", { expiration: { days: 30 } }, 1],
        ["expires what was replaced early", { noncurrentVersionExpiration: { noncurrentDays: 1 } }, 1],
        ["expires objects on a date", { expiration: { date: "2030-01-01" } }, 1],
        ["expires objects after the lock", { expiration: { days: 400 } }, 0],
        ["moves objects to colder storage", { transitions: [{ days: 90, storageClass: "GLACIER_IR" }] }, 0],
        ["clears unfinished uploads", { abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } }, 0],
        ["is switched off", { status: "Disabled", expiration: { days: 1 } }, 0],
    ];
    for (const [what, rule, refused] of lifecycles) {
        it(`${refused ? "refuses" : "accepts"} a lifecycle that ${what}`, async () => {
            const lifecycle = {
                is: aws.s3.BucketLifecycleConfiguration,
                name: "lifecycle",
                props: { rules: [{ status: "Enabled", ...rule }] },
                refs,
            };
            const demanded = { minimumRetentionDays: 365 };
            expect((await judge(evidenceBucketIsProtected, [...stack(), lifecycle], demanded)).violations).to.have.length(refused);
        });
    }

    it("refuses a setting whose changes are ignored", async () => {
        const ignoring = stack().map((each) => (each.name === "lock" ? { ...each, ignoreChanges: ['["rule"].defaultRetention'] } : each));
        expect((await judge(evidenceBucketIsProtected, ignoring)).violations).to.have.length(1);
    });

    const roles: [action: string, resource: string, refused: number][] = [
        ["s3:BypassGovernanceRetention", `${arn}/*`, 1],
        ["ec2:UnlockSnapshot", "arn:aws:ec2:*::snapshot/*", 1],
        ["S3:deleteobjectversion", "arn:aws:s3:::acme-evidence/*", 1],
        ["s3:PutLifecycleConfiguration", "*", 1],
        ["s3:DeleteObjectVersion", "arn:aws:s3:::acme-tools/*", 0],
        ["s3:PutObjectRetention", "arn:aws:s3:::acme-evidence/*", 0],
        ["ec2:DeleteSnapshot", "arn:aws:ec2:*::snapshot/*", 0],
    ];
    for (const [Action, Resource, refused] of roles) {
        it(`${refused ? "refuses" : "accepts"} a role with ${Action} on ${Resource}`, async () => {
            const policy = document({ Effect: "Allow", Action, Resource });
            expect(
                (await judge(evidenceBucketIsProtected, [{ is: aws.iam.RolePolicy, name: "tidy", props: { policy } }])).violations,
            ).to.have.length(refused);
        });
    }

    it("accepts a member's role that unlocks the interim copies it marked itself, and none where evidence may lie", async () => {
        const policy = document({
            Effect: "Allow",
            Action: ["ec2:LockSnapshot", "ec2:UnlockSnapshot"],
            Resource: "arn:aws:ec2:*::snapshot/*",
            Condition: { StringLike: { "aws:ResourceTag/clean-room:incident": "*" } },
        });
        const role = { is: aws.iam.RolePolicy, name: "responder", props: { policy } };
        const by = async (provider?: object) => (await judge(evidenceBucketIsProtected, [{ ...role, provider }])).violations.length;
        expect(await by({ allowedAccountIds: ["222222222222"] })).to.equal(0);
        // The forensics account, a provider of several accounts, and the default one.
        expect(await by({ allowedAccountIds: ["111111111111"] })).to.equal(1);
        expect(await by({ allowedAccountIds: ["222222222222", "111111111111"] })).to.equal(1);
        expect(await by()).to.equal(1);
    });

    it("asks less of the bucket that S3 writes access logs to, and only of that one", async () => {
        const tags = { "clean-room:role": "access-logs" };
        const logs = (...statements: object[]): Promise<{ violations: string[] }> =>
            judge(evidenceBucketIsProtected, [
                { is: aws.s3.Bucket, name: "store", props: { bucket: "acme-evidence-logs", tags } },
                ...stack().filter(({ name }) => name === "block"),
                { is: aws.s3.BucketPolicy, name: "policy", props: { policy: document(tls, ...statements) }, refs },
            ]);
        const delivery = {
            Effect: "Allow",
            Principal: { Service: "logging.s3.amazonaws.com" },
            Action: "s3:PutObject",
            Resource: "arn:aws:s3:::acme-evidence-logs/*",
        };
        expect((await logs(delivery)).violations).to.be.empty;
        expect((await logs()).violations).to.have.length(4);
    });

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
