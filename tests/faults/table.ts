/** docs/faults.md: what was tried, and what came of it. */
import { kinds, type Kind } from "../support/cloud/faults";
import { bounds } from "./judge";
import type { Result } from "./main";
import { scenarioNames, scenarios } from "./scenarios";

const signs = { absorbed: "·", told: "t", wrong: "**!**" } as const;
const signOf = (results: Result[]): string => {
    if (results.length === 0) return "";
    if (results.some(({ wrong }) => wrong.length > 0)) return signs.wrong;
    const sign = results.every(({ absorbed }) => absorbed) ? signs.absorbed : signs.told;
    return results.some(({ doubled }) => doubled.length > 0) ? `${sign}2` : sign;
};

const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** What came of one scenario's faults. */
function scenarioTable(results: readonly Result[]): string[] {
    const order = Object.keys(kinds) as Kind[];
    const rows = [...new Set(results.map(({ fault }) => `${fault.handler}|${fault.operation}`))].map((key) => {
        const own = results.filter(({ fault }) => `${fault.handler}|${fault.operation}` === key);
        return [...key.split("|"), ...order.map((kind) => signOf(own.filter(({ fault }) => fault.kind === kind)))];
    });
    return [
        line(["function", "operation", ...order]),
        line(["---", "---", ...order.map(() => "---")]),
        ...rows.map((row) => line(row.map((cell, index) => (index === 1 ? `\`${cell}\`` : cell)))),
    ];
}

export function tableOf(results: readonly Result[]): string {
    const order = Object.keys(kinds) as Kind[];
    const doubled = new Map<string, string[]>();
    for (const result of results) for (const what of result.doubled) doubled.set(what, [...(doubled.get(what) ?? []), result.name]);
    return [
        "# What happens when AWS misbehaves",
        "",
        "Made by `npm run test:faults`; do not edit. Each mark is a whole incident in which one call goes wrong: the real functions and state",
        "machines over an AWS in memory (`tests/support/cloud`), in virtual time, in one of the courses that an incident takes (below).",
        "`npm run test:faults -- --only ec2:CreateSnapshots` shows the cases of one operation, `--only resumed/` those of one course.",
        "",
        "For each of them must hold, while the fault lasts: the instance is contained, its volumes are preserved and locked, the report is there, the case",
        "is sealed and nothing forensic is left, as far as it is without the fault, or people were told of what is not; what was preserved is sealed whatever",
        "else failed; what lived in memory is kept, or people read why not, and the cut waits no longer for it than it may; a finding that started nothing is in the dead letters; five minutes after people read that it was approved, it is contained. When the cause is gone and",
        "people did what they were told (`npm run resume`, dead letters sent again), everything is there, and the release puts the instance back exactly as it was.",
        "",
        "Not among them: the commands that people type (their terminal says what failed, and they type it again), and calls of Pulumi. A process of ours that dies is the column",
        "`crash`. Everything that computes gone at once and back with its state, the executions broken off, is `tests/faults/restart.spec.ts` (`RESTART_MOMENTS=24` tries more moments):",
        "in memory, since LocalEmu 1.3.2 keeps its state (`PERSISTENCE=1`) but no execution that was running, and what it loses besides, AWS does not.",
        "",
        "## What may be made more than once",
        "",
        line(["what", "at most", "why"]),
        line(["---", "---", "---"]),
        ...Object.entries(bounds).map(([what, { most, why }]) => line([what, String(most), why])),
        "",
        ...[...doubled].map(([what, names]) => `- ${what}: ${names.map((name) => `\`${name}\``).join(", ")}`),
        ...(doubled.size === 0 ? ["Nothing was."] : []),
        "",
        "## What goes wrong",
        "",
        ...order.map((kind) => `- \`${kind}\`: ${kinds[kind]}`),
        "",
        `\`${signs.absorbed}\` nobody noticed; \`${signs.told}\` people were told, and the case was completed afterwards; \`2\` something was made twice, within the bound; empty: cannot happen to this call.`,
        ...scenarioNames.flatMap((name) => {
            const own = results.filter(({ fault }) => fault.scenario === name);
            return own.length === 0 ? [] : ["", `## ${name}: ${scenarios[name].what}`, "", ...scenarioTable(own)];
        }),
        "",
    ].join("\n");
}
