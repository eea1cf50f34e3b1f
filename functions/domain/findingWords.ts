/** What a finding says, in words, for messages and the report alike. Every value is untrusted text. */
import type { Finding, SeenFinding } from "./containers";
import { findingSeverity, list, time } from "./report/format";

const when = (text: string | null) => text && time(text);

/** The facts of a finding as label and value; none for what it does not say. */
export function findingFactLines({ facts }: Pick<Finding, "facts">): [label: string, value: string][] {
    if (facts === null) return [];
    const { instance } = facts;
    const connection = [facts.action, facts.direction?.toLowerCase(), facts.protocol].filter((part) => part).join(", ");
    const lines: [string, string | null | undefined][] = [
        ["Action", connection === "" ? null : `${connection}${facts.blocked === true ? ", blocked" : ""}`],
        ["Remote addresses", list(facts.remoteAddresses)],
        ["They belong to", list(facts.remoteOwners)],
        ["Domains", list(facts.domains)],
        ["Remote ports", list(facts.remotePorts.map(String))],
        ["Local ports", list(facts.localPorts.map(String))],
        ["API calls", list(facts.apiCalls)],
        ["Programs", list(facts.processes)],
        ["Threats", list(facts.threats)],
        ["Files", list(facts.files)],
        ["Credentials", list(facts.identities)],
        ["Resources", list(facts.resources)],
        ["Seen", facts.count === null ? null : facts.count === 1 ? "once" : `${facts.count} times`],
        ["First seen", when(facts.firstSeen)],
        ["Last seen", when(facts.lastSeen)],
        ["Public address", instance && list(instance.publicAddresses)],
        ["Launched", instance && when(instance.launchTime)],
        ["Image", instance?.imageId],
        ["Instance profile", instance?.profileArn],
        ["Tags", instance && list(instance.tags.map(({ key, value }) => `${key}=${value}`))],
    ];
    return lines.filter((line): line is [string, string] => typeof line[1] === "string" && line[1] !== "");
}

/** One of an incident's findings on one line. */
export function findingLine({ id, type, severity, origin, sample, seenAt }: SeenFinding): string {
    const source = { guardduty: "GuardDuty", securityhub: "Security Hub", manual: "a person" }[origin];
    return `${type}, ${findingSeverity(severity)} (${severity})${sample ? ", a sample" : ""}, by ${source}${seenAt === null ? "" : ` at ${time(seenAt)}`}: ${id}`;
}
