/** The footprint in a listed account: a responder role, and in each Region isolation groups and event forwarding. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createAlarms } from "./alarms";
import type { Settings } from "./config";
import type { Member } from "./configMembers";
import { forwardsFindings, regionsOf } from "./estate";
import { findingsForwarding, forwarderRole, responderRole, type FootprintRole } from "./memberFootprint";
import { forwarderRoleName, managedByTag, responderRoleName } from "./names";
import { inAccountAndRegion } from "./regional";
import { isolationGroup, roleTag } from "../functions/domain/tags";

export interface MemberAccountArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** The listed account. */
    readonly member: Member;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Provider of the member's account. */
    readonly provider: aws.Provider;
    /** ARNs of the evidence keys, one a Region. */
    readonly evidenceKeyArns: pulumi.Input<string>[];
}

/** A role with its one policy. */
interface MadeRole {
    readonly role: aws.iam.Role;
    readonly policy: aws.iam.RolePolicy;
}

function makeRole(name: string, role: pulumi.Output<FootprintRole>, roleName: string, opts: pulumi.CustomResourceOptions): MadeRole {
    const made = new aws.iam.Role(
        name,
        {
            name: roleName,
            description: role.description,
            maxSessionDuration: role.maxSessionDuration,
            assumeRolePolicy: role.trust.apply((trust) => JSON.stringify(trust)),
        },
        opts,
    );
    return {
        role: made,
        policy: new aws.iam.RolePolicy(
            name,
            { role: made.name, policy: role.permissions.apply((permissions) => JSON.stringify(permissions)) },
            opts,
        ),
    };
}

export class MemberAccount extends pulumi.ComponentResource {
    readonly responder: aws.iam.Role;

    constructor(name: string, args: MemberAccountArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:MemberAccount", name, {}, { ...opts, providers: { aws: args.provider } });
        const { settings, member, partition } = args;
        const footprint = pulumi
            .all(args.evidenceKeyArns)
            .apply((evidenceKeyArns) => responderRole({ settings, partition, accountId: member.accountId, evidenceKeyArns }));
        this.responder = makeRole(`${name}-responder`, footprint, responderRoleName, { parent: this }).role;
        const regions = regionsOf(settings, member);
        const forwarder = forwardsFindings(settings, member)
            ? makeRole(
                  `${name}-forward`,
                  pulumi.output(forwarderRole({ settings, partition, accountId: member.accountId, regions })),
                  forwarderRoleName(),
                  { parent: this },
              )
            : null;
        for (const region of regions)
            new MemberRegion(
                `${name}-${region}`,
                { ...args, region, forwarder },
                { parent: this, ...inAccountAndRegion(args.provider, region) },
            );
        this.registerOutputs({ responderRoleArn: this.responder.arn });
    }
}

interface MemberRegionArgs extends MemberAccountArgs {
    readonly region: string;
    /** The account's role that forwards findings; null where none are forwarded. */
    readonly forwarder: MadeRole | null;
}

/** What one Region of a member account gets. */
class MemberRegion extends pulumi.ComponentResource {
    constructor(name: string, args: MemberRegionArgs, opts: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:MemberRegion", name, {}, opts);
        const { member, region, forwarder } = args;
        for (const vpcId of member.isolationVpcs[region] ?? []) this.isolationGroup(name, vpcId, region);
        if (forwarder) this.forward(name, args, forwarder);
        this.registerOutputs();
    }

    /**
     * The isolation group of a VPC. One that an incident made meanwhile is adopted, that is, left as it is: EC2 takes no second one of a
     * name, and instances may stand in it. What this program made carries its tag.
     */
    private isolationGroup(name: string, vpcId: string, region: string): void {
        const parent = { parent: this };
        const filters = [
            { name: "vpc-id", values: [vpcId] },
            { name: "group-name", values: [isolationGroup.name] },
        ];
        const ofName = aws.ec2.getSecurityGroupsOutput({ region, filters }, parent).ids;
        const made = aws.ec2.getSecurityGroupsOutput(
            { region, filters: [...filters, { name: `tag:${managedByTag}`, values: ["pulumi"] }] },
            parent,
        ).ids;
        pulumi.all([ofName, made]).apply(([ids, ours]) => {
            // Neither is there where a stand-in for AWS does not know the question.
            if (((ids as string[] | undefined) ?? []).length > ((ours as string[] | undefined) ?? []).length) return;
            new aws.ec2.SecurityGroup(
                `${name}-isolation-${vpcId}`,
                {
                    name: isolationGroup.name,
                    description: isolationGroup.description,
                    vpcId,
                    ingress: [],
                    egress: [],
                    tags: { Name: "clean-room isolation", [roleTag]: "isolation" },
                },
                parent,
            );
        });
    }

    /** Puts the account's findings on the forensics account's bus. */
    private forward(name: string, { settings, member, partition, region }: MemberRegionArgs, { role, policy }: MadeRole): void {
        const parent = { parent: this };
        const plan = findingsForwarding({ settings, partition, accountId: member.accountId, region });
        const forward = new aws.cloudwatch.EventRule(
            `${name}-forward`,
            { name: plan.rule.name, description: plan.rule.description, eventPattern: JSON.stringify(plan.rule.eventPattern) },
            parent,
        );
        new aws.cloudwatch.EventTarget(
            `${name}-forward`,
            { rule: forward.name, arn: plan.busArn, roleArn: role.arn, deadLetterConfig: { arn: plan.deadLettersArn } },
            { ...parent, dependsOn: [policy] },
        );
        createAlarms(name, [plan.alarm], plan.alarmTopicArn, parent);
    }
}
