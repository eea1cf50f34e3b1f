/**
 * The verdict of a report: what was found, how the instance stands, how far the analysis can be relied on. A pure
 * planner. It never says "clean": what was not looked at cannot be, and what was looked at may hide what no check knows.
 */
import { severities, type Severity } from "../analysisOutputs";
import type { Containment } from "../containers";
import type { Assessment } from "./assessment";
import { credentialsLeft } from "../credentialsLeft";
import { stepWords } from "../stepWords";
import { count, list, time } from "./format";

export interface VerdictInput {
    counts: Record<Severity, number>;
    /** Title and path of the most severe finding; null when there is none. */
    worst: { title: string; path: string | null } | null;
    containment: Containment | null;
    assessment: Assessment;
}

/** How the headline is coloured: the worst severity found, or why there is none to show. */
export type Tone = Severity | "nothing-found" | "no-conclusion";

export interface Verdict {
    headline: string;
    tone: Tone;
    /** Three sentences. */
    findings: string;
    containment: string;
    reliability: string;
}

/** `3 critical and 2 high`, without the severities that have none. */
export function severityCounts(counts: Record<Severity, number>): string {
    return list(
        severities.filter((severity) => counts[severity] > 0).map((severity) => `${counts[severity].toLocaleString("en-GB")} ${severity}`),
    );
}

/** `12,345 files in 2 file systems on 2 volumes, by 12 checks`. */
export function lookedAtSentence({ lookedAt }: Assessment): string {
    const { files, fileSystems, volumes, checks } = lookedAt;
    return `${count(files, "file")} in ${count(fileSystems, "file system")} on ${count(volumes, "volume")}, by ${count(checks, "check")}`;
}

function headline(counts: Record<Severity, number>, assessment: Assessment): { headline: string; tone: Tone } {
    const worst = severities.find((severity) => counts[severity] > 0);
    if (worst === "critical" || worst === "high") return { headline: "Signs of compromise", tone: worst };
    if (worst === "medium") return { headline: "Suspicious: a person has to judge", tone: worst };
    if (!assessment.complete || !assessment.intact) return { headline: "No conclusion can be drawn", tone: "no-conclusion" };
    if (worst) return { headline: "Nothing conclusive found", tone: worst };
    return { headline: "Nothing suspicious found in what was looked at", tone: "nothing-found" };
}

function findingsSentence({ counts, worst, assessment }: VerdictInput): string {
    const total = severities.reduce((sum, severity) => sum + counts[severity], 0);
    if (total > 0) {
        const most = worst ? `; the most serious: ${worst.title}${worst.path ? ` (${worst.path})` : ""}` : "";
        return `${severityCounts(counts)} ${total === 1 ? "finding" : "findings"} in ${lookedAtSentence(assessment)}${most}.`;
    }
    if (assessment.lookedAt.files === 0) return "No file was looked at, so that there is no finding says nothing about the instance.";
    const caveat = assessment.complete
        ? "which does not prove that there is nothing to find"
        : "but not everything was looked at, so this says little";
    return `No finding in ${lookedAtSentence(assessment)}, ${caveat}.`;
}

/** How the instance stands, as the report and the messages say it. */
export function containmentSentence(containment: Containment | null): string {
    if (!containment) return "The instance is NOT known to be contained: containment failed, so treat it as still connected.";
    if (containment.outcome !== "contained") {
        const state =
            containment.outcome === "observed"
                ? "was observed, not contained, as configured"
                : "is NOT contained yet: a person's approval is awaited";
        return `The instance ${state}. Nothing was changed, so treat it as still connected. ${containment.decision?.reason ?? ""}`.trimEnd();
    }
    const failed = [...new Set(containment.steps.filter(({ outcome }) => outcome === "failed").map(({ name }) => stepWords(name)))];
    if (!containment.contained) {
        return `The instance is NOT contained${failed.length > 0 ? ` (failed: ${list(failed)})` : ""}: treat it as still connected.`;
    }
    const interfaces = containment.interfaces.length;
    const carry =
        interfaces === 1 ? "its network interface carries" : `${interfaces === 2 ? "both" : `all ${interfaces}`} network interfaces carry`;
    const when = containment.containedAt ? ` since ${time(containment.containedAt)}` : "";
    const uncut = containment.uncut.length > 0 ? `, but ${count(containment.uncut.length, "path")} could not be cut` : "";
    return `The instance is contained${when}: ${carry} only the isolation group ${containment.isolationGroupId}${uncut}.${
        credentialsLeft(containment).length > 0 ? " Its credentials are NOT cut: whoever holds them goes on in AWS." : ""
    }${failed.length > 0 ? ` Not everything was done (failed: ${list(failed)}).` : ""}`;
}

function reliabilitySentence({ complete, incomplete, intact, altered, lookedAt }: Assessment): string {
    const hashes = `${count(lookedAt.hashedVolumes, "evidence volume")} unchanged and ${count(lookedAt.objects, "output")} matching the manifest`;
    if (complete && intact) return `The planned checks are done and the evidence is intact: ${hashes}.`;
    const what = complete
        ? "complete, but the evidence is NOT shown to be intact"
        : `NOT complete and the evidence ${intact ? "is intact" : "is NOT shown to be intact"}`;
    const [first, ...others] = [...incomplete, ...altered];
    const more = others.length > 0 ? ` (and ${count(others.length, "more reason")})` : "";
    return `The analysis is ${what}: ${first.replace(/\.$/, "")}${more}.`;
}

/** Weighs findings, containment and completeness into a headline and three sentences. */
export function verdict(input: VerdictInput): Verdict {
    return {
        ...headline(input.counts, input.assessment),
        findings: findingsSentence(input),
        containment: containmentSentence(input.containment),
        reliability: reliabilitySentence(input.assessment),
    };
}
