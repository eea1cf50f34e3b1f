import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { listOf, reveal } from "./lib/values";

/** An alarm that tells nobody is worse than none: people rely on it. */
export const alarmHasActions: ResourceValidationPolicy = {
    name: "alarm-has-actions",
    description: "Every CloudWatch alarm has an action, and its actions are switched on.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        if (!args.isType(aws.cloudwatch.MetricAlarm) && !args.isType(aws.cloudwatch.CompositeAlarm)) {
            return;
        }
        const { alarmActions, actionsEnabled } = reveal(args.props);
        if (actionsEnabled !== undefined && actionsEnabled !== true && actionsEnabled !== null) {
            reportViolation(`Alarm "${args.name}" has its actions switched off; take actionsEnabled out.`);
        }
        if (listOf(alarmActions).length === 0) {
            reportViolation(`Alarm "${args.name}" tells nobody; set alarmActions to the topic that people are told by.`);
        }
    },
};
