import { readFileSync } from "node:fs";

/** One thing a policy said. */
export interface PolicyNote {
    policy: string;
    /** Last part of the resource's URN; empty for the stack as a whole. */
    resource: string;
    message: string;
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
    /** Errors that are not violations: the program failed, the provider refused, … */
    errors: string[];
}

interface Summary {
    policyPackName: string;
    passed?: string[];
    failed?: string[];
}

/** The engine events this file reads; the log has one JSON object a line. */
interface EngineEvent {
    resourcePreEvent?: { metadata: { urn: string; type: string } };
    policyEvent?: { resourceUrn?: string; message: string; policyName: string; enforcementLevel: string };
    policyAnalyzeSummaryEvent?: Summary;
    policyAnalyzeStackSummaryEvent?: Summary;
    diagnosticEvent?: { severity: string; message: string };
}

/** Reads the event log that `pulumi … --event-log FILE` wrote; only notes and summaries of the named pack count. */
export function readEventLog(file: string, packName: string): Inspection {
    const events = readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as EngineEvent);
    const urns = new Set<string>();
    const policies = new Set<string>();
    const inspection: Inspection = { resources: 0, policies: [], checks: 0, violations: [], deferred: [], errors: [] };
    for (const event of events) {
        const resource = event.resourcePreEvent?.metadata;
        if (resource !== undefined && !/^pulumi:(providers|pulumi):/.test(resource.type)) {
            urns.add(resource.urn);
        }
        const summary = event.policyAnalyzeSummaryEvent ?? event.policyAnalyzeStackSummaryEvent;
        if (summary?.policyPackName === packName) {
            const judged = [...(summary.passed ?? []), ...(summary.failed ?? [])];
            judged.forEach((policy) => policies.add(policy));
            inspection.checks += judged.length;
        }
        if (event.policyEvent !== undefined) {
            const { policyName, resourceUrn = "", message, enforcementLevel } = event.policyEvent;
            const note = { policy: policyName, resource: resourceUrn.split("::").slice(2).join(" "), message: message.trim() };
            (enforcementLevel === "mandatory" ? inspection.violations : inspection.deferred).push(note);
        }
        if (event.diagnosticEvent?.severity === "error") {
            inspection.errors.push(event.diagnosticEvent.message.trim());
        }
    }
    return { ...inspection, resources: urns.size, policies: [...policies].sort() };
}
