/** The forensic image: Amazon Linux with its tools baked in, built on a schedule, its id put where an incident looks for it. */
import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { policyDocument, trustService } from "./policyDocument";

export interface ImagePipelineArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Where images are built; every Region of the stack gets a copy. */
    readonly region: string;
}

/**
 * Version of component and recipe. Image Builder changes neither in place and takes no second one of the same name and version, so
 * the version follows from what they contain: another Python or architecture in the configuration gives another one.
 */
export function contentVersion(content: unknown): string {
    // 28 bits: each number of a version is at most 2^30 - 1.
    return `1.0.${parseInt(createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 7), 16)}`;
}

/**
 * What is installed, and what must hold in the image, as an Image Builder document (JSON is YAML). Nothing is fetched at an incident
 * but the analysis program itself, by its hash.
 *
 * Schema: https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html
 *
 * @param pythonVersion such as 3.12
 */
export function componentDocument(pythonVersion: string): string {
    const commands = (name: string, ...lines: string[]) => ({
        name,
        action: "ExecuteBash",
        inputs: { commands: ["set -euo pipefail", ...lines] },
    });
    return JSON.stringify({
        name: "clean-room-forensic-tools",
        description: "Tools of a forensic instance",
        // A string: the number would be written as 1, which is no version of the schema.
        schemaVersion: "1.0",
        phases: [
            {
                name: "build",
                steps: [
                    commands(
                        "Install",
                        `dnf install -y python${pythonVersion} xfsprogs e2fsprogs`,
                        "dnf remove -y mdadm lvm2",
                        "dnf clean all",
                    ),
                ],
            },
            {
                name: "validate",
                steps: [
                    commands(
                        "Check",
                        `python${pythonVersion} -c 'import lzma, sqlite3, ssl'`,
                        // What analysis/ and its document call, and what a person would reach for when a file system is damaged.
                        'for tool in aws blockdev losetup mount sha256sum tar umount xfs_repair e2fsck tune2fs; do command -v "$tool"; done',
                        // What would put evidence volumes together by itself, and write to them, must not be there.
                        'for tool in mdadm vgchange; do if command -v "$tool"; then exit 1; fi; done',
                        "systemctl is-enabled amazon-ssm-agent",
                    ),
                ],
            },
        ],
    });
}

export class ImagePipeline extends pulumi.ComponentResource {
    readonly pipelineArn: pulumi.Output<string>;

    constructor(name: string, { settings, partition, region }: ImagePipelineArgs, opts: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:ImagePipeline", name, {}, opts);
        const parent = { parent: this };
        const accountId = settings.forensics.accountId;
        const { architecture, imageParameter } = settings.forensicInstance;

        const builder = new aws.iam.Role(
            `${name}-builder`,
            {
                name: "clean-room-image-builder",
                description: "The instance that builds the forensic image",
                assumeRolePolicy: trustService("ec2.amazonaws.com"),
            },
            parent,
        );
        // What AWS asks of a building instance; neither is a FullAccess policy.
        const attachments = ["EC2InstanceProfileForImageBuilder", "AmazonSSMManagedInstanceCore"].map(
            (policy) =>
                new aws.iam.RolePolicyAttachment(
                    `${name}-${policy}`,
                    { role: builder.name, policyArn: `arn:${partition}:iam::aws:policy/${policy}` },
                    parent,
                ),
        );
        const profile = new aws.iam.InstanceProfile(
            `${name}-builder`,
            { name: "clean-room-image-builder", role: builder.name },
            { ...parent, dependsOn: attachments },
        );
        const execution = new aws.iam.Role(
            `${name}-execution`,
            {
                name: "clean-room-image-execution",
                description: "Image Builder: builds the forensic image and writes its id",
                assumeRolePolicy: trustService("imagebuilder.amazonaws.com", accountId),
            },
            parent,
        );
        // A pipeline with a role of its own does everything by it, not by Image Builder's service-linked role; AWS's policy is what that one may.
        const executionPolicy = new aws.iam.RolePolicyAttachment(
            `${name}-EC2ImageBuilderExecutionPolicy`,
            { role: execution.name, policyArn: `arn:${partition}:iam::aws:policy/EC2ImageBuilderExecutionPolicy` },
            parent,
        );
        const writeParameter = new aws.iam.RolePolicy(
            `${name}-execution`,
            {
                role: execution.name,
                policy: policyDocument([
                    {
                        Sid: "WriteImageParameter",
                        Effect: "Allow",
                        Action: ["ssm:PutParameter"],
                        Resource: settings.regions.map((each) => `arn:${partition}:ssm:${each}:${accountId}:parameter${imageParameter}`),
                    },
                ]),
            },
            parent,
        );

        const tools = {
            platform: "Linux",
            supportedOsVersions: ["Amazon Linux 2023"],
            data: componentDocument(settings.analysis.pythonVersion),
        };
        const base = {
            parentImage: `arn:${partition}:imagebuilder:${region}:aws:image/amazon-linux-2023-${architecture === "arm64" ? "arm64" : "x86"}/x.x.x`,
            blockDeviceMappings: [
                { deviceName: "/dev/xvda", ebs: { volumeType: "gp3", volumeSize: 16, deleteOnTermination: "true", encrypted: "false" } },
            ],
        };
        const version = contentVersion({ tools, base });
        const component = new aws.imagebuilder.Component(name, { name: "clean-room-forensic-tools", version, ...tools }, parent);
        const recipe = new aws.imagebuilder.ImageRecipe(
            name,
            { name: `clean-room-forensic-${architecture}`, version, ...base, components: [{ componentArn: component.arn }] },
            parent,
        );
        const infrastructure = new aws.imagebuilder.InfrastructureConfiguration(
            name,
            {
                name: "clean-room-forensic",
                instanceProfileName: profile.name,
                instanceTypes: [architecture === "arm64" ? "t4g.medium" : "t3.medium"],
                instanceMetadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
                subnetId: settings.imagePipeline.subnetId,
                securityGroupIds: settings.imagePipeline.subnetId ? settings.imagePipeline.securityGroupIds : undefined,
                terminateInstanceOnFailure: true,
            },
            parent,
        );
        const distribution = new aws.imagebuilder.DistributionConfiguration(
            name,
            {
                name: "clean-room-forensic",
                distributions: settings.regions.map((each) => ({
                    region: each,
                    amiDistributionConfiguration: {
                        name: "clean-room-forensic-{{ imagebuilder:buildDate }}",
                        description: "Forensic instance of the EC2 clean room",
                    },
                    // What startForensicInstance reads at an incident.
                    ssmParameterConfigurations: [{ parameterName: imageParameter, dataType: "aws:ec2:image" }],
                })),
            },
            parent,
        );
        const pipeline = new aws.imagebuilder.ImagePipeline(
            name,
            {
                name: "clean-room-forensic",
                imageRecipeArn: recipe.arn,
                infrastructureConfigurationArn: infrastructure.arn,
                distributionConfigurationArn: distribution.arn,
                executionRole: execution.arn,
                schedule: {
                    scheduleExpression: settings.imagePipeline.schedule,
                    pipelineExecutionStartCondition: "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE",
                },
            },
            { ...parent, dependsOn: [writeParameter, executionPolicy] },
        );
        this.pipelineArn = pipeline.arn;
        this.registerOutputs({ pipelineArn: pipeline.arn });
    }
}
