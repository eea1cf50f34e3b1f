import type { OpenStack } from "./inspect";
import { describe, heldByAws, settled } from "./lifeCycle";

/** Whether a part of the life cycle went as it must, and what to tell people of it. */
export interface Outcome {
    ok: boolean;
    lines: string[];
}

/** Seconds with one decimal since a `performance.now()`. */
export const secondsSince = (start: number): string => ((performance.now() - start) / 1000).toFixed(1);

/** A preview of a stack just updated must find nothing to change; names whatever it finds. @param expected resources the update saw */
export async function staysAsItIs(open: OpenStack, expected: number): Promise<Outcome> {
    const start = performance.now();
    const inspection = await open.inspect("second preview");
    const { moving, partlyCompared } = settled(inspection);
    const lines = [
        `second preview: ${inspection.resources} of ${expected} resources looked at, ${moving.length} would change, ${secondsSince(start)} s`,
        ...moving.map((change) => `  ${describe(change)}`),
    ];
    for (const type of new Set(partlyCompared.map((change) => change.type))) {
        const those = partlyCompared.filter((change) => change.type === type);
        lines.push(`  ${those.length} ${type} compared in everything but ${those[0].differing.join(", ")}, which only AWS fills`);
    }
    return { ok: moving.length === 0 && inspection.resources === expected, lines };
}

/** A destroy must delete every resource and leave an empty state; names what AWS would hold on to. @param expected resources the update saw */
export async function leavesNothing(open: OpenStack, expected: number): Promise<Outcome> {
    const start = performance.now();
    const kept = await open.unprotect();
    const { resources, changes } = await open.inspect("destroy");
    const left = await open.inState();
    const retained = changes.filter((change) => change.retained);
    const lines = [
        `destroy: ${resources - retained.length} of ${expected} resources deleted, ${retained.length} left in place on purpose, ${left.length} left in the state, ${secondsSince(start)} s`,
        ...kept.map((urn) => `  protected, and let go for this check alone: ${urn.split("::").slice(2).join(" ")}`),
        ...retained.map(({ resource }) => `  left in place (retainOnDelete): ${resource}`),
        ...left.map((urn) => `  still in the state: ${urn}`),
    ];
    const held = changes.flatMap((change) => ({ name: change.resource.split(" ").at(-1), reason: heldByAws(change) }));
    for (const reason of new Set(held.flatMap((one) => one.reason ?? []))) {
        const names = held.filter((one) => one.reason === reason).map(({ name }) => name);
        lines.push(`  AWS itself refuses ${names.length} of them at first, because ${reason}: ${names.join(", ")}`);
    }
    return { ok: left.length === 0 && resources === expected, lines };
}
