import * as aws from "@pulumi/aws";

const vpc = new aws.ec2.Vpc("clean-room", { cidrBlock: "10.20.0.0/24" });
new aws.ec2.VpcEndpoint("s3", { vpcId: vpc.id, serviceName: "com.amazonaws.eu-west-1.s3" });
