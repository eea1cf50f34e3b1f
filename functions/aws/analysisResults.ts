/** Reads what the analyses of an incident left, and holds it against their manifests. */
import { analysisSummarySchema, type AnalysisSummary } from "../domain/analysisOutputs";
import type { Custody, ObjectRef } from "../domain/containers";
import { resultNames } from "../domain/evidenceKeys";
import { joinSummaries } from "../domain/joinSummaries";
import {
    listedName,
    parseManifest,
    verifyEntry,
    type FoundObject,
    type Manifest,
    type RequiredOutput,
    type VerifiedObject,
} from "../domain/manifest";
import { failedRounds, roundOf, type Analysed } from "../domain/planRounds";
import type { ReportInput } from "../domain/report/assessment";
import { changedSince, type FoundResults } from "../domain/report/edition";
import { findingCollector, type FindingsRead } from "../domain/report/findingLines";
import { timelineCollector, type TimelineRead } from "../domain/report/timelineLines";
import { errorCode, isNotFound } from "./errors";
import { getObject, hashObject } from "./evidenceBucket";
import { log } from "./handler";
import { findingsOf } from "./incidentsTable";
import { readKeptMoment } from "./metadata/keptMoment";
import { readLines } from "./objectLines";

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
export interface Results extends FoundResults {
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

/** @param prefix the incident's @returns null where the analysis left no manifest */
async function readResults(prefix: string, analysed: Analysed): Promise<Results | null> {
    const folder = `${prefix}${analysed.resultsPrefix}`;
    try {
        const { ref, body } = await getObject(`${folder}${resultNames.manifest}`);
        return { ...analysed, sha256: ref.sha256, folder, ref, manifest: parseManifest(body.toString("utf8")) };
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** The analyses that left a manifest. @param prefix the incident's */
export async function readManifests(prefix: string, analyses: readonly Analysed[]): Promise<Results[]> {
    const found: Results[] = [];
    for (const each of analyses) {
        const results = await readResults(prefix, each);
        if (results) found.push(results);
    }
    return found;
}

/** @param results at least one @param changed those of them that are not as an earlier report has them */
export async function readInput(
    prefix: string,
    recorded: Custody,
    results: readonly [Results, ...Results[]],
    changed: readonly Results[],
): Promise<ReportInput> {
    const [first, ...further] = results;
    const findings = await findingsOf(recorded.incident.incidentId);
    // Findings may have joined since the custody record was written.
    const custody = { ...recorded, findings: findings.length > 0 ? findings : recorded.findings };
    const { objects, ...outputs } = await readOutputs(results);
    const moment = await readKeptMoment(prefix);
    const failed = failedRounds(custody.evidence, new Set(results.map(({ host }) => roundOf(host))));
    return {
        custody,
        ...outputs,
        moment,
        ...(failed.length > 0 ? { failedRounds: failed } : {}),
        manifest: {
            ref: first.ref,
            ...(further.length > 0 ? { further: further.map(({ ref }) => ref) } : {}),
            objects,
            problems: [
                ...results.flatMap(({ manifest }) => manifest.problems),
                ...changed.map(({ resultsPrefix }) => changedSince(resultsPrefix)),
            ],
        },
        generatedAt: new Date().toISOString(),
    };
}
