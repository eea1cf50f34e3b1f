import * as aws from "@pulumi/aws";
import { Kind, allow, doc, stranger, subnet, vpc } from "./support";

/** All resources that have the effect. */
export const kind = new Kind("types", "All resources that have the effect");

kind.bad("network-firewall-policy-share", "nothing-is-public", () => {
    new aws.networkfirewall.ResourcePolicy("p", {
        resourceArn: "arn:aws:network-firewall:eu-west-1:111111111111:firewall-policy/x",
        policy: doc(allow({ Principal: { AWS: stranger }, Action: ["network-firewall:ListFirewallPolicies"], Resource: "*" })),
    });
});
kind.bad("glacier-vault", "nothing-is-public", () => {
    new aws.glacier.Vault("v", { name: "v", accessPolicy: doc(allow({ Principal: "*", Action: "glacier:*", Resource: "*" })) });
});
kind.bad("backup-vault", "nothing-is-public", () => {
    new aws.backup.VaultPolicy("v", {
        backupVaultName: "v",
        policy: doc(allow({ Principal: { AWS: "*" }, Action: "backup:CopyIntoBackupVault", Resource: "*" })),
    });
});
kind.bad("dynamodb-resource-policy", "nothing-is-public", () => {
    new aws.dynamodb.ResourcePolicy("v", {
        resourceArn: "arn:aws:dynamodb:eu-west-1:111111111111:table/incidents",
        policy: doc(allow({ Principal: { AWS: stranger }, Action: "dynamodb:GetItem", Resource: "*" })),
    });
});
kind.bad("kinesis", "nothing-is-public", () => {
    new aws.kinesis.ResourcePolicy("v", {
        resourceArn: "arn:aws:kinesis:eu-west-1:111111111111:stream/x",
        policy: doc(allow({ Principal: { AWS: stranger }, Action: "kinesis:GetRecords", Resource: "*" })),
    });
});
kind.bad("efs", "nothing-is-public", () => {
    new aws.efs.FileSystemPolicy("v", {
        fileSystemId: "fs-1",
        policy: doc(allow({ Principal: { AWS: "*" }, Action: "elasticfilesystem:ClientMount", Resource: "*" })),
    });
});
kind.bad("ecr-public", "nothing-is-public", () => {
    new aws.ecr.RepositoryPolicy("v", { repository: "r", policy: doc(allow({ Principal: "*", Action: "ecr:BatchGetImage" })) });
});
kind.bad("opensearch", "nothing-is-public", () => {
    new aws.opensearch.DomainPolicy("v", {
        domainName: "d",
        accessPolicies: doc(allow({ Principal: { AWS: "*" }, Action: "es:*", Resource: "*" })),
    });
});
kind.bad("secret", "nothing-is-public", () => {
    new aws.secretsmanager.SecretPolicy("v", {
        secretArn: "arn:aws:secretsmanager:eu-west-1:111111111111:secret:x",
        policy: doc(allow({ Principal: { AWS: stranger }, Action: "secretsmanager:GetSecretValue", Resource: "*" })),
    });
});
kind.bad("ses", "nothing-is-public", () => {
    new aws.ses.IdentityPolicy("v", {
        identity: "example.com",
        policy: doc(allow({ Principal: "*", Action: "ses:SendEmail", Resource: "*" })),
    });
});
kind.bad("schema-registry", "nothing-is-public", () => {
    new aws.schemas.RegistryPolicy("v", { registryName: "x", policy: doc(allow({ Principal: "*", Action: "schemas:*", Resource: "*" })) });
});
kind.bad("s3tables", "nothing-is-public", () => {
    new aws.s3tables.TableBucketPolicy("v", {
        tableBucketArn: "arn:aws:s3tables:eu-west-1:111111111111:bucket/x",
        resourcePolicy: doc(allow({ Principal: "*", Action: "s3tables:*", Resource: "*" })),
    });
});
kind.bad("db-snapshot-public", "nothing-is-public", () => {
    new aws.rds.Snapshot("v", { dbInstanceIdentifier: "x", dbSnapshotIdentifier: "y", sharedAccounts: ["all"] });
});
kind.bad("ssm-document-public", "nothing-is-public", () => {
    new aws.ssm.Document("v", { documentType: "Command", content: "{}", permissions: { type: "Share", accountIds: "All" } });
});
kind.bad("cloudfront-bucket", "nothing-is-public", () => {
    new aws.apigateway.RestApi("v", { name: "x", policy: doc(allow({ Principal: "*", Action: "execute-api:Invoke", Resource: "*" })) });
});
kind.bad("function-url-none", "nothing-is-public", () => {
    new aws.lambda.FunctionUrl("v", { functionName: "f", authorizationType: "NONE" });
});
kind.bad("transit-gateway-peering-accepter", "clean-room-has-no-gateway", () => {
    new aws.ec2.VpcPeeringConnectionAccepter("v", { vpcPeeringConnectionId: "pcx-1", autoAccept: true });
});
kind.bad("ipam-traffic-mirror", "clean-room-has-no-gateway", () => {
    const net = vpc();
    new aws.ec2.TrafficMirrorTarget("m", {
        networkLoadBalancerArn: "arn:aws:elasticloadbalancing:eu-west-1:666666666666:loadbalancer/net/x/1",
    });
    new aws.ec2.NetworkInterface("n", { subnetId: subnet(net).id });
});
kind.bad("directory", "clean-room-has-no-gateway", () => {
    const net = vpc();
    new aws.directoryservice.Directory("d", {
        name: "corp.example.com",
        password: "x",
        vpcSettings: { vpcId: net.id, subnetIds: [subnet(net).id] },
    });
});
kind.bad("batch-public", "clean-room-has-no-public-address", () => {
    const net = vpc();
    new aws.ecs.Service("s", {
        cluster: "c",
        taskDefinition: "t",
        networkConfiguration: { subnets: [subnet(net).id], assignPublicIp: true },
    });
});
kind.bad("bedrock-agent-lambda", "nothing-is-public", () => {
    new aws.lambda.Alias("a", { functionName: "f", functionVersion: "1" });
    new aws.lambda.Permission("p", { action: "lambda:InvokeFunction", function: "f", qualifier: "a", principal: stranger });
});
kind.bad("pipe-target", "nothing-is-public", () => {
    new aws.pipes.Pipe("p", {
        roleArn: "arn:aws:iam::111111111111:role/r",
        source: "arn:aws:sqs:eu-west-1:111111111111:q",
        target: "arn:aws:sns:eu-west-1:666666666666:t",
    });
});
kind.bad("scheduler-target", "nothing-is-public", () => {
    new aws.scheduler.Schedule("s", {
        scheduleExpression: "rate(1 day)",
        flexibleTimeWindow: { mode: "OFF" },
        target: {
            arn: "arn:aws:lambda:eu-west-1:666666666666:function:f",
            roleArn: "arn:aws:iam::111111111111:role/r",
            deadLetterConfig: { arn: "arn:aws:sqs:eu-west-1:111111111111:q" },
        },
    });
});
kind.bad("bucket-notification", "nothing-is-public", () => {
    new aws.s3.BucketNotification("n", {
        bucket: "b",
        topics: [{ topicArn: "arn:aws:sns:eu-west-1:666666666666:t", events: ["s3:ObjectCreated:*"] }],
    });
});
kind.bad("metric-stream", "nothing-is-public", () => {
    new aws.cloudwatch.MetricStream("m", {
        firehoseArn: "arn:aws:firehose:eu-west-1:666666666666:deliverystream/x",
        roleArn: "arn:aws:iam::111111111111:role/r",
        outputFormat: "json",
    });
});
kind.bad("failure-destination", "nothing-is-public", () => {
    new aws.lambda.FunctionEventInvokeConfig("f", {
        functionName: "f",
        destinationConfig: { onFailure: { destination: "arn:aws:sqs:eu-west-1:666666666666:q" } },
    });
});
kind.good("alarm-own", () => {
    new aws.cloudwatch.MetricAlarm("a", {
        comparisonOperator: "GreaterThanThreshold",
        evaluationPeriods: 1,
        metricName: "m",
        namespace: "n",
        period: 60,
        threshold: 1,
        statistic: "Sum",
        alarmActions: ["arn:aws:sns:eu-west-1:111111111111:t", "arn:aws:automate:eu-west-1:ec2:recover"],
    });
});
kind.bad("resolver-query-log", "nothing-is-public", () => {
    new aws.route53.ResolverQueryLogConfig("q", { name: "q", destinationArn: "arn:aws:logs:eu-west-1:666666666666:log-group:x" });
});
kind.bad("dynamodb-stream", "nothing-is-public", () => {
    new aws.dynamodb.KinesisStreamingDestination("q", {
        tableName: "incidents",
        streamArn: "arn:aws:kinesis:eu-west-1:666666666666:stream/x",
    });
});
