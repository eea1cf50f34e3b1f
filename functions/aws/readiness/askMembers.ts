/** What the readiness of a member account is judged by, asked as its responder role. */
import { DescribeRuleCommand, EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { CreateSecurityGroupCommand, DescribeSecurityGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetDetectorCommand, GuardDutyClient, ListDetectorsCommand } from "@aws-sdk/client-guardduty";
import { IAMClient, paginateSimulatePrincipalPolicy } from "@aws-sdk/client-iam";
import { GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { isolationGroup } from "../../domain/tags";
import { seen, type MemberFacts, type Seen } from "../../domain/readiness/facts";
import { readinessSession } from "../../domain/readiness/session";
import { simulationsOf, type AskedStatement } from "../../domain/readiness/simulation";
import { memberClient, responderRoleArn, type ClientClass } from "../clients";
import { environment } from "../environment";
import { errorCode, isAccessDenied, isNotFound } from "../errors";
import type { Permissions } from "../permissions";

/** Read GuardDuty and the way of a finding, and have the role's own policies simulated. */
export const askMemberPermissions: Permissions = (names) => [
    // In one statement: a role has 10,240 characters for all of its policies.
    {
        Sid: "SeeReadiness",
        Effect: "Allow",
        Action: ["iam:SimulatePrincipalPolicy", "guardduty:GetDetector", "events:DescribeRule"],
        Resource: [
            `arn:${names.partition}:iam::${names.accountId}:role${names.rolePath}clean-room-responder`,
            `arn:${names.partition}:guardduty:${names.region}:${names.accountId}:detector/*`,
            `arn:${names.partition}:events:${names.region}:${names.accountId}:rule/clean-room-*`,
        ],
    },
];

/** A client in a member account, in the Region that looks. */
export function clientIn<C>(Client: ClientClass<C>, accountId: string): C {
    const region = environment("AWS_REGION");
    return memberClient(Client, { accountId, region, instanceId: "" }, readinessSession(region));
}

/** Actions that the simulator refuses the responder role, with how. IAM takes some hundred of these calls a minute from an account. */
async function refusedActions(accountId: string, statements: readonly AskedStatement[]): Promise<string[]> {
    const client = clientIn(IAMClient, accountId);
    const refused = new Set<string>();
    for (const { actions, resources, context } of simulationsOf(statements, accountId, environment("AWS_REGION"))) {
        const request = {
            PolicySourceArn: responderRoleArn(accountId),
            ActionNames: actions,
            ...(resources === null ? {} : { ResourceArns: resources }),
            ContextEntries: context,
        };
        for await (const { EvaluationResults = [] } of paginateSimulatePrincipalPolicy({ client }, request)) {
            for (const {
                EvalActionName,
                EvalDecision,
                OrganizationsDecisionDetail,
                PermissionsBoundaryDecisionDetail,
            } of EvaluationResults) {
                if (EvalDecision === "allowed") continue;
                const why =
                    OrganizationsDecisionDetail?.AllowedByOrganizations === false
                        ? "by a service control policy"
                        : PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary === false
                          ? "by its permissions boundary"
                          : EvalDecision === "explicitDeny"
                            ? "by a policy that denies it"
                            : "since no policy of the role allows it";
                refused.add(`${EvalActionName} (${why})`);
            }
        }
    }
    return [...refused].sort();
}

/** Asks EC2 what it would say to containment's first change. Only that meets service control policies with conditions, such as on Regions. */
async function dryRun(accountId: string): Promise<{ refusal: string | null } | null> {
    const ec2 = clientIn(EC2Client, accountId);
    const { SecurityGroups: [any] = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ MaxResults: 5 }));
    if (!any?.VpcId) return null;
    try {
        await ec2.send(
            new CreateSecurityGroupCommand({
                GroupName: "clean-room-preflight",
                Description: isolationGroup.description,
                VpcId: any.VpcId,
                DryRun: true,
            }),
        );
    } catch (error) {
        if (isAccessDenied(error)) return { refusal: (error as Error).message };
        if (errorCode(error) !== "DryRunOperation") throw error;
    }
    return { refusal: null };
}

/** The detector of the account; null where there is none. */
export async function detectorOf(client: GuardDutyClient): Promise<{ id: string; status: string; frequency: string } | null> {
    const { DetectorIds: [id] = [] } = await client.send(new ListDetectorsCommand({}));
    if (!id) return null;
    const { Status = "unknown", FindingPublishingFrequency = "unknown" } = await client.send(new GetDetectorCommand({ DetectorId: id }));
    return { id, status: Status, frequency: FindingPublishingFrequency };
}

/** The state of a rule; null where there is none. */
export async function ruleState(client: EventBridgeClient, Name: string, EventBusName?: string): Promise<string | null> {
    try {
        return (await client.send(new DescribeRuleCommand({ Name, EventBusName }))).State ?? "unknown";
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** Messages in a queue, those that somebody holds included. */
export async function messagesIn(client: SQSClient, QueueUrl: string): Promise<number> {
    const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({
            QueueUrl,
            AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        }),
    );
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
}

/** Messages in a queue that is known by its name. */
export async function messagesInQueue(client: SQSClient, QueueName: string): Promise<number> {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName }));
    return messagesIn(client, QueueUrl!);
}

/**
 * @param statements what the response needs of the responder role in this account
 * @param forwardingRule null where nothing is forwarded
 */
export async function askMember(
    accountId: string,
    statements: Seen<AskedStatement[]>,
    forwardingRule: string | null,
): Promise<MemberFacts> {
    const assumed = await seen(
        clientIn(STSClient, accountId)
            .send(new GetCallerIdentityCommand({}))
            .then(() => true as const),
    );
    if ("unseen" in assumed) {
        const none = { unseen: "the role could not be assumed" };
        return { accountId, assumed, refused: none, dryRun: none, detector: none, forwarding: null };
    }
    const [refused, made, detector, forwarding] = await Promise.all([
        "unseen" in statements ? statements : seen(refusedActions(accountId, statements.value)),
        seen(dryRun(accountId)),
        seen(detectorOf(clientIn(GuardDutyClient, accountId))),
        forwardingRule === null ? null : seen(ruleState(clientIn(EventBridgeClient, accountId), forwardingRule)),
    ]);
    return { accountId, assumed, refused, dryRun: made, detector, forwarding };
}
