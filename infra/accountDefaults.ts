/** What the forensics account keeps from everybody in it, whatever they make: nothing public, nothing unencrypted, no network way in. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";

export interface AccountDefaultsArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** Region whose defaults they are. */
    readonly region: string;
}

/**
 * Defaults of the account in one Region; the block of public buckets is the whole account's. They stay when the stack goes: an account that is
 * safe stays safe, and evidence stays in it.
 *
 * https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html
 * https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html
 */
export class AccountDefaults extends pulumi.ComponentResource {
    constructor(name: string, { settings, region }: AccountDefaultsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:AccountDefaults", name, {}, opts);
        const kept = { parent: this, retainOnDelete: true };
        const isHome = region === settings.homeRegion;
        // Image Builder's instances fetch packages through a NAT gateway, which a block of both ways would cut.
        const builds = settings.imagePipeline.enabled && isHome;
        new aws.ec2.VpcBlockPublicAccessOptions(name, { internetGatewayBlockMode: builds ? "block-ingress" : "block-bidirectional" }, kept);
        new aws.ebs.SnapshotBlockPublicAccess(name, { state: "block-all-sharing" }, kept);
        new aws.ec2.ImageBlockPublicAccess(name, { state: "block-new-sharing" }, kept);
        new aws.ec2.InstanceMetadataDefaults(name, { httpTokens: "required" }, kept);
        new aws.ebs.EncryptionByDefault(name, { enabled: true }, kept);
        new aws.ec2.SerialConsoleAccess(name, { enabled: false }, kept);
        if (isHome)
            new aws.s3.AccountPublicAccessBlock(
                name,
                { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
                kept,
            );
        this.registerOutputs();
    }
}
