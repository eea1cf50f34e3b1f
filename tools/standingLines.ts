/** What an operator reads of standing containments. Pure: the table's items in, lines out. */
import type { StandingContainment } from "../functions/domain/standingContainment";
import { visible } from "../functions/domain/visibleText";

/** One paragraph a containment, the oldest first. */
export function standingLines(standing: readonly StandingContainment[]): string[] {
    if (standing.length === 0) return ["No instance stands contained in this account and Region."];
    return [...standing]
        .sort((left, right) => left.begunAt.localeCompare(right.begunAt))
        .flatMap(({ instance, incidentIds, groups, check, begunAt }) => [
            `${instance.instanceId} in ${instance.accountId}/${instance.region}, contained since ${begunAt}`,
            `  incidents   ${incidentIds.join(", ")}`,
            `  group       ${groups.isolation ?? "none: the instance is not isolated"}`,
            `  last check  ${check === null ? "never: nobody has looked since" : check.at}`,
            ...(check?.drift ?? []).map((each) => `  drift       ${visible(each)}`),
            ...(check?.repaired ?? []).map((each) => `  put back    ${visible(each)}`),
        ]);
}
