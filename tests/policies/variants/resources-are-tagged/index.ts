import * as aws from "@pulumi/aws";

// Nobody would know whose it is: the configuration beside this file asks for an owner.
new aws.ec2.Vpc("nobodys", { cidrBlock: "10.0.0.0/24", tags: { Name: "test" } });
