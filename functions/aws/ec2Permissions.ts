/** Statements about EC2 and EBS encryption that several steps need in the same form. */
import { incidentTag } from "../domain/tags";
import { ec2Arn, type DeployedNames, type Statement } from "./permissions";

/** Snapshots and images have no account in their ARN. */
export const snapshotArn = (names: DeployedNames) => ec2Arn(names, "snapshot/*", "");

/** On a resource that is being made: only with an incident's tag. */
export const taggedAtCreation = { StringLike: { [`aws:RequestTag/${incidentTag}`]: "i-*" } };
/** On a resource that stands: only one that was made for an incident. */
export const madeForIncident = { StringLike: { [`aws:ResourceTag/${incidentTag}`]: "i-*" } };

/** Tag what a creating call makes, and nothing that stands. */
export function tagAtCreation(resources: string[], ...createActions: string[]): Statement {
    return {
        Sid: `Tag${createActions.join("")}`,
        Effect: "Allow",
        Action: ["ec2:CreateTags"],
        Resource: resources,
        Condition: { StringEquals: { "ec2:CreateAction": createActions } },
    };
}

/**
 * Let EBS use a key on this role's behalf, to copy snapshots and to make and attach encrypted volumes, and only EBS.
 *
 * @param keyArns may end in `key/*` where the victim's own keys are meant, whose ids nobody knows beforehand
 */
export function useKeyThroughEbs(names: DeployedNames, sid: string, ...keyArns: string[]): Statement[] {
    const service = `ec2.${names.region}.${names.partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com"}`;
    // The Region is `*` in the statements of a responder role.
    const viaEc2 = { StringLike: { "kms:ViaService": service } };
    return [
        {
            Sid: sid,
            Effect: "Allow",
            Action: [
                "kms:DescribeKey",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:CreateGrant",
            ],
            Resource: keyArns,
            // Calls that make no grant know nothing of who it is for. One statement and not two, since the responder role names the
            // evidence key of every Region, and IAM takes 10,240 characters.
            Condition: { ...viaEc2, BoolIfExists: { "kms:GrantIsForAWSResource": "true" } },
        },
    ];
}
