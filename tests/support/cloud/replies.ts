/**
 * What of AWS's replies our functions read, and what those of the AWS in memory and of the local AWS have: by both alike the functions are led the same
 * way. The local AWS's log names the members of each operation's replies with their types (localemu-plugin/clean_room_localemu/call_log.py).
 * Of a rehearsal with `--memory volatile --keep`, as recordedCalls.ts says:
 *
 *     node -r tsx/cjs tests/support/cloud/replies.ts /tmp/rehearsal/localemu-…/calls.jsonl > tests/fixtures/rehearsalReplies.json
 */
import { readFileSync } from "node:fs";
import type { ApiCall } from "../../../rehearsal/callLog";
import type { Made } from "./cloud";
import { operationOf } from "./faults";
import { actionPrefix } from "./recordedCalls";

/** Members of an operation's replies, as `Volumes[].State`, with their types as JSON has them. */
export type Members = Record<string, string[]>;

const isTree = (value: unknown): value is object =>
    typeof value === "object" && value !== null && (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype);
const typeOf = (value: unknown): string =>
    value instanceof Date ? "time" : ["string", "number", "boolean", "undefined"].includes(typeof value) ? typeof value : "other";

/** Notes what is read of replies that pass through it. */
export class Reading {
    /** By operation: each member that was read, and the types that it had; `undefined` where the reply had none. */
    readonly read = new Map<string, Map<string, Set<string>>>();

    /** @returns the reply, as whoever asked may read it */
    readonly watch = (made: Made, reply: object): object => {
        // What is kept as evidence is kept whole, whatever is in it.
        if (made.service === "Slack" || made.handler === "workflow" || made.handler === "captureMetadata") return reply;
        // An item of a table is our own, and its schema's business.
        if (made.service === "DynamoDB") return reply;
        const operation = operationOf(made);
        const members = this.read.get(operation) ?? new Map<string, Set<string>>();
        this.read.set(operation, members);
        return this.under(members, "", reply);
    };

    private under(members: Map<string, Set<string>>, path: string, value: object): object {
        return new Proxy(value, {
            get: (target, key, receiver) => {
                const found: unknown = Reflect.get(target, key, receiver);
                if (typeof key === "symbol" || ["toJSON", "then", "$metadata"].includes(key) || typeof found === "function") return found;
                if (Array.isArray(target) && key === "length") return found;
                const at = Array.isArray(target) ? `${path}[]` : path === "" ? key : `${path}.${key}`;
                if (isTree(found)) return this.under(members, at, found);
                if (!Array.isArray(target) || found !== undefined) members.set(at, (members.get(at) ?? new Set()).add(typeOf(found)));
                return found;
            },
        });
    }
}

/** Types that say the same on the wire: times are written as text or numbers. */
const isSame = (left: string, right: string): boolean => left === right || (left === "time" && ["string", "number"].includes(right));

/**
 * What functions read otherwise in memory than they would of the local AWS.
 *
 * @param other the members of the local AWS's replies
 * @returns a line each: the operation, the member, and what each has
 */
export function differences(reading: Reading, other: Members): string[] {
    const lines: string[] = [];
    for (const [operation, read] of reading.read) {
        const theirs = other[operation];
        if (theirs === undefined) continue;
        const types = new Map(theirs.map((each) => [each.slice(0, each.lastIndexOf(":")), each.slice(each.lastIndexOf(":") + 1)]));
        for (const [member, ours] of read) {
            const [has] = [...ours].filter((each) => each !== "undefined");
            const there = types.get(member);
            const below = [...types.keys()].some((each) => each.startsWith(`${member}.`) || each.startsWith(`${member}[]`));
            if (has === undefined ? there !== undefined || below : there === undefined || !isSame(has, there))
                lines.push(
                    `${operation} ${member}: ${has ?? "nothing"} in memory, ${there ?? (below ? "more" : "nothing")} in the local AWS`,
                );
        }
    }
    return lines.sort();
}

/** Of the local AWS's log: the members of the replies of the operations that the program's roles called. */
export function membersOf(log: readonly ApiCall[]): Members {
    const nameOf = ({ service, operation }: ApiCall) => `${actionPrefix(service)}:${operation}`;
    const called = new Set(log.filter(({ principal }) => /assumed-role\/clean-room-/.test(principal)).map(nameOf));
    const found: Members = {};
    for (const call of log)
        if (called.has(nameOf(call))) found[nameOf(call)] = [...new Set([...(found[nameOf(call)] ?? []), ...(call.reply ?? [])])].sort();
    return found;
}

if (require.main === module) {
    const lines = readFileSync(process.argv[2]!, "utf8").split("\n").filter(Boolean);
    console.log(JSON.stringify(membersOf(lines.map((line) => JSON.parse(line) as ApiCall)), null, 1));
}
