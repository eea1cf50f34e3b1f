/** Which faults are tried: every operation that a life's functions call, with everything that can go wrong with it. */
import { isRead, kinds, mayBeStale, operationOf, type Fault, type Kind } from "../support/cloud/faults";
import type { Life } from "./scenario";

export const nameOf = ({ handler, operation, call, kind }: Fault): string => `${operation}@${handler}#${call}=${kind}`;

/** Kinds by which something can come to be made twice: tried at the last of a function's calls too. */
const atTheEnd: readonly Kind[] = ["lost-reply", "crash"];

/** From the calls of a life without a fault, in the order in which the operations are first called. */
export function allCases({ made: all, phaseAt }: Pick<Life, "made" | "phaseAt">): Fault[] {
    // What is done to mend is done without the fault.
    const made = all.filter(({ index }) => index < phaseAt.mending || index >= phaseAt.release);
    const pairs = new Map<string, typeof made>();
    for (const request of made) {
        const key = `${request.handler} ${operationOf(request)}`;
        pairs.set(key, [...(pairs.get(key) ?? []), request]);
    }
    return [...pairs.values()].flatMap((requests) => {
        const { handler } = requests[0]!;
        const operation = operationOf(requests[0]!);
        return (Object.keys(kinds) as Kind[]).flatMap((kind): Fault[] => {
            // Step Functions' own calls die with no process of ours.
            if (kind === "crash" && handler === "workflow") return [];
            const call = kind === "stale" ? requests.findIndex((each) => mayBeStale(each) && isBehindAWrite(each, made)) + 1 : 1;
            if (call === 0) return [];
            const last = atTheEnd.includes(kind) && !isRead(operation) && requests.length > 1 ? [requests.length] : [];
            return [call, ...last].map((each) => ({ handler, operation, kind, call: each }));
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

/** Some of them, the same each time: every operation and every kind, and each function. @param least how many at least */
export function shortCases(all: readonly Fault[], least: number): Fault[] {
    const chosen: Fault[] = [];
    const operations = [...new Set(all.map(({ operation }) => operation))];
    const order = Object.keys(kinds);
    // One kind an operation, going round the kinds; then one more an operation until there are enough.
    for (let round = 0; chosen.length < least || round === 0; round++)
        operations.forEach((operation, index) => {
            const own = all.filter((each) => each.operation === operation && !chosen.includes(each));
            if (own.length === 0 || (round > 0 && chosen.length >= least)) return;
            const wanted = order[(index * 3 + round * 7) % order.length];
            chosen.push(own.find(({ kind }) => kind === wanted) ?? own[(index + round) % own.length]!);
        });
    return chosen;
}
