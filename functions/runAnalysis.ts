/**
 * Runs the analysis on the forensic instance through Run Command, once a host, and reads back what it left.
 *
 * The custody record is written before the command is sent: the manifest, which the analysis writes last, starts the
 * report, and the report reads the record.
 */
import { GetCommandInvocationCommand, paginateListCommandInvocations, SendCommandCommand, SSMClient } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { tellWaitingPermissions } from "./aws/problems";
import { keptCustody } from "./aws/analysedBefore";
import { forensicsClient, ownArn } from "./aws/clients";
import { recordCalls } from "./aws/custody/recorder";
import { environment, needs } from "./aws/environment";
import { errorCode, NotYetError, isNotFound, StepError } from "./aws/errors";
import { getJson, getObject, putJson } from "./aws/evidenceBucket";
import { log, step } from "./aws/handler";
import { findingsOf, useIncidents } from "./aws/incidentsTable";
import { ec2Arn, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { analysisSummarySchema } from "./domain/analysisOutputs";
import {
    analysisSchema,
    containmentSchema,
    custodySchema,
    endedAnalysisSchema,
    evidenceSchema,
    forensicHostSchema,
    incidentSchema,
    type Analysis,
    type ForensicHost,
    type Incident,
    type ObjectRef,
} from "./domain/containers";
import { incidentTag, purposeTag } from "./domain/tags";
import { analysisOf, documentVolumes, encodeVolumes, isUnderWay, leftResults, outputTail, type Invocation } from "./domain/planAnalysis";
import { analysesOf, snapshotsOf, withAnalysis } from "./domain/planRounds";
import { endedAnalysis, objectNames, objectPrefixes, resultNames, resultsPrefix } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs(
    "INCIDENTS_TABLE",
    "EVIDENCE_BUCKET",
    "EVIDENCE_KEY_ARN",
    "DOCUMENT_NAME",
    "DOCUMENT_VERSION",
    "TOOL_BUCKET",
    "TOOL_KEY",
    "TOOL_SHA256",
    "PYTHON_VERSION",
    "ANALYSIS_TIMEOUT_SECONDS",
    "HASH_TWICE",
    "COMMAND_LOG_GROUP",
    "FORENSIC_ROLE_ID",
);

/** Run the analysis document, and no other, on forensic instances, and no other; keep custody; read the results' marks. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("RunAnalysis")(names),
    { Sid: "SendDocument", Effect: "Allow", Action: ["ssm:SendCommand"], Resource: [names.documentArn] },
    {
        Sid: "SendToHost",
        Effect: "Allow",
        Action: ["ssm:SendCommand"],
        Resource: [ec2Arn(names, "instance/*")],
        Condition: {
            StringLike: { [`ssm:resourceTag/${incidentTag}`]: "i-*" },
            StringEquals: { [`ssm:resourceTag/${purposeTag}`]: "forensic-host" },
        },
    },
    { Sid: "FollowCommand", Effect: "Allow", Action: ["ssm:ListCommandInvocations", "ssm:GetCommandInvocation"], Resource: ["*"] },
    ...useIncidents("GetItem")(names),
    ...writeEvidence(objectNames.custody, objectNames.analysisCommand, `${objectPrefixes.ended}*`)(names),
    ...readEvidence(
        objectNames.custody,
        objectNames.analysisCommand,
        `${resultsPrefix("*")}${resultNames.manifest}`,
        `${resultsPrefix("*")}${resultNames.summary}`,
    )(names),
];

const inputSchema = z.object({
    incident: incidentSchema,
    containment: containmentSchema.nullable(),
    evidence: evidenceSchema,
    host: forensicHostSchema,
});
type Input = z.infer<typeof inputSchema>;

const commandSchema = z.object({ schemaVersion: z.literal(1), instanceId: z.string(), commandId: z.string() });

/** Seconds in which the agent must take the command: it was online a moment ago. */
const deliverySeconds = 600;

async function invocationsOn(ssm: SSMClient, instanceId: string): Promise<Invocation[]> {
    const invocations: Invocation[] = [];
    for await (const page of paginateListCommandInvocations({ client: ssm }, { InstanceId: instanceId })) {
        invocations.push(
            ...(page.CommandInvocations ?? []).map((one) => ({
                commandId: one.CommandId!,
                documentName: one.DocumentName ?? "",
                requestedAt: one.RequestedDateTime?.toISOString() ?? "",
            })),
        );
    }
    return invocations;
}

/** Where the host's identity may write. */
const resultsOf = ({ instanceId }: ForensicHost): string => resultsPrefix(`${environment("FORENSIC_ROLE_ID")}:${instanceId}`);

/** The document's parameters; it checks each against a pattern of its own. */
function parameters(incident: Incident, host: ForensicHost): Record<string, string[]> {
    const values = {
        IncidentId: incident.incidentId,
        Region: environment("AWS_REGION"),
        ToolBucket: environment("TOOL_BUCKET"),
        ToolKey: environment("TOOL_KEY"),
        ToolSha256: environment("TOOL_SHA256"),
        EvidenceBucket: environment("EVIDENCE_BUCKET"),
        OutputPrefix: `${incident.prefix}${resultsOf(host)}`,
        KmsKeyArn: environment("EVIDENCE_KEY_ARN"),
        Volumes: encodeVolumes(documentVolumes(host), [incident.finding]),
        PythonVersion: environment("PYTHON_VERSION"),
        HashTwice: String(environment("HASH_TWICE")),
        ExecutionTimeout: String(host.plan?.timeoutSeconds ?? environment("ANALYSIS_TIMEOUT_SECONDS")),
    };
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));
}

async function send({ incident, containment, evidence, host }: Input): Promise<string> {
    // What other rounds and earlier executions were sent stays on record: their results are this incident's too.
    const before = await keptCustody(incident);
    const { counting, superseded } = withAnalysis(
        { counting: before ? analysesOf(before) : [], superseded: before?.superseded ?? [] },
        evidence,
        { host, resultsPrefix: resultsOf(host), sentAt: new Date().toISOString() },
    );
    const [first, ...furtherRounds] = counting;
    const custody = custodySchema.parse({
        schemaVersion: 1,
        incident,
        findings: await findingsOf(incident.incidentId),
        containment,
        evidence,
        ...first,
        toolSha256: environment("TOOL_SHA256"),
        ...(furtherRounds.length > 0 ? { furtherRounds } : {}),
        ...(superseded.length > 0 ? { superseded } : {}),
    });
    await putJson(`${incident.prefix}${objectNames.custody}`, custody);
    const logGroup = environment("COMMAND_LOG_GROUP");
    // SendCommand has no client token. Without the SDK's retries an answer that got lost cannot send it twice: the next
    // call of this step finds the command in the list.
    const ssm = recordCalls(new SSMClient({ region: environment("AWS_REGION"), maxAttempts: 1 }), ownArn);
    try {
        const { Command } = await ssm.send(
            new SendCommandCommand({
                DocumentName: environment("DOCUMENT_NAME"),
                DocumentVersion: environment("DOCUMENT_VERSION"),
                InstanceIds: [host.instanceId],
                Comment: incident.incidentId,
                TimeoutSeconds: deliverySeconds,
                Parameters: parameters(incident, host),
                CloudWatchOutputConfig: logGroup ? { CloudWatchLogGroupName: logGroup, CloudWatchOutputEnabled: true } : undefined,
            }),
        );
        return Command!.CommandId!;
    } catch (error) {
        if (errorCode(error) !== "InvalidInstanceId") throw error;
        throw new StepError(
            "Run Command does not reach the forensic instance",
            host.instanceId,
            "Look in CloudTrail at what ended it, and in Fleet Manager whether its agent is online; then npm run resume goes on from there.",
            { cause: error },
        );
    }
}

/** @returns the command that analyses this host; null when none was sent */
async function commandOn(ssm: SSMClient, incident: Incident, instanceId: string): Promise<string | null> {
    const kept = await getJson(`${incident.prefix}${objectNames.analysisCommand}`, commandSchema);
    if (kept?.value.instanceId === instanceId) return kept.value.commandId;
    // Sent, perhaps, by a call that ended before it could write that down.
    return analysisOf(environment("DOCUMENT_NAME"), await invocationsOn(ssm, instanceId))?.commandId ?? null;
}

/** @throws NotYet while the command is under way */
async function outcomeOf(
    ssm: SSMClient,
    commandId: string,
    instanceId: string,
): Promise<{ status: string; exitCode: number | null; output: string }> {
    const answer = await ssm
        .send(new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId }))
        .catch((error: unknown) => {
            if (errorCode(error) !== "InvocationDoesNotExist") throw error;
            return { Status: "Pending", ResponseCode: undefined, StandardOutputContent: "", StandardErrorContent: "" }; // sent a moment ago
        });
    const status = answer.Status ?? "Pending";
    if (isUnderWay(status)) throw new NotYetError(`The analysis ${commandId} on ${instanceId} is ${status}.`);
    const parts = [
        ["stdout", answer.StandardOutputContent],
        ["stderr", answer.StandardErrorContent],
    ].filter(([, text]) => text);
    return {
        status,
        exitCode: answer.ResponseCode ?? null,
        output: parts.map(([name, text]) => `${name}: ${outputTail(text!)}`).join("\n"),
    };
}

async function manifestRef(incident: Incident, host: ForensicHost): Promise<ObjectRef> {
    const key = `${incident.prefix}${resultsOf(host)}${resultNames.manifest}`;
    try {
        return (await getObject(key)).ref;
    } catch (error) {
        if (!isNotFound(error)) throw error;
        throw new StepError(
            "The analysis ended without its manifest, so its results do not count",
            key,
            "Read the command's output in Systems Manager and what lies under analysis/ in the evidence bucket.",
            { cause: error },
        );
    }
}

async function results(incident: Incident, host: ForensicHost, commandId: string): Promise<Analysis> {
    const manifest = await manifestRef(incident, host);
    const summaryKey = `${incident.prefix}${resultsOf(host)}${resultNames.summary}`;
    const summary = await getJson(summaryKey, analysisSummarySchema);
    if (!summary) throw new StepError("The analysis left no summary", summaryKey, "Read the command's output in Systems Manager.");
    const finished = new Date(summary.value.finishedAt);
    // A resumed execution reads it (aws/analysedBefore.ts).
    const ended = endedAnalysisSchema.parse({
        schemaVersion: 1,
        incidentId: incident.incidentId,
        instanceId: host.instanceId,
        commandId,
        resultsPrefix: resultsOf(host),
        snapshotIds: snapshotsOf({ host }),
        toolSha256: environment("TOOL_SHA256"),
        manifest,
        at: new Date().toISOString(),
    });
    await putJson(`${incident.prefix}${endedAnalysis(host.instanceId)}`, ended, { onlyIfAbsent: true });
    return {
        schemaVersion: 1,
        incidentId: incident.incidentId,
        commandId,
        complete: summary.value.complete,
        manifest,
        finishedAt: (Number.isNaN(finished.getTime()) ? new Date() : finished).toISOString(),
    };
}

/**
 * @throws NotYet while the command runs; StepFailed, with the end of its output, when it failed
 */
export const handler = step({
    name: "RunAnalysis",
    waits: "RunAnalysis",
    input: inputSchema,
    output: analysisSchema,
    run: async (input) => {
        const { incident, host } = input;
        if (host.volumes.length === 0)
            throw new StepError(
                "The forensic instance has no volumes to analyse",
                host.instanceId,
                "AttachEvidenceVolumes must run before this step.",
            );
        const ssm = forensicsClient(SSMClient);
        const commandId = await commandOn(ssm, incident, host.instanceId);
        if (commandId === null) {
            const sent = await send(input);
            await putJson(`${incident.prefix}${objectNames.analysisCommand}`, {
                schemaVersion: 1,
                instanceId: host.instanceId,
                commandId: sent,
            });
            log("analysis sent", { incidentId: incident.incidentId, commandId: sent });
            throw new NotYetError(`The analysis was sent to ${host.instanceId} as ${sent}.`);
        }
        const outcome = await outcomeOf(ssm, commandId, host.instanceId);
        if (leftResults(outcome)) return results(incident, host, commandId);
        throw new StepError(
            `The analysis ended as ${outcome.status}${outcome.exitCode === null ? "" : ` with exit code ${outcome.exitCode}`}`,
            `command ${commandId} on ${host.instanceId}`,
            `What it had written lies under ${incident.prefix}${resultsOf(host)}${resultNames.partial}.\n${outcome.output}`,
        );
    },
});
