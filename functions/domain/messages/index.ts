/** The messages that people get: of isolation, of release, of the report, of a failed step. Pure; sending is functions/aws/people.ts. */
import { severities, type DiskFinding } from "../analysisOutputs";
import type { Containment, Incident, InstanceRef, Problem, Release, Report } from "../containers";
import type { Assessment } from "../report/assessment";
import { findingSeverity } from "../report/format";
import { findingLink, instanceLink, objectLink, prefixLink, securityGroupLink } from "./consoleLinks";
import type { Fact, Message } from "./message";
import { runbookHeadings, stepHeading } from "./runbook";
import { advisedSteps, situation, type KnownFacts } from "../stepAdvice";
import { containmentSentence, type Verdict } from "../report/reportVerdict";

export { checkSlackPayload } from "../channels/slack/limits";
export { toPlainText } from "../channels/plainText";
export { toSlack, type SlackPayload } from "../channels/slack/toSlack";

const where = ({ instanceId, accountId, region }: InstanceRef): string => `${instanceId} in account ${accountId}, ${region}`;
const drill = ({ finding }: Incident): string => (finding.sample ? "[Drill] " : "");

function incidentFacts({ finding, instance, incidentId }: Incident): Fact[] {
    return [
        { label: "Instance", value: instance.instanceId },
        { label: "Account", value: instance.accountId },
        { label: "Region", value: instance.region },
        { label: "Severity", value: `${findingSeverity(finding.severity)} (${finding.severity})` },
        { label: "Finding", value: finding.type },
        { label: "Incident", value: incidentId },
    ];
}

const outcomes: Record<Containment["steps"][number]["outcome"], string> = {
    done: "Done",
    "already-done": "Already done",
    "not-needed": "Not needed",
    failed: "FAILED",
    planned: "Not done, planned",
};

/** How the title of an isolation message begins. */
function isolationTitle(containment: Containment | null): string {
    if (containment?.contained) return "Contained";
    return containment?.outcome === "observed" ? "Observed, not contained, as configured" : "NOT contained";
}

/**
 * Tells of the isolation. Says "contained" only when every interface was read back so.
 *
 * @param containment null when containment failed before it could say what it did
 * @param ticket the support case's id; null while it is being opened, or when there is none
 */
export function isolationMessage(incident: Incident, containment: Containment | null, ticket: string | null = null): Message {
    const { instance, finding } = incident;
    const contained = containment?.contained ?? false;
    const observed = containment?.outcome === "observed";
    const line = ({ name, outcome, detail }: Containment["steps"][number]) =>
        `${outcomes[outcome]}: ${name}${detail ? ` – ${detail}` : ""}`;
    const isFailed = ({ outcome }: Containment["steps"][number]) => outcome === "failed";
    const steps = containment?.steps ?? [];
    const others = finding.instances.filter((each) => each.instanceId !== instance.instanceId);
    const place = { partition: finding.partition, region: instance.region };
    return {
        tone: "danger",
        title: `${drill(incident)}${isolationTitle(containment)}: ${where(instance)}`,
        summary: `${containmentSentence(containment)} ${finding.title}`,
        runbook: runbookHeadings[contained ? "contained" : observed ? "observed" : "notContained"],
        facts: [
            ...incidentFacts(incident),
            ...(containment ? [{ label: "VPC", value: containment.vpcId }] : []),
            { label: "Support case", value: ticket ?? "being opened beside this message" },
        ],
        sections: [
            // Before everything else and in a list of its own: a message shows only the beginning of a long list.
            { heading: "What failed: do it by hand now", items: steps.filter(isFailed).map(line) },
            { heading: "Who decided", items: containment?.decision ? [containment.decision.reason] : [] },
            {
                heading: observed ? "What containment would change" : "What was done",
                items: steps.filter((step) => !isFailed(step)).map(line),
            },
            {
                heading: "Network interfaces",
                items: (containment?.interfaces ?? []).map(
                    (each) =>
                        `${each.networkInterfaceId}: ${each.groupsBefore.join(", ") || "no group"} → ${each.groupsAfter.join(", ") || "no group"}`,
                ),
            },
            { heading: "What could not be cut", items: containment?.uncut ?? [] },
            { heading: "The same finding also names", items: others.map((each) => where(each)) },
            {
                heading: "What comes next",
                items: [
                    ...(observed
                        ? [`To contain it after all, send {"instanceId","accountId","region","reason"} to the findings topic.`]
                        : []),
                    ...(contained || observed
                        ? []
                        : ["Contain it by hand now: attach a security group without rules to every network interface, alone."]),
                    "Do not stop, reboot or terminate the instance: its memory is evidence too.",
                    "Snapshots of every volume are being taken; the report follows in this channel.",
                ],
            },
        ],
        links: [
            instanceLink(place, instance.instanceId),
            ...(containment?.isolationGroupId ? [securityGroupLink(place, containment.isolationGroupId)] : []),
            ...(finding.origin === "guardduty" ? [findingLink(place, finding.id)] : []),
        ],
    };
}

/** Tells of a release: what was put back, and what was left alone because somebody had changed it. */
export function releaseMessage({ incidentId, instance, forced, conflicts, steps, releasedAt }: Release, partition: string): Message {
    const putBack = steps.filter(({ outcome }) => outcome === "done");
    return {
        tone: "warning",
        title: `Released: ${where(instance)}`,
        summary: `${putBack.length === 0 ? "Nothing was left to put back: the instance is as it was before containment." : "The instance is as it was before containment, read back."}${forced ? " What was changed since was left alone." : ""} Its evidence stays.`,
        runbook: runbookHeadings.released,
        facts: [
            { label: "Instance", value: instance.instanceId },
            { label: "Account", value: instance.accountId },
            { label: "Region", value: instance.region },
            { label: "Incident", value: incidentId },
            { label: "At", value: releasedAt },
        ],
        sections: [
            { heading: "What was put back", items: putBack.map(({ name, detail }) => `${name} – ${detail}`) },
            { heading: "What was changed since, and left alone", items: conflicts },
        ],
        links: [instanceLink({ partition, region: instance.region }, instance.instanceId)],
    };
}

/** What the report's message is made of. */
export interface ReportNews {
    incident: Incident;
    verdict: Verdict;
    assessment: Assessment;
    /** The most severe findings, the first five of which are told. */
    top: readonly DiskFinding[];
    report: Report;
}

/** Tells of the report: the verdict, the counts, the worst findings and where the page is. */
export function reportMessage({ incident, verdict, assessment, top, report }: ReportNews): Message {
    const place = { partition: incident.finding.partition, region: incident.instance.region };
    const { bucket, key } = report.page;
    const counts = severities.map((severity) => `${report.findingsBySeverity[severity] ?? 0} ${severity}`).join(", ");
    return {
        tone:
            verdict.tone === "critical" || verdict.tone === "high"
                ? "danger"
                : verdict.tone === "medium" || !report.complete || !report.intact
                  ? "warning"
                  : "neutral",
        title: `${drill(incident)}Report: ${verdict.headline} – ${where(incident.instance)}`,
        summary: `${verdict.findings} ${verdict.containment} ${verdict.reliability}`,
        runbook: runbookHeadings.report,
        facts: [
            ...incidentFacts(incident),
            { label: "Complete", value: report.complete ? "yes" : "NO" },
            { label: "Intact", value: report.intact ? "yes" : "NO" },
            { label: "Findings", value: counts },
            { label: "Report", value: `s3://${bucket}/${key}` },
        ],
        sections: [
            {
                heading: "Most serious findings",
                items: top
                    .slice(0, 5)
                    .map(
                        ({ severity, title, path, attack }) =>
                            `${severity}: ${title}${path ? ` – ${path}` : ""}${attack.length > 0 ? ` (${attack.join(", ")})` : ""}`,
                    ),
            },
            { heading: "Not complete because", items: assessment.incomplete },
            { heading: "Not shown to be intact because", items: assessment.altered },
        ],
        links: [
            objectLink(place, "Open the report", bucket, key),
            prefixLink(place, bucket, incident.prefix),
            instanceLink(place, incident.instance.instanceId),
        ],
    };
}

/** Where the error record stands. */
export interface ErrorRecord {
    partition: string;
    region: string;
    bucket: string;
    key: string;
}

/** Tells of a failed step: what happened, to what, what to do, and how the instance and the evidence stand. */
export function errorMessage(problem: Problem, known: KnownFacts, record: ErrorRecord): Message {
    const { whatToDo, instance, evidence } = situation(problem.step, known);
    const nowhere = problem.incidentId === null ? "a message that could not be tied to an instance" : `incident ${problem.incidentId}`;
    const subject = problem.instance ? where(problem.instance) : nowhere;
    const refused = problem.step.toLowerCase() === "startincident";
    return {
        tone: known.containmentFailed || problem.step === "IsolateInstance" ? "danger" : "warning",
        title: refused ? `A message started no incident: ${subject}` : `A step of the response failed: ${subject}`,
        summary: `${problem.step}: ${problem.cause}`,
        runbook: refused
            ? runbookHeadings.refused
            : advisedSteps.includes(problem.step.toLowerCase())
              ? stepHeading(problem.step)
              : runbookHeadings.stepFailed,
        facts: [
            { label: "Step", value: problem.step },
            { label: "Error", value: problem.error },
            ...(problem.instance
                ? [
                      { label: "Instance", value: problem.instance.instanceId },
                      { label: "Account", value: problem.instance.accountId },
                      { label: "Region", value: problem.instance.region },
                  ]
                : []),
            ...(problem.incidentId === null ? [] : [{ label: "Incident", value: problem.incidentId }]),
            { label: "At", value: problem.at },
            { label: "Record", value: `s3://${record.bucket}/${record.key}` },
        ],
        sections: [
            { heading: "What to do", items: [whatToDo] },
            { heading: "State of the instance", items: [instance] },
            { heading: "State of the evidence", items: [evidence] },
        ],
        links: [
            ...(problem.instance
                ? [instanceLink({ partition: record.partition, region: problem.instance.region }, problem.instance.instanceId)]
                : []),
            objectLink(record, "Error record", record.bucket, record.key),
        ],
    };
}
