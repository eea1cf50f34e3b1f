/** One lifecycle rule in the words of the S3 API. */
import type { ExpirationStatus, LifecycleRule, TransitionStorageClass } from "@aws-sdk/client-s3";
import type * as aws from "@pulumi/aws";
import type { Plain } from "./resource";

type Rule = NonNullable<Plain<aws.s3.BucketLifecycleConfigurationArgs>["rules"]>[number];

/** @throws on a filter this translation does not know, rather than a rule that would apply to every object. */
export function lifecycleRule(rule: Rule): LifecycleRule {
    const unknown = Object.entries(rule.filter ?? {})
        .filter(([name, value]) => name !== "prefix" && value !== undefined)
        .map(([name]) => name);
    if (unknown.length > 0)
        throw new Error(`the lifecycle rule ${rule.id} filters by ${unknown.join(", ")}; only prefix is translated here`);
    return {
        ID: rule.id,
        Status: rule.status as ExpirationStatus,
        Filter: { Prefix: rule.filter?.prefix ?? rule.prefix ?? "" },
        Expiration: rule.expiration && { Days: rule.expiration.days, ExpiredObjectDeleteMarker: rule.expiration.expiredObjectDeleteMarker },
        Transitions: rule.transitions?.map((one) => ({ Days: one.days, StorageClass: one.storageClass as TransitionStorageClass })),
        NoncurrentVersionExpiration: rule.noncurrentVersionExpiration && {
            NoncurrentDays: rule.noncurrentVersionExpiration.noncurrentDays,
        },
        AbortIncompleteMultipartUpload: rule.abortIncompleteMultipartUpload && {
            DaysAfterInitiation: rule.abortIncompleteMultipartUpload.daysAfterInitiation,
        },
    };
}
