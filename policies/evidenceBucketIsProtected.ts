import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { accountOf } from "./lib/accounts";
import { announcedEstate } from "./lib/estate";
import { lifecycleProblem, PARTS, problemOf, PUBLIC_BLOCK, type Around, type Lock } from "./lib/evidenceParts";
import { covers, readDocument, type PolicyDocument } from "./lib/iamDocument";
import { Inputs } from "./lib/inputs";
import { undoneByBucketPolicy, undoneByIdentity } from "./lib/lockUndoing";
import { ownershipFor, ownershipOf, type OwnershipConfig } from "./lib/ownership";
import { deferUnknownDocuments, documentsOf } from "./lib/policyDocuments";
import { referencedBy } from "./lib/references";
import { mayHaveRole, roleTag } from "./lib/roles";
import { deferWhereUnknown } from "./lib/unknown";
import { listOf, objectOf, reveal, revealKey, show, UNKNOWN, type Properties, type Value } from "./lib/values";

/** What a stack may ask of its lock by the policy's configuration; else what the program announces; else a month in whatever mode. */
export interface EvidenceConfig extends OwnershipConfig {
    minimumRetentionDays?: number;
    lockMode?: "GOVERNANCE" | "COMPLIANCE";
}
const LEAST_DAYS = 30;
const inputs = new Inputs();

/** Evidence stays what it was when it was written: every version kept, locked, under one's own key, out of the public's reach, and sent over TLS. */
export const evidenceBucketIsProtected: ResourceValidationPolicy & StackValidationPolicy = {
    name: "evidence-bucket-is-protected",
    description:
        "An evidence bucket keeps versions, Object Lock, the evidence key and the public access block, refuses plain HTTP, and nobody may undo that.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            minimumRetentionDays: { type: "integer", minimum: 1, description: "Days that evidence is locked at least." },
            lockMode: { type: "string", enum: ["GOVERNANCE", "COMPLIANCE"], description: "Mode of the lock that a stack must set." },
        },
    },
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        const { keeper } = ownershipFor(args);
        const props = inputs.of(args as unknown as PolicyResource);
        if (isBucket(args.type) && isTagged(props)) {
            bucketProblems(props).forEach((problem) => reportViolation(`Evidence bucket "${args.name}" ${problem}.`));
        }
        const documents = documentsOf(args.type, props, "identity");
        const account = accountOf(args);
        // What a StackSet brings lies in the organisation's other accounts, whoever's provider makes the StackSet.
        const keepsNone = args.urn.includes("aws:cloudformation/stackSet:StackSet") || (account !== undefined && account !== keeper);
        for (const { label, actions } of documents.flatMap((each) => undoneByIdentity(each, keepsNone))) {
            reportViolation(
                `Statement ${label} of "${args.name}" (${args.type}) allows ${actions.join(", ")}, by which evidence is unlocked or deleted before its time. Take it out: nothing here needs it.`,
            );
        }
        deferUnknownDocuments(args.props, documents);
    },
    validateStack: (args, reportViolation) => {
        const waiting: (() => unknown)[] = [];
        const config = args.getConfig<EvidenceConfig>();
        const announced = args.resources.find(({ type }) => type === "ec2-clean-room:index:Accounts");
        const estate = announced === undefined ? undefined : reveal(announced.props).estate;
        const known = announcedEstate(args.resources);
        const whose = ownershipOf(typeof known === "string" ? undefined : estate, config);
        for (const bucket of args.resources.filter((each) => isBucket(each.type) && isEvidence(each))) {
            const report = (problem: string): void => reportViolation(`Evidence bucket "${bucket.name}" ${problem}.`, bucket.urn);
            const props = inputs.of(bucket);
            const beside = args.resources.filter((each) => each !== bucket && isOf(each, bucket, args.resources));
            const documents = [
                ...(props.policy === undefined ? [] : [readDocument(props.policy)]),
                ...beside.filter((each) => kindOf(each.type) === POLICY).map((each) => readDocument(inputs.of(each).policy)),
            ];
            const holdsAccessLogs = documents.some(takesAccessLogs) && roleTag(props) !== "evidence" && roleTag(props) !== UNKNOWN;
            const around: Around = { lock: lockOf(config, estate), whose, isAnotherKey: encryptsUnderAnotherKey(beside, args.resources) };
            if (!isTagged(props) && !holdsAccessLogs) {
                bucketProblems(props).forEach(report);
            }
            for (const problem of partProblems(bucket, beside, around, holdsAccessLogs)) {
                report(problem);
            }
            for (const destination of holdsAccessLogs ? [] : replicasElsewhere(beside, args.resources)) {
                report(
                    `is copied to ${show(destination)}, which may be anybody's; give destination.account, or copy to a bucket of this stack`,
                );
            }
            for (const { label, actions } of holdsAccessLogs ? [] : documents.flatMap(undoneByBucketPolicy)) {
                report(
                    `has a policy whose statement ${label} allows ${actions.join(", ")}, by which evidence is unlocked or deleted; take it out`,
                );
            }
            const names = namesOf(bucket);
            if (refusesPlainHttp(documents, names)) {
                continue;
            }
            const isNameless = names.length === 0 && plainHttpDenials(documents).length > 0;
            if (isNameless || documents.some(({ unknown }) => unknown)) {
                waiting.push(...beside.filter((each) => kindOf(each.type) === POLICY).map((each) => () => each.props.policy as unknown));
                waiting.push(() => bucket.props.policy as unknown, ...(isNameless ? [() => bucket.props.bucket as unknown] : []));
            } else {
                report(
                    `takes requests over plain HTTP; add a bucket policy that denies "s3:*" to "*" on the bucket and its objects where "aws:SecureTransport" is "false"`,
                );
            }
        }
        waiting.forEach((unread) => deferWhereUnknown(unread()));
    },
};

const POLICY = "aws:s3/bucketPolicy:BucketPolicy";

/** A type by its newer name: `aws.s3.BucketVersioningV2` is the older name of `aws.s3.BucketVersioning`. */
const kindOf = (type: string): string => type.replaceAll(/V2(?=:|$)/g, "");
const isBucket = (type: string): boolean => kindOf(type) === "aws:s3/bucket:Bucket";

/** Whether the tag says evidence, or may: then it is judged before it exists. */
const isTagged = (props: Properties): boolean => mayHaveRole("evidence", props, []);

function isEvidence(bucket: PolicyResource): boolean {
    const props = inputs.of(bucket);
    const own = props.bucket ?? props.bucketPrefix;
    // Its own name, where it has one: the logical name may be that of a component which holds other buckets too.
    return mayHaveRole("evidence", props, [own === UNKNOWN || own === undefined ? bucket.name : own]);
}

function bucketProblems(props: Properties): string[] {
    const isLocked = props.objectLockEnabled === true || objectOf(props.objectLockConfiguration).objectLockEnabled === "Enabled";
    return [
        ...(isLocked ? [] : [`has objectLockEnabled = ${show(props.objectLockEnabled)}; set it to true, so that evidence can be locked`]),
        ...(props.forceDestroy === undefined || props.forceDestroy === null || props.forceDestroy === false
            ? []
            : [`has forceDestroy = ${show(props.forceDestroy)}; take it out, so that a destroyed stack leaves the evidence`]),
    ];
}

function partProblems(bucket: PolicyResource, beside: readonly PolicyResource[], around: Around, holdsAccessLogs: boolean): string[] {
    const problems: string[] = [];
    // AWS takes neither KMS nor a default lock for the bucket it writes access logs to.
    for (const part of PARTS.filter(({ type }) => !holdsAccessLogs || type === PUBLIC_BLOCK)) {
        const own = beside.filter(({ type }) => kindOf(type) === part.type);
        const inline = part.inline(inputs.of(bucket));
        const said = [
            ...own.map((each) => ({ name: each.name, props: inputs.of(each), ignoreChanges: each.opts.ignoreChanges })),
            ...(inline === undefined ? [] : [{ name: bucket.name, props: inline, ignoreChanges: [] }]),
        ];
        if (said.length === 0) {
            problems.push(`has no ${part.what}; add one`);
        }
        for (const { name, props, ignoreChanges } of said) {
            const problem = problemOf(part, props, ignoreChanges, around);
            if (problem !== undefined) {
                problems.push(`is not protected by "${name}" (${part.what}): ${problem}`);
            }
        }
    }
    const lifecycles = beside.filter(({ type }) => kindOf(type) === "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
    const rules = [...lifecycles.flatMap((each) => listOf(inputs.of(each).rules)), ...listOf(inputs.of(bucket).lifecycleRules)];
    const lifecycle = holdsAccessLogs ? undefined : lifecycleProblem(rules, around.lock);
    return lifecycle === undefined ? problems : [...problems, `has a lifecycle that ${lifecycle}`];
}

/** Destinations of a bucket's replication that say by nothing but a name whose they are: a bucket's ARN has no account. Those with one are judged by nothing-is-public. */
function replicasElsewhere(beside: readonly PolicyResource[], stack: readonly PolicyResource[]): Value[] {
    const ours = new Set(stack.filter(({ type }) => isBucket(type)).flatMap(namesOf));
    return beside
        .filter(({ type }) => type === "aws:s3/bucketReplicationConfig:BucketReplicationConfig")
        .flatMap((each) => {
            const isReferred = referencedBy(each, "rules", stack).some(({ type }) => isBucket(type));
            return listOf(inputs.of(each).rules)
                .map((rule) => objectOf(objectOf(rule).destination))
                .filter(({ account, bucket }) => !account && !(typeof bucket === "string" && ours.has(bucket)) && !isReferred)
                .map(({ bucket }) => bucket);
        });
}

/** Whether a resource belongs to a bucket: by reference, or by the bucket's name written out. */
function isOf(resource: PolicyResource, bucket: PolicyResource, stack: readonly PolicyResource[]): boolean {
    const { bucket: named } = inputs.of(resource);
    return (
        resource.type.startsWith("aws:s3/") &&
        (referencedBy(resource, "bucket", stack).includes(bucket) || (typeof named === "string" && named === inputs.of(bucket).bucket))
    );
}

function lockOf({ minimumRetentionDays, lockMode }: EvidenceConfig, estate: Value): Lock {
    const { retentionDays, lockMode: mode } = objectOf(objectOf(estate).evidence);
    return {
        days: minimumRetentionDays ?? (typeof retentionDays === "number" ? retentionDays : LEAST_DAYS),
        compliance: (lockMode ?? (typeof mode === "string" ? mode : "")).toUpperCase() === "COMPLIANCE",
    };
}

/** Whether the bucket names a key of the stack that is not the evidence's, where the account has one that is. */
function encryptsUnderAnotherKey(beside: readonly PolicyResource[], stack: readonly PolicyResource[]): boolean {
    const isKey = (each: PolicyResource): boolean => each.type === "aws:kms/key:Key" || each.type === "aws:kms/externalKey:ExternalKey";
    const isForEvidence = (each: PolicyResource): boolean => mayHaveRole("evidence", inputs.of(each), [each.name]);
    const encryption = beside.filter(({ type }) => kindOf(type) === PARTS[2].type);
    const named = encryption.flatMap((each) => referencedBy(each, "rules", stack)).filter(isKey);
    return (
        named.some((key) => !isForEvidence(key)) &&
        stack.some((each) => isKey(each) && isForEvidence(each) && accountOf(each) === accountOf(named[0]))
    );
}

/** The ARNs under which a bucket may be named in its policy; none where its name is not known yet. */
function namesOf(bucket: PolicyResource): string[] {
    const name = inputs.of(bucket).bucket;
    const arn = revealKey(bucket.props, "arn");
    return [...(typeof name === "string" ? [`arn:aws:s3:::${name}`] : []), ...(typeof arn === "string" ? [arn] : [])];
}

/** Resources for which a policy refuses everybody who does not come over TLS. The partition is the bucket's, whatever it is called. */
function plainHttpDenials(documents: readonly PolicyDocument[]): string[] {
    return documents
        .flatMap(({ statements }) => statements)
        .filter(
            ({ allow, actions, principals, negations, conditions }) =>
                !allow &&
                negations.length === 0 &&
                principals.some(({ value }) => value === "*") &&
                actions.some((action) => action.toLowerCase() === "s3:*" || action === "*") &&
                conditions.length === 1 &&
                /^Bool(IfExists)?$/.test(conditions[0].operator) &&
                conditions[0].key === "aws:securetransport" &&
                conditions[0].values.every((value) => typeof value === "string" && value.toLowerCase() === "false"),
        )
        .flatMap(({ resources }) => resources.map((resource) => resource.replace(/^arn:aws[a-z-]*:/, "arn:aws:")));
}

/** Whether these denials cover the bucket and everything in it. */
function refusesPlainHttp(documents: readonly PolicyDocument[], names: readonly string[]): boolean {
    const denied = plainHttpDenials(documents);
    const covered = (what: string): boolean => denied.some((pattern) => covers(pattern, what));
    return denied.includes("*") || names.some((name) => covered(name) && covered(`${name}/any/object`));
}

/** Whether S3 may write access logs here: what makes a bucket the place of logs about evidence, whatever it is called. */
function takesAccessLogs({ statements }: PolicyDocument): boolean {
    return statements.some(
        ({ allow, principals, actions }) =>
            allow &&
            principals.some(({ value }) => value === "logging.s3.amazonaws.com") &&
            actions.some((action) => covers(action, "s3:PutObject")),
    );
}
