/** What a forensic instance may do, and which image it starts from. The instance itself lives only for one incident. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { forensicRoleName } from "./names";
import { policyDocument, trustService } from "./policyDocument";
import { incidentPrefix, resultsPrefix } from "../functions/domain/evidenceKeys";

export interface ForensicInstanceArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** Bucket that results are written to. */
    readonly evidenceBucketArn: pulumi.Input<string>;
    /** Bucket that the analysis program is read from. */
    readonly toolBucketArn: pulumi.Input<string>;
    /** Key that evidence is encrypted under. */
    readonly evidenceKeyArn: pulumi.Input<string>;
    /** Log group that Run Command writes to. */
    readonly commandLogGroupArn: pulumi.Input<string>;
}

/** Where the image id comes from: given for the Region, or an SSM parameter that is read when an instance starts. */
export interface ForensicImage {
    /** Image id given for the Region; null: the parameter says which. */
    readonly imageId: string | null;
    /** SSM parameter that holds the image id. */
    readonly parameter: string;
}

/** Decided at deployment, resolved at the incident: the newest patched image is used, not that of the last deployment. */
export function forensicImage(settings: Settings, region: string): ForensicImage {
    return { imageId: settings.forensicInstance.imageIds[region] ?? null, parameter: settings.forensicInstance.imageParameter };
}

export class ForensicInstance extends pulumi.ComponentResource {
    readonly role: aws.iam.Role;
    readonly profile: aws.iam.InstanceProfile;

    constructor(name: string, args: ForensicInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:ForensicInstance", name, {}, opts);
        const parent = { parent: this };
        this.role = new aws.iam.Role(
            name,
            {
                name: forensicRoleName(args.region),
                description: "Forensic instances: read the analysis program, write results, be reached by Systems Manager",
                assumeRolePolicy: trustService("ec2.amazonaws.com"),
            },
            parent,
        );
        new aws.iam.RolePolicy(
            name,
            {
                role: this.role.name,
                policy: policyDocument([
                    {
                        // What the agent needs for Run Command; AmazonSSMManagedInstanceCore would let it read every parameter too.
                        Sid: "BeManaged",
                        Effect: "Allow",
                        Action: [
                            "ssm:UpdateInstanceInformation",
                            "ssm:ListInstanceAssociations",
                            "ssmmessages:CreateControlChannel",
                            "ssmmessages:CreateDataChannel",
                            "ssmmessages:OpenControlChannel",
                            "ssmmessages:OpenDataChannel",
                            "ec2messages:AcknowledgeMessage",
                            "ec2messages:DeleteMessage",
                            "ec2messages:FailMessage",
                            "ec2messages:GetEndpoint",
                            "ec2messages:GetMessages",
                            "ec2messages:SendReply",
                        ],
                        Resource: "*",
                    },
                    {
                        Sid: "ReadTools",
                        Effect: "Allow",
                        Action: ["s3:GetObject"],
                        Resource: [pulumi.interpolate`${args.toolBucketArn}/analysis/*`],
                    },
                    {
                        Sid: "WriteResults",
                        Effect: "Allow",
                        Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
                        Resource: [pulumi.interpolate`${args.evidenceBucketArn}/${incidentPrefix("*")}${resultsPrefix("${aws:userid}")}*`],
                    },
                    {
                        Sid: "UseEvidenceKeyForObjects",
                        Effect: "Allow",
                        Action: ["kms:GenerateDataKey", "kms:Decrypt"],
                        Resource: [args.evidenceKeyArn],
                    },
                    {
                        Sid: "WriteCommandLog",
                        Effect: "Allow",
                        Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                        Resource: [pulumi.interpolate`${args.commandLogGroupArn}:*`],
                    },
                    {
                        // The agent looks for its log group before it writes, and streams nothing where it may not.
                        Sid: "FindCommandLog",
                        Effect: "Allow",
                        Action: ["logs:DescribeLogGroups"],
                        // AWS's reference knows no resource of it.
                        Resource: ["*"],
                    },
                ]),
            },
            parent,
        );
        this.profile = new aws.iam.InstanceProfile(name, { name: forensicRoleName(args.region), role: this.role.name }, parent);
        this.registerOutputs({ profileArn: this.profile.arn });
    }
}
