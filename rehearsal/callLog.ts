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
}

/** Reads the log. A last line that is still being written is left out. */
export async function readCallLog(file: string): Promise<ApiCall[]> {
    const lines = (await readFile(file, "utf8")).split("\n");
    return lines.slice(0, -1).filter((line) => line !== "").map((line) => JSON.parse(line) as ApiCall);
}

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
     * Length of the longest chain of calls of which each began after the one before it had ended, up to the last change.
     * Calls that were made side by side count once. It may name calls that did not need each other: never too few.
     */
    inSequence: number;
}

/**
 * The calls from the finding until the victim's interfaces were read back after their last change.
 *
 * @param sentAt milliseconds since 1970 when the finding was put on the bus.
 * @param doneAt milliseconds since 1970 when the containing state ended.
 * @returns null when no interface was changed.
 */
export function callsToContainment(log: ApiCall[], sentAt: number, doneAt: number): CallsToContainment | null {
    const calls = log.filter((call) => !isRehearsal(call) && Date.parse(call.time) >= sentAt && Date.parse(call.time) <= doneAt);
    const lastChange = calls.findLastIndex(isContainingCall);
    if (lastChange < 0) return null;
    const readBack = calls.findIndex((call, index) => index > lastChange && isReadBack(call));
    const until = calls.slice(0, (readBack < 0 ? lastChange : readBack) + 1);
    return { calls: until, millisecondsToLastChange: Date.parse(calls[lastChange]!.time) - sentAt, inSequence: longestChain(calls.slice(0, lastChange + 1)) };
}

/** How many of the calls waited for one another, one after the other. */
export function longestChain(calls: readonly Pick<ApiCall, "time" | "startedAt">[]): number {
    const byEnd = [...calls].sort((left, right) => Date.parse(left.time) - Date.parse(right.time));
    const lengths: number[] = [];
    byEnd.forEach((call, index) => {
        const before = byEnd.slice(0, index).map((other, at) => Date.parse(other.time) <= Date.parse(call.startedAt) ? lengths[at]! : 0);
        lengths.push(1 + Math.max(0, ...before));
    });
    return Math.max(0, ...lengths);
}
