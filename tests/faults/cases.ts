/** Which faults are tried: every operation that the functions of a scenario call, with everything that can go wrong with it. */
import { isRead, kinds, mayBeStale, operationOf, type Fault, type Kind } from "../support/cloud/faults";
import type { Life } from "./scenario";
import { scenarios, type Scenario, type ScenarioName } from "./scenarios";

/** A fault in a scenario. */
export interface Case extends Fault {
    scenario: ScenarioName;
}

export const nameOf = ({ scenario, handler, operation, call, kind }: Case): string =>
    `${scenario === "incident" ? "" : `${scenario}/`}${operation}@${handler}#${call}=${kind}`;

/** Kinds by which something can come to be made twice: tried at the last of a function's calls too. */
const atTheEnd: readonly Kind[] = ["lost-reply", "crash"];

/** Whether a call is the scenario's own; what is done to mend is done without the fault. */
function isOwn(life: Pick<Life, "scenario" | "made" | "ownAt" | "phaseAt">, call: Life["made"][number]): boolean {
    const { scenario, ownAt, phaseAt } = life;
    if (scenario === "incident") return call.index < phaseAt.mending || call.index >= phaseAt.release;
    const { owns }: Scenario = scenarios[scenario];
    return call.index >= ownAt && call.index < phaseAt.watch && (owns?.(call, life) ?? true);
}

/** From the calls of a life without a fault, in the order in which the operations are first called. */
export function allCases(life: Pick<Life, "scenario" | "made" | "ownAt" | "phaseAt">): Case[] {
    const { scenario, made } = life;
    const pairs = new Map<string, typeof made>();
    for (const request of made) {
        const key = `${request.handler} ${operationOf(request)}`;
        pairs.set(key, [...(pairs.get(key) ?? []), request]);
    }
    return [...pairs.values()].flatMap((requests) => {
        const { handler } = requests[0]!;
        const operation = operationOf(requests[0]!);
        const own = requests.flatMap((each, index) => (isOwn(life, each) ? [{ each, call: index + 1 }] : []));
        const [first, last] = [own.at(0), own.at(-1)];
        if (!first || !last) return [];
        return (Object.keys(kinds) as Kind[]).flatMap((kind): Case[] => {
            // Step Functions' own calls die with no process of ours.
            if (kind === "crash" && handler === "workflow") return [];
            const found = kind === "stale" ? own.find(({ each }) => mayBeStale(each) && isBehindAWrite(each, made)) : first;
            if (!found) return [];
            const calls = [found.call, ...(atTheEnd.includes(kind) && !isRead(operation) ? [last.call] : [])];
            return [...new Set(calls)].map((call) => ({ scenario, handler, operation, kind, call }));
        });
    });
}

const isBehindAWrite = (request: Life["made"][number], made: Life["made"]): boolean =>
    made.some(
        (each) =>
            each.index < request.index &&
            each.service === request.service &&
            each.accountId === request.accountId &&
            !isRead(operationOf(each)),
    );

/** Some of them, the same each time: every scenario, operation, kind and function. @param least how many at least */
export function shortCases(all: readonly Case[], least: number): Case[] {
    const chosen = new Set<Case>();
    const order = Object.keys(kinds);
    const take = (own: readonly Case[], wanted: string | undefined) => {
        const left = own.filter((each) => !chosen.has(each));
        const found = left.find(({ kind }) => kind === wanted) ?? left[chosen.size % Math.max(1, left.length)];
        if (found) chosen.add(found);
    };
    const grouped = (key: (each: Case) => string) => {
        const groups = new Map<string, Case[]>();
        for (const each of all) groups.set(key(each), [...(groups.get(key(each)) ?? []), each]);
        return [...groups.values()];
    };
    // One kind an operation, going round the kinds; one of every function; three of every course; then more until there are enough.
    grouped(({ operation }) => operation).forEach((own, index) => take(own, order[(index * 3) % order.length]));
    const functions = new Set([...chosen].map(({ handler }) => handler));
    for (const own of grouped(({ handler }) => handler)) if (!functions.has(own[0]!.handler)) take(own, order[chosen.size % order.length]);
    for (const own of grouped(({ scenario }) => scenario))
        for (let index = 0; index < 3; index++) take(own, order[(index * 3 + own.length) % order.length]);
    for (let index = 0; chosen.size < Math.min(least, all.length); index++) take(all, order[index % order.length]);
    return [...chosen];
}
