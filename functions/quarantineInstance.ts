/**
 * Quarantines the instance so that its memory can be taken before the last cut (aws/containment/quarantine.ts), or says at once why that is
 * left out. IsolateInstance follows whatever comes of it.
 */
import { DescribeInstanceInformationCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { Instance } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { readBrake } from "./aws/brake";
import { afterBrake, decide, readRecord } from "./aws/containment/decide";
import { persist } from "./aws/containment/performed";
import { changeInstancePermissions, makeGroupsPermissions, readInstancePermissions } from "./aws/containment/permissions";
import { findWay, quarantine, type QuarantineWay } from "./aws/containment/quarantine";
import { readQuick } from "./aws/containment/readBeside";
import { describeInstance } from "./aws/containment/readInstance";
import { environment, needs } from "./aws/environment";
import { errorCode } from "./aws/errors";
import { log, step } from "./aws/handler";
import { followAcquisitions } from "./aws/memory/permissions";
import { useIncidents } from "./aws/incidentsTable";
import { assumeResponder } from "./aws/permissions";
import type { Permissions } from "./aws/permissions";
import { listStandingPermissions, readStanding } from "./aws/standingContainments";
import { victimOf, type Victim } from "./aws/victim";
import { incidentSchema } from "./domain/containers";
import type { ContainmentStep, Memory } from "./domain/containers";
import { namedRoles } from "./domain/credentialHistory";
import { cutSeconds, memorySchema, notBegun, tidySeconds } from "./domain/memory";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "RESPONDER_ROLE_NAME",
    "DRILL",
    "INCIDENTS_TABLE",
    "CONTAINMENT_POLICY",
    "CONTAIN_CREDENTIALS",
    "CONTAIN_NETWORK",
    "MEMORY_MODE",
    "MEMORY_PATH",
    "MEMORY_SECONDS",
    "ACQUISITION_IMAGES",
    "EVIDENCE_BUCKET",
);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...assumeResponder(names),
    ...useIncidents("GetItem", "PutItem", "UpdateItem")(names),
    ...listStandingPermissions(names),
];

/** In the member account: what containing needs, and to see whether Systems Manager knows the instance. */
export const memberPermissions: Permissions = (names) => [
    ...readInstancePermissions(names),
    ...changeInstancePermissions(names),
    ...makeGroupsPermissions(names),
    ...followAcquisitions(names),
];

/** Milliseconds that settings are waited for before the quarantine. */
const hurried = 1500;
/** Milliseconds that is waited for an answer that only decides whether memory can be taken. */
const patience = 5000;

/** Whether Systems Manager can reach it, as it says. */
async function readAgent(victim: Victim): Promise<{ why: string | null }> {
    const { instanceId } = victim.ref;
    try {
        const { InstanceInformationList = [] } = await victim
            .client(SSMClient)
            .send(new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: [instanceId] }] }), {
                abortSignal: AbortSignal.timeout(patience),
            });
        const [agent] = InstanceInformationList;
        if (agent === undefined) return { why: "Systems Manager does not know the instance: no agent of it has registered" };
        if (agent.PingStatus !== "Online")
            return { why: `the Systems Manager agent of the instance does not answer (${agent.PingStatus ?? "unknown"})` };
        return { why: null };
    } catch (error) {
        return { why: `Systems Manager did not say whether it knows the instance (${errorCode(error)})` };
    }
}

/** Why nothing can be acquired of an instance at all; null where it can. */
function unsuitable({ State, Platform, PlatformDetails = "", Architecture }: Instance): string | null {
    if (State?.Name !== "running") return `the instance is ${State?.Name ?? "in no known state"}`;
    if (Platform?.toLowerCase() === "windows" || PlatformDetails.includes("Windows"))
        return "it runs Windows, of which neither volatile state nor memory is supported: take them by hand from the isolated instance";
    const images: Record<string, unknown> = environment("ACQUISITION_IMAGES");
    return images[Architecture ?? "x86_64"] === undefined ? `there is no acquisition image for the processor ${Architecture}` : null;
}

/** Never throws: where EC2 does not answer, there is no way. */
async function wayOf(victim: Victim, instance: Instance): Promise<QuarantineWay> {
    try {
        return await persist(() => findWay(victim, instance));
    } catch (error) {
        return { why: `the endpoints of its VPC could not be read (${errorCode(error)})` };
    }
}

/** Where memory is acquired without a quarantine. */
const risk = (why: string) =>
    `${why}; its memory is acquired before anything is cut, as configured: until then it could act and reach everything it could before`;

/** @throws nothing of what AWS answers about memory: only what keeps it from being contained as well */
export const handler = step({
    name: "QuarantineInstance",
    input: z.object({ incident: incidentSchema, since: z.iso.datetime({ offset: true }) }),
    output: memorySchema,
    run: async ({ incident, since: entered }) => {
        const since = new Date(entered).toISOString();
        const { incidentId, instance: ref } = incident;
        const mode = environment("MEMORY_MODE");
        const victim = victimOf(ref, incidentId);
        const [described, quick, recorded, known, agent] = await Promise.all([
            persist(() => describeInstance(victim)),
            readQuick(victim, hurried),
            readRecord(incidentId),
            readStanding(ref),
            readAgent(victim),
            readBrake(ref.accountId).catch(() => undefined),
        ]);
        const deadline = Date.parse(since) + (environment("MEMORY_SECONDS") - cutSeconds - tidySeconds) * 1000;
        const answer = (outcome: "ready" | "skipped", reason: string | null, more: Partial<Memory> = {}): Memory => ({
            ...notBegun,
            schemaVersion: 1,
            incidentId,
            mode: mode === "full" ? "full" : "volatile",
            outcome,
            reason,
            beganAt: since,
            deadline: new Date(deadline).toISOString(),
            taskSeconds: Math.max(1, Math.floor((deadline - Date.now()) / 1000) + tidySeconds),
            zone: described.Placement?.AvailabilityZone ?? "",
            instanceType: described.InstanceType ?? "",
            ...more,
        });
        if (mode === "off") return answer("skipped", "memory.mode is off");
        const decision = await afterBrake(decide(incident, described, recorded, null), incident, recorded, null);
        if (decision.mode !== "automatic")
            return answer(
                "skipped",
                "the instance is not contained without asking, and memory is taken only where it is contained at once",
            );
        // What was cut once is never opened again for it.
        if (known?.releasedAt === null && known.settledAt !== null && known.networkReleasedAt === null)
            return answer("skipped", "the instance stood contained already, and is not opened again for it");
        const why = unsuitable(described) ?? agent.why;
        if (why !== null) return answer("skipped", why);
        const way = await wayOf(victim, described);
        if ("why" in way)
            return environment("MEMORY_PATH") === "before"
                ? answer("ready", risk(way.why), { path: "before" })
                : answer("skipped", `${way.why}, so it could not be quarantined (memory.path is quarantine)`);
        const until = new Date(deadline + (tidySeconds + cutSeconds) * 1000).toISOString();
        const { open, steps } = await quarantine(
            victim,
            described,
            quick,
            known,
            { credentials: environment("CONTAIN_CREDENTIALS"), network: environment("CONTAIN_NETWORK") },
            way.groups,
            namedRoles(incident.finding, ref.instanceId),
            until,
        );
        if (open.length > 0) {
            log("the quarantine was not read back", { incidentId, open });
            return answer("skipped", `it could not be quarantined (${open.join("; ")}), so it was cut at once`, { steps });
        }
        const quarantinedAt = new Date().toISOString();
        return answer("ready", null, { path: "quarantine", quarantinedAt, steps: [...steps, readBackStep(way, quarantinedAt)] });
    },
});

function readBackStep({ groups, alsoReached }: Extract<QuarantineWay, { groups: string[] }>, at: string): ContainmentStep {
    const others =
        alsoReached === 0
            ? ""
            : `; ${alsoReached} other interface${alsoReached === 1 ? " carries" : "s carry"} those groups and could be reached at 443 too`;
    return {
        name: "quarantined",
        outcome: "done",
        at,
        detail: `read back: out to ${groups.join(", ")} at 443, nothing else${others}`.slice(0, 512),
    };
}
