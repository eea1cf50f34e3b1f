/** A resource that the deploy table does not know, and one that waits for it. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const address = new aws.ec2.Eip("left-out", { domain: "vpc" });
new aws.sns.Topic("waits", { displayName: pulumi.interpolate`for ${address.publicIp}` });
export const publicIp = address.publicIp;
