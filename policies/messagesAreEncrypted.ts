import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { reveal, UNKNOWN, type Value } from "./lib/values";

/** Findings and reports lie in topics and queues on their way; whoever reads those knows what responders know. */
export const messagesAreEncrypted: ResourceValidationPolicy = {
    name: "messages-are-encrypted",
    description: "Every topic is encrypted under a KMS key, and every queue under one or by SQS.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const { kmsMasterKeyId, sqsManagedSseEnabled } = reveal(args.props);
        if (args.isType(aws.sns.Topic) && !isKey(kmsMasterKeyId)) {
            reportViolation(`Topic "${args.name}" is not encrypted; set kmsMasterKeyId to the key of messages.`);
        }
        if (args.isType(aws.sqs.Queue) && !isKey(kmsMasterKeyId) && sqsManagedSseEnabled !== true) {
            reportViolation(
                `Queue "${args.name}" does not say how it is encrypted; set kmsMasterKeyId to the key of messages, or sqsManagedSseEnabled to true.`,
            );
        }
    },
};

const isKey = (value: Value): boolean => value === UNKNOWN || (typeof value === "string" && value !== "");
