/** The footprint in an account whose instances are protected: a responder role, isolation groups, event forwarding. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Member, Settings } from "./config";
import { findingPattern } from "./intake";
import { functionRoleName, responderRoleName, roleTag } from "./names";
import { policyDocument, trustService } from "./policyDocument";
import { inAccountAndRegion } from "./regional";
import { memberStatements, respondingFunctions } from "./steps";

export interface MemberAccountArgs {
    settings: Settings;
    member: Member;
    partition: string;
    provider: aws.Provider;
    /** ARNs of the evidence keys, one a Region. */
    evidenceKeyArns: pulumi.Input<string>[];
}

export class MemberAccount extends pulumi.ComponentResource {
    readonly responder: aws.iam.Role;

    constructor(name: string, args: MemberAccountArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:MemberAccount", name, {}, { ...opts, providers: { aws: args.provider } });
        const { settings, member, partition } = args;
        const parent = { parent: this };
        const forensicsAccountId = settings.forensics.accountId;

        this.responder = new aws.iam.Role(`${name}-responder`, {
            name: responderRoleName,
            description: "EC2 clean room: contains instances and snapshots their volumes",
            maxSessionDuration: 3600,
            // Named by ARN in a condition and not as the principal: AWS turns a principal into an id that dies with its role.
            assumeRolePolicy: JSON.stringify({
                Version: "2012-10-17",
                Statement: [{
                    Effect: "Allow",
                    Principal: { AWS: `arn:${partition}:iam::${forensicsAccountId}:root` },
                    Action: "sts:AssumeRole",
                    Condition: { ArnEquals: { "aws:PrincipalArn": settings.regions.flatMap((region) => respondingFunctions.map((handler) => `arn:${partition}:iam::${forensicsAccountId}:role/${functionRoleName(handler, region)}`)) } },
                }],
            }),
        }, parent);
        new aws.iam.RolePolicy(`${name}-responder`, {
            role: this.responder.name,
            policy: pulumi.all(args.evidenceKeyArns).apply((keyArns) => JSON.stringify({ Version: "2012-10-17", Statement: memberStatements({ settings, partition, accountId: member.accountId, evidenceKeyArns: keyArns }) })),
        }, parent);

        for (const region of settings.regions) new MemberRegion(`${name}-${region}`, { ...args, region }, { parent: this, ...inAccountAndRegion(args.provider, region) });
        this.registerOutputs({ responderRoleArn: this.responder.arn });
    }
}

/** What one Region of a member account gets. */
class MemberRegion extends pulumi.ComponentResource {
    constructor(name: string, { settings, member, partition, region }: MemberAccountArgs & { region: string }, opts: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:MemberRegion", name, {}, opts);
        const parent = { parent: this };
        for (const vpcId of member.isolationVpcs[region] ?? []) {
            new aws.ec2.SecurityGroup(`${name}-isolation-${vpcId}`, {
                name: "clean-room-isolation",
                description: "Contained instances: nothing in, nothing out",
                vpcId,
                ingress: [],
                egress: [],
                tags: { Name: "clean-room isolation", [roleTag]: "isolation" },
            }, parent);
        }
        if (!member.forwardFindings) return;
        const bus = `arn:${partition}:events:${region}:${settings.forensics.accountId}:event-bus/default`;
        const role = new aws.iam.Role(`${name}-forward`, { name: `clean-room-forward-findings-${region}`, assumeRolePolicy: trustService("events.amazonaws.com", member.accountId) }, parent);
        const policy = new aws.iam.RolePolicy(`${name}-forward`, { role: role.name, policy: policyDocument([{ Effect: "Allow", Action: ["events:PutEvents"], Resource: [bus] }]) }, parent);
        const rule = new aws.cloudwatch.EventRule(`${name}-forward`, {
            name: "clean-room-forward-findings",
            description: "GuardDuty findings about EC2 instances go to the forensics account",
            eventPattern: findingPattern(settings.findings.minimumSeverity),
        }, parent);
        new aws.cloudwatch.EventTarget(`${name}-forward`, { rule: rule.name, arn: bus, roleArn: role.arn }, { ...parent, dependsOn: [policy] });
        this.registerOutputs();
    }
}
