/** How people are told: a topic for e-mail and pagers, and the Slack webhook as a SecureString. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { forwardersOf } from "./findingsBus";
import { alarmTopicName, chatTopicName, notificationTopicName, resultsTopicName, slackWebhookParameterName } from "./names";
import { policyDocument, type ResourceStatement } from "./policyDocument";

export interface NotificationsArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** Incoming webhook of the incident channel, a secret; null without Slack. */
    readonly slackWebhookUrl: pulumi.Output<string> | null;
    /** Key of the topic and the parameter. */
    readonly keyArn: pulumi.Input<string>;
}

/** Alarms of this account, and of those whose rules forward findings. */
function alarmStatements({ settings, partition, region }: NotificationsArgs, topicArn: string): ResourceStatement[] {
    const { accountIds, organization } = forwardersOf(settings, region);
    const admit = (sid: string, condition: Record<string, string | string[]>): ResourceStatement => ({
        Sid: sid,
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: topicArn,
        Condition: { StringEquals: condition, ArnLike: { "aws:SourceArn": `arn:${partition}:cloudwatch:${region}:*:alarm:clean-room *` } },
    });
    return [
        admit("AlarmsOfTheEstate", { "aws:SourceAccount": [settings.forensics.accountId, ...accountIds] }),
        ...(organization && settings.organization
            ? [admit("AlarmsOfTheOrganization", { "aws:SourceOrgID": settings.organization.organizationId })]
            : []),
    ];
}

export class Notifications extends pulumi.ComponentResource {
    /** What people are told. */
    readonly topic: aws.sns.Topic;
    /** What alarms publish to. */
    readonly alarms: aws.sns.Topic;
    /** What Amazon Q Developer in chat applications reads; null where it is not configured. */
    readonly chat: aws.sns.Topic | null;
    /** What results go to as OCSF events; null where it is not configured. */
    readonly results: aws.sns.Topic | null;

    constructor(name: string, args: NotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Notifications", name, {}, opts);
        const parent = { parent: this };
        this.topic = new aws.sns.Topic(
            name,
            { name: notificationTopicName, displayName: "EC2 clean room", kmsMasterKeyId: args.keyArn },
            parent,
        );
        // A topic of its own: it takes custom notifications alone, and people by e-mail would read JSON.
        this.chat = args.settings.notifications.chat
            ? new aws.sns.Topic(
                  `${name}-chat`,
                  { name: chatTopicName, displayName: "EC2 clean room chat", kmsMasterKeyId: args.keyArn },
                  parent,
              )
            : null;
        // A topic of its own: people by e-mail would read JSON.
        this.results = args.settings.notifications.ocsf
            ? new aws.sns.Topic(
                  `${name}-results`,
                  { name: resultsTopicName, displayName: "EC2 clean room results", kmsMasterKeyId: args.keyArn },
                  parent,
              )
            : null;
        // A topic of its own: what the notification topic carries, functions publish, and one that hears alarms there would hear itself.
        this.alarms = new aws.sns.Topic(
            `${name}-alarms`,
            { name: alarmTopicName, displayName: "EC2 clean room alarms", kmsMasterKeyId: args.keyArn },
            parent,
        );
        new aws.sns.TopicPolicy(
            `${name}-alarms`,
            { arn: this.alarms.arn, policy: this.alarms.arn.apply((topicArn) => policyDocument(alarmStatements(args, topicArn))) },
            parent,
        );
        // Straight to alarms too: an alarm must reach somebody also when the function that tells people of it is what broke.
        args.settings.notifications.emails.forEach((endpoint, index) => {
            new aws.sns.TopicSubscription(`${name}-email-${index}`, { topic: this.topic.arn, protocol: "email", endpoint }, parent);
            new aws.sns.TopicSubscription(`${name}-alarm-email-${index}`, { topic: this.alarms.arn, protocol: "email", endpoint }, parent);
        });
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
