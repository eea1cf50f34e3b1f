/** Telling people of something while the step goes on: an error record of its own, whose creation sends the message. */
import { problemSchema, type Incident } from "../domain/containers";
import { errorRecord } from "../domain/evidenceKeys";
import type { ReportedStep } from "../domain/steps";
import { objectExists, putJson } from "./evidenceBucket";
import { readEvidence, writeEvidence, type Permissions } from "./permissions";

/** What an error record says of its incident; where a step knows its id alone, the instance is null. */
export type Told = Pick<Incident, "incidentId" | "prefix"> & { instance: Incident["instance"] | null };

/** Milliseconds after which people are told that a step still waits. */
const patience = 10 * 60_000;

/** Writes the step's error record, unless it has one. @param cause whole sentences: what is the matter and what to do */
export async function tellBesides(incident: Told, step: ReportedStep, error: string, cause: string): Promise<void> {
    const problem = problemSchema.parse({
        schemaVersion: 1,
        incidentId: incident.incidentId,
        instance: incident.instance,
        step,
        error,
        cause,
        at: new Date().toISOString(),
    });
    await putJson(`${incident.prefix}${errorRecord(step)}`, problem, { onlyIfAbsent: true });
}

/** Tell of a wait. The Sids are its own, so that a function's other statements stay as they are. */
export const tellWaitingPermissions =
    (step: ReportedStep): Permissions =>
    (names) =>
        [...readEvidence(errorRecord(step))(names), ...writeEvidence(errorRecord(step))(names)].map((each) => ({
            ...each,
            Sid: `Wait${each.Sid}`,
        }));

/** Tells once that a step waits, when it has waited for ten minutes. @param since ISO 8601: when it could first have gone on */
export async function tellOfWaiting(incident: Told, step: ReportedStep, since: string, why: string): Promise<void> {
    if (Date.now() - Date.parse(since) < patience || (await objectExists(`${incident.prefix}${errorRecord(step)}`))) return;
    await tellBesides(incident, step, "StillWaiting", `${why} It is tried again by itself, and what is done so far stays.`);
}
