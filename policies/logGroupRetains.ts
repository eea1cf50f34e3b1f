import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { reveal, show } from "./lib/values";

/** Days that a log is kept at least: the time in which people come back to an incident. */
const LEAST = 30;

/** Logs are kept for a time that somebody decided: long enough to look an incident up, and not for ever by accident. */
export const logGroupRetains: ResourceValidationPolicy = {
    name: "log-group-retains",
    description: `Every log group keeps its events for a stated number of days, at least ${LEAST}.`,
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        if (!args.isType(aws.cloudwatch.LogGroup)) {
            return;
        }
        const { retentionInDays } = reveal(args.props);
        // 0 and absent both mean "for ever".
        if (typeof retentionInDays !== "number" || retentionInDays < LEAST) {
            reportViolation(
                `Log group "${args.name}" has retentionInDays = ${show(retentionInDays)}; set the days to keep events, at least ${LEAST}.`,
            );
        }
    },
};
