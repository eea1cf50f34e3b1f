/**
 * Tells people what the artefacts say, as soon as the analysis has it. Started by S3 when `first-look.json` is created, hours before the
 * manifest: what it says is told as not verified.
 *
 * `report/first-look-told.json` is written last, as the mark that people were told.
 */
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { foreignResults, recordAnomaly } from "./aws/anomalies";
import { inCustody } from "./aws/custody/inCustody";
import { environment, needs } from "./aws/environment";
import { getJson, getObject, objectExists, putJson } from "./aws/evidenceBucket";
import { StepError, TransientError } from "./aws/errors";
import { log, toStepError } from "./aws/handler";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { isReported, readReports } from "./aws/reports";
import { readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { custodySchema, problemSchema, ticketSchema } from "./domain/containers";
import {
    anomalyRecord,
    errorRecord,
    firstLookTold,
    objectNames,
    objectPrefixes,
    reportRecords,
    resultNames,
    resultsPrefix,
} from "./domain/evidenceKeys";
import { readFirstLook } from "./domain/firstLook";
import { analysesOf, lastRound, reportedByWorkflow, roundOf } from "./domain/planRounds";
import { firstLookMessage } from "./domain/messages/firstLook";
import { eventKeys } from "./domain/s3Event";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET", ...tellVariables);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...readEvidence(
        `${resultsPrefix("*")}${resultNames.firstLook}`,
        objectNames.custody,
        ...reportRecords,
        objectNames.ticket,
        `${objectPrefixes.report}first-look-told*`,
    )(names),
    ...writeEvidence(`${objectPrefixes.report}first-look-told*`, errorRecord("SendFirstLook"), anomalyRecord("SendFirstLook", "*"))(names),
    ...tellPermissions(names),
];

const lookKey = /^(?<prefix>incidents\/(?<incident>[^/]+)\/)(?<results>analysis\/[^/]+\/)first-look\.json$/;
/** 500 findings of some kilobytes. */
const largestLookBytes = 16 * 1024 * 1024;

/** What was told, and when. */
export const firstLookToldSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    /** SHA-256 of the first look that was told. */
    sha256: z.string(),
    /** When the analysis had it, and how many seconds that was after its start. */
    lookedAt: z.string(),
    seconds: z.number(),
    /** Channels. */
    told: z.array(z.string()),
    at: z.iso.datetime(),
});

async function firstLook(prefix: string, results: string, incidentId: string): Promise<void> {
    const custody = (await getJson(`${prefix}${objectNames.custody}`, custodySchema))?.value;
    const analyses = custody?.incident.incidentId === incidentId ? analysesOf(custody) : [];
    const host = analyses.find(({ resultsPrefix }) => resultsPrefix === results)?.host;
    // Of a host that no analysis of this incident was sent to. Its manifest, which sendReport would tell of, may never come.
    if (!custody || !host)
        return recordAnomaly({
            incidentId,
            step: "SendFirstLook",
            ...foreignResults(
                `${prefix}${results}${resultNames.firstLook}`,
                analyses.map(({ resultsPrefix }) => resultsPrefix),
            ),
            subject: `${prefix}${results}`,
        });
    const round = roundOf(host);
    if ((await objectExists(`${prefix}${firstLookTold(round)}`)) || isReported(await readReports(prefix), results))
        return log("the first look was told before, or the report was", { incidentId });
    const key = `${prefix}${results}${resultNames.firstLook}`;
    const { ref, body } = await getObject(key, largestLookBytes);
    const look = readFirstLook(body.toString("utf8"));
    if (look === null || look.incidentId !== incidentId)
        throw new StepError(
            "The first look could not be understood, or is of another incident",
            key,
            "Read the object; the report follows in any case.",
        );
    const { incident, containment, evidence, findings } = custody;
    const ticket = (await getJson(`${prefix}${objectNames.ticket}`, ticketSchema))?.value ?? null;
    const rounds = reportedByWorkflow(evidence) ? { round, of: lastRound(evidence) } : undefined;
    const told = await tell(
        firstLookMessage({ incident, containment, findings, ticket, look, bucket: ref.bucket, ...(rounds ? { rounds } : {}) }),
    );
    await putJson(
        `${prefix}${firstLookTold(round)}`,
        firstLookToldSchema.parse({
            schemaVersion: 1,
            incidentId,
            sha256: ref.sha256,
            lookedAt: look.at,
            seconds: look.seconds,
            told,
            at: new Date().toISOString(),
        }),
        { onlyIfAbsent: true },
    );
    log("told the first look", { incidentId, told, findings: look.findings.length });
}

/** Tells it, or writes down why it cannot be told. @throws what failed */
async function tellOrRecord(prefix: string, results: string, incident: string): Promise<void> {
    try {
        await firstLook(prefix, results, incident);
    } catch (error) {
        const known = toStepError("sendFirstLook", error);
        log("sendFirstLook failed", { incidentId: incident, error: known.name, cause: known.message });
        if (!(known instanceof TransientError)) {
            const problem = problemSchema.parse({
                schemaVersion: 1,
                incidentId: incident,
                instance: null,
                step: "SendFirstLook",
                error: known.name.slice(0, 256),
                cause: known.message,
                at: new Date().toISOString(),
            });
            await putJson(`${prefix}${errorRecord("SendFirstLook")}`, problem, { onlyIfAbsent: true }).catch((second: unknown) =>
                log("the error record could not be written", { incidentId: incident, cause: String(second) }),
            );
        }
        throw known;
    }
}

/** @throws Transient so that Lambda runs it again, or what failed after its error record was written. */
export async function handler(event: unknown): Promise<void> {
    for (const key of eventKeys(event, environment("EVIDENCE_BUCKET"), lookKey)) {
        const { prefix, incident, results } = lookKey.exec(key)!.groups!;
        await inCustody(incident, "SendFirstLook", () => tellOrRecord(prefix, results, incident));
    }
}
