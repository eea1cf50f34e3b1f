/** Faults of a rehearsal, as `--fault` takes them, and their setting in a running local AWS. What each does: localemu-plugin/clean_room_localemu/faults/plan.py. */

/** The kinds of faults. */
export const faultKinds = ["throttle", "error", "deny", "lost-request", "lost-reply", "slow", "malformed", "stale"] as const;

const form = /^[a-z0-9-]+:[A-Za-z0-9*]+(@[^#=\s]+)?(#(\*|\d+(-\d+|\+)?))?=([a-z-]+)(:\d+(\.\d+)?)?$/;

/** @throws Error that says what is wrong with it and what is allowed. The local AWS has the last word. */
export function checkFault(text: string): void {
    const kind = form.exec(text)?.[5];
    if (kind === undefined) {
        throw new Error(
            `"${text}" is no fault; write SERVICE:OPERATION[@PRINCIPAL][#CALLS]=KIND[:SECONDS], as ec2:CreateSnapshots#1=lost-reply`,
        );
    }
    if (!(faultKinds as readonly string[]).includes(kind)) {
        throw new Error(`"${text}": "${kind}" is no kind of fault; the kinds are ${faultKinds.join(", ")}`);
    }
}

export interface FaultPlan {
    /** Such as ec2:CreateSnapshots#1=lost-reply. */
    faults: readonly string[];
    /** Throttle EC2 and Elastic Load Balancing by AWS's documented token buckets. @default false */
    throttling?: boolean;
}

/** What met what: `calls` fitted the fault, `hits` of them met it. */
export interface FaultState {
    faults: { fault: string; calls: number; hits: number }[];
    throttling: boolean;
}

const pathOf = (endpoint: string): string => `${endpoint}/_localemu/clean-room/faults`;

async function answer(response: Response): Promise<FaultState> {
    const body = (await response.json()) as FaultState & { error?: string };
    if (!response.ok) throw new Error(body.error ?? `The local AWS answered ${response.status}.`);
    return body;
}

/** Sets these faults in place of all others; their calls are counted from now on. @throws Error when one cannot be read. */
export async function setFaults(endpoint: string, plan: FaultPlan): Promise<FaultState> {
    return answer(await fetch(pathOf(endpoint), { method: "PUT", body: JSON.stringify(plan) }));
}

/** How often each fault was met so far. */
export async function readFaults(endpoint: string): Promise<FaultState> {
    return answer(await fetch(pathOf(endpoint)));
}

/** Runs the body with these faults, tells how often each was met, and leaves an AWS without faults. Nothing is done without any. */
export async function withFaults<T>(endpoint: string, plan: FaultPlan, tell: (line: string) => void, body: () => Promise<T>): Promise<T> {
    if (plan.faults.length === 0 && !plan.throttling) return body();
    await setFaults(endpoint, plan);
    try {
        return await body();
    } finally {
        const state = await readFaults(endpoint);
        await setFaults(endpoint, { faults: [] });
        for (const { fault, calls, hits } of state.faults) tell(`Fault ${fault}: ${calls} calls fitted, ${hits} met it`);
    }
}
