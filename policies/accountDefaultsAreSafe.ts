import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { announcedEstate } from "./lib/estate";
import { EstateStack } from "./lib/estateStack";
import { Inputs } from "./lib/inputs";
import { at } from "./lib/policyDocuments";
import type { ResourceClass } from "./lib/references";
import { reveal, show, type Value } from "./lib/values";

interface Config {
    /** Whether the forensics account's defaults must be declared in every Region. */
    requireAccountDefaults?: boolean;
}

/** A default of an account or Region: what it must be set to, and why. */
const DEFAULTS: { is: ResourceClass; name: string; wanted: Record<string, Value[]>; why: string }[] = [
    {
        is: aws.ec2.VpcBlockPublicAccessOptions,
        name: "aws.ec2.VpcBlockPublicAccessOptions",
        wanted: { internetGatewayBlockMode: ["block-bidirectional", "block-ingress"] },
        why: "an internet gateway lets nothing through",
    },
    {
        is: aws.ebs.SnapshotBlockPublicAccess,
        name: "aws.ebs.SnapshotBlockPublicAccess",
        wanted: { state: ["block-all-sharing", "block-new-sharing"] },
        why: "no snapshot is made public",
    },
    {
        is: aws.ec2.ImageBlockPublicAccess,
        name: "aws.ec2.ImageBlockPublicAccess",
        wanted: { state: ["block-new-sharing"] },
        why: "no image is made public",
    },
    {
        is: aws.ec2.InstanceMetadataDefaults,
        name: "aws.ec2.InstanceMetadataDefaults",
        wanted: { httpTokens: ["required"] },
        why: "an instance's credentials take a session to read",
    },
    {
        is: aws.ebs.EncryptionByDefault,
        name: "aws.ebs.EncryptionByDefault",
        wanted: { enabled: [true, undefined] },
        why: "every volume is encrypted",
    },
    {
        is: aws.s3.AccountPublicAccessBlock,
        name: "aws.s3.AccountPublicAccessBlock",
        wanted: Object.fromEntries(
            ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].map((each) => [each, [true]]),
        ),
        why: "no bucket is made public",
    },
    {
        is: aws.ec2.SerialConsoleAccess,
        name: "aws.ec2.SerialConsoleAccess",
        wanted: { enabled: [false] },
        why: "nobody comes to an instance round its network",
    },
];

/** Settings by which a single instance or volume undoes a default; absent, the default holds. */
const OWN: Record<string, [path: string, undone: Value[], instead: string][]> = {
    "aws:ec2/instance:Instance": [
        ["metadataOptions.httpTokens", ["optional"], `"required"`],
        ["rootBlockDevice.encrypted", [false], "true"],
        ["ebsBlockDevices.encrypted", [false], "true"],
    ],
    "aws:ec2/launchTemplate:LaunchTemplate": [
        ["metadataOptions.httpTokens", ["optional"], `"required"`],
        ["blockDeviceMappings.ebs.encrypted", [false, "false"], "true"],
    ],
    "aws:ec2/launchConfiguration:LaunchConfiguration": [["metadataOptions.httpTokens", ["optional"], `"required"`]],
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": [["metadataOptions.httpTokens", ["optional"], `"required"`]],
    "aws:ebs/volume:Volume": [["encrypted", [false], "true"]],
    "aws:ebs/snapshotCopy:SnapshotCopy": [["encrypted", [false, undefined], "true"]],
    "aws:ec2/amiCopy:AmiCopy": [["encrypted", [false, undefined], "true"]],
    "aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration": [
        ["instanceMetadataOptions.httpTokens", ["optional"], `"required"`],
    ],
};

const inputs = new Inputs();

/** The defaults that AWS lets an account set for good hold, and nothing single undoes them. */
export const accountDefaultsAreSafe: ResourceValidationPolicy & StackValidationPolicy = {
    name: "account-defaults-are-safe",
    description:
        "Nothing switches off the block of public access, IMDSv2 or the encryption of volumes, for an account or for one resource.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            requireAccountDefaults: {
                type: "boolean",
                default: false,
                description: "Whether the forensics account's defaults must be declared in every Region.",
            },
        },
    },
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        const props = reveal(args.props);
        for (const { wanted, why } of DEFAULTS.filter(({ is }) => args.isType(is))) {
            for (const [property, values] of Object.entries(wanted).filter(([name, each]) => !each.includes(props[name]))) {
                reportViolation(
                    `"${args.name}" (${args.type}) has ${property} = ${show(props[property])}; set ${show(values[0])}, so that ${why}.`,
                );
            }
        }
        for (const [path, undone, instead] of OWN[args.type] ?? []) {
            const found = at(props, path.split(".")).filter((value) => undone.includes(value));
            if (found.length > 0) {
                reportViolation(
                    `"${args.name}" (${args.type}) has ${path} = ${show(found[0])}; set ${instead}, or leave it to the account's default.`,
                );
            }
        }
    },
    validateStack: (args, reportViolation) => {
        const estate = announcedEstate(args.resources);
        if (typeof estate === "string" || args.getConfig<Config>().requireAccountDefaults !== true) {
            return;
        }
        const stack = new EstateStack(args.resources, inputs);
        for (const { is, name, why } of DEFAULTS) {
            for (const region of estate.regions) {
                const global = is === aws.s3.AccountPublicAccessBlock;
                if (stack.find(is, estate.forensicsAccountId, global ? undefined : region).length === 0) {
                    reportViolation(
                        `The forensics account ${estate.forensicsAccountId} does not say in ${region} that ${why}; declare an ${name}.`,
                    );
                }
            }
        }
    },
};
