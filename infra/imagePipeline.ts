/** The forensic image: Amazon Linux with its tools baked in, built on a schedule, its id put where an incident looks for it. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { policyDocument, trustService } from "./policyDocument";

export interface ImagePipelineArgs {
    settings: Settings;
    partition: string;
    /** Where images are built; every Region of the stack gets a copy. */
    region: string;
}

/** Version of component and recipe: Image Builder never changes one in place, so it is raised with what they contain. */
const version = "1.0.0";

/**
 * What is installed, and what must hold in the image, as an Image Builder document. Nothing is fetched at an incident but the
 * analysis program itself, by its hash.
 *
 * @param pythonVersion such as 3.12
 */
export function componentDocument(pythonVersion: string): string {
    const commands = (name: string, ...lines: string[]) => ({ name, action: "ExecuteBash", inputs: { commands: ["set -euo pipefail", ...lines] } });
    return JSON.stringify({
        name: "clean-room-forensic-tools",
        description: "Tools of a forensic instance",
        schemaVersion: 1.0,
        phases: [
            { name: "build", steps: [commands("Install", `dnf install -y python${pythonVersion} xfsprogs e2fsprogs dosfstools nvme-cli`, "dnf remove -y mdadm lvm2", "dnf clean all")] },
            {
                name: "validate",
                steps: [commands(
                    "Check",
                    `python${pythonVersion} -c 'import lzma, sqlite3, ssl'`,
                    "for tool in aws blockdev xfs_repair e2fsck nvme; do command -v \"$tool\"; done",
                    // What would put evidence volumes together by itself, and write to them, must not be there.
                    "for tool in mdadm vgchange; do if command -v \"$tool\"; then exit 1; fi; done",
                    "systemctl is-enabled amazon-ssm-agent",
                )],
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

        const builder = new aws.iam.Role(`${name}-builder`, { name: "clean-room-image-builder", description: "The instance that builds the forensic image", assumeRolePolicy: trustService("ec2.amazonaws.com") }, parent);
        // What AWS asks of a building instance; neither is a FullAccess policy.
        const attachments = ["EC2InstanceProfileForImageBuilder", "AmazonSSMManagedInstanceCore"].map((policy) => new aws.iam.RolePolicyAttachment(`${name}-${policy}`, { role: builder.name, policyArn: `arn:${partition}:iam::aws:policy/${policy}` }, parent));
        const profile = new aws.iam.InstanceProfile(`${name}-builder`, { name: "clean-room-image-builder", role: builder.name }, { ...parent, dependsOn: attachments });
        const execution = new aws.iam.Role(`${name}-execution`, { name: "clean-room-image-execution", description: "Image Builder: builds the forensic image and writes its id", assumeRolePolicy: trustService("imagebuilder.amazonaws.com", accountId) }, parent);
        // A pipeline with a role of its own does everything by it, not by Image Builder's service-linked role; AWS's policy is what that one may.
        const executionPolicy = new aws.iam.RolePolicyAttachment(`${name}-EC2ImageBuilderExecutionPolicy`, { role: execution.name, policyArn: `arn:${partition}:iam::aws:policy/EC2ImageBuilderExecutionPolicy` }, parent);
        const writeParameter = new aws.iam.RolePolicy(`${name}-execution`, {
            role: execution.name,
            policy: policyDocument([{ Sid: "WriteImageParameter", Effect: "Allow", Action: ["ssm:PutParameter"], Resource: settings.regions.map((each) => `arn:${partition}:ssm:${each}:${accountId}:parameter${imageParameter}`) }]),
        }, parent);

        const component = new aws.imagebuilder.Component(name, { name: "clean-room-forensic-tools", platform: "Linux", supportedOsVersions: ["Amazon Linux 2023"], version, data: componentDocument(settings.analysis.pythonVersion) }, parent);
        const recipe = new aws.imagebuilder.ImageRecipe(name, {
            name: `clean-room-forensic-${architecture}`,
            version,
            parentImage: `arn:${partition}:imagebuilder:${region}:aws:image/amazon-linux-2023-${architecture === "arm64" ? "arm64" : "x86"}/x.x.x`,
            components: [{ componentArn: component.arn }],
            blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { volumeType: "gp3", volumeSize: 16, deleteOnTermination: "true", encrypted: "false" } }],
        }, parent);
        const infrastructure = new aws.imagebuilder.InfrastructureConfiguration(name, {
            name: "clean-room-forensic",
            instanceProfileName: profile.name,
            instanceTypes: [architecture === "arm64" ? "t4g.medium" : "t3.medium"],
            instanceMetadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
            subnetId: settings.imagePipeline.subnetId,
            securityGroupIds: settings.imagePipeline.subnetId ? settings.imagePipeline.securityGroupIds : undefined,
            terminateInstanceOnFailure: true,
        }, parent);
        const distribution = new aws.imagebuilder.DistributionConfiguration(name, {
            name: "clean-room-forensic",
            distributions: settings.regions.map((each) => ({
                region: each,
                amiDistributionConfiguration: { name: "clean-room-forensic-{{ imagebuilder:buildDate }}", description: "Forensic instance of the EC2 clean room" },
                // What startForensicInstance reads at an incident.
                ssmParameterConfigurations: [{ parameterName: imageParameter, dataType: "aws:ec2:image" }],
            })),
        }, parent);
        const pipeline = new aws.imagebuilder.ImagePipeline(name, {
            name: "clean-room-forensic",
            imageRecipeArn: recipe.arn,
            infrastructureConfigurationArn: infrastructure.arn,
            distributionConfigurationArn: distribution.arn,
            executionRole: execution.arn,
            schedule: { scheduleExpression: settings.imagePipeline.schedule, pipelineExecutionStartCondition: "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE" },
        }, { ...parent, dependsOn: [writeParameter, executionPolicy] });
        this.pipelineArn = pipeline.arn;
        this.registerOutputs({ pipelineArn: pipeline.arn });
    }
}
