import * as aws from "@pulumi/aws";

const vpc = new aws.ec2.Vpc("clean-room", { cidrBlock: "10.20.0.0/24" });
new aws.ec2.Subnet("analysis", { vpcId: vpc.id, cidrBlock: "10.20.0.0/25", mapPublicIpOnLaunch: true });
