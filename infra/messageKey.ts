/** The key of everything that carries messages: topics, dead-letter queue, incidents table, webhook parameter, logs. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { alarmTopicName, deadLetterQueueName, findingsTopicName, notificationTopicName } from "./names";
import { policyDocument, type ResourceStatement } from "./policyDocument";

export interface MessageKeyArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
}

/**
 * Who may use the key beside its account. Services are bound by what is encrypted (the encryption context) and not by whom they act
 * for: EventBridge and CloudWatch send KMS neither aws:SourceArn nor aws:SourceAccount for a topic, and a condition on either would
 * refuse every message. Who may publish is said by the policies of topic and queue.
 *
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
function statements({ settings, partition, region }: MessageKeyArgs): ResourceStatement[] {
    const accountId = settings.forensics.accountId;
    const topic = (name: string) => `arn:${partition}:sns:${region}:${accountId}:${name}`;
    const serviceUses = (sid: string, services: string[], context: string, arns: string[]): ResourceStatement => ({
        Sid: sid,
        Effect: "Allow",
        Principal: { Service: services },
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: "*",
        Condition: { StringEquals: { [`kms:EncryptionContext:aws:${context}`]: arns } },
    });
    const logGroup = (name: string) => `arn:${partition}:logs:${region}:${accountId}:log-group:${name}`;
    return [
        {
            Sid: "OwnAccount",
            Effect: "Allow",
            Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
            Action: "kms:*",
            Resource: "*",
        },
        // Besides the role of the rule's target: whichever identity EventBridge takes for an encrypted topic, it must work.
        serviceUses("FindingsReachTheTopic", ["events.amazonaws.com"], "sns:topicArn", [topic(findingsTopicName)]),
        serviceUses("AlarmsReachTheTopics", ["cloudwatch.amazonaws.com"], "sns:topicArn", [
            topic(alarmTopicName),
            topic(notificationTopicName),
        ]),
        serviceUses("UndeliverableReachesTheQueue", ["events.amazonaws.com", "sns.amazonaws.com"], "sqs:arn", [
            `arn:${partition}:sqs:${region}:${accountId}:${deadLetterQueueName}`,
        ]),
        {
            Sid: "LogsAreEncrypted",
            Effect: "Allow",
            Principal: { Service: `logs.${region}.amazonaws.com` },
            Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            Resource: "*",
            Condition: {
                ArnLike: {
                    "kms:EncryptionContext:aws:logs:arn": [
                        "/aws/lambda/clean-room-*",
                        "/aws/vendedlogs/states/clean-room-*",
                        "/clean-room/*",
                    ].map(logGroup),
                },
            },
        },
        // DynamoDB uses the key in the name of whoever may use the table.
        {
            Sid: "IncidentsTable",
            Effect: "Allow",
            Principal: "*",
            Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"],
            Resource: "*",
            Condition: {
                StringEquals: { "kms:ViaService": `dynamodb.${region}.amazonaws.com`, "kms:CallerAccount": accountId },
            },
        },
    ];
}

export class MessageKey extends pulumi.ComponentResource {
    readonly key: aws.kms.Key;

    constructor(name: string, args: MessageKeyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:MessageKey", name, {}, opts);
        this.key = new aws.kms.Key(
            name,
            {
                description: "Messages of EC2 incidents: topics, queue, table, webhook, logs",
                enableKeyRotation: true,
                deletionWindowInDays: 30,
                policy: policyDocument(statements(args)),
            },
            { parent: this },
        );
        this.registerOutputs({ keyArn: this.key.arn });
    }
}
