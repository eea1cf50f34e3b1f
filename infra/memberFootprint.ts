/**
 * What an account gets whose instances are protected, as data: from it `memberAccount.ts` makes Pulumi resources for listed
 * accounts and `memberTemplate.ts` a CloudFormation template for an organisation's, so that the two are the same.
 */
import type { Statement } from "../functions/aws/permissions";
import { ruleAlarms, type AlarmPlan } from "./alarms";
import type { Settings } from "./config";
import { findingPattern } from "./findingPattern";
import { alarmTopicName, findingsBusName, forwardDeadLettersName, forwardRuleName, functionRoleName, responderRoleName } from "./names";
import type { ResourceStatement } from "./policyDocument";
import { memberStatements, respondingFunctions } from "./steps";

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
                    "aws:PrincipalArn": respondingFunctions.map(
                        (handler) => `arn:${partition}:iam::${forensicsAccountId}:role/${functionRoleName(handler, "*")}`,
                    ),
                },
            },
        }),
        permissions: document(...memberStatements({ settings, partition, accountId, evidenceKeyArns })),
    };
}

export interface Forwarding {
    /** Role that puts events on the bus. */
    readonly role: FootprintRole;
    /** Rule that matches findings. */
    readonly rule: { name: string; description: string; eventPattern: ReturnType<typeof findingPattern> };
    /** Event bus that findings go to. */
    readonly busArn: string;
    /** Queue of findings that could not be forwarded. AWS keeps them under a key of SQS's own: nobody else's key may stand in their way. */
    readonly deadLetters: {
        readonly name: string;
        readonly arn: string;
        /** Seconds that a finding stays there. */
        readonly retentionSeconds: number;
        readonly policy: PolicyDocument<ResourceStatement>;
    };
    /** Somebody hears of what lies there: alarms of the member account, told to the forensics account. */
    readonly alarms: readonly AlarmPlan[];
    /** Topic of the forensics account that the alarms tell. */
    readonly alarmTopicArn: string;
}

/** What takes one Region's findings to the forensics account. */
export function findingsForwarding({ settings, partition, accountId, region }: FootprintArgs & { region: string }): Forwarding {
    const busArn = `arn:${partition}:events:${region}:${settings.forensics.accountId}:event-bus/${findingsBusName}`;
    const queueArn = `arn:${partition}:sqs:${region}:${accountId}:${forwardDeadLettersName}`;
    return {
        role: {
            name: `${forwardRuleName}-${region}`,
            description: "EC2 clean room: puts GuardDuty findings on the forensics account's event bus",
            maxSessionDuration: 3600,
            trust: document({
                Effect: "Allow",
                Principal: { Service: "events.amazonaws.com" },
                Action: "sts:AssumeRole",
                Condition: { StringEquals: { "aws:SourceAccount": accountId } },
            }),
            permissions: document({ Effect: "Allow", Action: ["events:PutEvents"], Resource: [busArn] }),
        },
        rule: {
            name: forwardRuleName,
            description: "GuardDuty findings about EC2 instances go to the forensics account",
            eventPattern: findingPattern(settings.findings.minimumSeverity, settings.findings.sources),
        },
        busArn,
        deadLetters: {
            name: forwardDeadLettersName,
            arn: queueArn,
            retentionSeconds: 14 * 24 * 3600,
            policy: document({
                Sid: "UndeliverableFindings",
                Effect: "Allow",
                Principal: { Service: "events.amazonaws.com" },
                Action: "sqs:SendMessage",
                Resource: queueArn,
                Condition: { ArnEquals: { "aws:SourceArn": `arn:${partition}:events:${region}:${accountId}:rule/${forwardRuleName}` } },
            }),
        },
        alarms: [
            ...ruleAlarms("forwarding", forwardRuleName, null, "findings to the clean room"),
            {
                what: "forwarding-dead-letters",
                description: `Findings could not be forwarded to the clean room. They lie in the queue ${forwardDeadLettersName} of this account.`,
                namespace: "AWS/SQS",
                metricName: "ApproximateNumberOfMessagesVisible",
                dimensions: { QueueName: forwardDeadLettersName },
                statistic: "Maximum",
            },
        ],
        alarmTopicArn: `arn:${partition}:sns:${region}:${settings.forensics.accountId}:${alarmTopicName}`,
    };
}
