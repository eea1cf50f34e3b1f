/**
 * One incident's whole life: a finding, the workflow, an attacker who undoes the cut, the watch, a resumed execution after a failure, the release.
 * With one fault somewhere in it, and then once more without.
 */
import { fixtureText, victim } from "../functions/domain/messageFixtures";
import { Cloud, type Made } from "../support/cloud/cloud";
import { virtualWait } from "../support/cloud/clock";
import { Injection, isRead, mayBeStale, operationOf, type Fault } from "../support/cloud/faults";
import { look, type Seen } from "./look";

export const phases = ["response", "watch", "mending", "release"] as const;
export type Phase = (typeof phases)[number];

/** What a life was like. */
export interface Life {
    made: Made[];
    /** Index of the first request of each phase. */
    phaseAt: Record<Phase, number>;
    /** With the fault: when the workflow and all it started had ended, and after the watch. */
    response: Seen;
    watched: Seen;
    /** Without the fault: what was resumed, and how the release ended. */
    mended: Seen;
    released: Seen;
    /** What the first release said, where the fault was in it. */
    releaseError: string | null;
    hits: number;
    milliseconds: number;
}

/** Each life has days of its own: what a function keeps for minutes is never another life's. */
let lives = 0;

/** @param good the life without a fault, which a stale read is taken from */
export async function live(fault: Fault | null, good: Life | null): Promise<Life> {
    const begun = process.hrtime.bigint();
    const cloud = new Cloud();
    const member = cloud.member(victim.accountId, victim.instanceId);
    member.addInstance(victim.instanceId);
    const before = look(cloud, victim.instanceId).victim;
    const injection =
        fault === null
            ? null
            : new Injection(fault, fault.kind === "stale" ? staleRead(fault, good!) : null, (request) => cloud.effect(request) as object);
    if (injection) cloud.intercept = injection.intercept;
    const phaseAt = { response: 0, watch: 0, mending: 0, release: 0 };
    cloud.install(new Date(Date.UTC(2027, 0, 1) + ++lives * 10 * 86_400_000).toISOString());
    const { clock } = cloud;
    try {
        cloud.deliver("message-1", fixtureText("eventbridge"));
        await clock.until(cloud.quiet());
        const response = look(cloud, victim.instanceId);

        phaseAt.watch = cloud.made.length;
        // Somebody in the member account opens one interface again.
        const [face] = member.ec2.vpc.faces.get(victim.instanceId)!;
        if (response.contained) face!.groups = ["sg-app"];
        for (let run = 0; run < 3; run++) {
            cloud.lambdas.leave("watchContainment", {});
            await clock.until(virtualWait(300));
            await clock.until(cloud.quiet());
        }
        const watched = look(cloud, victim.instanceId);

        phaseAt.mending = cloud.made.length;
        if (injection && fault!.handler !== "releaseInstance") injection.armed = false;
        const [incidentId] = [...cloud.executions.keys()];
        for (const { handler, event } of cloud.lambdas.deadLetters.splice(0)) cloud.lambdas.leave(handler, event);
        await clock.until(cloud.quiet());
        if (incidentId !== undefined && cloud.executions.get(incidentId)!.status === "FAILED") cloud.resume(incidentId);
        cloud.lambdas.leave("watchContainment", {});
        await clock.until(cloud.quiet());
        const mended = look(cloud, victim.instanceId);

        phaseAt.release = cloud.made.length;
        const [standing] = [...cloud.executions.keys()];
        const input = { incidentId: standing, force: false, acceptRisk: "the specs plant a compromise" };
        let releaseError: string | null = null;
        try {
            await clock.until(cloud.release(input));
        } catch (error) {
            releaseError = `${(error as Error).name}: ${(error as Error).message}`;
            await clock.until(cloud.quiet());
            if (injection) injection.armed = false;
            // What the refusal names is left alone, as its reader decides.
            await clock
                .until(cloud.release({ ...input, force: true }))
                .catch((again: Error) => void (releaseError += `; again: ${again.name}: ${again.message}`));
        }
        await clock.until(cloud.quiet());
        const released = look(cloud, victim.instanceId);
        const differs = (name: string) => JSON.stringify(released.victim[name]) !== JSON.stringify(before[name]);
        released.different = Object.keys(before)
            .filter(differs)
            .map((name) => `${name} (${JSON.stringify(before[name])} is ${JSON.stringify(released.victim[name])})`);
        const milliseconds = Number(process.hrtime.bigint() - begun) / 1e6;
        return { made: cloud.made, phaseAt, response, watched, mended, released, releaseError, hits: injection?.hits ?? 0, milliseconds };
    } finally {
        cloud.remove();
    }
}

/** The read that shall be stale, and the write just before it in the same account and service. */
function staleRead({ handler, operation, call }: Fault, { made }: Life): { request: Made; atWrite: number } | null {
    const request = made.filter((each) => each.handler === handler && operationOf(each) === operation)[call - 1];
    if (!request || !mayBeStale(request)) return null;
    const writes = made.filter(
        (each) =>
            each.index < request.index &&
            each.service === request.service &&
            each.accountId === request.accountId &&
            !isRead(operationOf(each)),
    );
    const last = writes.at(-1);
    return last ? { request, atWrite: last.index } : null;
}
