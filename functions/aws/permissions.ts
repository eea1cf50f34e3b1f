/**
 * A handler file says beside its code what its role may do, as a pure function of the deployment's names; `infra/`
 * turns that into one role a function. Two exports by convention:
 *
 *     export const permissions: Permissions        in the forensics account, on the function's own role
 *     export const memberPermissions: Permissions  in the member account, on the responder role
 */
import { incidentPrefix, incidentsRoot } from "../domain/evidenceKeys";

export interface Statement {
    Sid?: string;
    Effect: "Allow" | "Deny";
    Action: string[];
    Resource: string[];
    Condition?: Record<string, Record<string, string | string[] | undefined>>;
}

/** Names and ARNs that statements are written with; all known when the roles are made. */
export interface DeployedNames {
    /** `aws`, `aws-cn` or `aws-us-gov`. */
    partition: string;
    region: string;
    forensicsAccountId: string;
    /** Path of every role that the program makes; begins and ends with a slash. */
    rolePath: string;
    /** The account the statement will live in: a member's for `memberPermissions`. */
    accountId: string;
    evidenceBucketArn: string;
    evidenceKeyArn: string;
    /** Key that case manifests are signed under. */
    custodyKeyArn: string;
    /** Evidence keys of every Region: what the responder role, which is global, copies snapshots under. */
    evidenceKeyArns: string[];
    toolBucketArn: string;
    deadLetterQueueArn: string;
    stateMachineArn: string;
    incidentsTableArn: string;
    /** The function watchContainment. */
    watchFunctionArn: string;
    answerFunctionArn: string;
    releaseStateMachineArn: string;
    /** The function sealCustody. */
    sealFunctionArn: string;
    notificationTopicArn: string;
    /** Topic that Amazon Q Developer in chat applications reads; null where it is not configured. */
    chatTopicArn: string | null;
    /** Topic that results go to as OCSF events; null where it is not configured. */
    resultsTopicArn: string | null;
    /** SecureString parameter of the generic webhook; null where none is configured. */
    webhookParameterArn: string | null;
    alarmTopicArn: string;
    /** SecureString parameter that holds the Slack webhook URL; null when Slack is not configured. */
    slackWebhookParameterArn: string | null;
    documentArn: string;
    /** The parameter that names the forensic image. */
    imageParameterArn: string | null;
    forensicRoleArn: string;
    /** The clean room's VPC, subnets, and the group of its interface endpoints. */
    cleanRoomVpcArn: string;
    cleanRoomSubnetArns: string[];
    endpointGroupArn: string;
    /** Responder roles of the configured members; of any account, with a `*`, where an organisation is named. */
    responderRoleArns: string[];
    /** Whether memory is taken before the last cut. */
    memory: boolean;
    /** The command document that acquires it. */
    acquisitionDocumentArn: string;
    /** Organisation whose accounts are members; null where they are listed. */
    organizationId: string | null;
    /** The role by which the program is deployed into the statement's account; null where it is not known. */
    deployRoleArn: string | null;
    /** Permissions boundary that a role must have before its policies may be written; null: any role's. */
    boundaryArn: string | null;
    /** Other accounts whose keys a member's volumes may be under; null: every account of the organisation. */
    volumeKeyAccountIds: string[] | null;
}

export type Permissions = (names: DeployedNames) => Statement[];

/** `arn:aws:ec2:eu-west-1:111111111111:volume/*` */
export function ec2Arn(names: DeployedNames, resource: string, accountId = names.accountId): string {
    return `arn:${names.partition}:ec2:${names.region}:${accountId}:${resource}`;
}

/** Assume the responder roles of the members. */
export const assumeResponder: Permissions = (names) => [
    {
        Sid: "AssumeResponder",
        Effect: "Allow",
        Action: ["sts:AssumeRole"],
        Resource: names.responderRoleArns,
        ...(names.organizationId ? { Condition: { StringEquals: { "aws:ResourceOrgID": names.organizationId } } } : {}),
    },
];

/** Write objects under the incidents' prefix, encrypted under the evidence key. */
export const writeEvidence =
    (...suffixes: string[]): Permissions =>
    (names) => [
        {
            Sid: "WriteEvidence",
            Effect: "Allow",
            Action: ["s3:PutObject"],
            Resource: suffixes.map((suffix) => `${names.evidenceBucketArn}/${incidentPrefix("*")}${suffix}`),
        },
        {
            Sid: "UseEvidenceKeyForObjects",
            Effect: "Allow",
            Action: ["kms:GenerateDataKey", "kms:Decrypt"],
            Resource: [names.evidenceKeyArn],
        },
    ];

/** Read objects under the incidents' prefix. Listing makes a missing object a 404 instead of a 403. */
export const readEvidence =
    (...suffixes: string[]): Permissions =>
    (names) => [
        {
            Sid: "ReadEvidence",
            Effect: "Allow",
            Action: ["s3:GetObject"],
            Resource: suffixes.map((suffix) => `${names.evidenceBucketArn}/${incidentPrefix("*")}${suffix}`),
        },
        {
            Sid: "ListEvidence",
            Effect: "Allow",
            Action: ["s3:ListBucket"],
            Resource: [names.evidenceBucketArn],
            Condition: { StringLike: { "s3:prefix": [`${incidentsRoot}*`] } },
        },
        { Sid: "ReadUnderEvidenceKey", Effect: "Allow", Action: ["kms:Decrypt"], Resource: [names.evidenceKeyArn] },
    ];
