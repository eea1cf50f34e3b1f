/** Actions by which evidence stops being evidence. */
import { covers, isEveryResource, type PolicyDocument, type Statement } from "./iamDocument";

/** Nobody needs these on anything: what is locked stays locked until its date. */
const NEVER = ["s3:BypassGovernanceRetention", "s3:PutBucketObjectLockConfiguration", "s3:PutObjectLegalHold", "ec2:UnlockSnapshot"];

/** Nobody needs these on an evidence bucket, or on a bucket by no name. */
const NOT_ON_EVIDENCE = [
    "s3:DeleteObjectVersion",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:PutBucketPublicAccessBlock",
];

/**
 * What statements of an identity policy allow that undoes evidence, by action as it is written. Wildcards in actions are role-has-no-wildcards' to refuse.
 *
 * @param keepsNone whether the identity certainly lies in an account that keeps no evidence
 */
export function undoneByIdentity({ statements }: PolicyDocument, keepsNone: boolean): { label: string; actions: string[] }[] {
    return undone(statements, (statement) => [
        ...statement.actions.filter((action) => NEVER.some((each) => same(each, action)) && !(keepsNone && isOfOneTag(statement, action))),
        ...(statement.resources.some(mayBeEvidence)
            ? statement.actions.filter((action) => NOT_ON_EVIDENCE.some((each) => same(each, action)))
            : []),
    ]);
}

/** What statements of an evidence bucket's own policy allow that undoes it, also by a wildcard. */
export function undoneByBucketPolicy({ statements }: PolicyDocument): { label: string; actions: string[] }[] {
    return undone(statements, (statement) =>
        statement.negations.includes("NotAction")
            ? ["everything but what NotAction lists"]
            : statement.actions.filter((pattern) => [...NEVER, ...NOT_ON_EVIDENCE].some((action) => covers(pattern, action))),
    );
}

function undone(statements: readonly Statement[], of: (statement: Statement) => string[]): { label: string; actions: string[] }[] {
    return statements
        .filter(({ allow }) => allow)
        .map((statement) => ({ label: statement.label, actions: of(statement) }))
        .filter(({ actions }) => actions.length > 0);
}

/**
 * Whether a statement unlocks only snapshots with some tag: a responder locks its interim copies in the member's account while they are copied.
 * Where evidence lies, in the forensics account, a tag excuses nothing; S3's locks are lifted for nobody.
 */
function isOfOneTag({ conditions }: Statement, action: string): boolean {
    return (
        same(action, "ec2:UnlockSnapshot") &&
        conditions.some(({ operator, key }) => /^String(Equals|Like)$/.test(operator) && /^(aws|ec2):resourcetag\//.test(key))
    );
}

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Whether a resource may be an evidence bucket, or something in one: by its name, or because it names no bucket. */
function mayBeEvidence(resource: string): boolean {
    const bucket = /^arn:[^:]*:s3:::([^/]*)/.exec(resource)?.[1];
    return isEveryResource(resource) || (bucket !== undefined && (/^[*?]/.test(bucket) || bucket.toLowerCase().includes("evidence")));
}
