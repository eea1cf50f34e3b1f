/** The local AWS's log of API calls, and what it says about the way to containment. Pure but for reading the file. */
import { readFile } from "node:fs/promises";

/** One AWS API call. */
export interface ApiCall {
    /** When the call ended: ISO 8601 with milliseconds, UTC. */
    time: string;
    /** When it began. */
    startedAt: string;
    account: string;
    region: string;
    service: string;
    /** API name, such as DescribeInstances. */
    operation: string;
    /** ARN of the caller. */
    principal: string;
    /** HTTP status. */
    status: number;
    error?: string;
    requestId?: string;
    /** Members of the reply with their types, as `Volumes[].State:string`, that no earlier reply of the operation had. */
    reply?: string[];
}

/** A call as the function that made it saw it, in milliseconds since 1970 with fractions. */
export interface Exchange {
    requestId: string;
    sentAt: number;
    answeredAt: number;
}

/** A last line that is still being written is left out. */
async function readLines<T>(file: string): Promise<T[]> {
    const lines = (await readFile(file, "utf8")).split("\n");
    return lines
        .slice(0, -1)
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as T);
}

/** Reads the local AWS's log. */
export const readCallLog = (file: string): Promise<ApiCall[]> => readLines(file);

/** Reads what the functions saw of their calls. */
export const readExchangeLog = (file: string): Promise<Exchange[]> => readLines(file);

/** Root users are the rehearsal itself: it deploys, polls and collects. */
const isRehearsal = (call: ApiCall) => /:root$/.test(call.principal) || /^\d{12}$/.test(call.principal);
const isContainingCall = (call: ApiCall) => call.operation === "ModifyNetworkInterfaceAttribute" && call.status < 400;
const isReadBack = (call: ApiCall) => call.operation === "DescribeNetworkInterfaces" || call.operation === "DescribeInstances";

export interface CallsToContainment {
    /** Every call by a role of the program, from the finding until the isolation was read back. */
    calls: ApiCall[];
    /** Milliseconds from the finding to the last change of an interface's groups. */
    millisecondsToLastChange: number;
    /**
     * Operations on the critical path: traced back from the last change, always to the call that was answered last before
     * this one was sent. Calls that were made side by side count once.
     */
    criticalPath: string[];
}

/** The moments between which the call was under way, by the clock of who made it where that is known. */
function spanOf(call: ApiCall, exchanges: ReadonlyMap<string, Exchange>): Span {
    const exchange = exchanges.get(call.requestId ?? "");
    return exchange ? { from: exchange.sentAt, to: exchange.answeredAt } : { from: Date.parse(call.startedAt), to: Date.parse(call.time) };
}

/** What the caller of StartExecution does after it keeps nothing waiting: from then on the workflow goes its own way. */
function onTheWay(calls: ApiCall[], exchanges: ReadonlyMap<string, Exchange>): ApiCall[] {
    const start = calls.find((call) => call.operation === "StartExecution" && call.status < 400);
    if (!start) return calls;
    const { to } = spanOf(start, exchanges);
    return calls.filter((call) => call.principal !== start.principal || spanOf(call, exchanges).from < to);
}

/**
 * The calls from the finding until the victim's interfaces were read back after their last change.
 *
 * @param log the local AWS's own, which serves calls that arrive side by side one after the other.
 * @param exchanges what the functions saw of their calls, which tells those apart that were sent side by side.
 * @param sentAt milliseconds since 1970 when the finding was put on the bus.
 * @param doneAt milliseconds since 1970 when the containing state ended.
 * @returns null when no interface was changed.
 */
export function callsToContainment(
    log: ApiCall[],
    exchanges: readonly Exchange[],
    sentAt: number,
    doneAt: number,
): CallsToContainment | null {
    const calls = log.filter((call) => !isRehearsal(call) && Date.parse(call.time) >= sentAt && Date.parse(call.time) <= doneAt);
    const lastChange = calls.findLastIndex(isContainingCall);
    if (lastChange < 0) return null;
    const readBack = calls.findIndex((call, index) => index > lastChange && isReadBack(call));
    const until = calls.slice(0, (readBack < 0 ? lastChange : readBack) + 1);
    const byRequest = new Map(exchanges.map((one) => [one.requestId, one]));
    return {
        calls: until,
        millisecondsToLastChange: Date.parse(calls[lastChange]!.time) - sentAt,
        criticalPath: criticalPath(
            onTheWay(calls.slice(0, lastChange + 1), byRequest).map((call) => ({ ...spanOf(call, byRequest), operation: call.operation })),
        ).map((one) => one.operation),
    };
}

/** Milliseconds since 1970. */
export interface Span {
    from: number;
    to: number;
}

/** The chain that ends with the item that ended last: before each item the one that ended last before it began. */
export function criticalPath<T extends Span>(items: readonly T[]): T[] {
    const endedLast = (some: readonly T[]) => some.reduce<T | null>((last, one) => (last === null || one.to > last.to ? one : last), null);
    const path: T[] = [];
    for (let at = endedLast(items); at !== null; at = endedLast(items.filter((one) => one.to <= path[0]!.from))) path.unshift(at);
    return path;
}
