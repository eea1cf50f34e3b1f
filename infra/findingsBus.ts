/** The bus that members forward their findings to, and the queue for what cannot be put on it. A bus of our own: the default bus stays as others left it. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { forwardsFindings, ofOrganization, regionsOf } from "./estate";
import { findingsBusName, forwardDeadLettersName, forwardRuleName } from "./names";
import { policyDocument, type ResourceStatement } from "./policyDocument";

export interface FindingsBusArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
}

/** Whose findings come in over the bus of a Region. Nobody's where GuardDuty's delegated administrator has them on its default bus. */
export function forwardersOf(settings: Settings, region: string): { accountIds: string[]; organization: boolean } {
    return {
        accountIds: settings.members
            .filter((member) => forwardsFindings(settings, member) && regionsOf(settings, member).includes(region))
            .map(({ accountId }) => accountId),
        organization: settings.organization !== undefined && forwardsFindings(settings),
    };
}

/**
 * The bus's one policy: accounts or the organisation, *and* the forwarding rule. One document and not a permission each, since AWS keeps
 * one document a bus and permissions that are put in parallel overwrite each other (terraform-provider-aws #4031). Whoever may put
 * events in a member account cannot put them here: the rule's ARN is said by EventBridge and not by the caller.
 */
export function busStatements({ settings, partition, region }: FindingsBusArgs, busArn: string): ResourceStatement[] {
    const { accountIds, organization } = forwardersOf(settings, region);
    const throughRule = { "aws:SourceArn": `arn:${partition}:events:${region}:*:rule/${forwardRuleName}` };
    const admit = (sid: string, principal: ResourceStatement["Principal"], condition: ResourceStatement["Condition"] = {}) => ({
        Sid: sid,
        Effect: "Allow" as const,
        Principal: principal,
        Action: "events:PutEvents",
        Resource: busArn,
        Condition: { ...condition, ArnLike: throughRule },
    });
    return [
        ...(accountIds.length > 0
            ? [admit("ListedMembers", { AWS: accountIds.map((accountId) => `arn:${partition}:iam::${accountId}:root`) })]
            : []),
        ...(organization && settings.organization ? [admit("Organization", "*", ofOrganization(settings.organization))] : []),
    ];
}

/** Bytes that SQS takes as a queue's policy. */
const longestQueuePolicy = 8192;

/**
 * The queue's policy: EventBridge may leave there what a member's forwarding rule could not deliver. Accounts stand in the rules' ARNs,
 * since EventBridge is only known to send aws:SourceArn to a queue. A rule may have its dead-letter queue in another account:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule.html
 */
export function deadLetterStatements({ settings, partition, region }: FindingsBusArgs, queueArn: string): ResourceStatement[] {
    const { accountIds, organization } = forwardersOf(settings, region);
    const ruleOf = (accountId: string) => `arn:${partition}:events:${region}:${accountId}:rule/${forwardRuleName}`;
    const admit = (sid: string, condition: ResourceStatement["Condition"]): ResourceStatement => ({
        Sid: sid,
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queueArn,
        Condition: condition,
    });
    return [
        ...(accountIds.length > 0 ? [admit("ListedMembers", { ArnEquals: { "aws:SourceArn": accountIds.map(ruleOf) } })] : []),
        ...(organization && settings.organization
            ? [
                  admit("Organization", {
                      ArnLike: { "aws:SourceArn": ruleOf("*") },
                      StringEquals: { "aws:SourceOrgID": settings.organization.organizationId },
                  }),
              ]
            : []),
    ];
}

export class FindingsBus extends pulumi.ComponentResource {
    readonly bus: aws.cloudwatch.EventBus;
    /** What could not be put on the bus. Under SQS's own key: nobody else's key may stand in its way. */
    readonly deadLetters: aws.sqs.Queue;

    constructor(name: string, args: FindingsBusArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:FindingsBus", name, {}, opts);
        const parent = { parent: this };
        this.bus = new aws.cloudwatch.EventBus(
            name,
            { name: findingsBusName, description: "GuardDuty findings that member accounts forward to the clean room" },
            parent,
        );
        new aws.cloudwatch.EventBusPolicy(
            name,
            {
                eventBusName: this.bus.name,
                policy: this.bus.arn.apply((busArn) => policyDocument(busStatements(args, busArn))),
            },
            parent,
        );
        this.deadLetters = new aws.sqs.Queue(
            `${name}-dead-letters`,
            { name: forwardDeadLettersName, sqsManagedSseEnabled: true, messageRetentionSeconds: 14 * 24 * 3600 },
            parent,
        );
        new aws.sqs.QueuePolicy(
            `${name}-dead-letters`,
            {
                queueUrl: this.deadLetters.id,
                policy: this.deadLetters.arn.apply((queueArn) => deadLetterPolicy(args, queueArn)),
            },
            parent,
        );
        this.registerOutputs({ busArn: this.bus.arn, deadLetterQueueUrl: this.deadLetters.id });
    }
}

/** Those statements as the queue's policy. @throws when more accounts are listed than it holds */
export function deadLetterPolicy(args: FindingsBusArgs, queueArn: string): string {
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: deadLetterStatements(args, queueArn) });
    if (policy.length > longestQueuePolicy)
        throw new Error(
            `${forwardersOf(args.settings, args.region).accountIds.length} listed members forward findings in ${args.region}, more than the policy of one queue holds (${longestQueuePolicy} bytes). Protect them by organization, which lists no accounts.`,
        );
    return policy;
}
