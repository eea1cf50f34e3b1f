/** The member footprint as a CloudFormation template, for accounts that come by way of an organisation. */
import { alarmName, anyInAMinute, type AlarmPlan } from "./alarms";
import type { Settings } from "./config";
import { forwardsFindings } from "./estate";
import { findingsForwarding, forwarderRole, responderRole, type FootprintRole } from "./memberFootprint";

/** What CloudFormation knows at deployment and a Pulumi program of another account does not. */
const accountId = "${AWS::AccountId}";
const region = "${AWS::Region}";

/** Puts Fn::Sub around texts that name a pseudo parameter; what else looks like one (IAM policy variables) is kept as it is. */
function substituted(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(substituted);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, substituted(each)]));
    if (typeof value !== "string" || !value.includes("${AWS::")) return value;
    return { "Fn::Sub": value.replace(/\$\{(?!AWS::)/g, "${!") };
}

function roleResource(role: FootprintRole, condition?: string) {
    return {
        Type: "AWS::IAM::Role",
        ...(condition ? { Condition: condition } : {}),
        Properties: substituted({
            RoleName: role.name,
            ...(role.path === "/" ? {} : { Path: role.path }),
            ...(role.permissionsBoundary ? { PermissionsBoundary: role.permissionsBoundary } : {}),
            Description: role.description,
            MaxSessionDuration: role.maxSessionDuration,
            AssumeRolePolicyDocument: role.trust,
            Policies: [{ PolicyName: role.name, PolicyDocument: role.permissions }],
        }),
    };
}

function alarmResource(
    { what, description, namespace, metricName, dimensions, statistic, when = anyInAMinute, tellOfSilence }: AlarmPlan,
    topicArn: string,
) {
    return {
        Type: "AWS::CloudWatch::Alarm",
        Properties: {
            AlarmName: alarmName(what),
            AlarmDescription: description,
            Namespace: namespace,
            MetricName: metricName,
            Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
            Statistic: statistic ?? "Sum",
            Period: when.period,
            EvaluationPeriods: when.evaluationPeriods,
            Threshold: when.threshold,
            ComparisonOperator: when.comparisonOperator,
            TreatMissingData: when.treatMissingData,
            AlarmActions: [substituted(topicArn)],
            ...(tellOfSilence ? { InsufficientDataActions: [substituted(topicArn)] } : {}),
        },
    };
}

export interface MemberTemplateArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** ARNs of the evidence keys, one a Region. */
    readonly evidenceKeyArns: string[];
}

/**
 * One template for every account and Region of the StackSet. The responder role, which is global, belongs to the stack of
 * the home Region; its condition is false in all others.
 */
export function memberTemplate({ settings, partition, evidenceKeyArns }: MemberTemplateArgs) {
    const forwarding = forwardsFindings(settings) ? findingsForwarding({ settings, partition, accountId, region }) : null;
    return {
        AWSTemplateFormatVersion: "2010-09-09",
        Description: "EC2 clean room: what the forensics account may do in this account to contain an instance and preserve its volumes",
        Conditions: { InHomeRegion: { "Fn::Equals": [{ Ref: "AWS::Region" }, settings.homeRegion] } },
        Resources: {
            Responder: roleResource(responderRole({ settings, partition, accountId, evidenceKeyArns }), "InHomeRegion"),
            ...(forwarding
                ? {
                      Forwarder: roleResource(forwarderRole({ settings, partition, accountId, regions: [region], of: region })),
                      ForwardFindings: {
                          Type: "AWS::Events::Rule",
                          Properties: {
                              Name: forwarding.rule.name,
                              Description: forwarding.rule.description,
                              EventPattern: forwarding.rule.eventPattern,
                              State: "ENABLED",
                              Targets: [
                                  substituted({
                                      Id: "forensics-account",
                                      Arn: forwarding.busArn,
                                      RoleArn: { "Fn::GetAtt": ["Forwarder", "Arn"] },
                                      DeadLetterConfig: { Arn: forwarding.deadLettersArn },
                                  }),
                              ],
                          },
                      },
                      ForwardingLost: alarmResource(forwarding.alarm, forwarding.alarmTopicArn),
                  }
                : {}),
        },
    };
}
