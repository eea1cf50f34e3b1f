/** What an operator reads of readiness, and the exit code. Pure. */
import { isBroken, type ReadinessCheck, type ReadinessState } from "../../functions/domain/readiness/checks";
import { visible } from "../../functions/domain/visibleText";

export interface RegionReadiness {
    region: string;
    checks: readonly ReadinessCheck[];
}

/** One line a check: how it stands, what was looked at, what was found, what to do. The broken ones first, a sum at the end. */
export function render(regions: readonly RegionReadiness[]): string {
    const order: ReadinessState[] = ["broken", "not looked at", "ok"];
    const lines = regions.flatMap(({ region, checks }) =>
        [...checks]
            .sort((left, right) => order.indexOf(left.state) - order.indexOf(right.state))
            .map(({ lookedAt, state, said, toDo }) =>
                visible(`${region.padEnd(14)} ${state.padEnd(13)} ${lookedAt}: ${said}${toDo === null ? "" : ` -> ${toDo}`}`),
            ),
    );
    const all = regions.flatMap(({ checks }) => checks);
    const count = (state: ReadinessState) => all.filter((each) => each.state === state).length;
    return [
        ...lines,
        "",
        `Looked at ${all.length} things in ${regions.length} Region${regions.length === 1 ? "" : "s"}: ${count("ok")} ok, ${count("broken")} broken, ${count("not looked at")} not looked at.`,
    ].join("\n");
}

/** 1 when something is broken, and when there was nothing to look at. */
export const exitCode = (regions: readonly RegionReadiness[]): 0 | 1 =>
    regions.length === 0 || regions.some(({ checks }) => checks.length === 0 || isBroken(checks)) ? 1 : 0;

/** The check that failed before any could be made: the function that makes them. */
export function unreachable(region: string, functionName: string, accountId: string, why: string): RegionReadiness {
    return {
        region,
        checks: [
            {
                id: "function",
                lookedAt: `the function ${functionName} of account ${accountId}`,
                state: "broken",
                said: `cannot be called: ${why}`,
                toDo: "Deploy the stack (pulumi up), and use credentials that may lambda:InvokeFunction it.",
            },
        ],
    };
}
