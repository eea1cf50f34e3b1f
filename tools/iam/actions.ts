/** The IAM actions behind the SDK's operations, by AWS's Service Authorization Reference. */
import type { Reached } from "./reach";

/** Prefix of a service's IAM actions, where it is not the client's name. */
const prefixes: Record<string, string> = {
    "auto-scaling": "autoscaling",
    "cloudwatch-logs": "logs",
    "elastic-load-balancing": "elasticloadbalancing",
    "elastic-load-balancing-v2": "elasticloadbalancing",
    eventbridge: "events",
    sfn: "states",
    "service-quotas": "servicequotas",
};

/** Operations whose action has another name, or which are allowed by several. None: everybody may. */
const actions: Record<string, string[]> = {
    "s3:HeadObject": ["s3:GetObject"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:GetObjectLockConfiguration": ["s3:GetBucketObjectLockConfiguration"],
    "lambda:Invoke": ["lambda:InvokeFunction"],
    // Of puts alone, as the program's are.
    "dynamodb:TransactWriteItems": ["dynamodb:PutItem"],
    "sts:GetCallerIdentity": [],
};

/** IAM actions that an operation needs for itself; what it needs beside them hangs on its parameters (tools/iam/exceptions.json). */
export function actionsOf({ client, operation }: Reached): string[] {
    const prefix = prefixes[client] ?? client;
    return actions[`${prefix}:${operation}`] ?? [`${prefix}:${operation}`];
}
