import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { objectOf, reveal, show } from "./lib/values";

/** The incidents' table says what is contained and how to put it back: it is neither deleted by a slip nor lost to a wrong write. */
export const tableIsProtected: ResourceValidationPolicy = {
    name: "table-is-protected",
    description: "Every DynamoDB table has deletion protection and point-in-time recovery.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        if (!args.isType(aws.dynamodb.Table)) {
            return;
        }
        const { deletionProtectionEnabled, pointInTimeRecovery } = reveal(args.props);
        if (deletionProtectionEnabled !== true) {
            reportViolation(`Table "${args.name}" has deletionProtectionEnabled = ${show(deletionProtectionEnabled)}; set it to true.`);
        }
        if (objectOf(pointInTimeRecovery).enabled !== true) {
            reportViolation(`Table "${args.name}" cannot be put back to an earlier minute; set pointInTimeRecovery to { enabled: true }.`);
        }
    },
};
