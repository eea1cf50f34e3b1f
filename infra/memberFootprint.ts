/**
 * What an account gets whose instances are protected, as data: from it `memberAccount.ts` makes Pulumi resources for listed
 * accounts and `memberTemplate.ts` a CloudFormation template for an organisation's, so that the two are the same.
 */
import type { Statement } from "../functions/aws/permissions";
import { lostAlarm, type AlarmPlan } from "./alarms";
import type { Settings } from "./config";
import { findingPattern } from "./findingPattern";
import {
    alarmTopicName,
    findingsBusName,
    forwardDeadLettersName,
    forwarderRoleName,
    forwardRuleName,
    functionRoleName,
    responderRoleName,
} from "./names";
import { placeOfRoles } from "./placeOfRoles";
import { deployedResponders, memberStatements } from "./steps";

/** Who a role trusts. */
export interface TrustStatement {
    readonly Effect: "Allow";
    /** Who. */
    readonly Principal: Record<string, string>;
    /** What they may do. */
    readonly Action: "sts:AssumeRole";
    /** When; all must hold. */
    readonly Condition: Record<string, Record<string, string | string[]>>;
}

export interface PolicyDocument<S> {
    readonly Version: "2012-10-17";
    readonly Statement: S[];
}

export interface FootprintRole {
    /** Its path in IAM; begins and ends with a slash. */
    readonly path: string;
    /** Managed policy that bounds it; null without one. */
    readonly permissionsBoundary: string | null;
    /** Its name in AWS. */
    readonly name: string;
    /** What it is for, in one sentence; AWS shows it. */
    readonly description: string;
    /** Seconds. */
    readonly maxSessionDuration: number;
    /** Who may assume it. */
    readonly trust: PolicyDocument<TrustStatement>;
    /** What it may do. */
    readonly permissions: PolicyDocument<Statement>;
}

const document = <S>(...Statement: S[]): PolicyDocument<S> => ({ Version: "2012-10-17", Statement });

export interface FootprintArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** The member, or what CloudFormation puts in its place. */
    readonly accountId: string;
}

/** The role that contains and preserves: one an account, since IAM is global. */
export function responderRole({
    settings,
    partition,
    accountId,
    evidenceKeyArns,
}: FootprintArgs & { evidenceKeyArns: string[] }): FootprintRole {
    const forensicsAccountId = settings.forensics.accountId;
    return {
        ...placeOfRoles(settings, partition, accountId),
        name: responderRoleName,
        description: "EC2 clean room: contains instances and snapshots their volumes",
        maxSessionDuration: 3600,
        trust: document({
            Effect: "Allow",
            // Named by ARN in a condition and not as the principal: AWS turns a principal into an id that dies with its role. One
            // pattern a function stands for all Regions: a trust policy may have 2,048 characters.
            Principal: { AWS: `arn:${partition}:iam::${forensicsAccountId}:root` },
            Action: "sts:AssumeRole",
            Condition: {
                ArnLike: {
                    "aws:PrincipalArn": deployedResponders(settings).map(
                        (handler) =>
                            `arn:${partition}:iam::${forensicsAccountId}:role${settings.rolePath}${functionRoleName(handler, "*")}`,
                    ),
                },
            },
        }),
        permissions: document(...memberStatements({ settings, partition, accountId, evidenceKeyArns })),
    };
}

const busArn = ({ settings, partition }: FootprintArgs, region: string) =>
    `arn:${partition}:events:${region}:${settings.forensics.accountId}:event-bus/${findingsBusName}`;

/**
 * The role by which EventBridge puts an account's findings on the buses. Pulumi makes one an account, a StackSet one in each Region's stack,
 * since its stacks do not wait for each other.
 *
 * @param regions Regions whose buses it may put events on
 * @param of the one Region whose stack it belongs to; left out where it is the account's
 */
export function forwarderRole(args: FootprintArgs & { regions: readonly string[]; of?: string }): FootprintRole {
    return {
        ...placeOfRoles(args.settings, args.partition, args.accountId),
        name: forwarderRoleName(args.of),
        description: "EC2 clean room: puts GuardDuty findings on the forensics account's event bus",
        maxSessionDuration: 3600,
        trust: document({
            Effect: "Allow",
            Principal: { Service: "events.amazonaws.com" },
            Action: "sts:AssumeRole",
            Condition: { StringEquals: { "aws:SourceAccount": args.accountId } },
        }),
        permissions: document({
            Effect: "Allow",
            Action: ["events:PutEvents"],
            Resource: args.regions.map((region) => busArn(args, region)),
        }),
    };
}

export interface Forwarding {
    /** Rule that matches findings. */
    readonly rule: { name: string; description: string; eventPattern: ReturnType<typeof findingPattern> };
    /** Event bus that findings go to. */
    readonly busArn: string;
    /** Queue of the forensics account for findings that could not be forwarded (findingsBus.ts): one to look after, and an alarm on it. */
    readonly deadLettersArn: string;
    /** Somebody hears of what could not be left even there: an alarm of the member account, told to the forensics account. */
    readonly alarm: AlarmPlan;
    /** Topic of the forensics account that the alarm tells. */
    readonly alarmTopicArn: string;
}

/** What takes one Region's findings to the forensics account. */
export function findingsForwarding(args: FootprintArgs & { region: string }): Forwarding {
    const { settings, partition, region } = args;
    const { accountId } = settings.forensics;
    return {
        rule: {
            name: forwardRuleName,
            description: "GuardDuty findings about EC2 instances go to the forensics account",
            eventPattern: findingPattern(settings.findings.minimumSeverity, settings.findings.sources),
        },
        busArn: busArn(args, region),
        deadLettersArn: `arn:${partition}:sqs:${region}:${accountId}:${forwardDeadLettersName}`,
        alarm: lostAlarm(
            "forwarding",
            forwardRuleName,
            null,
            `This account's findings reached neither the clean room nor its queue ${forwardDeadLettersName}. Read them in GuardDuty.`,
        ),
        alarmTopicArn: `arn:${partition}:sns:${region}:${accountId}:${alarmTopicName}`,
    };
}
