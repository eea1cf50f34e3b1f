/** What several messages say alike: where an instance is, and the facts of its incident. */
import type { Containment, Incident, InstanceRef, SeenFinding } from "../containers";
import { findingFactLines, findingLine } from "../findingWords";
import { findingSeverity } from "../report/format";
import type { Fact, MessageSection } from "./message";

/** `i-… in account …, eu-west-1` */
export const where = ({ instanceId, accountId, region }: InstanceRef): string => `${instanceId} in account ${accountId}, ${region}`;
/** Marks the title of a message about a sample finding. */
export const drill = ({ finding }: Incident): string => (finding.sample ? "[Drill] " : "");

/** The incident in short; the first facts of every message about one. */
export function incidentFacts({ finding, instance, incidentId }: Incident): Fact[] {
    return [
        { label: "Instance", value: instance.instanceId },
        { label: "Account", value: instance.accountId },
        { label: "Region", value: instance.region },
        { label: "Severity", value: `${findingSeverity(finding.severity)} (${finding.severity})` },
        { label: "Finding", value: finding.type },
        { label: "Incident", value: incidentId },
    ];
}

/** What the finding that opened the incident says of what happened. */
export const seenSection = ({ finding }: Incident): MessageSection => ({
    heading: "What was seen",
    items: findingFactLines(finding).map(([label, value]) => `${label}: ${value}`),
    detail: true,
});

/** The findings that joined the incident: people decide by all of them. */
export const otherFindingsSection = ({ finding }: Incident, findings: readonly SeenFinding[]): MessageSection => ({
    heading: "Other findings about the instance",
    items: findings.filter(({ id }) => id !== finding.id).map(findingLine),
    detail: true,
});

/** What containment left open: in every message after it, since whoever reads only one must know. */
export const uncutSection = (containment: Containment | null): MessageSection => ({
    heading: "What could not be cut",
    items: containment?.uncut ?? [],
});
