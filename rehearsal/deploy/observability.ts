/** Log groups, alarms and dashboards. */
import {
    CloudWatchClient,
    PutDashboardCommand,
    PutMetricAlarmCommand,
    type ComparisonOperator,
    type Statistic,
} from "@aws-sdk/client-cloudwatch";
import {
    CloudWatchLogsClient,
    CreateLogGroupCommand,
    PutMetricFilterCommand,
    PutResourcePolicyCommand,
    PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import type * as aws from "@pulumi/aws";
import { allTags, clientOf, entry, physicalName, policyText, tagList, type DeployTable } from "./resource";

const logGroup = entry<aws.cloudwatch.LogGroupArgs>(
    async (inputs, context) => {
        const logs = clientOf(context, CloudWatchLogsClient);
        const logGroupName = physicalName(context, inputs.name, inputs.namePrefix);
        await logs.send(new CreateLogGroupCommand({ logGroupName, kmsKeyId: inputs.kmsKeyId, tags: allTags(context, inputs.tags) }));
        if (inputs.retentionInDays)
            await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: inputs.retentionInDays }));
        return {
            id: logGroupName,
            state: {
                name: logGroupName,
                arn: `arn:aws:logs:${context.target.region}:${context.target.accountId}:log-group:${logGroupName}`,
            },
        };
    },
    { skipDestroy: "nothing of a rehearsal is deleted by Pulumi" },
);

const logResourcePolicy = entry<aws.cloudwatch.LogResourcePolicyArgs>(async (inputs, context) => {
    await clientOf(context, CloudWatchLogsClient).send(
        new PutResourcePolicyCommand({ policyName: inputs.policyName, policyDocument: policyText(inputs.policyDocument) }),
    );
    return { id: inputs.policyName! };
});

const metricFilter = entry<aws.cloudwatch.LogMetricFilterArgs>(async (inputs, context) => {
    const filterName = physicalName(context, inputs.name);
    const { name, namespace, value, defaultValue, unit, dimensions } = inputs.metricTransformation;
    await clientOf(context, CloudWatchLogsClient).send(
        new PutMetricFilterCommand({
            filterName,
            logGroupName: inputs.logGroupName,
            filterPattern: inputs.pattern,
            metricTransformations: [
                {
                    metricName: name,
                    metricNamespace: namespace,
                    metricValue: value,
                    defaultValue: defaultValue === undefined ? undefined : Number(defaultValue),
                    unit: unit as never,
                    dimensions,
                },
            ],
        }),
    );
    return { id: filterName, state: { name: filterName } };
});

const metricAlarm = entry<aws.cloudwatch.MetricAlarmArgs>(async (inputs, context) => {
    const AlarmName = physicalName(context, inputs.name);
    await clientOf(context, CloudWatchClient).send(
        new PutMetricAlarmCommand({
            AlarmName,
            AlarmDescription: inputs.alarmDescription,
            ComparisonOperator: inputs.comparisonOperator as ComparisonOperator,
            EvaluationPeriods: inputs.evaluationPeriods,
            DatapointsToAlarm: inputs.datapointsToAlarm,
            Threshold: inputs.threshold,
            MetricName: inputs.metricName,
            Namespace: inputs.namespace,
            Period: inputs.period,
            Statistic: inputs.statistic as Statistic | undefined,
            ExtendedStatistic: inputs.extendedStatistic,
            TreatMissingData: inputs.treatMissingData,
            Dimensions: inputs.dimensions && Object.entries(inputs.dimensions).map(([Name, Value]) => ({ Name, Value })),
            ActionsEnabled: inputs.actionsEnabled,
            AlarmActions: inputs.alarmActions as string[] | undefined,
            OKActions: inputs.okActions as string[] | undefined,
            InsufficientDataActions: inputs.insufficientDataActions as string[] | undefined,
            Tags: tagList(context, inputs.tags),
        }),
    );
    return {
        id: AlarmName,
        state: { name: AlarmName, arn: `arn:aws:cloudwatch:${context.target.region}:${context.target.accountId}:alarm:${AlarmName}` },
    };
});

const dashboard = entry<aws.cloudwatch.DashboardArgs>(async (inputs, context) => {
    await clientOf(context, CloudWatchClient).send(
        new PutDashboardCommand({ DashboardName: inputs.dashboardName, DashboardBody: inputs.dashboardBody }),
    );
    return {
        id: inputs.dashboardName,
        state: { dashboardArn: `arn:aws:cloudwatch::${context.target.accountId}:dashboard/${inputs.dashboardName}` },
    };
});

export const observabilityTable: DeployTable = {
    "aws:cloudwatch/logGroup:LogGroup": logGroup,
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": logResourcePolicy,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": metricFilter,
    "aws:cloudwatch/metricAlarm:MetricAlarm": metricAlarm,
    "aws:cloudwatch/dashboard:Dashboard": dashboard,
};
