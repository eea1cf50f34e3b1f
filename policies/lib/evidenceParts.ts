/** What must be true of each setting of an evidence bucket, whether it is a resource of its own beside the bucket or stands on the bucket itself. */
import { ignoredUnder } from "./ignored";
import type { Ownership } from "./ownership";
import { listOf, objectOf, show, UNKNOWN, type Properties, type Value } from "./values";

/** What is asked of the lock. */
export interface Lock {
    /** Days for which every object is locked at least. */
    days: number;
    /** Whether only COMPLIANCE will do, which nobody can take off. */
    compliance: boolean;
}

/** What the checks know beside the properties. */
export interface Around {
    lock: Lock;
    whose: Ownership;
    /** Whether the key that the encryption names is a key of the stack that is not the evidence's. */
    isAnotherKey: boolean;
}

/** One setting that an evidence bucket must have. */
export interface Part {
    /** Type of the resource of its own, without the `V2` of its older name. */
    type: string;
    what: string;
    /** Properties whose changes must not be ignored. */
    properties: string[];
    /** What is wrong with it; nothing if it is right. */
    wrong(props: Properties, around: Around): string | undefined;
    /** The same setting where it stands on the bucket, as properties of the resource of its own. */
    inline(bucket: Properties): Properties | undefined;
}

const there = (value: Value): boolean => Object.keys(objectOf(value)).length > 0;

export const PUBLIC_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const BLOCKS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

export const PARTS: readonly Part[] = [
    {
        type: "aws:s3/bucketVersioning:BucketVersioning",
        what: "aws.s3.BucketVersioning",
        properties: ["versioningConfiguration"],
        wrong: (props) => unless(objectOf(props.versioningConfiguration).status, "Enabled", "versioningConfiguration.status"),
        inline: ({ versioning }) =>
            there(versioning)
                ? { versioningConfiguration: { status: objectOf(versioning).enabled === true ? "Enabled" : objectOf(versioning).enabled } }
                : undefined,
    },
    {
        type: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        what: "aws.s3.BucketObjectLockConfiguration",
        properties: ["rule", "objectLockEnabled"],
        wrong: (props, { lock }) => lockProblem(props, lock),
        inline: ({ objectLockConfiguration }) => (there(objectLockConfiguration) ? objectOf(objectLockConfiguration) : undefined),
    },
    {
        type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        what: "aws.s3.BucketServerSideEncryptionConfiguration",
        properties: ["rules"],
        wrong: (props, around) => encryptionProblem(listOf(props.rules), around),
        inline: ({ serverSideEncryptionConfiguration }) =>
            there(serverSideEncryptionConfiguration) ? { rules: listOf(objectOf(serverSideEncryptionConfiguration).rule) } : undefined,
    },
    {
        type: PUBLIC_BLOCK,
        what: "aws.s3.BucketPublicAccessBlock",
        properties: BLOCKS,
        wrong: (props) => BLOCKS.map((property) => unless(props[property], true, property)).find((wrong) => wrong !== undefined),
        inline: () => undefined,
    },
];

function lockProblem(props: Properties, { days: least, compliance }: Lock): string | undefined {
    const { mode, days, years } = objectOf(objectOf(props.rule).defaultRetention);
    const period = typeof days === "number" ? days : typeof years === "number" ? years * 365 : 0;
    const said = `rule.defaultRetention is ${show({ mode, days, years })}`;
    if ((mode !== "GOVERNANCE" && mode !== "COMPLIANCE") || period <= 0) {
        return `${said}; set a mode and days`;
    }
    if (compliance && mode !== "COMPLIANCE") {
        return `${said}; set mode "COMPLIANCE", which this stack demands`;
    }
    return period < least
        ? `${said}; lock for at least ${least} days, which is what this stack demands (evidence.retentionDays)`
        : undefined;
}

function encryptionProblem(rules: Value[], { whose, isAnotherKey }: Around): string | undefined {
    if (rules.length === 0) {
        return `rules encrypt with "nothing"; set "aws:kms" and the evidence key`;
    }
    for (const rule of rules) {
        const { sseAlgorithm, kmsMasterKeyId } = objectOf(objectOf(rule).applyServerSideEncryptionByDefault);
        if (sseAlgorithm !== "aws:kms" && sseAlgorithm !== "aws:kms:dsse") {
            return `rules encrypt with ${show(sseAlgorithm)}; set "aws:kms" and the evidence key`;
        }
        if (!isOurKey(kmsMasterKeyId, whose)) {
            return `rules encrypt under ${show(kmsMasterKeyId)}, which is no key of one's own; name the evidence key`;
        }
    }
    return isAnotherKey ? "rules encrypt under another key than the evidence's; name the evidence key" : undefined;
}

/** A key by its ARN in an account of the estate, by its id, or by an alias of one's own: `alias/aws/s3` is AWS's, and nobody can limit or share it. */
function isOurKey(key: Value, whose: Ownership): boolean {
    if (key === UNKNOWN) {
        return true;
    }
    if (typeof key !== "string" || key === "" || /(^|:)alias\/aws\//.test(key)) {
        return false;
    }
    return key.startsWith("arn:") ? whose.isOurArn(key) : true;
}

/** What is wrong with a setting: what it says, or that nobody would see it change. */
export function problemOf(part: Part, props: Properties, ignoreChanges: readonly string[], around: Around): string | undefined {
    const [ignored] = ignoredUnder(ignoreChanges, part.properties);
    return (
        part.wrong(props, around) ??
        (ignored === undefined ? undefined : `it ignores changes of "${ignored}"; take that out of ignoreChanges`)
    );
}

function unless(value: Value, wanted: Value, property: string): string | undefined {
    return value === wanted ? undefined : `${property} is ${show(value)}; set it to ${show(wanted)}`;
}

/** What a lifecycle does to evidence before its lock ends. Moving it to colder storage, and clearing what was never finished, is fine. */
export function lifecycleProblem(rules: Value[], { days: least }: Lock): string | undefined {
    for (const rule of rules.map(objectOf).filter(({ status, enabled }) => status !== "Disabled" && enabled !== false)) {
        const both: Value[] = [rule.expiration, rule.noncurrentVersionExpiration];
        const named = both.flatMap(listOf).map(objectOf);
        for (const { days, noncurrentDays, date, newerNoncurrentVersions } of named) {
            const after = days ?? noncurrentDays;
            const early = after !== undefined && after !== null && after !== 0 && !(typeof after === "number" && after >= least);
            if (
                early ||
                (typeof date === "string" && date !== "") ||
                date === UNKNOWN ||
                (newerNoncurrentVersions && after === undefined)
            ) {
                return `expires objects by ${show({ days: after, date })}; keep them for the ${least} days of the lock at least, or only move them to colder storage`;
            }
        }
    }
    return undefined;
}
