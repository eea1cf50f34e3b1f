/**
 * Tells people of a failed step. Started by S3 when an error record is created under `incidents/<id>/errors/`, so that
 * whatever failed, and however little of the workflow still runs, the record and the message are the same.
 */
import { environment, needs } from "./aws/environment";
import { getObject, objectExists } from "./aws/evidenceBucket";
import { isTransient } from "./aws/errors";
import { log, toStepError } from "./aws/handler";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { readEvidence, type Permissions } from "./aws/permissions";
import { eventKeys } from "./domain/s3Event";
import { heldSchema } from "./domain/brake";
import { brakeMessage } from "./domain/messages/brake";
import { failureMessage } from "./domain/messages/failure";
import { readProblem } from "./domain/stepFailure";
import type { KnownFacts } from "./domain/stepAdvice";
import { readIncident, useIncidents } from "./aws/incidentsTable";
import { errorRecord, incidentPrefix, objectNames, objectPrefixes } from "./domain/evidenceKeys";

/** Objects whose existence says how far the response was when the step failed: {@link KnownFacts}, in this order. */
const telling = [objectNames.restoreRecord, objectNames.observedInstance, errorRecord("IsolateInstance"), objectNames.custody];

/** Given by the deployment. */
export const variables = needs("INCIDENTS_TABLE", "PARTITION", "EVIDENCE_BUCKET", ...tellVariables);

export const permissions: Permissions = (names) => [
    ...readEvidence(`${objectPrefixes.errors}*`, ...telling)(names),
    ...useIncidents("GetItem")(names),
    ...tellPermissions(names),
];

/** `refused/<hash>` stands for a message that started no incident, `held/<name>` for instances that wait because the brake holds. */
const recordKey = /^incidents\/(?<incident>[^/]+|(refused|held)\/[^/]+)\/errors\/(?<step>[^/]+)\.error\.json$/;

/** An error record is some kilobytes; of a larger one, nothing is read. */
const largestRecordBytes = 1024 * 1024;

/** Whether people's answer is awaited; null where the table does not tell, which must not keep the message from people. */
async function isAwaited(incidentId: string): Promise<boolean | null> {
    try {
        const record = await readIncident(incidentId);
        return record === null ? null : record.status === "open";
    } catch (error) {
        log("the incidents table could not be read", { incidentId, error: String(error) });
        return null;
    }
}

async function knownFacts(incidentId: string): Promise<KnownFacts> {
    const [restoreRecorded, observed, containmentFailed, custodyRecorded] = await Promise.all(
        telling.map((name) => objectExists(`${incidentPrefix(incidentId)}${name}`)),
    );
    const awaitingApproval = restoreRecorded || !observed ? false : await isAwaited(incidentId);
    return { restoreRecorded, observed, awaitingApproval, containmentFailed, custodyRecorded };
}

/** The record's text. What cannot be read is said in its place: people are told all the same. */
async function recordText(key: string): Promise<string> {
    try {
        return (await getObject(key, largestRecordBytes)).body.toString("utf8");
    } catch (error) {
        if (isTransient(error)) throw error;
        return `The error record could not be read: ${error instanceof Error ? error.message : String(error)}`;
    }
}

async function notify(key: string): Promise<void> {
    const { incident, step } = recordKey.exec(key)!.groups!;
    if (incident.startsWith("held/")) {
        const told = await tell(brakeMessage(heldSchema.parse(JSON.parse(await recordText(key))), environment("AWS_REGION")));
        return log("told people of instances that wait", { key, told });
    }
    const refused = incident.startsWith("refused/");
    const problem = readProblem(await recordText(key), { incidentId: refused ? null : incident, step, at: new Date().toISOString() });
    const record = { partition: environment("PARTITION"), region: environment("AWS_REGION"), bucket: environment("EVIDENCE_BUCKET"), key };
    const told = await tell(failureMessage(problem, await knownFacts(incident), record));
    log("told people of a failed step", { ...(refused ? {} : { incidentId: incident }), key, step: problem.step, told });
}

/** @throws when a channel failed, so that Lambda runs it again and, at last, hands the event to its failure destination. */
export async function handler(event: unknown): Promise<void> {
    for (const key of eventKeys(event, environment("EVIDENCE_BUCKET"), recordKey)) {
        try {
            await notify(key);
        } catch (error) {
            // Never written as another error record: that would start this function again.
            throw toStepError("sendErrorNotification", error);
        }
    }
}
