/**
 * Editions of a report: what came since the last one, and what a newer one says is new in it. Pure.
 *
 * A report is of certain results, each known by where it lies and by its manifest's hash. Results that no edition is of make a newer one; results that
 * an edition is of, and which have another hash by now, were touched, and make none.
 */
import { severities } from "../analysisOutputs";
import { sha256Of } from "../custody/custodyLog";
import type { ObjectRef, Report } from "../containers";
import { snapshotsOf, type Analysed } from "../planRounds";
import { count, time } from "./format";

/** Results that lie in the bucket. */
export interface FoundResults extends Analysed {
    /** Of the manifest. */
    sha256: string;
}

export interface SinceReports<Found> {
    /** In no edition. */
    fresh: Found[];
    /** In an edition, and altered since. */
    changed: Found[];
}

/** @param reports every edition that people were told of */
export function sinceReports<Found extends FoundResults>(reports: readonly Report[], found: readonly Found[]): SinceReports<Found> {
    const known = new Map(reports.flatMap(({ results = [] }) => results.map((one) => [one.resultsPrefix, one.sha256])));
    // Records of before name hashes alone.
    const older = reports.filter(({ results }) => results === undefined);
    const hashes = new Set(older.flatMap(({ manifestSha256, furtherManifests = [] }) => [manifestSha256, ...furtherManifests]));
    const since: SinceReports<Found> = { fresh: [], changed: [] };
    for (const one of found) {
        const reported = known.get(one.resultsPrefix);
        if (reported === one.sha256 || (reported === undefined && hashes.has(one.sha256))) continue;
        if (reported !== undefined || (older.length > 0 && one.sentAt === undefined)) since.changed.push(one);
        else since.fresh.push(one);
    }
    return since;
}

/** The manifest's hash that reports stand for; of records of before, which do not say whose each is, all of them. */
export function reportedHash(reports: readonly Report[], resultsPrefix: string): string[] {
    const named = reports.flatMap(({ results = [] }) => results).find((one) => one.resultsPrefix === resultsPrefix);
    return named ? [named.sha256] : reports.flatMap(({ manifestSha256, furtherManifests = [] }) => [manifestSha256, ...furtherManifests]);
}

/** Of which results a page is: it stands in the page, so that one that an attempt left behind is known for what it is. */
export const resultsDigest = (manifests: readonly Pick<ObjectRef, "key" | "sha256">[]): string =>
    sha256Of(
        manifests
            .map(({ key, sha256 }) => `${sha256}  ${key}\n`)
            .sort()
            .join(""),
    );

/** What a report says of the one that it takes the place of. */
export interface Edition {
    /** 2 for the second that people are told of. */
    number: number;
    /** Of the one before: its number, ISO 8601, and where its page lies. */
    before: { number: number; at: string; page: string };
    /** Sentences. */
    news: string[];
}

/** What {@link editionAfter} compares with the report before. */
export type Judged = Pick<Report, "complete" | "intact" | "findingsBySeverity">;

/** @param fresh results that no edition was of @param missing results that the last edition was of, and this one is not @param changed altered ones */
export function editionAfter(
    before: Report,
    number: number,
    now: Judged,
    { fresh, changed }: SinceReports<FoundResults>,
    missing: readonly string[],
): Edition {
    const named = (volumes: readonly string[]) =>
        `${count(volumes.length, "volume")} (${volumes.slice(0, 20).join(", ")}${volumes.length > 20 ? " and more" : ""})`;
    const volumesOf = ({ host }: FoundResults) => {
        const read = new Set(snapshotsOf({ host }));
        return [...new Set(host.volumes.filter(({ snapshotId }) => read.has(snapshotId)).map(({ sourceVolumeId }) => sourceVolumeId))];
    };
    const counts = severities
        .map((severity) => ({ severity, by: (now.findingsBySeverity[severity] ?? 0) - (before.findingsBySeverity[severity] ?? 0) }))
        .filter(({ by }) => by !== 0)
        .map(({ severity, by }) => `${by > 0 ? `${by} more` : `${-by} fewer`} ${severity}`);
    const judged = (is: boolean, was: boolean, yes: string, no: string) =>
        is === was ? [] : [is ? `${yes} now, which was not so in the one before.` : `${no} now, which was not so in the one before.`];
    return {
        number,
        before: { number: before.edition ?? 1, at: before.at, page: `s3://${before.page.bucket}/${before.page.key}` },
        news: [
            ...fresh.map((one) => `Analysed since, on ${one.host.instanceId}: ${named(volumesOf(one))}.`),
            counts.length > 0
                ? `Findings, compared with the one before: ${counts.join(", ")}.`
                : "As many findings of each severity as before.",
            ...judged(now.complete, before.complete, "Every planned check is done", "Not every planned check is done"),
            ...judged(now.intact, before.intact, "Everything is shown to be intact", "Not everything is shown to be intact"),
            ...missing.map((prefix) => `Not in it: the results below ${prefix}, which only the one before has.`),
            ...changed.map(({ resultsPrefix }) => changedSince(resultsPrefix)),
        ],
    };
}

/** What a newer report says of altered results that it reads all the same. */
export const changedSince = (resultsPrefix: string): string =>
    `The manifest below ${resultsPrefix} is another one than at the time of an earlier report: somebody wrote it again.`;

/** In a sentence, for page, ticket and message. */
export const editionSentence = ({ number, before }: Edition): string =>
    `This is edition ${number} of the report. It takes the place of edition ${before.number} of ${time(before.at)}, which stays as evidence: ${before.page}.`;
