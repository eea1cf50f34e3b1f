/**
 * Every object of an incident in the evidence bucket, by its name below the incident's prefix. docs/architecture.md lists them
 * with what they hold. The bucket notifications that start sendReport and sendErrorNotification are made from this list too.
 */
import type { ReportedStep } from "./steps";

/** The key prefix of an incident's objects. */
export const incidentPrefix = (incidentId: string): string => `incidents/${incidentId}/`;
/** All incidents' prefixes begin with it. */
export const incidentsRoot = "incidents/";

/** The key prefix of a message that opened no incident. @param digest of the message */
export const refusedPrefix = (digest: string): string => incidentPrefix(`refused/${digest}`);

/** The key prefix of what waits because the brake holds: `messages/` byte for byte, and below each telling's name what people are told. */
export const heldPrefix = incidentPrefix("held");
/** The key prefix of one telling. @param name of the limit, the window and the tier (domain/brake.ts) */
export const heldTelling = (name: string): string => incidentPrefix(`held/${name}`);

/** Names below the incident's prefix. */
export const objectNames = {
    /** The instance before the first change; what a release puts back. */
    restoreRecord: "restore-record.json",
    /** The instance as it was read, where nothing was changed. */
    observedInstance: "observed-instance.json",
    /** What containment put in place, and how each of its steps ended. */
    containment: "containment.json",
    /** The acquisition volume, as EC2 answered its id: written before it is attached. There is none where memory is not taken. */
    acquisitionVolume: "acquisition-volume.json",
    /** The volumes that must be preserved, as they were when the incident first looked. */
    victimVolumes: "victim-volumes.json",
    /** Forensic instance and Run Command id of the analysis that was sent. */
    analysisCommand: "analysis-command.json",
    /** The AWS Support case; there is none where support cases are off. */
    ticket: "ticket.json",
    /** What the report needs besides the analysis' own outputs. */
    custody: "custody.json",
    /** What was told of the first look, and when; written last. */
    firstLookTold: "report/first-look-told.json",
    reportPage: "report/report.html",
    /** The report in short, for tickets. */
    reportMarkdown: "report/report.md",
    /** Indicators as `npm run hunt` reads them, and as STIX 2.1. */
    indicators: "report/indicators.json",
    indicatorsStix: "report/indicators.stix.json",
    /** The result as an OCSF Detection Finding. */
    ocsf: "report/finding.ocsf.json",
    /** Written last: an incident with it has been told of its report. Later editions: {@link reportNames}. */
    report: "report/report.json",
} as const;

/** Prefixes below the incident's prefix that hold any number of objects. */
export const objectPrefixes = {
    /** Results of analyses: see {@link resultsPrefix}. */
    analysis: "analysis/",
    /** What runAnalysis wrote of each analysis that ended well ({@link endedAnalysis}): no forensic host may write there. */
    ended: "analysis-ended/",
    /** Findings that joined the incident. */
    findings: "findings/",
    /** The messages that its findings came in, byte for byte. */
    messages: "messages/",
    releases: "releases/",
    /** The ids of the snapshots that we made, as EC2 answered them: see {@link pinObject}. */
    preservation: "preservation/",
    errors: "errors/",
    /** The metadata of the moment: an object a part, and an index ({@link metadataObject} in domain/metadata/metadataIndex.ts). */
    metadata: "metadata/",
    /** What the daily look at the evidence told people, each once. */
    upkeep: "upkeep/",
    /** What the watch found not as containment left it, and what it did about it. */
    watch: "watch/",
    report: "report/",
    /** The chain of custody (domain/custody/). */
    custody: "custody/",
    custodyLog: "custody/log/",
    custodySeals: "custody/seals/",
} as const;

/** A segment of the custody log. @param number 1 for the first */
export const custodySegment = (number: number): string => `${objectPrefixes.custodyLog}${String(number).padStart(8, "0")}.jsonl`;
/** A seal of the case. @param number 1 for the first */
export const custodySeal = (number: number): string => `${objectPrefixes.custodySeals}${String(number).padStart(4, "0")}.dsse.json`;
/** The public key of a seal. @param fingerprint as the seal names it: `SHA256:` and 64 hexadecimal digits */
export const custodyKey = (fingerprint: string): string =>
    `${objectPrefixes.custody}public-key-${fingerprint.replace("SHA256:", "").slice(0, 16)}.pem`;
/** Says how to check a case. */
export const custodyReadme = `${objectPrefixes.custody}README.txt`;

/**
 * Where one forensic instance writes its results: S3 lets it write below its own identity alone, so that no other one can put
 * results there.
 *
 * @param userId `aws:userid` of the instance's credentials: the role's unique id, a colon, and the instance's id
 */
export const resultsPrefix = (userId: string): string => `${objectPrefixes.analysis}${userId}/`;

/** Names below the results' prefix, as the analysis writes them (analysis/README.md). */
export const resultNames = {
    /** Written last; its creation starts the report. */
    manifest: "manifest.sha256",
    /** What the artefacts say, long before the rest; its creation tells people. */
    firstLook: "first-look.json",
    summary: "summary.json",
    findings: "findings.jsonl",
    timeline: "timesketch.jsonl.gz",
    /** Prefix of what an analysis that ended early had written. */
    partial: "partial/",
} as const;

/** What was told of the first look of one round of the analysis (domain/planRounds.ts). @param round 1 for the first */
export const firstLookTold = (round: number): string =>
    round === 1 ? objectNames.firstLookTold : `${objectPrefixes.report}first-look-told.round-${round}.json`;

/** That the analysis on a forensic instance ended well. @param instanceId the instance's */
export const endedAnalysis = (instanceId: string): string => `${objectPrefixes.ended}${instanceId}.json`;

/** What one edition of the report consists of. The first has the names in {@link objectNames}. @param edition 1 for the first */
export function reportNames(edition: number) {
    const { reportPage, reportMarkdown, indicators, indicatorsStix, ocsf, report } = objectNames;
    const name = (first: string) =>
        edition === 1 ? first : first.replace(objectPrefixes.report, `${objectPrefixes.report}edition-${edition}/`);
    return {
        page: name(reportPage),
        markdown: name(reportMarkdown),
        indicators: name(indicators),
        indicatorsStix: name(indicatorsStix),
        ocsf: name(ocsf),
        record: name(report),
    };
}
/** The records of all editions, as IAM has them. */
export const reportRecords: readonly string[] = [objectNames.report, `${objectPrefixes.report}edition-*/report.json`];
const recordName = /^report\/(?:edition-(?<edition>[1-9]\d{0,3})\/)?report\.json$/;
/** @returns which edition the record of that name is of; null where it is none's */
export function editionOf(name: string): number | null {
    const found = recordName.exec(name);
    return found && Number(found.groups!.edition ?? 1);
}

/** A finding that joined the incident. @param digest of the finding, so that a repeated one takes the same name */
export const joinedFinding = (digest: string): string => `${objectPrefixes.findings}${digest}.json`;
/** The pin of one snapshot; written once. @param stage of domain/planPreservation.ts @param generation 1 for the first */
export const pinObject = (volumeId: string, stage: string, generation: number): string =>
    `${objectPrefixes.preservation}${volumeId}/${stage}.${generation}.json`;
/** A message as it was received. @param sha256 of its bytes, so that the name alone says what it must contain */
export const receivedMessage = (sha256: string): string => `${objectPrefixes.messages}${sha256}.json`;
/** What one release did. @param releasedAt ISO 8601 */
export const releaseRecord = (releasedAt: string): string => `${objectPrefixes.releases}${releasedAt}.json`;
/** What the daily look at the evidence told. @param digest of what was told, so that the same is told once */
export const upkeepRecord = (kind: string, digest: string): string => `${objectPrefixes.upkeep}${kind}.${digest}.json`;
/** What one look of the watch found. @param at ISO 8601 */
export const watchRecord = (at: string): string => `${objectPrefixes.watch}${at}.json`;
/** The ending by which the bucket knows an error record. */
export const errorEnding = ".error.json";
/** The record of something that must not be, told once for each digest. */
export const anomalyRecord = (step: ReportedStep, digest: string): string => `${objectPrefixes.errors}${step}.${digest}${errorEnding}`;
/** The record of a step that failed. */
export const errorRecord = (step: ReportedStep): string => `${objectPrefixes.errors}${step}${errorEnding}`;
