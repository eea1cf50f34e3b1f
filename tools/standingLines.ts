/** What an operator reads of standing containments. Pure: the table's items in, lines out. */
import type { StandingContainment, StandingDrift } from "../functions/domain/standingContainment";
import { visible } from "../functions/domain/visibleText";

const outcomes: Record<StandingDrift["outcome"], string> = { stands: "still so", "put-back": "put back", ended: "over" };

/** How the last look of the watch ended. */
function lastCheck({ check }: StandingContainment): string {
    if (check === null) return "never: nobody has looked since";
    if (check.drift.length === 0) return `${check.at}, as it was left`;
    return `${check.at}, ${check.repaired.length >= check.drift.length ? "drifted and put back" : "NOT as it was left"}`;
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
