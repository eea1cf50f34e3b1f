/**
 * Verifies an analysis, writes the report and tells people. Started by S3 when the analysis' manifest, its commit mark,
 * is created. Where the volumes are analysed in several rounds, or an execution goes on with an incident (domain/planRounds.ts), the workflow calls it
 * after the last round, and one report joins what each round left; a round that left nothing is named.
 *
 * `report.json` is written last, as the mark that people were told: a repeated event finds it and sends nothing. An
 * attempt that failed before leaves `report.html`, which the next one finds and keeps. Results that came after it make a newer edition
 * (domain/report/edition.ts), an object of its own beside the earlier one.
 */
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { readInput, readManifests, type Results } from "./aws/analysisResults";
import { changedResults, foreignResults, recordAnomaly, supersededResults, type WhatIsOdd } from "./aws/anomalies";
import { inCustody } from "./aws/custody/inCustody";
import { addToCase } from "./aws/caseWithAws";
import { environment, needs } from "./aws/environment";
import { getJson, getObject, putJson, putObject } from "./aws/evidenceBucket";
import { StepError, TransientError } from "./aws/errors";
import { log, step, toStepError } from "./aws/handler";
import { useIncidents } from "./aws/incidentsTable";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { publishResult, resultPermissions } from "./aws/publishResult";
import { importFinding, noteOnFindings, securityHubPermissions } from "./aws/securityHub";
import { readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { incidentCaseArn } from "./aws/securityIncidentResponse";
import { readReports } from "./aws/reports";
import { shareReport } from "./aws/shareReport";
import { custodySchema, incidentSchema, problemSchema, reportSchema, ticketSchema, type Custody, type Report } from "./domain/containers";
import type { ReportInput } from "./domain/report/assessment";
import { editionAfter, reportedHash, resultsDigest, sinceReports, type SinceReports } from "./domain/report/edition";
import { noCounts } from "./domain/report/findingLines";
import { neverLookedAtWords } from "./domain/report/neverLookedAt";
import { asffFinding, findingNote } from "./domain/report/asff";
import { indicatorsFile } from "./domain/report/indicators";
import { reportMarkdown } from "./domain/report/markdown";
import { ocsfFinding } from "./domain/report/ocsf";
import { read as readReport } from "./domain/report/reading";
import { stixBundle } from "./domain/report/stix";
import { isPageOf, renderReport } from "./domain/report/reportPage";
import { analysesOf, reportedByWorkflow } from "./domain/planRounds";
import { eventKeys } from "./domain/s3Event";
import { reportMessage } from "./domain/messages/report";
import { anomalyRecord, errorRecord, incidentPrefix, objectNames, objectPrefixes, reportNames, resultNames } from "./domain/evidenceKeys";

/** Given by the deployment. */
export const variables = needs(
    "INCIDENTS_TABLE",
    "EVIDENCE_BUCKET",
    ...tellVariables,
    "OWN_NETWORKS",
    "RESPONDER_ROLE_NAME",
    "SECURITY_HUB",
    "FORENSICS_ACCOUNT_ID",
    "SUPPORT_REGION",
    "REPORT_LINK_HOURS",
    "RESULTS_TOPIC_ARN",
);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...readEvidence(
        `${objectPrefixes.analysis}*`,
        objectNames.custody,
        objectNames.ticket,
        `${objectPrefixes.report}*`,
        `${objectPrefixes.metadata}*`,
    )(names),
    ...writeEvidence(`${objectPrefixes.report}*`, errorRecord("SendReport"), anomalyRecord("SendReport", "*"))(names),
    ...useIncidents("GetItem")(names),
    ...tellPermissions(names),
    ...securityHubPermissions(names),
    ...resultPermissions(names),
    { Sid: "AddToCase", Effect: "Allow", Action: ["support:AddCommunicationToCase"], Resource: ["*"] },
    { Sid: "CommentOnCase", Effect: "Allow", Action: ["security-ir:CreateCaseComment"], Resource: [incidentCaseArn(names)] },
];

const manifestKey = /^(?<prefix>incidents\/(?<incident>[^/]+)\/)(?<results>analysis\/[^/]+\/)manifest\.sha256$/;

/** @returns null where there is none: it is written before an analysis is sent, so none was */
async function readCustody(prefix: string, incidentId: string): Promise<Custody | null> {
    const key = `${prefix}${objectNames.custody}`;
    const custody = (await getJson(key, custodySchema))?.value;
    if (!custody) return null;
    if (custody.incident.incidentId !== incidentId) {
        throw new StepError(
            `The custody record belongs to incident ${custody.incident.incidentId}`,
            key,
            "Look in the bucket's versions and CloudTrail who wrote it.",
        );
    }
    return custody;
}

const tellAnomaly = (incidentId: string, what: WhatIsOdd, subject: string): Promise<void> =>
    recordAnomaly({ incidentId, step: "SendReport", ...what, subject });

/** Whether a report is written now, of results that no edition has. @param event whether a manifest came; else the workflow's last round is over */
function isTime({ evidence }: Custody, reports: readonly Report[], fresh: readonly Results[], event: boolean): boolean {
    if (!event || !reportedByWorkflow(evidence)) return true;
    // The workflow calls after its last round. What was sent before the last edition and came only now has nobody else to wait for.
    const last = reports.at(-1);
    return last !== undefined && fresh.some(({ sentAt }) => sentAt !== undefined && sentAt < last.at);
}

/**
 * Writes the page of the next edition. An attempt that ended before people were told left its page: it is kept where it is of the same results, and
 * passed over where it is of others.
 */
async function writePage(prefix: string, first: number, digest: string, page: (edition: number) => string) {
    for (let number = first; ; number++) {
        const names = reportNames(number);
        const { ref, written } = await putObject(`${prefix}${names.page}`, page(number), {
            contentType: "text/html; charset=utf-8",
            onlyIfAbsent: true,
        });
        if (written || isPageOf((await getObject(ref.key)).body.toString("utf8"), digest)) return { number, names, ref, written };
    }
}

/** Writes one edition and tells people of it; its record comes last. */
async function writeEdition(
    prefix: string,
    custody: Custody,
    found: readonly [Results, ...Results[]],
    since: SinceReports<Results>,
    reports: readonly Report[],
): Promise<void> {
    const { incident } = custody;
    const { incidentId } = incident;
    const read = await readInput(prefix, custody, found, since.changed);
    const reading = readReport(read, environment("OWN_NETWORKS"), environment("RESPONDER_ROLE_NAME"));
    const { complete, intact } = reading.assessment;
    const judged = { complete, intact, findingsBySeverity: read.findings?.counts ?? noCounts() };
    const last = reports.at(-1);
    const gone = (last?.results ?? [])
        .map(({ resultsPrefix }) => resultsPrefix)
        .filter((each) => !found.some(({ resultsPrefix }) => resultsPrefix === each));
    const inputOf = (number: number): ReportInput =>
        last === undefined ? read : { ...read, edition: editionAfter(last, number, judged, since, gone) };
    const page = await writePage(
        prefix,
        last === undefined ? 1 : (last.edition ?? 1) + 1,
        resultsDigest(found.map(({ ref }) => ref)),
        (number) => renderReport(inputOf(number), reading),
    );
    const { names } = page;
    const input = inputOf(page.number);
    const event = ocsfFinding(input, reading);
    const markdown = reportMarkdown(input, reading);
    // Beside the page: for tickets, for hunting elsewhere, for threat intelligence platforms.
    for (const [name, body, contentType] of [
        [names.markdown, markdown, "text/markdown; charset=utf-8"],
        [names.indicators, JSON.stringify(indicatorsFile(incident, reading.indicators, reading.exposure), null, 2), "application/json"],
        [names.ocsf, JSON.stringify(event, null, 2), "application/json"],
        [names.indicatorsStix, JSON.stringify(stixBundle(input, reading), null, 2), "application/stix+json;version=2.1"],
    ] as const)
        await putObject(`${prefix}${name}`, body, { contentType, onlyIfAbsent: true });
    const result: Report = reportSchema.parse({
        schemaVersion: 1,
        incidentId,
        page: page.ref,
        ...judged,
        manifestSha256: input.manifest.ref.sha256,
        furtherManifests: input.manifest.further?.map(({ sha256 }) => sha256),
        results: found.map(({ resultsPrefix, sha256 }) => ({ resultsPrefix, sha256 })),
        edition: page.number,
        at: input.generatedAt,
    });
    const ticket = (await getJson(`${prefix}${objectNames.ticket}`, ticketSchema))?.value ?? null;
    const caseId = ticket?.caseId ?? null;
    const told = await tell(
        reportMessage({
            incident,
            containment: input.custody.containment,
            findings: input.custody.findings,
            reading,
            neverLookedAt: neverLookedAtWords(input),
            report: result,
            edition: input.edition ?? null,
            ticket,
            shared: await shareReport(page.ref, environment("REPORT_LINK_HOURS")),
        }),
    );
    await publishResult(event, event.severity);
    if (environment("SECURITY_HUB")) {
        const account = environment("FORENSICS_ACCOUNT_ID");
        await importFinding(asffFinding(input, reading, account));
        await noteOnFindings(findingNote(input, reading, account, `s3://${page.ref.bucket}/${page.ref.key}`));
    }
    if (caseId !== null) await addToCase(ticket?.kind ?? "support-case", caseId, incident.finding.partition, markdown);
    await putJson(`${prefix}${names.record}`, result, { onlyIfAbsent: true });
    log("report sent", { incidentId, edition: page.number, complete, intact, told, newPage: page.written });
}

/** @param results whose manifest came; null: the last round is over */
async function report(prefix: string, results: string | null, incidentId: string): Promise<void> {
    const custody = await readCustody(prefix, incidentId);
    const counting = custody ? analysesOf(custody) : [];
    const superseded = (custody?.superseded ?? []).filter(({ resultsPrefix }) => resultsPrefix === results);
    const sentTo = [...counting, ...superseded].map(({ resultsPrefix }) => resultsPrefix);
    if (results !== null && !sentTo.includes(results)) {
        const key = `${prefix}${results}${resultNames.manifest}`;
        return tellAnomaly(incidentId, foreignResults(key, sentTo), key);
    }
    if (!custody)
        throw new StepError(
            "The custody record is missing",
            `${prefix}${objectNames.custody}`,
            "The workflow writes it before the analysis; look at the incident's execution.",
        );
    const late = await readManifests(prefix, superseded);
    // What comes while an edition is being written is in the next one.
    for (let edition = 0; edition <= counting.length; edition++) {
        const reports = await readReports(prefix);
        const given = sinceReports(reports, late);
        for (const each of given.fresh) await tellAnomaly(incidentId, supersededResults(each.ref.key, each.host.instanceId), each.ref.key);
        const [first, ...further] = await readManifests(prefix, counting);
        const since = sinceReports(reports, first ? [first, ...further] : []);
        for (const { ref, resultsPrefix } of [...since.changed, ...given.changed])
            await tellAnomaly(incidentId, changedResults(ref, reportedHash(reports, resultsPrefix)), ref.sha256);
        if (since.fresh.length === 0 && reports.length > 0)
            return log("every result is in a report", { incidentId, editions: reports.length });
        if (!first) {
            if (superseded.length > 0) return;
            throw new StepError(
                "No round of the analysis left results",
                prefix,
                "What each failed of was told; npm run resume analyses what is left.",
            );
        }
        if (!isTime(custody, reports, since.fresh, results !== null))
            return log("the report follows the last round", { incidentId, results, rounds: custody.evidence.rounds });
        await writeEdition(prefix, custody, [first, ...further], since, reports);
    }
}

/** Writes the error record, which tells people that there is no report. Only for what a retry does not cure. */
async function recordProblem(prefix: string, incidentId: string, error: Error): Promise<void> {
    await putJson(
        `${prefix}${errorRecord("SendReport")}`,
        problemSchema.parse({
            schemaVersion: 1,
            incidentId,
            instance: null,
            step: "SendReport",
            error: error.name.slice(0, 256),
            cause: error.message,
            at: new Date().toISOString(),
        }),
        { onlyIfAbsent: true },
    );
}

/** @throws what the report failed of, after its error record was written where a retry does not cure it */
async function reportOrRecord(prefix: string, results: string, incidentId: string): Promise<void> {
    try {
        await report(prefix, results, incidentId);
    } catch (error) {
        const known = toStepError("sendReport", error);
        log("sendReport failed", { incidentId, error: known.name, cause: known.message });
        if (!(known instanceof TransientError)) {
            await recordProblem(prefix, incidentId, known).catch((second: unknown) =>
                log("the error record could not be written", { incidentId, cause: String(second) }),
            );
        }
        throw known;
    }
}

const afterRounds = step({
    name: "SendReport",
    input: z.object({ incidentId: incidentSchema.shape.incidentId }),
    output: z.object({ schemaVersion: z.literal(1), incidentId: z.string() }),
    run: async ({ incidentId }) => {
        await report(incidentPrefix(incidentId), null, incidentId);
        return { schemaVersion: 1 as const, incidentId };
    },
});

/**
 * @param event of S3, or `{ incidentId }` from the workflow after the last of several rounds: what that fails of, the workflow tells
 * @throws Transient so that Lambda runs it again, or what failed after its error record was written.
 */
export async function handler(event: unknown): Promise<unknown> {
    if (typeof event === "object" && event !== null && "incidentId" in event) return afterRounds(event);
    for (const key of eventKeys(event, environment("EVIDENCE_BUCKET"), manifestKey)) {
        const { prefix, incident, results } = manifestKey.exec(key)!.groups!;
        await inCustody(incident, "SendReport", () => reportOrRecord(prefix, results, incident));
    }
}
