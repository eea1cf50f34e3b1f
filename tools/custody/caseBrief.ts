/** One page for counsel: what is known, what is not, who knew when, what data is at risk, who had the evidence. Pure. */
import type { Custody, Evidence, Report } from "../../functions/domain/containers";
import type { CustodyEntry } from "../../functions/domain/custody/custodyLog";
import type { Verdict } from "../../functions/domain/custody/verifyCase";
import type { AnalysisSummary } from "../../functions/domain/analysisOutputs";
import { bytes } from "../../functions/domain/report/format";
import { visible } from "../../functions/domain/visibleText";

export interface BriefInput {
    incidentId: string;
    custody: Custody | null;
    /** Every edition, the first one first. */
    reports: readonly Report[];
    summary: AnalysisSummary | null;
    /** The check of the case, as it lies in the bucket. */
    verdict: Verdict;
    /** Names of the error records. */
    errors: string[];
    at: string;
}

/** Who touched the evidence, in the order of their first entry: how often, from when to when. */
export function handlers(entries: readonly CustodyEntry[]): { who: string; entries: number; first: string; last: string }[] {
    const found = new Map<string, { who: string; entries: number; first: string; last: string }>();
    for (const { who, at } of entries) {
        const name = who ?? "not recorded (found by the seal: a forensic instance's results, or error records of the workflow)";
        const known = found.get(name) ?? { who: name, entries: 0, first: at, last: at };
        found.set(name, { ...known, entries: known.entries + 1, last: at });
    }
    return [...found.values()];
}

/** With the lock as the newest seal has it: a hold extends what the custody record says. */
function volumeLine({ volumeId, device, sizeGiB, evidenceSnapshotId, lock }: Evidence["snapshots"][number], verdict: Verdict): string {
    const sealed = verdict.manifest?.snapshots.find(({ snapshotId }) => snapshotId === evidenceSnapshotId);
    const now = sealed ? sealed.lock : lock;
    return `${volumeId} (${device}, ${sizeGiB} GiB): ${evidenceSnapshotId}, ${now ? `locked (${now.mode}) until ${now.expiresAt}` : "NOT locked"}`;
}

function known({ custody, reports, summary, verdict }: BriefInput): string[] {
    const report = reports.at(-1);
    const containment = custody?.containment;
    const counted = Object.entries(report?.findingsBySeverity ?? {}).filter(([, number]) => number > 0);
    return [
        ...(custody
            ? custody.findings.map(
                  (each) => `${visible(each.type)}, severity ${each.severity}, seen ${each.seenAt ?? "at an unknown time"}`,
              )
            : []),
        containment
            ? containment.contained
                ? `The instance was cut off the network at ${containment.containedAt}, read back on every interface.`
                : `The instance is NOT known to be cut off: ${containment.outcome}.`
            : "Nothing is recorded of containment.",
        ...(custody ? custody.evidence.snapshots.map((each) => volumeLine(each, verdict)) : []),
        report
            ? `The disks were analysed (${report.at}${(report.edition ?? 1) > 1 ? `, edition ${report.edition} of the report` : ""}): ${counted.length > 0 ? counted.map(([severity, number]) => `${number} ${severity}`).join(", ") : "no findings"}.`
            : "There is no report of an analysis.",
        ...reports
            .slice(0, -1)
            .map(
                ({ edition = 1, at, page }) =>
                    `An earlier report, edition ${edition} of ${at}, stays as evidence: s3://${page.bucket}/${page.key}.`,
            ),
        ...(summary?.operatingSystem?.hostname ? [`The instance called itself ${visible(summary.operatingSystem.hostname)}.`] : []),
    ];
}

function unknown({ custody, reports, summary, errors }: BriefInput): string[] {
    const report = reports.at(-1);
    return [
        ...(custody === null ? ["No custody record was written: the analysis had not begun."] : []),
        ...(custody?.evidence.missing ?? []).map(({ volumeId, why }) => `${volumeId} is not preserved: ${visible(why)}`),
        ...(custody?.containment?.uncut ?? []).map((path) => `May still be connected by ${visible(path)}`),
        ...(report && !report.complete ? ["The analysis did not look at everything; the report names what."] : []),
        ...(report && !report.intact ? ["The analysis found evidence that is not as it was taken."] : []),
        ...(summary?.notLookedAt ?? []).slice(0, 20).map(({ what, why }) => `${visible(what)} was not looked at: ${visible(why)}`),
        ...errors.map((name) => `A step failed: ${name}`),
        "What left the instance over the network before it was cut off: flow logs and CloudTrail data events say, where they are kept.",
    ];
}

function atRisk({ custody, summary }: BriefInput): string[] {
    const role = custody?.containment?.steps.some(({ name }) => /credential/i.test(name));
    return [
        ...(summary?.volumes ?? []).map(
            ({ volumeId, sizeBytes, fileSystems }) =>
                `${volumeId}: ${bytes(sizeBytes)}, ${fileSystems.reduce((sum, one) => sum + one.filesSeen, 0)} files, all readable by whoever had the instance`,
        ),
        role
            ? "What the instance's role may reach: its credentials were denied at containment, and were usable before."
            : "What the instance's role may reach, if it had one.",
    ];
}

/** The page, as lines of text. */
export function caseBrief(input: BriefInput): string[] {
    const { incidentId, custody, verdict, at } = input;
    const incident = custody?.incident;
    const section = (heading: string, lines: string[]) => [
        "",
        heading.toUpperCase(),
        ...(lines.length > 0 ? lines : ["nothing"]).map((each) => `  - ${each}`),
    ];
    return [
        `CASE ${incidentId}, as of ${at}`,
        incident
            ? `Instance ${incident.instance.instanceId} of account ${incident.instance.accountId} in ${incident.instance.region}`
            : "The incident's own record is not there.",
        ...section("When aware", [
            ...(incident?.finding.createdAt ? [`The detector made its finding at ${visible(incident.finding.createdAt)}.`] : []),
            ...(incident ? [`This program took it up at ${incident.openedAt}: people were told from then on.`] : []),
        ]),
        ...section("Known", known(input)),
        ...section("Not known", unknown(input)),
        ...section("Data at risk", atRisk(input)),
        ...section(
            "Who had the evidence",
            handlers(verdict.entries).map((each) => `${visible(each.who)}: ${each.entries} entries, ${each.first} to ${each.last}`),
        ),
        ...section("Whether it can be relied on", [
            verdict.wrong ? `NO: ${verdict.wrong.what} (${verdict.wrong.where})` : `Checked now: ${verdict.lookedAt.join("; ")}.`,
            verdict.signedBy,
        ]),
    ];
}
