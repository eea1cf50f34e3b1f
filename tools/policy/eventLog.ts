import { readFileSync } from "node:fs";

/** One thing a policy said. */
export interface PolicyNote {
    policy: string;
    /** Last part of the resource's URN; empty for the stack as a whole. */
    resource: string;
    message: string;
}

/** A step of the engine on a resource that is not as the state has it. */
export interface Change {
    /** `create`, `update`, `replace`, `delete`, … */
    operation: string;
    /** Last part of the resource's URN. */
    resource: string;
    type: string;
    /** Inputs that differ from those in the state, as paths such as `environment.variables.NAME`. */
    differing: string[];
    /** Those of them whose new value the engine does not know. */
    unknown: string[];
    /** Inputs that the state has of it; none of a resource that is created. */
    inputs: Record<string, unknown>;
    /** Taken out of the state, and left where it is. */
    retained: boolean;
}

/** What one run of the engine looked at and what the pack said, read from the engine's own event log. */
export interface Inspection {
    /** Resources of the program, providers and the stack itself not counted. */
    resources: number;
    /** Names of the policies that were run on at least one resource or on the stack. */
    policies: string[];
    /** Pairs of policy and resource that were judged. */
    checks: number;
    violations: PolicyNote[];
    /** Checks the SDK could not run because a value is known only at update. */
    deferred: PolicyNote[];
    /** Every step but "nothing to do" and lookups, of providers and the stack too. */
    changes: Change[];
    /** Errors that are not violations: the program failed, the provider refused, … */
    errors: string[];
}

interface Summary {
    policyPackName: string;
    passed?: string[];
    failed?: string[];
}

interface Step {
    op: string;
    urn: string;
    type: string;
    old?: { inputs?: Record<string, unknown>; retainOnDelete?: boolean } | null;
    new?: { inputs?: Record<string, unknown> } | null;
    diffs?: string[] | null;
}

/** The engine events this file reads; the log has one JSON object a line. */
interface EngineEvent {
    resourcePreEvent?: { metadata: Step };
    policyEvent?: { resourceUrn?: string; message: string; policyName: string; enforcementLevel: string };
    policyAnalyzeSummaryEvent?: Summary;
    policyAnalyzeStackSummaryEvent?: Summary;
    diagnosticEvent?: { severity: string; message: string };
}

/** Steps that change nothing. */
const still = new Set(["same", "read"]);

/** What the engine writes in place of a text it does not know yet. */
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const lastPart = (urn: string): string => urn.split("::").slice(2).join(" ");

/** Reads the event log that `pulumi … --event-log FILE` wrote; only notes and summaries of the named pack count. */
export function readEventLog(file: string, packName: string): Inspection {
    const events = readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as EngineEvent);
    const urns = new Set<string>();
    const policies = new Set<string>();
    const inspection: Inspection = { resources: 0, policies: [], checks: 0, violations: [], deferred: [], changes: [], errors: [] };
    for (const event of events) {
        const step = event.resourcePreEvent?.metadata;
        if (step !== undefined && !/^pulumi:(providers|pulumi):/.test(step.type)) {
            urns.add(step.urn);
        }
        if (step !== undefined && !still.has(step.op)) {
            inspection.changes.push(changeOf(step));
        }
        const summary = event.policyAnalyzeSummaryEvent ?? event.policyAnalyzeStackSummaryEvent;
        if (summary?.policyPackName === packName) {
            const judged = [...(summary.passed ?? []), ...(summary.failed ?? [])];
            judged.forEach((policy) => policies.add(policy));
            inspection.checks += judged.length;
        }
        if (event.policyEvent !== undefined) {
            const { policyName, resourceUrn = "", message, enforcementLevel } = event.policyEvent;
            const note = { policy: policyName, resource: lastPart(resourceUrn), message: message.trim() };
            (enforcementLevel === "mandatory" ? inspection.violations : inspection.deferred).push(note);
        }
        if (event.diagnosticEvent?.severity === "error") {
            inspection.errors.push(event.diagnosticEvent.message.trim());
        }
    }
    return { ...inspection, resources: urns.size, policies: [...policies].sort() };
}

function changeOf({ op, urn, type, old, new: next, diffs }: Step): Change {
    // The provider names inputs; where it is inside them that they differ is seen here.
    const paths = (diffs ?? []).flatMap((input) => differences(input, old?.inputs?.[input], next?.inputs?.[input]));
    return {
        operation: op,
        resource: lastPart(urn),
        type,
        differing: paths.map(({ path }) => path),
        unknown: paths.filter(({ value }) => value === unknownText).map(({ path }) => path),
        inputs: old?.inputs ?? {},
        retained: old?.retainOnDelete === true,
    };
}

/** Where two values of an input differ, objects key by key; the input itself where no difference is seen. */
function differences(path: string, before: unknown, now: unknown): { path: string; value: unknown }[] {
    const isObject = (value: unknown): value is Record<string, unknown> =>
        typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject(before) || !isObject(now)) {
        return [{ path, value: now }];
    }
    const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
        (key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]),
    );
    return keys.length === 0 ? [{ path, value: now }] : keys.flatMap((key) => differences(`${path}.${key}`, before[key], now[key]));
}
