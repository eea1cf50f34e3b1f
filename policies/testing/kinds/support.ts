/**
 * Small programs of each kind of what the policies refuse or let through. judge.ts judges each on its own, with every value known, without an
 * engine: for `tests/policies/kinds.spec.ts` and `npm run policy:check -- --bad`.
 */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface Case {
    /** Unique, and part of a resource type on the engine. */
    name: string;
    /** Policies of which one must refuse it; none: no policy may. */
    policies: string[];
    program: () => void;
}

/** The programs of one file. */
export class Kind {
    readonly cases: Case[] = [];
    /** @param title what the kind is about */
    constructor(
        readonly key: string,
        readonly title: string,
    ) {}
    /** A program that one of these policies must refuse. */
    bad(name: string, policies: string | string[], program: () => void): void {
        this.cases.push({ name: `${this.key}-${name}`, policies: [policies].flat(), program });
    }
    /** A program that every policy must let through. */
    good(name: string, program: () => void): void {
        this.cases.push({ name: `${this.key}-${name}`, policies: [], program });
    }
}

/** Accounts of policies/estate.json, and one that is not of it. */
export const own = "111111111111";
export const member = "222222222222";
export const stranger = "666666666666";

type Statement = Record<string, unknown>;
export const doc = (...statements: Statement[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements });
export const allow = (more: Statement): Statement => ({ Effect: "Allow", ...more });
export const trust = (service: string): string => doc(allow({ Principal: { Service: service }, Action: "sts:AssumeRole" }));
/** A statement of a key's policy that every key has. */
export const ownKey = allow({ Principal: { AWS: `arn:aws:iam::${own}:root` }, Action: "kms:*", Resource: "*" });
/** A text that only the update knows. */
export const late = (): pulumi.Output<string> => new aws.iam.AccessKey("late", { user: "late" }).id;

export const drillRange = { "clean-room:role": "drill-range" };
export const vpc = (): aws.ec2.Vpc =>
    new aws.ec2.Vpc("clean-room", { cidrBlock: "10.20.0.0/24", tags: { "clean-room:role": "clean-room" } });
export const subnet = (of: aws.ec2.Vpc): aws.ec2.Subnet => new aws.ec2.Subnet("analysis", { vpcId: of.id, cidrBlock: "10.20.0.0/25" });
/** A provider that works in one account. */
export const providerOf = (accountId: string): aws.Provider =>
    new aws.Provider(`in-${accountId}`, {
        region: "eu-west-1",
        allowedAccountIds: [accountId],
        accessKey: "none",
        secretKey: "none",
        skipCredentialsValidation: true,
        skipRequestingAccountId: true,
        skipMetadataApiCheck: true,
    });

export const evidenceName = "clean-room-evidence-111111111111-eu-west-1";
export const tlsOnly = (bucket = evidenceName): Statement => ({
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
});
type Part = "bucket" | "versioning" | "lock" | "encryption" | "block" | "policy";
/** An evidence bucket as it should be, with parts changed or, by null, left out. */
export function evidence(change: Partial<Record<Part, object | null>> = {}): aws.s3.Bucket {
    const bucket = new aws.s3.Bucket("evidence", {
        bucket: evidenceName,
        objectLockEnabled: true,
        tags: { "clean-room:role": "evidence" },
        ...change.bucket,
    });
    const make = (part: Part, is: new (name: string, args: never) => unknown, args: object): void => {
        if (change[part] !== null) new is("evidence", { bucket: bucket.bucket, ...args, ...change[part] } as never);
    };
    const key = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    make("versioning", aws.s3.BucketVersioning, { versioningConfiguration: { status: "Enabled" } });
    make("lock", aws.s3.BucketObjectLockConfiguration, { rule: { defaultRetention: { mode: "COMPLIANCE", days: 365 } } });
    make("encryption", aws.s3.BucketServerSideEncryptionConfiguration, {
        rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key } }],
    });
    make("block", aws.s3.BucketPublicAccessBlock, blocked);
    make("policy", aws.s3.BucketPolicy, { policy: doc(tlsOnly()) });
    return bucket;
}
export const blocked = { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true };

/** A function with everything that a policy asks for, and its log group. */
export function lambda(change: Partial<aws.lambda.FunctionArgs> = {}): void {
    new aws.cloudwatch.LogGroup("function", { name: "/aws/lambda/function", retentionInDays: 90 });
    new aws.lambda.Function("function", {
        name: "function",
        role: "arn:aws:iam::111111111111:role/function",
        runtime: "nodejs24.x",
        handler: "index.handler",
        timeout: 30,
        deadLetterConfig: { targetArn: "arn:aws:sqs:eu-west-1:111111111111:dead-letters" },
        code: new pulumi.asset.AssetArchive({ "index.js": new pulumi.asset.StringAsset("exports.handler = async () => undefined;") }),
        ...change,
    });
}
/** A resource of a package that is not installed. */
export const foreign = (type: string, props: object): pulumi.CustomResource =>
    new (class extends pulumi.CustomResource {
        constructor() {
            super(type, "foreign", props);
        }
    })();
/** A CloudFormation template of one resource. */
export const template = (Type: string, Properties: object): string => JSON.stringify({ Resources: { R: { Type, Properties } } });
export const stackSet = (templateBody: string): aws.cloudformation.StackSet =>
    new aws.cloudformation.StackSet("member", { permissionModel: "SERVICE_MANAGED", autoDeployment: { enabled: true }, templateBody });
