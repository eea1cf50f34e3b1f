import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { readDocument, type Statement } from "./lib/iamDocument";
import { Inputs } from "./lib/inputs";
import { referencedBy, type ResourceClass } from "./lib/references";
import { mayHaveRole } from "./lib/roles";
import { deferWhereUnknown } from "./lib/unknown";
import { listOf, objectOf, show, type Properties, type Value } from "./lib/values";

const BUCKETS: ResourceClass[] = [aws.s3.Bucket, aws.s3.BucketV2];
const PUBLIC_BLOCK = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
const inputs = new Inputs();

/** A resource of its own that a bucket needs beside it, and what must be true of it: an empty answer, or what is wrong. */
interface Companion {
    resourceClass: ResourceClass;
    what: string;
    wrong(props: Properties): string | undefined;
}

const COMPANIONS: Companion[] = [
    {
        resourceClass: aws.s3.BucketVersioning,
        what: "aws.s3.BucketVersioning",
        wrong: (props) => unless(objectOf(props.versioningConfiguration).status, "Enabled", "versioningConfiguration.status"),
    },
    {
        resourceClass: aws.s3.BucketObjectLockConfiguration,
        what: "aws.s3.BucketObjectLockConfiguration",
        wrong: (props) => {
            const { mode, days, years } = objectOf(objectOf(props.rule).defaultRetention);
            const retained = [days, years].some((period) => typeof period === "number" && period > 0);
            return (mode === "GOVERNANCE" || mode === "COMPLIANCE") && retained
                ? undefined
                : `rule.defaultRetention is ${show({ mode, days, years })}; set a mode and days`;
        },
    },
    {
        resourceClass: aws.s3.BucketServerSideEncryptionConfiguration,
        what: "aws.s3.BucketServerSideEncryptionConfiguration",
        wrong: (props) => {
            const wrong = listOf(props.rules)
                .map((rule) => objectOf(objectOf(rule).applyServerSideEncryptionByDefault))
                .find(({ sseAlgorithm, kmsMasterKeyId }) => !isKms(sseAlgorithm) || !kmsMasterKeyId);
            return listOf(props.rules).length === 0 || wrong !== undefined
                ? `rules encrypt with ${show(wrong?.sseAlgorithm ?? "nothing")}; set "aws:kms" and a key of your own`
                : undefined;
        },
    },
    {
        resourceClass: aws.s3.BucketPublicAccessBlock,
        what: "aws.s3.BucketPublicAccessBlock",
        wrong: (props) => PUBLIC_BLOCK.map((property) => unless(props[property], true, property)).find((wrong) => wrong !== undefined),
    },
];

/** Evidence stays what it was when it was written: every version kept, locked, under one's own key, out of the public's reach, and sent over TLS. */
export const evidenceBucketIsProtected: ResourceValidationPolicy & StackValidationPolicy = {
    name: "evidence-bucket-is-protected",
    description: "An evidence bucket keeps versions, Object Lock, KMS encryption and the public access block, and refuses plain HTTP.",
    enforcementLevel: "mandatory",
    validateResource: inputs.remember,
    validateStack: (args, reportViolation) => {
        const waiting: unknown[] = [];
        for (const bucket of args.resources.filter((each) => BUCKETS.some((one) => each.isType(one)))) {
            const props = inputs.of(bucket);
            // Its own name, where it has one: the logical name may be that of a component which holds other buckets too.
            if (!mayHaveRole("evidence", props, [props.bucket ?? props.bucketPrefix ?? bucket.name])) {
                continue;
            }
            const report = (problem: string): void => reportViolation(`Evidence bucket "${bucket.name}" ${problem}.`, bucket.urn);
            if (props.objectLockEnabled !== true) {
                report(`has objectLockEnabled = ${show(props.objectLockEnabled)}; set it to true, so that evidence can be locked`);
            }
            if (props.forceDestroy !== undefined && props.forceDestroy !== false) {
                report(`has forceDestroy = ${show(props.forceDestroy)}; take it out, so that a destroyed stack leaves the evidence`);
            }
            const beside = args.resources.filter(
                (each) => each !== bucket && referencedBy(each, "bucket", args.resources).includes(bucket),
            );
            for (const { resourceClass, what, wrong } of COMPANIONS) {
                const companions = beside.filter((each) => each.isType(resourceClass));
                if (companions.length === 0) {
                    report(`has no ${what}; add one`);
                }
                for (const companion of companions) {
                    const problem = wrong(inputs.of(companion));
                    if (problem !== undefined) {
                        report(`is not protected by "${companion.name}" (${what}): ${problem}`);
                    }
                }
            }
            const policies = beside.filter((each) => each.isType(aws.s3.BucketPolicy));
            const documents = policies.map((each) => readDocument(inputs.of(each).policy));
            if (documents.some(({ statements }) => statements.some(refusesPlainHttp))) {
                continue;
            }
            if (documents.some(({ unknown }) => unknown)) {
                waiting.push(...policies.map((each) => each.props.policy as unknown));
            } else {
                report(
                    `takes requests over plain HTTP; add a bucket policy that denies "s3:*" to "*" where "aws:SecureTransport" is "false"`,
                );
            }
        }
        waiting.forEach(deferWhereUnknown);
    },
};

function refusesPlainHttp(statement: Statement): boolean {
    const plainHttp =
        statement.conditions.length === 1 &&
        statement.conditions.some(
            ({ operator, key, values }) => operator.startsWith("Bool") && key === "aws:securetransport" && values.includes("false"),
        );
    return (
        !statement.allow &&
        plainHttp &&
        statement.principals.some(({ value }) => value === "*") &&
        statement.actions.some((action) => action === "s3:*" || action === "*")
    );
}

/** The two ways in which S3 encrypts under a KMS key. */
function isKms(algorithm: Value): boolean {
    return algorithm === "aws:kms" || algorithm === "aws:kms:dsse";
}

function unless(value: Value, wanted: Value, property: string): string | undefined {
    return value === wanted ? undefined : `${property} is ${show(value)}; set it to ${show(wanted)}`;
}
