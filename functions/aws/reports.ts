/** The editions of an incident's report, by their records: an edition whose record is not there was never told. Whoever reads them may read `reportRecords`. */
import { reportSchema, type Report } from "../domain/containers";
import { editionOf, objectPrefixes, reportNames } from "../domain/evidenceKeys";
import { getJson, listKeys } from "./evidenceBucket";

async function editions(prefix: string): Promise<number[]> {
    const keys = await listKeys(`${prefix}${objectPrefixes.report}`);
    return keys.flatMap((key) => editionOf(key.slice(prefix.length)) ?? []).sort((left, right) => left - right);
}

/** Every edition, the first one first. @param prefix the incident's */
export async function readReports(prefix: string): Promise<Report[]> {
    const reports: Report[] = [];
    for (const edition of await editions(prefix)) {
        const record = await getJson(`${prefix}${reportNames(edition).record}`, reportSchema);
        if (record) reports.push(record.value);
    }
    return reports;
}

/** What the newest edition's objects are called. @returns null where people were told of no report */
export async function newestNames(prefix: string): Promise<ReturnType<typeof reportNames> | null> {
    const newest = (await editions(prefix)).at(-1);
    return newest === undefined ? null : reportNames(newest);
}

/** Whether an edition is of results. Records of before do not say of which they are: theirs are taken to be. */
export const isReported = (reports: readonly Report[], resultsPrefix: string): boolean =>
    reports.some(({ results }) => results === undefined || results.some((one) => one.resultsPrefix === resultsPrefix));
