/** What an operator reads of standing containments. Pure: the table's items in, lines out. */
import type { StandingContainment, StandingDrift } from "../functions/domain/standingContainment";
import type { IncidentRecord } from "../functions/domain/incidentRecord";
import { visible } from "../functions/domain/visibleText";

const outcomes: Record<StandingDrift["outcome"], string> = { stands: "still so", "put-back": "put back", ended: "over" };

/** How the last look of the watch ended. */
function lastCheck({ check }: StandingContainment): string {
    if (check === null) return "never: nobody has looked since";
    if (check.drift.length === 0) return `${check.at}, as it was left`;
    return `${check.at}, ${check.repaired.length >= check.drift.length ? "drifted and put back" : "NOT as it was left"}`;
}

/** The story of an Auto Scaling group whose replacements are found again and again. */
function ofGroup({ record, instance }: StandingContainment, standing: readonly StandingContainment[]): string[] {
    const group = record.autoScaling?.group;
    const all = standing.filter((each) => each.record.autoScaling?.group === group && each.instance.accountId === instance.accountId);
    return group === undefined || all.length === 1
        ? []
        : [`  of          ${visible(group)} (Auto Scaling), like ${all.length - 1} more of this list`];
}

/** One paragraph a containment, the oldest first. */
export function standingLines(standing: readonly StandingContainment[]): string[] {
    if (standing.length === 0) return ["No instance stands contained in this account and Region."];
    return [...standing]
        .sort((left, right) => left.begunAt.localeCompare(right.begunAt))
        .flatMap((containment) => {
            const { instance, incidentIds, groups, check, drifts, begunAt } = containment;
            return [
                `${instance.instanceId} in ${instance.accountId}/${instance.region}, contained since ${begunAt}`,
                `  incidents   ${incidentIds.join(", ")}`,
                ...(containment.retired
                    ? [`  retired     ${containment.retired.at} by ${visible(containment.retired.by)}: ${visible(containment.retired.why)}`]
                    : []),
                ...(containment.networkReleasedAt === null
                    ? []
                    : [`  network     given back ${containment.networkReleasedAt}; its credentials stay denied`]),
                ...ofGroup(containment, standing),
                `  group       ${groups.isolation ?? "none: the instance is not isolated"}`,
                `  last check  ${lastCheck(containment)}`,
                ...(check?.drift ?? [])
                    .filter((what) => drifts.every((each) => each.what !== what))
                    .map((what) => `  drift       ${visible(what)}`),
                ...drifts.map(
                    ({ what, by, since, outcome }) =>
                        `  drift       ${since}, ${outcomes[outcome]}: ${visible(what)}${by === null ? "" : `; by ${visible(by)}`}`,
                ),
            ];
        });
}

/** Instances that wait because the brake holds, the longest waiting first; none gives no line. */
export function heldLines(held: readonly IncidentRecord[]): string[] {
    if (held.length === 0) return [];
    return [
        `${held.length} ${held.length === 1 ? "instance waits" : "instances wait"} for your answer: NOT contained, the brake holds. npm run approve (or deny) -- --waiting, or one by one:`,
        ...[...held]
            .sort((left, right) => (left.heldSince ?? "").localeCompare(right.heldSince ?? ""))
            .map(({ incident, heldSince, findings }) => {
                const gravest = findings.reduce((worst, each) => (each.severity > worst.severity ? each : worst));
                return `  ${incident.incidentId}  ${incident.instance.accountId}, since ${heldSince ?? "unknown"}: ${visible(gravest.type)} (${gravest.severity})`;
            }),
    ];
}
