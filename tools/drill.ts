/**
 * `npm run drill`: sends a sample finding about the stack's sacrificial instance to the findings topic and follows the incident. The instance
 * really is contained, analysed and reported.
 *
 * Without --instance it asks the Pulumi CLI for the stack's `drillTarget`. Uses the operator's credentials, or forensics.deployRoleArn.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SFNClient } from "@aws-sdk/client-sfn";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { instanceRefSchema, type InstanceRef } from "../functions/domain/containers";
import { partitionOf } from "../infra/awsRegions";
import type { Settings } from "../infra/config";
import { regionsOf } from "../infra/estate";
import { findingsTopicName, stateMachineName } from "../infra/names";
import { command, type Values } from "./command";
import { stackSettings } from "./coverage/stackSettings";
import { follow } from "./drill/follow";
import { sampleFinding } from "./drill/sampleFinding";

const options = {
    stack: { type: "string", description: "the stack, as in Pulumi.NAME.yaml", required: true },
    instance: { type: "string", description: "instance to aim at, in the first member's first Region; the drill range's when left out" },
} as const;

/** What the drill aims at. @throws when the stack has no range, or the Pulumi CLI cannot say. */
async function targetOf(stack: string, instance: string | undefined, settings: Settings): Promise<InstanceRef> {
    const member = settings.members[0];
    if (instance && !member)
        throw new Error(
            `The stack "${stack}" lists no member, so the account of ${instance} is not known. Send {"instanceId","accountId","region"} to its findings topic instead.`,
        );
    if (instance && member)
        return instanceRefSchema.parse({ instanceId: instance, accountId: member.accountId, region: regionsOf(settings, member)[0] });
    if (!settings.range.enabled)
        throw new Error(
            `The stack "${stack}" has no drill range. Set range.enabled in Pulumi.${stack}.yaml and deploy it, or name a sacrificial instance with --instance.`,
        );
    const { stdout } = await promisify(execFile)("pulumi", ["stack", "output", "drillTarget", "--json", "--stack", stack]).catch(
        (error: Error & { stderr?: string }) => {
            throw new Error(
                `The Pulumi CLI cannot tell the drillTarget of the stack "${stack}": ${(error.stderr || error.message).trim()}. Deploy the stack, or use --instance.`,
                { cause: error },
            );
        },
    );
    return instanceRefSchema.parse(JSON.parse(stdout));
}

async function drillOnce({ stack, instance }: Values<typeof options>): Promise<number> {
    const settings = stackSettings(stack);
    if (!settings.findings.drill)
        throw new Error(`In the stack "${stack}" samples start no incident. A drill belongs where findings.drill is set.`);
    const target = await targetOf(stack, instance, settings);
    const { accountId, deployRoleArn } = settings.forensics;
    const { region } = target;
    const partition = partitionOf(region);
    const client = {
        region,
        ...(deployRoleArn
            ? { credentials: fromTemporaryCredentials({ params: { RoleArn: deployRoleArn, RoleSessionName: "clean-room-drill" } }) }
            : {}),
    };
    const { findingId, event } = sampleFinding(target, partition, new Date());
    await new SNSClient(client).send(
        new PublishCommand({
            TopicArn: `arn:${partition}:sns:${region}:${accountId}:${findingsTopicName}`,
            Message: JSON.stringify(event),
        }),
    );
    console.log(`Sample finding ${findingId} sent about ${target.instanceId} in account ${target.accountId}, ${region}`);
    const worked = await follow({
        sfn: new SFNClient(client),
        stateMachineArn: `arn:${partition}:states:${region}:${accountId}:stateMachine:${stateMachineName}`,
        instanceId: target.instanceId,
        findingId,
        startWithin: 5 * 60_000,
        pollMilliseconds: 2_000,
        line: (text) => console.log(text),
    });
    return worked ? 0 : 1;
}

export const drill = command(
    {
        name: "drill",
        summary:
            "Sends a sample finding about the stack's sacrificial instance and follows the incident. The instance really is contained, analysed and reported.",
        arguments: "--stack NAME [--instance i-0123456789abcdef0]",
        options,
        examples: ["npm run drill -- --stack dev", "npm run drill -- --stack dev --instance i-0123456789abcdef0"],
        exitCodes: { 0: "the incident was worked off", 1: "it was not", 2: "wrong usage or configuration" },
        rights: {
            "the topic clean-room-findings": ["sns:Publish"],
            "the evidence key, which that topic is encrypted under": ["kms:GenerateDataKey", "kms:Decrypt"],
            "the state machine clean-room-incident": ["states:ListExecutions"],
            "its executions": ["states:DescribeExecution", "states:GetExecutionHistory"],
        },
        run: drillOnce,
    },
    module,
);
