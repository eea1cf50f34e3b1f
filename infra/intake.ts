/** How a finding comes in: event bus -> rule -> encrypted topic -> startIncident, and a queue for what fails on the way. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { findingPattern } from "./findingPattern";
import { FindingsBus, forwardersOf } from "./findingsBus";
import { deadLetterQueueName, findingsRuleName, findingsTopicName, forwardedRuleName, publisherRoleName, watchRuleName } from "./names";
import { policyDocument, trustService } from "./policyDocument";

export interface IntakeArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** Key of topic and queue (messageKey.ts). */
    readonly keyArn: pulumi.Input<string>;
}

/** A bus that findings come in on, and the rule that takes them off it. */
interface Entrance {
    /** Name of the bus. */
    readonly bus: pulumi.Input<string>;
    readonly busArn: pulumi.Input<string>;
    /** Name of the rule, and of the archive that keeps what it lets through. */
    readonly ruleName: string;
    /** Ending of the resources' names; empty for the default bus. */
    readonly suffix: string;
}

export class Intake extends pulumi.ComponentResource {
    readonly topic: aws.sns.Topic;
    readonly deadLetters: aws.sqs.Queue;
    /** What members could not forward; null where none forwards. */
    readonly forwardDeadLetters: aws.sqs.Queue | null;
    /** Rules that take findings off a bus, by bus: what the alarms watch. */
    readonly rules: { readonly ruleName: string; readonly busName: pulumi.Input<string> | null }[];
    private readonly args: IntakeArgs;

    constructor(name: string, args: IntakeArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Intake", name, {}, opts);
        this.args = args;
        const { settings, partition, region, keyArn } = args;
        const parent = { parent: this };
        const accountId = settings.forensics.accountId;

        this.deadLetters = new aws.sqs.Queue(
            `${name}-dead-letters`,
            { name: deadLetterQueueName, kmsMasterKeyId: keyArn, messageRetentionSeconds: 14 * 24 * 3600 },
            parent,
        );
        this.topic = new aws.sns.Topic(
            name,
            { name: findingsTopicName, displayName: "GuardDuty findings about EC2", kmsMasterKeyId: keyArn },
            parent,
        );
        const { accountIds, organization } = forwardersOf(settings, region);
        const forwarded =
            accountIds.length > 0 || organization ? new FindingsBus(`${name}-bus`, { settings, partition, region }, parent) : null;
        const bus = forwarded?.bus ?? null;
        this.forwardDeadLetters = forwarded?.deadLetters ?? null;
        const entrances: Entrance[] = [
            {
                bus: "default",
                busArn: `arn:${partition}:events:${region}:${accountId}:event-bus/default`,
                ruleName: findingsRuleName,
                suffix: "",
            },
            ...(bus ? [{ bus: bus.name, busArn: bus.arn, ruleName: forwardedRuleName, suffix: "-forwarded" }] : []),
        ];
        const rules = entrances.map((entrance) => this.rule(name, entrance));
        const publisher = this.publisher(name);
        const topicPolicy = this.admit(
            name,
            publisher.role,
            rules.map((rule) => rule.arn),
        );
        entrances.forEach((entrance, index) => {
            new aws.cloudwatch.EventTarget(
                `${name}${entrance.suffix}`,
                {
                    rule: rules[index]!.name,
                    eventBusName: entrance.bus,
                    arn: this.topic.arn,
                    roleArn: publisher.role.arn,
                    deadLetterConfig: { arn: this.deadLetters.arn },
                },
                { ...parent, dependsOn: [topicPolicy, publisher.policy] },
            );
        });
        this.rules = entrances.map(({ ruleName, suffix, bus: busName }) => ({ ruleName, busName: suffix === "" ? null : busName }));
        this.registerOutputs({ topicArn: this.topic.arn, deadLetterQueueUrl: this.deadLetters.id, busArn: entrances.at(-1)!.busArn });
    }

    /** The rule of a bus, and an archive: what a broken deployment missed can be replayed; what was followed already changes nothing. */
    private rule(name: string, { bus, busArn, ruleName, suffix }: Entrance): aws.cloudwatch.EventRule {
        const parent = { parent: this };
        const { findings, logRetentionDays } = this.args.settings;
        const eventPattern = JSON.stringify(findingPattern(findings.minimumSeverity, findings.sources));
        new aws.cloudwatch.EventArchive(
            `${name}${suffix}`,
            {
                name: ruleName,
                description: "GuardDuty findings about EC2 instances, to be replayed to the clean room",
                eventSourceArn: busArn,
                eventPattern,
                retentionDays: logRetentionDays,
            },
            parent,
        );
        return new aws.cloudwatch.EventRule(
            `${name}${suffix}`,
            {
                name: ruleName,
                eventBusName: bus,
                description: "GuardDuty findings about EC2 instances go to the clean room",
                eventPattern,
            },
            parent,
        );
    }

    /** Role by which EventBridge publishes: its policy, unlike the topic's, can say which topic and which key. */
    private publisher(name: string): { role: aws.iam.Role; policy: aws.iam.RolePolicy } {
        const parent = { parent: this };
        const { settings, region, keyArn } = this.args;
        const role = new aws.iam.Role(
            `${name}-publisher`,
            {
                name: publisherRoleName(region),
                description: "EventBridge: publishes findings to the clean room's topic",
                assumeRolePolicy: trustService("events.amazonaws.com", settings.forensics.accountId),
            },
            parent,
        );
        const policy = new aws.iam.RolePolicy(
            `${name}-publisher`,
            {
                role: role.name,
                policy: policyDocument([
                    { Sid: "PublishFindings", Effect: "Allow", Action: ["sns:Publish"], Resource: [this.topic.arn] },
                    { Sid: "UseMessageKey", Effect: "Allow", Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: [keyArn] },
                ]),
            },
            parent,
        );
        return { role, policy };
    }

    /** Who may publish findings, and who may leave what could not be delivered. */
    private admit(name: string, publisher: aws.iam.Role, ruleArns: pulumi.Output<string>[]): aws.sns.TopicPolicy {
        const parent = { parent: this };
        const { settings, partition, region } = this.args;
        const watchRuleArn = `arn:${partition}:events:${region}:${settings.forensics.accountId}:rule/${watchRuleName}`;
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
                        Condition: {
                            ArnLike: {
                                "aws:SourceArn": [
                                    ...ruleArns,
                                    watchRuleArn,
                                    this.topic.arn,
                                    // What schedule.ts makes.
                                    `arn:${partition}:events:${this.args.region}:${settings.forensics.accountId}:rule/clean-room-*-daily`,
                                ],
                            },
                        },
                    },
                ]),
            },
            parent,
        );
        return new aws.sns.TopicPolicy(
            name,
            {
                arn: this.topic.arn,
                // No service without a condition: a rule in anybody's account could then publish a forged message.
                policy: policyDocument([
                    {
                        Sid: "FindingsRules",
                        Effect: "Allow",
                        Principal: { AWS: publisher.arn },
                        Action: "sns:Publish",
                        Resource: this.topic.arn,
                    },
                    {
                        // Who else may is said by IAM in this account: operators that start a response by hand.
                        Sid: "OperatorsOfThisAccount",
                        Effect: "Allow",
                        Principal: { AWS: `arn:${partition}:iam::${settings.forensics.accountId}:root` },
                        Action: "sns:Publish",
                        Resource: this.topic.arn,
                    },
                ]),
            },
            parent,
        );
    }

    /** Starts the function for each message on the topic. */
    subscribe(name: string, target: aws.lambda.Function): void {
        subscribeFunction(name, this.topic, target, this.deadLetters, { parent: this });
    }
}

/** Calls a function for each message on a topic, and leaves in a queue what it could not be given. */
export function subscribeFunction(
    name: string,
    topic: aws.sns.Topic,
    target: aws.lambda.Function,
    deadLetters: aws.sqs.Queue,
    opts: pulumi.CustomResourceOptions,
): void {
    const permission = new aws.lambda.Permission(
        name,
        { action: "lambda:InvokeFunction", function: target.name, principal: "sns.amazonaws.com", sourceArn: topic.arn },
        opts,
    );
    new aws.sns.TopicSubscription(
        name,
        {
            topic: topic.arn,
            protocol: "lambda",
            endpoint: target.arn,
            redrivePolicy: deadLetters.arn.apply((deadLetterTargetArn) => JSON.stringify({ deadLetterTargetArn })),
        },
        { ...opts, dependsOn: [permission] },
    );
}
