/** What nobody would see otherwise: a workflow that failed, a finding that did not arrive, a function that breaks. */
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** An alarm on one metric, as data: of it Pulumi makes a resource and CloudFormation a part of a template. docs/runbook.md has a page for each name. */
export interface AlarmPlan {
    /** Its name in AWS, without `clean-room ` before it. */
    readonly what: string;
    /** What it means and where to look. */
    readonly description: string;
    /** Such as AWS/Lambda. */
    readonly namespace: string;
    readonly metricName: string;
    readonly dimensions: Readonly<Record<string, pulumi.Input<string>>>;
    /** @default Sum */
    readonly statistic?: "Sum" | "Maximum";
    /** When it goes off. @default any of it within a minute */
    readonly when?: AlarmCondition;
    /** Whether people are told when it has no data any more, too. @default false */
    readonly tellOfSilence?: boolean;
}

export const alarmName = (what: string) => `clean-room ${what}`;

/** Seconds, periods, and what of them is bad. */
export interface AlarmCondition {
    readonly period: number;
    readonly evaluationPeriods: number;
    readonly threshold: number;
    readonly comparisonOperator: "GreaterThanThreshold" | "LessThanThreshold";
    readonly treatMissingData: "notBreaching" | "missing";
}

/**
 * Nothing for a quarter of an hour: what should run every five minutes does not. People are told when the alarm loses its data, not by counting
 * silence as bad: an alarm that does so goes off within a minute of each first deployment, before the schedule ever ran. A new alarm begins without data,
 * and no change of state means no message. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
const silentForAQuarterOfAnHour: Pick<AlarmPlan, "when" | "tellOfSilence"> = {
    when: { period: 300, evaluationPeriods: 3, threshold: 1, comparisonOperator: "LessThanThreshold", treatMissingData: "missing" },
    tellOfSilence: true,
};

/** Any of it within a minute, and silence is good. */
export const anyInAMinute: AlarmCondition = {
    period: 60,
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: "GreaterThanThreshold",
    treatMissingData: "notBreaching",
};

const ofRule = (ruleName: string, busName: pulumi.Input<string> | null) => ({
    RuleName: ruleName,
    ...(busName === null ? {} : { EventBusName: busName }),
});

/** Alarm on a rule that could neither reach its target nor leave the event in its dead-letter queue. @param busName null: the default bus */
export function lostAlarm(what: string, ruleName: string, busName: pulumi.Input<string> | null, description: string): AlarmPlan {
    return {
        what: `${what}-lost`,
        description,
        namespace: "AWS/Events",
        metricName: "InvocationsFailedToBeSentToDlq",
        dimensions: ofRule(ruleName, busName),
    };
}

/** Alarms on a rule whose target could not be reached, and on one whose dead-letter queue could not either. @param busName null: the default bus */
function ruleAlarms(what: string, ruleName: string, busName: pulumi.Input<string> | null): AlarmPlan[] {
    return [
        {
            what: `${what}-failed`,
            description: `The rule ${ruleName} could not hand findings on. They lie in its dead-letter queue; put them back when the cause is gone.`,
            namespace: "AWS/Events",
            metricName: "FailedInvocations",
            dimensions: ofRule(ruleName, busName),
        },
        lostAlarm(
            what,
            ruleName,
            busName,
            `The rule ${ruleName} could neither hand findings on nor leave them in its dead-letter queue. Replay them from the archive.`,
        ),
    ];
}

/** Alarm on a queue that something lies in. */
function queueAlarm(what: string, queueName: pulumi.Input<string>, description: string): AlarmPlan {
    return {
        what,
        description,
        namespace: "AWS/SQS",
        metricName: "ApproximateNumberOfMessagesVisible",
        dimensions: { QueueName: queueName },
        statistic: "Maximum",
    };
}

export interface CleanRoomAlarmsArgs {
    /** The incident workflow. */
    readonly stateMachineArn: pulumi.Input<string>;
    /** Queue of messages that could not be followed. */
    readonly deadLetterQueueName: pulumi.Input<string>;
    /** Queue of findings that members could not forward; null where none forwards. */
    readonly forwardDeadLetterQueueName: pulumi.Input<string> | null;
    /** Rules that take findings off a bus; null: the default bus. */
    readonly rules: readonly { readonly ruleName: string; readonly busName: pulumi.Input<string> | null }[];
    /** Functions that nobody waits for, and whose errors would not be seen. */
    readonly functionNames: readonly string[];
    /** Functions that must take every message at once: what is throttled there comes late. */
    readonly promptFunctionNames: readonly string[];
    /** The function that a schedule calls: silence is not good. */
    readonly watchFunctionName: string;
}

/** Every alarm of a Region of the forensics account. */
export function cleanRoomAlarms(args: CleanRoomAlarmsArgs): AlarmPlan[] {
    return [
        {
            what: "executions-failed",
            description: "An incident's workflow failed. Open the execution in Step Functions; its error is in the evidence bucket too.",
            namespace: "AWS/States",
            metricName: "ExecutionsFailed",
            dimensions: { StateMachineArn: args.stateMachineArn },
        },
        {
            what: "executions-timed-out",
            description: "An incident's workflow ran out of time.",
            namespace: "AWS/States",
            metricName: "ExecutionsTimedOut",
            dimensions: { StateMachineArn: args.stateMachineArn },
        },
        queueAlarm(
            "dead-letters",
            args.deadLetterQueueName,
            "A message could not be followed. Read it in the dead-letter queue; its reason attribute says why.",
        ),
        ...(args.forwardDeadLetterQueueName === null
            ? []
            : [
                  queueAlarm(
                      "forwarding-dead-letters",
                      args.forwardDeadLetterQueueName,
                      "A member account could not forward findings: they start nothing. Read them in the queue; an attribute names the rule, and so the account.",
                  ),
              ]),
        ...args.rules.flatMap(({ ruleName, busName }) =>
            ruleAlarms(busName === null ? "findings" : "forwarded-findings", ruleName, busName),
        ),
        ...args.functionNames.map((functionName): AlarmPlan => ({
            what: `${functionName}-errors`,
            description: `The function ${functionName} failed. Its log group says why.`,
            namespace: "AWS/Lambda",
            metricName: "Errors",
            dimensions: { FunctionName: functionName },
        })),
        {
            what: "watch-silent",
            description: `The function ${args.watchFunctionName} has not run for 15 minutes: nobody looks whether contained instances still are. Look at the rule clean-room-watch.`,
            namespace: "AWS/Lambda",
            metricName: "Invocations",
            dimensions: { FunctionName: args.watchFunctionName },
            ...silentForAQuarterOfAnHour,
        },
        ...args.promptFunctionNames.map((functionName): AlarmPlan => ({
            what: `${functionName}-throttles`,
            description: `Lambda turned calls of ${functionName} away, so findings are followed late. Look at the account's concurrency.`,
            namespace: "AWS/Lambda",
            metricName: "Throttles",
            dimensions: { FunctionName: functionName },
        })),
    ];
}

/** Makes alarms that tell a topic. @param name first part of the resources' names */
export function createAlarms(name: string, plans: AlarmPlan[], topicArn: pulumi.Input<string>, opts: pulumi.CustomResourceOptions): void {
    for (const { what, description, namespace, metricName, dimensions, statistic, when, tellOfSilence } of plans)
        new aws.cloudwatch.MetricAlarm(
            `${name}-${what}`,
            {
                name: alarmName(what),
                alarmDescription: description,
                namespace,
                metricName,
                dimensions,
                statistic: statistic ?? "Sum",
                ...(when ?? anyInAMinute),
                alarmActions: [topicArn],
                ...(tellOfSilence ? { insufficientDataActions: [topicArn] } : {}),
            },
            opts,
        );
}
