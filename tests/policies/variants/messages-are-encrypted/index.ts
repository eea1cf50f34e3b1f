import * as aws from "@pulumi/aws";

new aws.sqs.Queue("dead-letters", { messageRetentionSeconds: 1_209_600, sqsManagedSseEnabled: false });
