/** What several messages say alike: where an instance is, and the facts of its incident. */
import type { Incident, InstanceRef } from "../containers";
import { findingSeverity } from "../report/format";
import type { Fact } from "./message";

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
