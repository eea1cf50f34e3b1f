/** What several steps need of the acquisition volume and its image. */
import { purposeTag } from "../../domain/tags";
import { madeForIncident } from "../ec2Permissions";
import { ec2Arn, type Permissions } from "../permissions";

/** A snapshot of an acquisition image, and no evidence. */
export const acquisitionImage = { StringEquals: { [`aws:ResourceTag/${purposeTag}`]: "acquisition" } };

/** Attach, detach and delete an incident's acquisition volume, and no other volume. One statement, since the responder's policy is near IAM's limit. */
export const handleAcquisitionVolumes: Permissions = (names) => [
    {
        Sid: "HandleAcquisitionVolumes",
        Effect: "Allow",
        Action: ["ec2:AttachVolume", "ec2:DetachVolume", "ec2:DeleteVolume"],
        Resource: [ec2Arn(names, "volume/*")],
        Condition: { StringLike: { ...madeForIncident.StringLike, [`aws:ResourceTag/${purposeTag}`]: "acquisition" } },
    },
    {
        Sid: "AttachToInstance",
        Effect: "Allow",
        Action: ["ec2:AttachVolume", "ec2:DetachVolume"],
        Resource: [ec2Arn(names, "instance/*")],
    },
];

/** Whether Systems Manager knows an instance, and how a command stands. None of them has resource-level permissions. */
export const followAcquisitions: Permissions = () => [
    {
        Sid: "FollowAcquisitions",
        Effect: "Allow",
        Action: ["ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation", "ssm:CancelCommand"],
        Resource: ["*"],
    },
];
