import * as aws from "@pulumi/aws";

// The rule hangs on a group whose id is unknown at preview.
const group = new aws.ec2.SecurityGroup("isolation", { vpcId: "vpc-1", ingress: [], egress: [], tags: { "clean-room:role": "isolation" } });
new aws.vpc.SecurityGroupEgressRule("dns-for-the-agent", {
    securityGroupId: group.id,
    ipProtocol: "udp",
    fromPort: 53,
    toPort: 53,
    referencedSecurityGroupId: "sg-0123456789abcdef0",
});
