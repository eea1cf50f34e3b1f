import * as aws from "@pulumi/aws";

new aws.iam.RolePolicy("isolate", {
    role: "isolate-instance",
    policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Sid: "Isolate", Effect: "Allow", Action: ["ec2:ModifyNetworkInterfaceAttribute"], Resource: ["*"] }],
    }),
});
