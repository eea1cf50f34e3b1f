/** The drill range: an ordinary VPC with one sacrificial instance, for game days on real AWS. Never a clean room. */
import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import type { InstanceRef } from "../functions/domain/containers";
import { architectureOf, defaultImageParameter } from "./processor";
import type { Settings } from "./config";
import { roleTag } from "../functions/domain/tags";
import { trustService } from "./policyDocument";

export interface DrillRangeArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** Account that everything of it lies in, 12 digits. */
    readonly accountId: string;
    /** Region that everything of it lies in. */
    readonly region: string;
}

export class DrillRange extends pulumi.ComponentResource {
    /** What a drill aims at. */
    readonly target: pulumi.Output<InstanceRef>;

    constructor(name: string, { settings, accountId, region }: DrillRangeArgs, opts: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:DrillRange", name, {}, opts);
        const parent = { parent: this };
        const tags = (what: string) => ({ Name: `drill range ${what}`, [roleTag]: "drill-range" });
        // awsx always makes an internet gateway, which is what an ordinary VPC has and a clean room must not.
        const vpc = new awsx.ec2.Vpc(
            name,
            {
                region,
                cidrBlock: settings.range.cidrBlock,
                numberOfAvailabilityZones: 1,
                natGateways: { strategy: "None" },
                subnetStrategy: "Auto",
                subnetSpecs: [{ type: "Public", name: "victims" }],
                tags: tags("VPC"),
            },
            parent,
        );
        const group = new aws.ec2.SecurityGroup(
            name,
            {
                description: "Sacrificial instance: out to anywhere, so that containment has something to cut; nothing in",
                vpcId: vpc.vpcId,
                ingress: [],
                egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
                tags: tags("victim"),
            },
            parent,
        );
        // A role without a single permission: a drill has credentials to deny, and whoever takes them has nothing. Not named
        // clean-room-…: the responder touches none of those. A deny that is left behind does not keep the stack from being destroyed.
        const role = new aws.iam.Role(
            name,
            {
                name: "drill-range-victim",
                description: "Sacrificial instance of the EC2 clean room's drill range",
                assumeRolePolicy: trustService("ec2.amazonaws.com"),
                forceDetachPolicies: true,
            },
            parent,
        );
        const profile = new aws.iam.InstanceProfile(name, { name: "drill-range-victim", role: role.name }, parent);
        const image = aws.ssm.getParameterOutput(
            { name: defaultImageParameter(architectureOf(settings.range.instanceType)), region },
            { parent: this },
        );
        const instance = new aws.ec2.Instance(
            name,
            {
                ami: image.value,
                instanceType: settings.range.instanceType,
                subnetId: vpc.publicSubnetIds[0]!,
                vpcSecurityGroupIds: [group.id],
                iamInstanceProfile: profile.name,
                metadataOptions: { httpTokens: "required" },
                rootBlockDevice: { volumeType: "gp3", volumeSize: 8, encrypted: true },
                tags: tags("victim"),
                // A drill changes them, and release puts them back; an update in between must not. The image is only the newest at the time.
            },
            {
                ...parent,
                ignoreChanges: [
                    "ami",
                    "vpcSecurityGroupIds",
                    "disableApiTermination",
                    "disableApiStop",
                    "metadataOptions",
                    "rootBlockDevice.deleteOnTermination",
                ],
            },
        );
        this.target = instance.id.apply((instanceId) => ({ instanceId, accountId, region }));
        this.registerOutputs({ target: this.target });
    }
}
