/** The bus that members forward their findings to. One of our own: the default bus stays as others left it. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { forwardsFindings, ofOrganization, regionsOf } from "./estate";
import { findingsBusName, forwardRuleName } from "./names";
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

export class FindingsBus extends pulumi.ComponentResource {
    readonly bus: aws.cloudwatch.EventBus;

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
        this.registerOutputs({ busArn: this.bus.arn });
    }
}
