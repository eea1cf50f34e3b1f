/** How a finding comes in: default event bus -> rule -> encrypted topic -> startIncident, and a queue for what fails. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { forwardsFindings, regionsOf } from "./estate";
import { findingPattern } from "./findingPattern";
import { deadLetterQueueName, findingsRuleName, findingsTopicName } from "./names";
import { policyDocument } from "./policyDocument";

export interface IntakeArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
}

export class Intake extends pulumi.ComponentResource {
    /** Key of the queue, the topics and the incidents table: services write to them, so their own key says which. */
    readonly key: aws.kms.Key;
    readonly topic: aws.sns.Topic;
    readonly deadLetters: aws.sqs.Queue;

    constructor(name: string, args: IntakeArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Intake", name, {}, opts);
        const { settings, partition, region } = args;
        const parent = { parent: this };
        const accountId = settings.forensics.accountId;
        const fromThisAccount = { StringEquals: { "aws:SourceAccount": accountId } };

        this.key = new aws.kms.Key(
            `${name}-key`,
            {
                description: "Messages of EC2 incidents: topics, queue, webhook",
                enableKeyRotation: true,
                deletionWindowInDays: 30,
                policy: policyDocument([
                    {
                        Sid: "OwnAccount",
                        Effect: "Allow",
                        Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
                        Action: "kms:*",
                        Resource: "*",
                    },
                    {
                        Sid: "ServicesThatPublish",
                        Effect: "Allow",
                        Principal: { Service: ["events.amazonaws.com", "sns.amazonaws.com", "cloudwatch.amazonaws.com"] },
                        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
                        Resource: "*",
                        Condition: fromThisAccount,
                    },
                    // DynamoDB uses the key in the name of whoever may use the table.
                    {
                        Sid: "IncidentsTable",
                        Effect: "Allow",
                        Principal: "*",
                        Action: [
                            "kms:Encrypt",
                            "kms:Decrypt",
                            "kms:ReEncrypt*",
                            "kms:GenerateDataKey*",
                            "kms:CreateGrant",
                            "kms:DescribeKey",
                        ],
                        Resource: "*",
                        Condition: {
                            StringEquals: { "kms:ViaService": `dynamodb.${region}.amazonaws.com`, "kms:CallerAccount": accountId },
                        },
                    },
                ]),
            },
            parent,
        );
        this.deadLetters = new aws.sqs.Queue(
            `${name}-dead-letters`,
            { name: deadLetterQueueName, kmsMasterKeyId: this.key.arn, messageRetentionSeconds: 14 * 24 * 3600 },
            parent,
        );
        this.topic = new aws.sns.Topic(
            name,
            { name: findingsTopicName, displayName: "GuardDuty findings about EC2", kmsMasterKeyId: this.key.arn },
            parent,
        );
        const rule = new aws.cloudwatch.EventRule(
            name,
            {
                name: findingsRuleName,
                description: "GuardDuty findings about EC2 instances go to the clean room",
                eventPattern: JSON.stringify(findingPattern(settings.findings.minimumSeverity)),
            },
            parent,
        );
        const topicPolicy = new aws.sns.TopicPolicy(
            name,
            {
                arn: this.topic.arn,
                policy: policyDocument([
                    {
                        Sid: "FindingsRule",
                        Effect: "Allow",
                        Principal: { Service: "events.amazonaws.com" },
                        Action: "sns:Publish",
                        Resource: this.topic.arn,
                        Condition: { ArnEquals: { "aws:SourceArn": rule.arn } },
                    },
                ]),
            },
            parent,
        );
        new aws.sqs.QueuePolicy(
            name,
            {
                queueUrl: this.deadLetters.id,
                policy: policyDocument([
                    {
                        Sid: "UndeliverableFindings",
                        Effect: "Allow",
                        Principal: { Service: ["events.amazonaws.com", "sns.amazonaws.com"] },
                        Action: "sqs:SendMessage",
                        Resource: this.deadLetters.arn,
                        Condition: { ArnEquals: { "aws:SourceArn": [rule.arn, this.topic.arn] } },
                    },
                ]),
            },
            parent,
        );
        new aws.cloudwatch.EventTarget(
            name,
            { rule: rule.name, arn: this.topic.arn, deadLetterConfig: { arn: this.deadLetters.arn } },
            { ...parent, dependsOn: [topicPolicy] },
        );
        // What a broken deployment missed can be replayed from here; what was followed already changes nothing.
        new aws.cloudwatch.EventArchive(
            name,
            {
                name: findingsRuleName,
                description: "GuardDuty findings about EC2 instances, to be replayed to the clean room",
                eventSourceArn: `arn:${partition}:events:${region}:${accountId}:event-bus/default`,
                eventPattern: JSON.stringify(findingPattern(settings.findings.minimumSeverity)),
                retentionDays: settings.logRetentionDays,
            },
            parent,
        );
        // Members' rules put their findings on this bus.
        for (const member of settings.members.filter(
            (each) => forwardsFindings(settings, each) && regionsOf(settings, each).includes(region),
        )) {
            new aws.cloudwatch.EventPermission(
                `${name}-${member.accountId}`,
                {
                    eventBusName: "default",
                    statementId: `clean-room-${member.accountId}`,
                    principal: member.accountId,
                    action: "events:PutEvents",
                },
                parent,
            );
        }
        if (settings.organization && forwardsFindings(settings)) {
            new aws.cloudwatch.EventPermission(
                `${name}-organization`,
                {
                    eventBusName: "default",
                    statementId: "clean-room-organization",
                    principal: "*",
                    action: "events:PutEvents",
                    condition: { type: "StringEquals", key: "aws:PrincipalOrgID", value: settings.organization.organizationId },
                },
                parent,
            );
        }
        this.registerOutputs({
            topicArn: this.topic.arn,
            deadLetterQueueUrl: this.deadLetters.id,
            busArn: `arn:${partition}:events:${region}:${accountId}:event-bus/default`,
        });
    }

    /** Starts the function for each message on the topic. */
    subscribe(name: string, target: aws.lambda.Function): void {
        const parent = { parent: this };
        const permission = new aws.lambda.Permission(
            name,
            { action: "lambda:InvokeFunction", function: target.name, principal: "sns.amazonaws.com", sourceArn: this.topic.arn },
            parent,
        );
        new aws.sns.TopicSubscription(
            name,
            {
                topic: this.topic.arn,
                protocol: "lambda",
                endpoint: target.arn,
                redrivePolicy: this.deadLetters.arn.apply((deadLetterTargetArn) => JSON.stringify({ deadLetterTargetArn })),
            },
            { ...parent, dependsOn: [permission] },
        );
    }
}
