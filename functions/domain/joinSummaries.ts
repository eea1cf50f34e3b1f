/** One summary of the analyses of several rounds (domain/planRounds.ts): what holds for all is what holds for each. Pure. */
import type { AnalysisSummary } from "./analysisOutputs";

type Counts = Record<string, number>;
type Check = AnalysisSummary["checks"][number];

function add(counts: readonly (Counts | undefined)[]): Counts {
    const total: Counts = {};
    for (const each of counts) for (const [name, value] of Object.entries(each ?? {})) total[name] = (total[name] ?? 0) + value;
    return total;
}

const joinChecks = (left: Check, right: Check): Check => ({
    check: left.check,
    itemsLookedAt: left.itemsLookedAt + right.itemsLookedAt,
    findings: left.findings + right.findings,
    error: [left.error, right.error].filter((error) => error !== null).join("; ") || null,
});

/**
 * @param summaries in the order of the rounds, at least one
 * @returns the one itself where there is only one. Where they are of several incidents it names all of them, which no incident is called
 */
export function joinSummaries(summaries: readonly [AnalysisSummary, ...AnalysisSummary[]]): AnalysisSummary {
    const [first] = summaries;
    if (summaries.length === 1) return first;
    const checks = new Map<string, Check>();
    for (const check of summaries.flatMap((each) => each.checks))
        checks.set(check.check, checks.has(check.check) ? joinChecks(checks.get(check.check)!, check) : check);
    const unread = new Map(summaries.flatMap(({ notLookedAt }) => notLookedAt).map((each) => [`${each.what}\0${each.why}`, each]));
    return {
        ...first,
        incidentId: [...new Set(summaries.map(({ incidentId }) => incidentId))].join(", "),
        startedAt: summaries.map(({ startedAt }) => startedAt).sort()[0]!,
        finishedAt: summaries
            .map(({ finishedAt }) => finishedAt)
            .sort()
            .at(-1)!,
        complete: summaries.every(({ complete }) => complete),
        volumes: summaries.flatMap(({ volumes }) => volumes),
        operatingSystem: summaries.find(({ operatingSystem }) => operatingSystem !== null)?.operatingSystem ?? null,
        findingsBySeverity: add(summaries.map(({ findingsBySeverity }) => findingsBySeverity)),
        findingsOverBound: add(summaries.map(({ findingsOverBound }) => findingsOverBound)),
        checks: [...checks.values()],
        notLookedAt: [...unread.values()],
        timelineEvents: summaries.reduce((total, { timelineEvents }) => total + timelineEvents, 0),
    };
}
