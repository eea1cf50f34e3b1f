import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

new aws.cloudwatch.LogGroup("isolate", { name: "/aws/lambda/isolate", retentionInDays: 90 });
new aws.lambda.Function("isolate", {
    name: "isolate",
    role: "arn:aws:iam::111111111111:role/isolate-instance",
    runtime: "nodejs22.x",
    handler: "index.handler",
    timeout: 30,
    code: new pulumi.asset.AssetArchive({ "index.js": new pulumi.asset.StringAsset("exports.handler = async () => undefined;") }),
});
