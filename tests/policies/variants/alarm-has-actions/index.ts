import * as aws from "@pulumi/aws";

// Everything is there, and somebody silenced it for a night.
new aws.cloudwatch.MetricAlarm("executions-failed", {
    namespace: "AWS/States",
    metricName: "ExecutionsFailed",
    statistic: "Sum",
    period: 60,
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: "GreaterThanThreshold",
    alarmActions: ["arn:aws:sns:eu-west-1:111111111111:clean-room-people"],
    actionsEnabled: false,
});
