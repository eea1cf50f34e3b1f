import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { readDocument, type PolicyDocument } from "./lib/iamDocument";
import { Inputs } from "./lib/inputs";
import { referencedBy } from "./lib/references";
import { objectOf, type Properties } from "./lib/values";

const inputs = new Inputs();

/** Names of buckets that programs are fetched from: an older version must be there to compare with, and to go back to. */
const TOOLS = /tool|analysis|artifact|artefact|program|release|package/i;

/** Every bucket is closed to the public and to plain HTTP; evidence has a policy of its own beside. */
export const bucketIsProtected: ResourceValidationPolicy & StackValidationPolicy = {
    name: "bucket-is-protected",
    description: "Every bucket blocks public access and refuses plain HTTP; one that programs are fetched from keeps versions.",
    enforcementLevel: "mandatory",
    validateResource: inputs.remember,
    validateStack: (args, reportViolation) => {
        for (const bucket of args.resources.filter((each) => each.isType(aws.s3.Bucket) || each.isType(aws.s3.BucketV2))) {
            const beside = args.resources.filter(
                (each) => each !== bucket && referencedBy(each, "bucket", args.resources).includes(bucket),
            );
            const report = (problem: string): void => reportViolation(`Bucket "${bucket.name}" ${problem}.`, bucket.urn);
            if (!beside.some((each) => each.isType(aws.s3.BucketPublicAccessBlock))) {
                report("has no aws.s3.BucketPublicAccessBlock; add one with all four set to true");
            }
            const policies = [bucket, ...beside.filter((each) => each.isType(aws.s3.BucketPolicy))].map((each) =>
                readDocument(inputs.of(each).policy),
            );
            if (!policies.some(refusesPlainHttp)) {
                report(
                    `takes requests over plain HTTP; add an aws.s3.BucketPolicy that denies "s3:*" to "*" where "aws:SecureTransport" is "false"`,
                );
            }
            if (holdsPrograms(bucket, inputs.of(bucket)) && !beside.some(keepsVersions)) {
                report(`holds programs and keeps no versions; add an aws.s3.BucketVersioning with status "Enabled"`);
            }
        }
    },
};

/** What is not known of a document may be the denial: the update judges it again. */
function refusesPlainHttp({ statements, unknown }: PolicyDocument): boolean {
    return (
        (unknown && statements.length === 0) ||
        statements.some(
            (statement) =>
                !statement.allow &&
                statement.principals.some(({ value }) => value === "*") &&
                statement.actions.some((action) => action === "s3:*" || action === "*") &&
                (statement.unknown.includes("Condition") ||
                    statement.conditions.some(
                        ({ operator, key, values }) =>
                            operator.startsWith("Bool") && key === "aws:securetransport" && values.includes("false"),
                    )),
        )
    );
}

function holdsPrograms(bucket: PolicyResource, { bucket: name, bucketPrefix, tags }: Properties): boolean {
    return [bucket.name, name, bucketPrefix, objectOf(tags)["clean-room:role"]].some(
        (each) => typeof each === "string" && TOOLS.test(each),
    );
}

function keepsVersions(resource: PolicyResource): boolean {
    return resource.isType(aws.s3.BucketVersioning) && objectOf(inputs.of(resource).versioningConfiguration).status === "Enabled";
}
