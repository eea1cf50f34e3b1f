/** Applies an admitted finding on AWS: the incidents table, the execution of the workflow, and the finding beside the incident's evidence. */
import { createHash } from "node:crypto";
import { SendTaskSuccessCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import type { ApprovalAnswer, ContainmentMode, Finding, Incident } from "../domain/containers";
import { applyFinding, type FindingPorts, type Waits } from "../domain/applyFinding";
import { answersItself, type Effect, type IncidentRecord } from "../domain/incidentRecord";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { errorCode } from "./errors";
import { newestExecution } from "./executions";
import { getObject, objectExists, putJson, putObject } from "./evidenceBucket";
import { log } from "./handler";
import { mayContain } from "./brake";
import { holdIncident, useIncidents, markStarted, openRecord, replaceRecord, standingIncident, updateIncident } from "./incidentsTable";
import type { Permissions } from "./permissions";
import { heldPrefix, joinedFinding, receivedMessage } from "../domain/evidenceKeys";

/** AWS's Service Authorization Reference knows no resource of SendTaskSuccess: who has the token may answer, and a grant on an ARN may be none. */
export const answerPermissions: Permissions = () => [
    { Sid: "AnswerForPeople", Effect: "Allow", Action: ["states:SendTaskSuccess"], Resource: ["*"] },
];

/** Start executions. */
export const startPermissions: Permissions = (names) => [
    { Sid: "StartIncident", Effect: "Allow", Action: ["states:StartExecution"], Resource: [names.stateMachineArn] },
];

/** Start executions, see how they ended, answer in people's place, and keep the incidents table. */
export const findingPermissions: Permissions = (names) => [
    ...startPermissions(names),
    ...answerPermissions(names),
    {
        Sid: "SeeWhetherIncidentFailed",
        Effect: "Allow",
        Action: ["states:DescribeExecution"],
        Resource: [executionArn(names.stateMachineArn, "*")],
    },
    ...useIncidents("GetItem", "PutItem", "UpdateItem")(names),
];
/** Objects that it writes, and reads back where they stand already. */
export const findingObjects = [joinedFinding("*"), receivedMessage("*")] as const;

const executionArn = (stateMachineArn: string, name: string) => `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
const sfn = () => forensicsClient(SFNClient);

/** Starts the execution of an incident; does nothing when there is one. */
export async function startExecution(incident: Incident): Promise<void> {
    try {
        await sfn().send(
            new StartExecutionCommand({
                stateMachineArn: environment("STATE_MACHINE_ARN"),
                name: incident.incidentId,
                input: JSON.stringify(incident),
            }),
        );
    } catch (error) {
        // The name is the incident's: whoever started it, it is this incident's execution.
        if (errorCode(error) !== "ExecutionAlreadyExists") throw error;
    }
}

/** Whether the incident's newest execution ended without success: one that was resumed is no longer the first. */
async function hasFailed(incidentId: string): Promise<boolean> {
    const newest = await newestExecution(sfn(), (name) => executionArn(environment("STATE_MACHINE_ARN"), name), incidentId);
    // Step Functions forgets an execution 90 days after its end; the table does not.
    return newest !== null && ["FAILED", "TIMED_OUT", "ABORTED"].includes(newest.described.status ?? "");
}

/** One object for each state of a finding, so that a repetition writes nothing. */
async function keep(incident: Incident, finding: Finding): Promise<void> {
    const digest = createHash("sha256")
        .update(JSON.stringify([finding.id, finding.updatedAt, finding.severity]))
        .digest("hex")
        .slice(0, 16);
    await putJson(`${incident.prefix}${joinedFinding(digest)}`, finding, { onlyIfAbsent: true });
}

const ports: FindingPorts = {
    open: openRecord,
    standing: standingIncident,
    replace: replaceRecord,
    mayContain: ({ incidentId, instance }) => mayContain(incidentId, instance.accountId),
    hold: holdIncident,
    start: startExecution,
    markStarted,
    hasFailed,
    keep,
};

/** What Step Functions says of a token whose task was answered already, or has timed out. */
export const spentToken: ReadonlySet<string> = new Set(["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"]);

/** Answers people's question in their place, when a finding joined that asks for containment without asking anybody. */
export async function answerForPeople({ approval, findings, incident }: IncidentRecord): Promise<void> {
    const finding = findings.find(({ mode }) => mode === "automatic")!;
    if (!approval?.taskToken) return;
    const answer: ApprovalAnswer = {
        approved: true,
        by: `finding ${finding.id}`,
        reason: `${finding.type} joined the incident, and the rules ask nobody about it`,
        via: "finding",
    };
    // Where a person was faster, it is their answer that stands.
    await updateIncident(incident.incidentId, (read) =>
        read.approval?.taskToken === approval.taskToken && read.approval.answer === null
            ? { ...read, approval: { ...read.approval, answer } }
            : null,
    );
    if (await wake(approval.taskToken, answer))
        log("a finding answered the request for approval", { incidentId: incident.incidentId, finding: finding.id });
}

/**
 * Ends the waiting of a request for approval. What is sent along is for who reads the execution's history: what counts is the incidents table,
 * which nobody but our functions writes. @returns false when nothing waits by this token any more
 */
export async function wake(taskToken: string, answer: ApprovalAnswer): Promise<boolean> {
    try {
        await sfn().send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(answer) }));
        return true;
    } catch (error) {
        if (!spentToken.has(errorCode(error))) throw error;
        return false;
    }
}

/** Puts the messages of an incident that waited before its start beside its evidence. */
export async function keepHeldMessages({ incident, findings }: IncidentRecord): Promise<void> {
    for (const sha256 of new Set(findings.flatMap(({ message }) => (message ? [message.sha256] : [])))) {
        if (!(await objectExists(`${heldPrefix}${receivedMessage(sha256)}`))) continue;
        const { body } = await getObject(`${heldPrefix}${receivedMessage(sha256)}`);
        await putObject(`${incident.prefix}${receivedMessage(sha256)}`, body.toString("utf8"), {
            contentType: "application/json",
            onlyIfAbsent: true,
        });
    }
}

/**
 * Opens an incident for an admitted finding, or joins it to the one that stands for its instance, or updates that.
 *
 * @param proposed the incident that the finding opens if none stands
 * The message it came in is kept beside the evidence as it was received, under its SHA-256: after the start, which waits for nothing,
 * and also for a repeated finding, so that a run that broke off in between is made up for.
 *
 * @param mode what the configuration's rules say about the finding
 * @param message the text that the finding was read from
 */
export async function recordFinding(
    proposed: Incident,
    mode: ContainmentMode,
    message: string,
): Promise<{ effect: Effect; incidentId: string; held: Waits }> {
    const { effect, record, held } = await applyFinding(proposed, mode, ports);
    if (answersItself(record)) await answerForPeople(record);
    const { sha256 } = proposed.finding.message ?? {};
    if (held === null && record.heldSince) await keepHeldMessages(record);
    // One that waits has it when it is started: a message that names thousands would be kept thousands of times.
    if (sha256 !== undefined && held === null)
        await putObject(`${record.incident.prefix}${receivedMessage(sha256)}`, message, {
            contentType: "application/json",
            onlyIfAbsent: true,
        });
    return { effect, incidentId: record.incident.incidentId, held };
}
