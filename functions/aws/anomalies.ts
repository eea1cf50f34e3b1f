/** Telling people of something in the evidence that must not be: an error record a subject, whose creation sends the message, so that each is told once. */
import { createHash } from "node:crypto";
import { problemSchema, type EvidenceAnomaly, type ObjectRef } from "../domain/containers";
import { anomalyRecord, incidentPrefix } from "../domain/evidenceKeys";
import type { ReportedStep } from "../domain/steps";
import { putJson } from "./evidenceBucket";
import { log } from "./handler";

/** What is told. */
export interface Anomaly {
    incidentId: string;
    /** Who noticed. */
    step: ReportedStep;
    /** Its kind. */
    error: EvidenceAnomaly;
    /** Whole sentences: what is there. */
    cause: string;
    /** And what to do. */
    advice: string;
    /** What it is told once for: the same subject tells nothing twice. */
    subject: string;
}

/** The step's role must let it write `anomalyRecord(step, "*")`. */
export async function recordAnomaly({ incidentId, step, error, cause, advice, subject }: Anomaly): Promise<void> {
    const digest = createHash("sha256").update(subject).digest("hex").slice(0, 16);
    const problem = problemSchema.parse({
        schemaVersion: 1,
        incidentId,
        instance: null,
        step,
        error,
        cause,
        advice,
        at: new Date().toISOString(),
    });
    const { written } = await putJson(`${incidentPrefix(incidentId)}${anomalyRecord(step, digest)}`, problem, { onlyIfAbsent: true });
    log("results were not accepted", { incidentId, error, cause, toldBefore: !written });
}

/** What is told of it. */
export type WhatIsOdd = Pick<Anomaly, "error" | "cause" | "advice">;

/**
 * What a forensic instance left that no analysis of the incident was sent to.
 *
 * @param key of the object @param sentTo prefixes below which those of its analyses write
 */
export const foreignResults = (key: string, sentTo: readonly string[]): WhatIsOdd => ({
    error: "ForeignResults",
    cause: `${key} was written by a forensic instance that no analysis of this incident was sent to (${sentTo.length > 0 ? `that one writes below ${sentTo.join(", ")}` : "none was sent yet"}). It was not read. Somebody forged results.`,
    advice: "Look at who ran on that instance, and in CloudTrail at its calls.",
});

/** Results that are not any more what a report was made of: the report stands. @param reported hashes that reports stand for */
export const changedResults = ({ key, sha256 }: ObjectRef, reported: readonly string[]): WhatIsOdd => ({
    error: "ResultsChanged",
    cause: `The manifest ${key} was written again after its report was sent: it has SHA-256 ${sha256}, and the report stands for ${reported.join(", ")}, which is a version of the object under Object Lock.`,
    advice: "Look in CloudTrail's data events of the bucket at who wrote it, and run npm run verify on the case.",
});

/** Results of an analysis that was given up and done anew on another host, and which no report is of. */
export const supersededResults = (key: string, instanceId: string): WhatIsOdd => ({
    error: "SupersededResults",
    cause: `${key} came from ${instanceId} after a resumed execution had its volumes analysed anew on another instance. It is in no report.`,
    advice: "Nothing, unless that instance ran longer than its tear-down: then look in CloudTrail at what it did.",
});
