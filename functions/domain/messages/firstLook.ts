/** The message of the first look: what the artefacts say minutes into an analysis that goes on for hours. Pure. */
import { severities } from "../analysisOutputs";
import type { Containment, Incident, SeenFinding, Ticket } from "../containers";
import type { FirstLook } from "../firstLook";
import { agreement } from "../report/agreement";
import { impacts, type Impact } from "../report/impact";
import { factsOf } from "../report/facts";
import { containmentSentence } from "../report/reportVerdict";
import { storyLines } from "../report/storySection";
import { instanceLink, prefixLink } from "./consoleLinks";
import { drill, incidentFacts, otherFindingsSection, uncutSection, where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";
import { caseFacts, caseLinks } from "./ticket";

export interface FirstLookNews {
    incident: Incident;
    containment: Containment | null;
    /** All findings of the incident. */
    findings: readonly SeenFinding[];
    /** The case with AWS; null when there is none by now. */
    ticket: Pick<Ticket, "kind" | "caseId" | "displayId"> | null;
    look: FirstLook;
    /** Bucket that it lies in. */
    bucket: string;
    /** Which of the rounds it is of, where one forensic instance does not take all volumes. */
    rounds?: { round: number; of: number };
}

/** Findings told. */
const most = 10;
/** Private addresses in what was found: where an intruder may have gone from here. */
const internalAddress = /\b(10(\.\d{1,3}){3}|192\.168(\.\d{1,3}){2}|172\.(1[6-9]|2\d|3[01])(\.\d{1,3}){2})\b/g;

function headline(counts: Record<string, number>): string {
    const grave = (counts.critical ?? 0) + (counts.high ?? 0) > 0;
    if (grave) return "signs of compromise";
    return (counts.medium ?? 0) > 0 ? "suspicious, a person has to judge" : "nothing grave so far";
}

const impactLine = ({ label, certainty, sentence }: Impact) => `${label} – ${certainty}: ${sentence}`;

function spread({ incident, look }: FirstLookNews): string {
    const others = incident.finding.instances.filter(({ instanceId }) => instanceId !== incident.instance.instanceId);
    const internal = [...new Set(look.findings.flatMap(({ evidence }) => evidence.match(internalAddress) ?? []))].slice(0, 10);
    const named = [
        ...(others.length > 0 ? [`the alert also names ${others.length} other instances`] : []),
        ...(internal.length > 0 ? [`what was found names internal addresses (${internal.join(", ")})`] : []),
    ];
    return named.length > 0
        ? `${named.join(", and ").replace(/^./, (first) => first.toUpperCase())}. Look at them next.`
        : "Neither the alert nor what was found so far names another instance, which does not exclude one.";
}

/** Tells of the first look. Says that nothing of it is verified yet: the manifest comes with the results. */
export function firstLookMessage(news: FirstLookNews): Message {
    const { incident, containment, findings, ticket, look, bucket } = news;
    const place = { partition: incident.finding.partition, region: incident.instance.region };
    const counts = look.findingsBySeverity;
    const { sentence } = agreement(incident.finding, look.findings, false);
    const consequences = impacts(look.findings);
    const grave = (counts.critical ?? 0) + (counts.high ?? 0) > 0;
    const contained = containment?.contained ?? false;
    const told = storyLines(factsOf(look.findings));
    const whole = `in first-look.json under ${incident.prefix}analysis/ of the evidence bucket`;
    return {
        tone: grave || !contained ? "danger" : "warning",
        title: `${drill(incident)}First look: ${headline(counts)} – ${where(incident.instance)}`,
        summary: `${look.seconds < 120 ? `${Math.round(look.seconds)} s` : `${Math.round(look.seconds / 60)} min`} into the analysis of the disks${news.rounds ? `, round ${news.rounds.round} of ${news.rounds.of}: the other rounds' volumes are not looked at here` : ""}. ${sentence}`,
        whatWeDid: containmentSentence(containment),
        whatNow: [
            ...(contained ? [] : ["Contain the instance now: see the message about its isolation."]),
            ...(consequences.some(({ kind, certainty }) => kind === "credentials" && certainty !== "unknown")
                ? ["Replace every secret that this instance could read, its role's sessions among them. Do not wait for the report."]
                : []),
            ...(grave
                ? [
                      `Look for the same addresses, keys and paths on the instances that share its image, group or role: npm run hunt -- ${incident.incidentId} --siblings lists them once the report is there.`,
                  ]
                : []),
            "Wait for the report before you call it clean: content of files, hashes and the sum over the disk are still running.",
        ],
        runbook: runbookHeadings.firstLook,
        facts: [
            ...incidentFacts(incident),
            ...caseFacts(ticket),
            { label: "So far", value: severities.map((severity) => `${counts[severity] ?? 0} ${severity}`).join(", ") },
            ...(look.operatingSystem
                ? [
                      {
                          label: "System",
                          value:
                              [look.operatingSystem.hostname, look.operatingSystem.name, look.operatingSystem.version]
                                  .filter((each) => each)
                                  .join(" ") || "unknown",
                      },
                  ]
                : []),
        ],
        sections: [
            { heading: "What it means so far", items: consequences.map(impactLine) },
            {
                heading: "The gravest findings so far",
                items: [
                    ...told
                        .slice(0, most)
                        .map(
                            ({ severity, title, paths, attack }) =>
                                `${severity}: ${title}${paths.length === 0 ? "" : ` – ${paths.slice(0, 3).join(", ")}${paths.length > 3 ? ` and ${paths.length - 3} more` : ""}`}${attack.length > 0 ? ` (${attack.join(", ")})` : ""}`,
                        ),
                    ...(told.length > most ? [`and ${told.length - most} less grave ones, ${whole}`] : []),
                ],
            },
            uncutSection(containment),
            { heading: "Spread", items: [spread(news)] },
            otherFindingsSection(incident, findings),
            {
                heading: "Still running",
                items: [
                    "The content of every file against the rules for malware, the hash of every byte of the evidence, the timeline, and the sum over the disk. The report follows by itself.",
                    "The first look is not verified against a manifest yet: the report will be.",
                    ...(look.malformed > 0 ? [`${look.malformed} findings of the first look could not be understood.`] : []),
                ],
            },
        ],
        whole,
        links: [
            instanceLink(place, incident.instance.accountId, incident.instance.instanceId),
            prefixLink(place, bucket, incident.prefix),
            ...caseLinks(ticket, incident.finding.partition),
        ],
    };
}
