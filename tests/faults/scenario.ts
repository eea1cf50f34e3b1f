/**
 * One incident's whole life: a finding and the course that it takes (scenarios.ts), an attacker who undoes the cut, the watch, what people mend, the
 * release. With one fault somewhere in it, and then once more without.
 */
import { victim } from "../functions/domain/messageFixtures";
import { Cloud, type Made } from "../support/cloud/cloud";
import { virtualWait } from "../support/cloud/clock";
import { denied, Injection, isRead, mayBeStale, operationOf, type Fault } from "../support/cloud/faults";
import { look, type Seen } from "./look";
import { isRefused, scenarios, type Scenario, type ScenarioName, type Stage } from "./scenarios";

export const phases = ["response", "watch", "mending", "release"] as const;
export type Phase = (typeof phases)[number];

/** What a life was like. */
export interface Life {
    scenario: ScenarioName;
    made: Made[];
    /** Index of the first request that is the scenario's own. */
    ownAt: number;
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
    /** Seconds from the moment when people's approval was taken to containment; null where nobody approved or nothing was contained. */
    waited: number | null;
    /** Seconds from the incident's opening to containment; null where nothing was contained. */
    toContained: number | null;
    hits: number;
    milliseconds: number;
}

const scheduled: ReadonlySet<string> = new Set(["watchContainment", "sweepEvidence"]);

/** Each life has days of its own: what a function keeps for minutes is never another life's. */
let lives = 0;

/**
 * @param good the life without a fault, which a stale read is taken from
 * @param observe sees each reply, as it is handed on
 * @param restartAt index of the call after which everything that computes is gone and comes back: Cloud.restart
 */
export async function live(
    fault: Fault | null,
    good: Life | null,
    name: ScenarioName = "incident",
    observe: Cloud["observe"] = (_made, reply) => reply,
    restartAt: number | null = null,
): Promise<Life> {
    const scenario: Scenario = scenarios[name];
    const begun = process.hrtime.bigint();
    const cloud = new Cloud({ takesMemory: scenario.takesMemory });
    cloud.observe = (made, reply) => {
        if (made.index === restartAt) cloud.restart();
        return observe(made, reply);
    };
    const member = cloud.member(victim.accountId, victim.instanceId);
    member.addInstance(victim.instanceId, scenario.volumes);
    const before = look(cloud, victim.instanceId).victim;
    const injection =
        fault === null
            ? null
            : new Injection(fault, fault.kind === "stale" ? staleRead(fault, good!) : null, (request) => cloud.effect(request) as object);
    let ownAt = 0;
    const stage: Stage = { cloud, begin: () => void (ownAt = cloud.made.length), refused: null, terminal: [], approvedAt: null };
    cloud.intercept = (request, effect) => {
        if (isRefused(stage, request)) {
            injection?.passOver(request);
            return Promise.reject(denied(request));
        }
        return injection ? injection.intercept(request, effect) : Promise.resolve(effect());
    };
    const seen = () => look(cloud, victim.instanceId, stage.terminal);
    const phaseAt = { response: 0, watch: 0, mending: 0, release: 0 };
    cloud.install(new Date(Date.UTC(2027, 0, 1) + ++lives * 10 * 86_400_000).toISOString());
    Object.assign(process.env, scenario.environment);
    const { clock } = cloud;
    try {
        await clock.until(scenario.respond(stage));
        const response = seen();

        phaseAt.watch = cloud.made.length;
        // Somebody in the member account opens one interface again.
        const [face] = member.ec2.vpc.faces.get(victim.instanceId)!;
        if (scenario.opensAgain && response.contained) face!.groups = ["sg-app"];
        for (let run = 0; run < 3; run++) {
            cloud.lambdas.leave("watchContainment", {});
            await clock.until(virtualWait(300));
            await clock.until(cloud.quiet());
        }
        const watched = seen();

        phaseAt.mending = cloud.made.length;
        if (injection && fault!.handler !== "releaseInstance") injection.armed = false;
        // What a schedule calls is not sent again: the schedule calls it again.
        for (const { handler, event } of cloud.lambdas.deadLetters.splice(0))
            if (!scheduled.has(handler)) cloud.lambdas.leave(handler, event);
        await clock.until(cloud.quiet());
        if (scenario.mend && !response.contained) await clock.until(scenario.mend(stage));
        await clock.until(cloud.quiet());
        const [incidentId] = [...cloud.executions.keys()];
        if (incidentId !== undefined && [...cloud.executions.values()].at(-1)!.status === "FAILED") cloud.resume(incidentId);
        cloud.lambdas.leave("watchContainment", {});
        await clock.until(cloud.quiet());
        const mended = seen();

        phaseAt.release = cloud.made.length;
        const input = { incidentId, force: false, acceptRisk: "the specs plant a compromise" };
        let releaseError: string | null = null;
        try {
            if (response.contained || mended.contained) await clock.until(cloud.release(input));
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
        const released = seen();
        const differs = (name: string) => JSON.stringify(released.victim[name]) !== JSON.stringify(before[name]);
        released.different = Object.keys(before)
            .filter(differs)
            .map((name) => `${name} (${JSON.stringify(before[name])} is ${JSON.stringify(released.victim[name])})`);
        const milliseconds = Number(process.hrtime.bigint() - begun) / 1e6;
        const hits = injection?.hits ?? 0;
        const { containedAt = null } = JSON.parse(cloud.s3.objects.get(`incidents/${incidentId}/containment.json`) ?? "{}") as {
            containedAt?: string | null;
        };
        const openedAt = incidentId === undefined ? null : openingOf(cloud, incidentId);
        const toContained = containedAt === null || openedAt === null ? null : (Date.parse(containedAt) - Date.parse(openedAt)) / 1000;
        const waited = stage.approvedAt === null || containedAt === null ? null : (Date.parse(containedAt) - stage.approvedAt) / 1000;
        return {
            scenario: name,
            made: cloud.made,
            ownAt,
            phaseAt,
            response,
            watched,
            mended,
            released,
            releaseError,
            waited,
            toContained,
            hits,
            milliseconds,
        };
    } finally {
        cloud.remove();
    }
}

const openingOf = ({ executions }: Cloud, name: string): string =>
    (JSON.parse(executions.get(name)!.input) as { openedAt: string }).openedAt;

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
