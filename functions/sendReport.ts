/**
 * Verifies an analysis, writes the report and tells people. Started by S3 when the analysis' manifest, its commit mark,
 * is created. Where the volumes are analysed in several rounds (domain/planRounds.ts), the workflow calls it after the last
 * one, and one report joins what each round left; a round that left nothing is named.
 *
 * `report.json` is written last, as the mark that people were told: a repeated event finds it and sends nothing. An
 * attempt that failed before leaves `report.html`, which the next one finds and keeps.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { inCustody } from "./aws/custody/inCustody";
import { AddCommunicationToCaseCommand, SupportClient } from "@aws-sdk/client-support";
import { forensicsClient } from "./aws/clients";
import { environment, needs } from "./aws/environment";
import { getJson, getObject, hashObject, putJson, putObject } from "./aws/evidenceBucket";
import { errorCode, isNotFound, StepError, TransientError } from "./aws/errors";
import { log, step, toStepError } from "./aws/handler";
import { findingsOf, useIncidents } from "./aws/incidentsTable";
import { readKeptMoment } from "./aws/metadata/keptMoment";
import { readLines } from "./aws/objectLines";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { publishResult, resultPermissions } from "./aws/publishResult";
import { importFinding, noteOnFindings, securityHubPermissions } from "./aws/securityHub";
import { readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { CreateCaseCommentCommand, incidentCaseArn, SecurityIRClient } from "./aws/securityIncidentResponse";
import { shareReport } from "./aws/shareReport";
import { analysisSummarySchema, type AnalysisSummary } from "./domain/analysisOutputs";
import {
    custodySchema,
    incidentSchema,
    problemSchema,
    reportSchema,
    ticketSchema,
    type Custody,
    type ObjectRef,
    type Report,
    type TicketKind,
} from "./domain/containers";
import { joinSummaries } from "./domain/joinSummaries";
import {
    listedName,
    parseManifest,
    verifyEntry,
    type FoundObject,
    type Manifest,
    type RequiredOutput,
    type VerifiedObject,
} from "./domain/manifest";
import type { ReportInput } from "./domain/report/assessment";
import { findingCollector, noCounts, type FindingsRead } from "./domain/report/findingLines";
import { timelineCollector, type TimelineRead } from "./domain/report/timelineLines";
import { neverLookedAtWords } from "./domain/report/neverLookedAt";
import { asffFinding, findingNote } from "./domain/report/asff";
import { indicatorsFile } from "./domain/report/indicators";
import { reportMarkdown } from "./domain/report/markdown";
import { ocsfFinding } from "./domain/report/ocsf";
import { read } from "./domain/report/reading";
import { stixBundle } from "./domain/report/stix";
import { renderReport } from "./domain/report/reportPage";
import { analysesOf, failedRounds, roundOf } from "./domain/planRounds";
import { caseComment, supportRegion } from "./domain/planTicket";
import { shortened } from "./domain/visibleText";
import { eventKeys } from "./domain/s3Event";
import { reportMessage } from "./domain/messages/report";
import { anomalyRecord, errorRecord, incidentPrefix, objectNames, objectPrefixes, resultNames } from "./domain/evidenceKeys";

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

/** What stands under a key, as the manifest's check wants it: an AWS error is a finding about the object, not the end. */
async function found(read: () => Promise<FoundObject>): Promise<FoundObject> {
    try {
        return await read();
    } catch (error) {
        if (isNotFound(error)) return null;
        return { error: `${errorCode(error) || "error"}: ${error instanceof Error ? error.message : String(error)}`.slice(0, 300) };
    }
}

const isRead = (object: FoundObject): boolean => object !== null && !("error" in object);

/** One analysis whose manifest is there. */
interface Results {
    /** Key prefix. */
    folder: string;
    ref: ObjectRef;
    manifest: Manifest;
}

interface Outputs {
    objects: VerifiedObject[];
    summary: AnalysisSummary | null;
    findings: FindingsRead | null;
    timeline: TimelineRead | null;
}

function parseSummary(text: string): AnalysisSummary | null {
    try {
        return analysisSummarySchema.parse(JSON.parse(text));
    } catch (error) {
        log("summary.json does not match its schema", { cause: error instanceof Error ? error.message.slice(0, 2000) : String(error) });
        return null;
    }
}

/** Reads and hashes every object of the manifests once: what the page shows is what was verified. */
async function readOutputs(analyses: readonly Results[]): Promise<Outputs> {
    const states = new Map<string, FoundObject>();
    const readAll = async (name: RequiredOutput, read: (key: string) => Promise<FoundObject>): Promise<boolean> => {
        const keys = analyses.map(
            ({ folder, manifest }) => `${folder}${listedName(new Set(manifest.entries.map((one) => one.name)), name)}`,
        );
        for (const key of keys) states.set(key, await found(() => read(key)));
        return keys.every((key) => isRead(states.get(key)!));
    };
    const summaries: AnalysisSummary[] = [];
    await readAll(resultNames.summary, async (key) => {
        const { ref, body } = await getObject(key);
        const summary = parseSummary(body.toString("utf8"));
        if (summary !== null) summaries.push(summary);
        return { sha256: ref.sha256, bytes: body.length };
    });
    const findings = findingCollector();
    const findingsRead = await readAll(resultNames.findings, (key) => readLines(key, findings.line));
    // After the findings: which events matter depends on the files that findings name.
    const timeline = timelineCollector(findings.result().shown);
    const timelineRead = await readAll(resultNames.timeline, (key) => readLines(key, timeline.line));

    const objects: VerifiedObject[] = [];
    for (const { folder, manifest } of analyses)
        for (const entry of manifest.entries) {
            const key = `${folder}${entry.name}`;
            // Names are the same in each folder, so where there are several the host is named too.
            const name = analyses.length === 1 ? entry.name : `${folder.split("/").at(-2)}/${entry.name}`;
            objects.push(verifyEntry({ ...entry, name }, states.has(key) ? states.get(key)! : await found(() => hashObject(key))));
        }
    return {
        objects,
        // What one of them looked at is not known without its own account of it.
        summary: summaries.length === analyses.length ? joinSummaries(summaries as [AnalysisSummary, ...AnalysisSummary[]]) : null,
        findings: findingsRead ? findings.result() : null,
        timeline: timelineRead ? timeline.result() : null,
    };
}

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

/** @returns null where the analysis left no manifest */
async function readResults(folder: string): Promise<Results | null> {
    try {
        const { ref, body } = await getObject(`${folder}${resultNames.manifest}`);
        return { folder, ref, manifest: parseManifest(body.toString("utf8")) };
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** @returns null where no analysis left results */
async function readInput(prefix: string, recorded: Custody): Promise<ReportInput | null> {
    const read = new Map<number, Results>();
    for (const { host, resultsPrefix } of analysesOf(recorded)) {
        const results = await readResults(`${prefix}${resultsPrefix}`);
        if (results) read.set(roundOf(host), results);
    }
    const [first, ...further] = read.values();
    if (!first) return null;
    const findings = await findingsOf(recorded.incident.incidentId);
    // Findings may have joined since the custody record was written.
    const custody = { ...recorded, findings: findings.length > 0 ? findings : recorded.findings };
    const { objects, ...outputs } = await readOutputs([first, ...further]);
    const moment = await readKeptMoment(prefix);
    const failed = failedRounds(custody.evidence, new Set(read.keys()));
    return {
        custody,
        ...outputs,
        moment,
        ...(failed.length > 0 ? { failedRounds: failed } : {}),
        manifest: {
            ref: first.ref,
            ...(further.length > 0 ? { further: further.map(({ ref }) => ref) } : {}),
            objects,
            problems: [first, ...further].flatMap(({ manifest }) => manifest.problems),
        },
        generatedAt: new Date().toISOString(),
    };
}

/** Results that this incident's analysis did not write: told, and never reported. @param sentTo where those of its analyses lie */
async function tellForged(prefix: string, results: string, incidentId: string, sentTo: readonly string[]): Promise<void> {
    const key = `${prefix}${results}${resultNames.manifest}`;
    const which = sentTo.length > 0 ? `that one writes below ${sentTo.join(", ")}` : "none was sent yet";
    const cause = `${key} was written by a forensic instance that no analysis of this incident was sent to (${which}). It was not read. Somebody forged results: look at who ran on that instance, and in CloudTrail at its calls.`;
    await recordAnomaly(prefix, incidentId, "ForeignResults", cause, key);
}

/** A manifest that comes after the report: the report stands; that the results differ must not pass in silence. */
async function tellChanged(prefix: string, results: string, incidentId: string, reported: Report): Promise<void> {
    const { ref } = await getObject(`${prefix}${results}${resultNames.manifest}`);
    const known = [reported.manifestSha256, ...(reported.furtherManifests ?? [])];
    if (known.includes(ref.sha256)) return log("report was sent before", { incidentId });
    const cause =
        known.length > 1
            ? `The manifest ${ref.key} came, or was written again, after the report of all rounds was sent: it has SHA-256 ${ref.sha256}, and the report stands for ${known.join(", ")}. What it lists is in no report; read it in the evidence bucket.`
            : `The manifest ${ref.key} was written again after its report was sent: it had SHA-256 ${reported.manifestSha256} and has ${ref.sha256}. The report stands for the first one, which is a version of the object under Object Lock.`;
    await recordAnomaly(prefix, incidentId, "ResultsChanged", cause, ref.sha256);
}

/** AWS Support takes 8,000 characters of a communication. */
const longestCommunication = 7500;

/** The report in short for the case with AWS. Whatever that answers, people have been told by the channels. */
async function addToCase(kind: TicketKind, caseId: string, partition: string, markdown: string): Promise<void> {
    try {
        if (kind === "security-incident-response")
            await forensicsClient(SecurityIRClient, environment("SUPPORT_REGION")).send(
                new CreateCaseCommentCommand(caseComment(caseId, markdown)),
            );
        else
            await forensicsClient(SupportClient, supportRegion(partition)).send(
                new AddCommunicationToCaseCommand({ caseId, communicationBody: shortened(markdown, longestCommunication) }),
            );
    } catch (error) {
        log("the report was not added to the case", { kind, caseId, error: errorCode(error), cause: String(error) });
    }
}

/** @param results whose manifest came; null: the last round is over */
async function report(prefix: string, results: string | null, incidentId: string): Promise<void> {
    const custody = await readCustody(prefix, incidentId);
    const sentTo = custody ? analysesOf(custody).map(({ resultsPrefix }) => resultsPrefix) : [];
    if (results !== null && !sentTo.includes(results)) return tellForged(prefix, results, incidentId, sentTo);
    if (!custody)
        throw new StepError(
            "The custody record is missing",
            `${prefix}${objectNames.custody}`,
            "The workflow writes it before the analysis; look at the incident's execution.",
        );
    const reported = await getJson(`${prefix}${objectNames.report}`, reportSchema);
    if (reported)
        return results === null ? log("report was sent before", { incidentId }) : tellChanged(prefix, results, incidentId, reported.value);
    if (results !== null && (custody.evidence.rounds ?? 1) > 1)
        return log("the report follows the last round", { incidentId, results, rounds: custody.evidence.rounds });
    const input = await readInput(prefix, custody);
    if (input === null)
        throw new StepError(
            "No round of the analysis left results",
            prefix,
            "What each failed of was told; npm run resume begins them anew.",
        );
    const reading = read(input, environment("OWN_NETWORKS"), environment("RESPONDER_ROLE_NAME"));
    const { assessment } = reading;
    const page = await putObject(`${prefix}${objectNames.reportPage}`, renderReport(input, reading), {
        contentType: "text/html; charset=utf-8",
        onlyIfAbsent: true,
    });
    const event = ocsfFinding(input, reading);
    // Beside the page: for tickets, for hunting elsewhere, for threat intelligence platforms. A page that stands was made of the same results.
    for (const [name, body, contentType] of [
        [objectNames.reportMarkdown, reportMarkdown(input, reading), "text/markdown; charset=utf-8"],
        [
            objectNames.indicators,
            JSON.stringify(indicatorsFile(input.custody.incident, reading.indicators, reading.exposure), null, 2),
            "application/json",
        ],
        [objectNames.ocsf, JSON.stringify(event, null, 2), "application/json"],
        [objectNames.indicatorsStix, JSON.stringify(stixBundle(input, reading), null, 2), "application/stix+json;version=2.1"],
    ] as const)
        await putObject(`${prefix}${name}`, body, { contentType, onlyIfAbsent: true });
    const result: Report = reportSchema.parse({
        schemaVersion: 1,
        incidentId,
        page: page.ref,
        complete: assessment.complete,
        intact: assessment.intact,
        findingsBySeverity: input.findings?.counts ?? noCounts(),
        manifestSha256: input.manifest.ref.sha256,
        furtherManifests: input.manifest.further?.map(({ sha256 }) => sha256),
        at: input.generatedAt,
    });
    const { incident } = input.custody;
    const ticket = (await getJson(`${prefix}${objectNames.ticket}`, ticketSchema))?.value ?? null;
    const caseId = ticket?.caseId ?? null;
    const told = await tell(
        reportMessage({
            incident,
            findings: input.custody.findings,
            reading,
            neverLookedAt: neverLookedAtWords(input),
            report: result,
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
    if (caseId !== null)
        await addToCase(ticket?.kind ?? "support-case", caseId, incident.finding.partition, reportMarkdown(input, reading));
    await putJson(`${prefix}${objectNames.report}`, result, { onlyIfAbsent: true });
    log("report sent", { incidentId, complete: result.complete, intact: result.intact, told, newPage: page.written });
}

/** Tells people of results that must not be, once for each subject. */
async function recordAnomaly(prefix: string, incidentId: string, error: string, cause: string, subject: string): Promise<void> {
    const digest = createHash("sha256").update(subject).digest("hex").slice(0, 16);
    const problem = problemSchema.parse({
        schemaVersion: 1,
        incidentId,
        instance: null,
        step: "SendReport",
        error,
        cause,
        at: new Date().toISOString(),
    });
    await putJson(`${prefix}${anomalyRecord("SendReport", digest)}`, problem, { onlyIfAbsent: true });
    log("results were not accepted", { incidentId, error, cause });
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
