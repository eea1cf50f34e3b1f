/**
 * Names that two parts of the estate must agree on without waiting for each other: a member's trust policy names the
 * function roles, a function's role names the responder roles. They are derived, never looked up.
 */
import type { DeployedNames } from "../functions/aws/permissions";

/** Tag that the providers put on all that this program makes. */
export const managedByTag = "clean-room:managed-by";

export const responderRoleName = "clean-room-responder";
/** StackSet that brings the footprint to an organisation's accounts. */
export const memberStackSetName = "clean-room-member";
export const stateMachineName = "clean-room-incident";
export const releaseStateMachineName = "clean-room-release";
export const documentName = "clean-room-analysis";
export const acquisitionDocumentName = "clean-room-acquire-memory";
export const deadLetterQueueName = "clean-room-dead-letters";
export const notificationTopicName = "clean-room-notifications";
/** Topic that Amazon Q Developer in chat applications reads. */
export const chatTopicName = "clean-room-chat";
/** Topic that results go to as OCSF events. */
export const resultsTopicName = "clean-room-results";
export const alarmTopicName = "clean-room-alarms";
/** Event bus that members forward to. */
export const findingsBusName = "clean-room";
/** EventBridge rules: of the default bus, of the bus that members forward to, and in a member. */
export const findingsRuleName = "clean-room-findings";
export const forwardedRuleName = "clean-room-forwarded-findings";
export const forwardRuleName = "clean-room-forward-findings";
/** Queue of the forensics account for findings that members' rules could not put on the bus. */
export const forwardDeadLettersName = "clean-room-forward-dead-letters";
export const findingsTopicName = "clean-room-findings";
export const incidentsTableName = "clean-room-incidents";
/** Key that case manifests are signed under. */
export const custodyKeyAlias = "alias/clean-room-custody";
export const slackWebhookParameterName = "/clean-room/slack-webhook-url";

/** Name in AWS of a handler's function. */
export const functionNameOf = (handler: string) => `clean-room-${handler}`;
/** Dashboards have one name space for an account's Regions. */
export const dashboardName = (region: string) => `clean-room-${region}`;
/** EventBridge rule that has containments looked at. */
export const watchRuleName = "clean-room-watch";

/** A role is global in its account, so its name carries the Region. At most 64 characters. */
export function functionRoleName(functionName: string, region: string): string {
    return `clean-room-${functionName}-${region}`;
}
/** A member's rules forward by it: one an account, or one a Region where each Region's stack makes its own. */
export const forwarderRoleName = (region?: string) => (region ? `${forwardRuleName}-${region}` : forwardRuleName);
/** EventBridge publishes findings by it. */
export const publisherRoleName = (region: string) => `clean-room-publish-findings-${region}`;
export const forensicRoleName = (region: string) => `clean-room-forensic-instance-${region}`;
/** Bucket names are global to AWS, so they carry account and Region. */
export const evidenceBucketName = (accountId: string, region: string) => `clean-room-evidence-${accountId}-${region}`;
export const toolBucketName = (accountId: string, region: string) => `clean-room-tools-${accountId}-${region}`;

/** @param region the Region, or `*` where a statement must hold in all of them (the responder role is global). */
export function deployedNames(args: {
    partition: string;
    region: string;
    forensicsAccountId: string;
    accountId?: string;
    memberAccountIds: string[];
    /** Path of the roles that the program makes. @default / */
    rolePath?: string;
    organizationId?: string;
    volumeKeyAccountIds?: string[];
    deployRoleArn?: string;
    /** `containment.boundary`. */
    boundary?: string;
    evidenceKeyArn: string;
    custodyKeyArn?: string;
    evidenceKeyArns?: string[];
    imageParameter?: string;
    slack: boolean;
    /** Whether there is a topic for Amazon Q Developer in chat applications. @default false */
    chat?: boolean;
    /** Whether there is a topic for results. @default false */
    results?: boolean;
    /** Name of the parameter of the generic webhook; undefined without one. */
    webhookParameter?: string;
    /** Whether memory is taken before the last cut. @default false */
    memory?: boolean;
    /** Ids of the clean room's network, where statements name it; without them they name what does not exist. */
    network?: { vpcId: string; subnetIds: string[]; endpointGroupId: string };
}): DeployedNames {
    const { partition, region, forensicsAccountId, rolePath = "/" } = args;
    const arn = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${forensicsAccountId}:${resource}`;
    const network = args.network ?? { vpcId: "none", subnetIds: ["none"], endpointGroupId: "none" };
    const globalArn = (account: string, resource: string) => `arn:${partition}:iam::${account}:${resource}`;
    return {
        partition,
        region,
        forensicsAccountId,
        rolePath,
        accountId: args.accountId ?? forensicsAccountId,
        evidenceBucketArn: `arn:${partition}:s3:::${evidenceBucketName(forensicsAccountId, region)}`,
        toolBucketArn: `arn:${partition}:s3:::${toolBucketName(forensicsAccountId, region)}`,
        evidenceKeyArn: args.evidenceKeyArn,
        custodyKeyArn: args.custodyKeyArn ?? "",
        evidenceKeyArns: args.evidenceKeyArns ?? [args.evidenceKeyArn],
        deadLetterQueueArn: arn("sqs", deadLetterQueueName),
        stateMachineArn: arn("states", `stateMachine:${stateMachineName}`),
        incidentsTableArn: arn("dynamodb", `table/${incidentsTableName}`),
        answerFunctionArn: arn("lambda", `function:${functionNameOf("answerApproval")}`),
        releaseStateMachineArn: arn("states", `stateMachine:${releaseStateMachineName}`),
        watchFunctionArn: arn("lambda", `function:${functionNameOf("watchContainment")}`),
        sealFunctionArn: arn("lambda", `function:${functionNameOf("sealCustody")}`),
        notificationTopicArn: arn("sns", notificationTopicName),
        chatTopicArn: args.chat ? arn("sns", chatTopicName) : null,
        resultsTopicArn: args.results ? arn("sns", resultsTopicName) : null,
        webhookParameterArn: args.webhookParameter ? arn("ssm", `parameter${args.webhookParameter}`) : null,
        alarmTopicArn: arn("sns", alarmTopicName),
        slackWebhookParameterArn: args.slack ? arn("ssm", `parameter${slackWebhookParameterName}`) : null,
        documentArn: arn("ssm", `document/${documentName}`),
        // Parameters that begin with /aws are AWS's and belong to no account.
        imageParameterArn: args.imageParameter
            ? `arn:${partition}:ssm:${region}:${args.imageParameter.startsWith("/aws/") ? "*" : forensicsAccountId}:parameter${args.imageParameter}`
            : null,
        forensicRoleArn: globalArn(forensicsAccountId, `role${rolePath}${forensicRoleName(region)}`),
        cleanRoomVpcArn: arn("ec2", `vpc/${network.vpcId}`),
        cleanRoomSubnetArns: network.subnetIds.map((id) => arn("ec2", `subnet/${id}`)),
        endpointGroupArn: arn("ec2", `security-group/${network.endpointGroupId}`),
        responderRoleArns: (args.organizationId ? ["*"] : args.memberAccountIds).map((id) =>
            globalArn(id, `role${rolePath}${responderRoleName}`),
        ),
        memory: args.memory ?? false,
        acquisitionDocumentArn: arn("ssm", `document/${acquisitionDocumentName}`),
        organizationId: args.organizationId ?? null,
        deployRoleArn: args.deployRoleArn ?? null,
        boundaryArn: args.boundary ? globalArn(args.accountId ?? forensicsAccountId, `policy/${args.boundary}`) : null,
        volumeKeyAccountIds: args.volumeKeyAccountIds ?? null,
    };
}
