import * as aws from "@pulumi/aws";

// A private range, because "the endpoints are in there"; so is everything that somebody peers tomorrow.
const vpc = new aws.ec2.Vpc("clean-room", { cidrBlock: "10.20.0.0/24", tags: { "clean-room:role": "clean-room" } });
const group = new aws.ec2.SecurityGroup("forensic", { vpcId: vpc.id });
new aws.vpc.SecurityGroupEgressRule("endpoints", {
    securityGroupId: group.id,
    ipProtocol: "tcp",
    fromPort: 443,
    toPort: 443,
    cidrIpv4: "10.0.0.0/8",
});
