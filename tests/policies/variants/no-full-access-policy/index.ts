import * as aws from "@pulumi/aws";

new aws.iam.RolePolicyAttachment("isolate", { role: "isolate-instance", policyArn: "arn:aws:iam::aws:policy/AmazonEC2FullAccess" });
