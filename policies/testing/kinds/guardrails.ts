import * as aws from "@pulumi/aws";
import { Kind, allow, doc, lambda, vpc } from "./support";

/** Further guardrails. */
export const kind = new Kind("guardrails", "Further guardrails");

kind.bad("table-v-none", "table-is-protected", () => {
    new aws.dynamodb.Table("incidents", {
        name: "incidents",
        billingMode: "PAY_PER_REQUEST",
        hashKey: "id",
        attributes: [{ name: "id", type: "S" }],
        deletionProtectionEnabled: false,
        pointInTimeRecovery: { enabled: true },
    });
});
kind.bad("alarm-actions-off", "alarm-has-actions", () => {
    new aws.cloudwatch.MetricAlarm("a", {
        comparisonOperator: "GreaterThanThreshold",
        evaluationPeriods: 1,
        metricName: "m",
        namespace: "n",
        period: 60,
        threshold: 1,
        statistic: "Sum",
        alarmActions: ["arn:aws:sns:eu-west-1:111111111111:t"],
        actionsEnabled: false,
    });
});
kind.bad("composite-alarm", "alarm-has-actions", () => {
    new aws.cloudwatch.CompositeAlarm("a", { alarmName: "x", alarmRule: "ALARM(y)" });
});
kind.bad("scheduler-no-dlq", "events-have-dead-letters", () => {
    new aws.scheduler.Schedule("s", {
        scheduleExpression: "rate(1 day)",
        flexibleTimeWindow: { mode: "OFF" },
        target: { arn: "arn:aws:lambda:eu-west-1:111111111111:function:f", roleArn: "arn:aws:iam::111111111111:role/r" },
    });
});
kind.bad("pass-any-role", "role-has-no-wildcards", () => {
    new aws.iam.RolePolicy("r", {
        role: "r",
        policy: doc(allow({ Action: "iam:PassRole", Resource: "arn:aws:iam::111111111111:role/*" })),
    });
});
kind.bad("secret-in-env", "no-secret-in-the-clear", () => {
    lambda({ environment: { variables: { SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T000/B000/abcdefghijklmnop" } } });
});
kind.bad("queue-unencrypted", "messages-are-encrypted", () => {
    new aws.sqs.Queue("q", { sqsManagedSseEnabled: false });
});
kind.bad("ec2-imdsv1", "account-defaults-are-safe", () => {
    new aws.ec2.InstanceMetadataDefaults("d", { httpTokens: "optional" });
});
kind.bad("state-machine-without-logs", "workflow-is-logged", () => {
    new aws.sfn.StateMachine("s", { roleArn: "arn:aws:iam::111111111111:role/r", definition: "{}" });
});
kind.bad("sg-egress-cidr", "clean-room-egress-is-named", () => {
    const net = vpc();
    new aws.ec2.SecurityGroup("g", {
        vpcId: net.id,
        egress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["10.0.0.0/8"] }],
    });
});
kind.bad("lambda-empty-by-apply", "lambda-has-dead-letter-and-timeout", () => {
    const q = new aws.sqs.Queue("dead", { sqsManagedSseEnabled: true });
    lambda({ deadLetterConfig: q.arn.apply(() => ({ targetArn: "" })) });
});
kind.bad("secret-in-ssm-plain", "no-secret-in-the-clear", () => {
    new aws.ssm.Parameter("p", {
        name: "/x/webhook",
        type: "String",
        value: "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    });
});
kind.bad("secret-in-userdata", "no-secret-in-the-clear", () => {
    new aws.ec2.LaunchTemplate("p", {
        userData: Buffer.from("#!/bin/sh\nexport AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n").toString("base64"),
    });
});
kind.bad("table-pitr-off", "table-is-protected", () => {
    new aws.dynamodb.Table("t", {
        name: "t",
        billingMode: "PAY_PER_REQUEST",
        hashKey: "id",
        attributes: [{ name: "id", type: "S" }],
        deletionProtectionEnabled: true,
    });
});
kind.bad("topic-no-key", "messages-are-encrypted", () => {
    new aws.sns.Topic("t", { name: "t" });
});
kind.bad("subscription-no-dlq", "events-have-dead-letters", () => {
    new aws.sns.TopicSubscription("t", {
        topic: "arn:aws:sns:eu-west-1:111111111111:t",
        protocol: "sqs",
        endpoint: "arn:aws:sqs:eu-west-1:111111111111:q",
    });
});
kind.good("subscription-mail", () => {
    new aws.sns.TopicSubscription("t", { topic: "arn:aws:sns:eu-west-1:111111111111:t", protocol: "email", endpoint: "x@example.com" });
});
kind.bad("imds-on-instance", "account-defaults-are-safe", () => {
    new aws.ec2.LaunchTemplate("p", { metadataOptions: { httpTokens: "optional" } });
});
