/**
 * Which operations each function of an incident calls, first calls in their order. Of a rehearsal, whose local AWS keeps a log of its calls while it runs:
 *
 *     TMPDIR=/tmp/rehearsal npm run rehearse -- --keep
 *     node -r tsx/cjs tests/support/cloud/recordedCalls.ts /tmp/rehearsal/localemu-…/calls.jsonl > tests/fixtures/rehearsalCalls.json
 */
import { readFileSync } from "node:fs";
import type { ApiCall } from "../../../rehearsal/callLog";
import { forensicsAccountId, type Made } from "./cloud";
import { operationOf } from "./faults";

/** By the function's name, or `member` for all calls as the responder role. */
export type Calls = Record<string, string[]>;

function collect(calls: readonly { principal: string; operation: string }[]): Calls {
    const found: Calls = {};
    for (const { principal, operation } of calls) {
        const own = (found[principal] ??= []);
        if (!own.includes(operation)) own.push(operation);
    }
    return found;
}

const prefixes: Record<string, string> = { elb: "elasticloadbalancing", elbv2: "elasticloadbalancing", stepfunctions: "states" };
/** Service prefix of IAM actions, of a service as the local AWS's log has it. */
export const actionPrefix = (service: string): string => prefixes[service] ?? service;

/** Of the local AWS's log. */
export function recordedCalls(log: readonly ApiCall[]): Calls {
    return collect(
        log.flatMap(({ principal, service, operation }) => {
            const [, role] = /assumed-role\/clean-room-(\w+)/.exec(principal) ?? [];
            if (role === undefined) return [];
            return { principal: role === "responder" ? "member" : role, operation: `${actionPrefix(service)}:${operation}` };
        }),
    );
}

/** Of an estate in memory. */
export const byPrincipal = (made: readonly Made[]): Calls =>
    collect(
        made
            .filter(({ service, handler }) => service !== "Slack" && handler !== "workflow")
            .map((each) => ({ principal: each.accountId === forensicsAccountId ? each.handler : "member", operation: operationOf(each) })),
    );

if (require.main === module) {
    const lines = readFileSync(process.argv[2]!, "utf8").split("\n").filter(Boolean);
    console.log(JSON.stringify(recordedCalls(lines.map((line) => JSON.parse(line) as ApiCall)), null, 1));
}
