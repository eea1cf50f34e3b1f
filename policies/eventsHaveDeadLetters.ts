import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { deferWhereUnknown } from "./lib/unknown";
import { objectOf, reveal, UNKNOWN, type Value } from "./lib/values";

/** Protocols by which SNS delivers to a machine. A person's inbox has no dead letters. */
const MACHINES = ["lambda", "sqs", "http", "https", "firehose"];

/** A finding that cannot be delivered lies somewhere, to be seen and sent again: an incident must not be lost because a target was broken for an hour. */
export const eventsHaveDeadLetters: ResourceValidationPolicy = {
    name: "events-have-dead-letters",
    description: "Every event target, schedule and subscription of a machine has a dead-letter queue.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const props = reveal(args.props);
        const report = (what: string, property: string): void =>
            reportViolation(`${what} "${args.name}" loses what it cannot deliver; set ${property} to the ARN of the dead-letter queue.`);
        if (args.isType(aws.cloudwatch.EventTarget) && !isArn(props.deadLetterConfig, "arn")) {
            report("Event target", "deadLetterConfig.arn");
        }
        if (
            args.isType(aws.scheduler.Schedule) &&
            !isArn(props.target === UNKNOWN ? UNKNOWN : objectOf(props.target).deadLetterConfig, "arn")
        ) {
            report("Schedule", "target.deadLetterConfig.arn");
        }
        if (args.isType(aws.sns.TopicSubscription) && (props.protocol === UNKNOWN || MACHINES.includes(String(props.protocol as string)))) {
            if (!isRedrive(props.redrivePolicy)) {
                report("Subscription", "redrivePolicy's deadLetterTargetArn");
            }
            deferWhereUnknown(args.props.redrivePolicy);
        }
    },
};

/** An ARN within an object; one that is not known yet is that of a queue made in the same run. */
function isArn(value: Value, property: string): boolean {
    const arn = value === UNKNOWN ? UNKNOWN : objectOf(value)[property];
    return arn === UNKNOWN || (typeof arn === "string" && arn.startsWith("arn:"));
}

function isRedrive(value: Value): boolean {
    if (typeof value !== "string") {
        return isArn(value, "deadLetterTargetArn");
    }
    try {
        return isArn(JSON.parse(value) as Value, "deadLetterTargetArn");
    } catch {
        return false;
    }
}
