import * as aws from "@pulumi/aws";

new aws.cloudwatch.LogGroup("isolate", { name: "/aws/lambda/isolate-instance" });
