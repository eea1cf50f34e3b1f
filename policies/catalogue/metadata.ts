import type { PolicyComplianceFramework, Severity } from "@pulumi/policy";
import { homepage } from "../package.json";

/** What people see of a policy beside its violations. */
export interface Metadata {
    severity: Severity;
    /** Set only where a framework's controls ask for the same. */
    framework?: PolicyComplianceFramework;
    tags: string[];
    url: string;
}

const bestPractices = (reference: string, specification: string): PolicyComplianceFramework => ({
    name: "AWS Foundational Security Best Practices",
    version: "1.0.0",
    reference,
    specification,
});

const network = ["clean-room", "network"];
const evidence = ["evidence"];
const identity = ["identity"];
const response = ["response"];

const table: Record<string, Omit<Metadata, "url">> = {
    "isolation-group-has-no-rules": { severity: "critical", tags: ["containment", "network"] },
    "clean-room-has-no-gateway": { severity: "critical", tags: network },
    "clean-room-has-no-route-out": { severity: "critical", tags: network },
    "clean-room-has-no-public-address": {
        severity: "critical",
        tags: network,
        framework: bestPractices("EC2.9, EC2.15", "Instances have no public IPv4 address, and subnets assign none."),
    },
    "clean-room-egress-is-named": { severity: "high", tags: network },
    "endpoint-policy-is-not-open": { severity: "high", tags: network },
    "evidence-bucket-is-protected": { severity: "critical", tags: evidence },
    "kms-key-rotates-and-stays": {
        severity: "critical",
        tags: evidence,
        framework: bestPractices("KMS.3, KMS.4", "Keys are not deleted unintentionally, and rotate."),
    },
    "role-has-no-wildcards": {
        severity: "high",
        tags: identity,
        framework: bestPractices(
            "IAM.1, IAM.21",
            "Customer managed policies allow no full administrative privileges and no wildcard actions for services.",
        ),
    },
    "no-full-access-policy": { severity: "high", tags: identity },
    "nothing-is-public": {
        severity: "critical",
        tags: identity,
        framework: bestPractices("EC2.1, Lambda.1, S3.2, S3.3, SSM.4", "Snapshots, functions, buckets and documents are not public."),
    },
    "no-secret-in-the-clear": { severity: "high", tags: identity },
    "resources-are-tagged": { severity: "low", tags: ["account"] },
    "account-defaults-are-safe": {
        severity: "high",
        tags: ["account"],
        framework: bestPractices(
            "EC2.7, EC2.8, S3.1",
            "EBS encryption by default, IMDSv2, and the account's block of public access are on.",
        ),
    },
    "bucket-is-protected": {
        severity: "high",
        tags: evidence,
        framework: bestPractices("S3.5, S3.8", "Buckets refuse plain HTTP and block public access."),
    },
    "table-is-protected": {
        severity: "high",
        tags: response,
        framework: bestPractices("DynamoDB.2, DynamoDB.6", "Tables have point-in-time recovery and deletion protection."),
    },
    "workflow-is-logged": {
        severity: "medium",
        tags: response,
        framework: bestPractices("EC2.6, StepFunctions.1", "VPC flow logs are on, and state machines log."),
    },
    "messages-are-encrypted": { severity: "medium", tags: response },
    "events-have-dead-letters": { severity: "high", tags: response },
    "alarm-has-actions": { severity: "medium", tags: response },
    "lambda-has-dead-letter-and-timeout": { severity: "medium", tags: response },
    "log-group-retains": { severity: "medium", tags: response },
    "coverage-in-every-region": { severity: "critical", tags: response },
    "other-packages-are-read": { severity: "high", tags: ["pack"] },
};

/** @throws for a policy that nobody has weighed: a new one gets its line in this file. */
export function metadataOf(policy: string): Metadata {
    const entry = table[policy];
    if (entry === undefined) {
        throw new Error(`Policy "${policy}" has no severity; add it to policies/catalogue/metadata.ts.`);
    }
    return { ...entry, url: `${homepage}#${policy}` };
}
