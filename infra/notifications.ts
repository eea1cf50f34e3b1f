/** How people are told: a topic for e-mail and pagers, and the Slack webhook as a SecureString. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { notificationTopicName, slackWebhookParameterName } from "./names";
import { policyDocument } from "./policyDocument";

export interface NotificationsArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** Incoming webhook of the incident channel, a secret; null without Slack. */
    readonly slackWebhookUrl: pulumi.Output<string> | null;
    /** Key of the topic and the parameter. */
    readonly keyArn: pulumi.Input<string>;
}

export class Notifications extends pulumi.ComponentResource {
    readonly topic: aws.sns.Topic;

    constructor(name: string, args: NotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Notifications", name, {}, opts);
        const parent = { parent: this };
        const accountId = args.settings.forensics.accountId;
        this.topic = new aws.sns.Topic(
            name,
            { name: notificationTopicName, displayName: "EC2 clean room", kmsMasterKeyId: args.keyArn },
            parent,
        );
        new aws.sns.TopicPolicy(
            name,
            {
                arn: this.topic.arn,
                policy: policyDocument([
                    {
                        Sid: "AlarmsOfThisAccount",
                        Effect: "Allow",
                        Principal: { Service: "cloudwatch.amazonaws.com" },
                        Action: "sns:Publish",
                        Resource: this.topic.arn,
                        Condition: { StringEquals: { "aws:SourceAccount": accountId } },
                    },
                ]),
            },
            parent,
        );
        args.settings.notifications.emails.forEach(
            (endpoint, index) =>
                new aws.sns.TopicSubscription(`${name}-email-${index}`, { topic: this.topic.arn, protocol: "email", endpoint }, parent),
        );
        if (args.slackWebhookUrl) {
            new aws.ssm.Parameter(
                `${name}-slack`,
                {
                    name: slackWebhookParameterName,
                    description: "Slack incoming webhook of the incident channel",
                    type: aws.ssm.ParameterType.SecureString,
                    keyId: args.keyArn,
                    value: args.slackWebhookUrl,
                },
                parent,
            );
        }
        this.registerOutputs({ topicArn: this.topic.arn });
    }
}

export interface AlarmArgs {
    /** The incident workflow. */
    readonly stateMachineArn: pulumi.Input<string>;
    /** Queue of messages that could not be followed. */
    readonly deadLetterQueueName: pulumi.Input<string>;
    /** Functions that nobody waits for, and whose errors would not be seen. */
    readonly functionNames: string[];
    /** Topic that alarms go to. */
    readonly topicArn: pulumi.Input<string>;
}

/** What nobody would see otherwise: a workflow that failed, a message that nobody could read, a function that breaks. */
export function createAlarms(name: string, args: AlarmArgs, opts: pulumi.CustomResourceOptions): void {
    const alarm = (
        what: string,
        description: string,
        namespace: string,
        metricName: string,
        dimensions: Record<string, pulumi.Input<string>>,
        statistic = "Sum",
    ) =>
        new aws.cloudwatch.MetricAlarm(
            `${name}-${what}`,
            {
                name: `clean-room ${what}`,
                alarmDescription: description,
                namespace,
                metricName,
                dimensions,
                statistic,
                period: 60,
                evaluationPeriods: 1,
                threshold: 0,
                comparisonOperator: "GreaterThanThreshold",
                treatMissingData: "notBreaching",
                alarmActions: [args.topicArn],
            },
            opts,
        );
    alarm(
        "executions-failed",
        "An incident's workflow failed. Open the execution in Step Functions; its error is in the evidence bucket too.",
        "AWS/States",
        "ExecutionsFailed",
        { StateMachineArn: args.stateMachineArn },
    );
    alarm("executions-timed-out", "An incident's workflow ran out of time.", "AWS/States", "ExecutionsTimedOut", {
        StateMachineArn: args.stateMachineArn,
    });
    alarm(
        "dead-letters",
        "A message could not be followed. Read it in the dead-letter queue; its reason attribute says why.",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        { QueueName: args.deadLetterQueueName },
        "Maximum",
    );
    for (const functionName of args.functionNames) {
        alarm(`${functionName}-errors`, `The function ${functionName} failed. Its log group says why.`, "AWS/Lambda", "Errors", {
            FunctionName: functionName,
        });
    }
}
