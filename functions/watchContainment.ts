/**
 * Keeps containment: every five minutes, and at each later finding or message about a contained instance, it reads back what
 * containment put in place. What is not as it was left is told once, with who did it where CloudTrail says so, and put back where the
 * rules contain without asking. Where nothing stands contained it reads one index of one table, and ends.
 */
import { z } from "zod";
import { contain } from "./aws/containment/contain";
import { readCredentialHistory } from "./aws/containment/credentialHistory";
import { denyAgain } from "./aws/containment/denyAgain";
import { changeInstancePermissions, makeGroupsPermissions, readInstancePermissions } from "./aws/containment/permissions";
import { persist } from "./aws/containment/performed";
import { readQuick } from "./aws/containment/readBeside";
import { describeInstance } from "./aws/containment/readInstance";
import { LoadBalancersOfRun } from "./aws/containment/readLoadBalancers";
import { readWatched } from "./aws/containment/readWatched";
import { deployedPolicy } from "./aws/containmentPolicy";
import { eventually } from "./aws/consistency";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { inCustody } from "./aws/custody/inCustody";
import { environment, needs } from "./aws/environment";
import { putJson } from "./aws/evidenceBucket";
import { log, step } from "./aws/handler";
import { useIncidents, readIncident } from "./aws/incidentsTable";
import { mapConcurrently } from "./aws/mapConcurrently";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import { assumeResponder, writeEvidence, type Permissions } from "./aws/permissions";
import { changeStanding, listStanding, listStandingPermissions, readStanding } from "./aws/standingContainments";
import { readTrailPermissions } from "./aws/trail";
import { victimOf, type Victim } from "./aws/victim";
import { whoDidIt } from "./aws/whoDidIt";
import { instanceRefSchema, type ContainmentStep } from "./domain/containers";
import { incidentPrefix, objectPrefixes, watchRecord } from "./domain/evidenceKeys";
import { driftMessage } from "./domain/messages/drift";
import type { Message } from "./domain/messages/message";
import type { StandingContainment, StandingDrift } from "./domain/standingContainment";
import type { Drift, Unwatched, Watched } from "./domain/watch/drift";
import { mergeDrifts } from "./domain/watch/mergeDrifts";
import { planWatch, unfinishedRelease } from "./domain/watch/planWatch";
import { isRepairDue, isWatchable } from "./domain/watch/whenToLook";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "RESPONDER_ROLE_NAME",
    "DRILL",
    "INCIDENTS_TABLE",
    "CONTAINMENT_POLICY",
    "CONTAIN_CREDENTIALS",
    "CONTAIN_NETWORK",
    "EVIDENCE_BUCKET",
    ...tellVariables,
);

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...assumeResponder(names),
    ...writeEvidence(`${objectPrefixes.watch}*`)(names),
    ...useIncidents("GetItem", "PutItem", "UpdateItem")(names),
    ...listStandingPermissions(names),
    ...tellPermissions(names),
];

/** In the member account. */
export const memberPermissions: Permissions = (names) => [
    ...readInstancePermissions(names),
    ...changeInstancePermissions(names),
    ...makeGroupsPermissions(names),
    ...readTrailPermissions(names),
];

/** Milliseconds after which no further instance is begun: the function ends before Lambda ends it, and the next run begins with the others. */
const runtime = 240_000;
/** Milliseconds that putting back may take; a release waits for it. The function's own time is the bound. */
const repairing = 330_000;
/** Milliseconds without a look after which it is an error that people are told of. */
const longestUnseen = 15 * 60_000;
/** Milliseconds after which what somebody else's run found is told by this one: that run has broken off. */
const longestTelling = 300_000;
/** Milliseconds for which CloudTrail is asked again who did it; events come within 15 minutes. */
const longestTrail = 30 * 60_000;
/** Instances at the same time. */
const atOnce = 4;

const age = (at: string | null, now: string): number => (at === null ? Infinity : Date.parse(now) - Date.parse(at));

/** Whether the rules contained it without asking anybody; what they say now, where no finding is on record. */
async function isAutomatic({ incidentIds }: StandingContainment): Promise<boolean> {
    const records = await Promise.all(incidentIds.map(readIncident));
    const modes = records.flatMap((record) => record?.findings.map(({ mode }) => mode) ?? []);
    return modes.length === 0 ? deployedPolicy().policy.mode === "automatic" : modes.includes("automatic");
}

interface Repair {
    steps: ContainmentStep[];
    /** What is still not as it should be. */
    left: Drift[];
}

/** Contains again: what is as it should be is left alone by the plan. Never throws: what could not be put back is still so. */
async function putBack(victim: Victim, standing: StandingContainment, seen: readonly Drift[]): Promise<Repair> {
    try {
        const credentials = standing.modes?.credentials ?? environment("CONTAIN_CREDENTIALS");
        const [instance, quick] = await Promise.all([persist(() => describeInstance(victim)), readQuick(victim, 5000)]);
        // The sessions of others were ended when it was contained; they are not to blame for what was changed since.
        const mode = credentials === "revoke-role" ? "deny-instance" : credentials;
        const network = standing.modes?.network ?? environment("CONTAIN_NETWORK");
        // Between two looks the instance may have had more profiles than the one it has now.
        const swapped = seen.some(({ key }) => key.startsWith("profile:") || key === "metadata");
        const history = () => (swapped ? readCredentialHistory(victim) : Promise.resolve({ roles: [] }));
        const steps =
            standing.networkReleasedAt === null
                ? (
                      await contain(
                          victim,
                          instance,
                          quick,
                          standing,
                          { credentials: mode, network },
                          {
                              profiles: [],
                              roles: [],
                              history,
                          },
                      )
                  ).steps
                : await denyAgain(victim, instance, standing, mode, mode === "keep" ? [] : (await history()).roles);
        const look = async () => {
            const now = (await readStanding(victim.ref)) ?? standing;
            return planWatch(now, await readWatched(victim, now));
        };
        // What was refused does not come by waiting.
        const refused = steps.some(({ outcome }) => outcome === "failed");
        return { steps, left: await eventually(look, (drifts) => refused || drifts.every((each) => !each.repairable)) };
    } catch (error) {
        const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        log("could not put a containment back", { instance: victim.ref.instanceId, why });
        return { steps: [{ name: "containAgain", outcome: "failed", at: new Date().toISOString(), detail: why }], left: [...seen] };
    }
}

/** Looks at one containment. @throws where AWS was too busy to say anything */
async function look(listed: StandingContainment, balancers: LoadBalancersOfRun): Promise<void> {
    const now = new Date().toISOString();
    if (!isWatchable(listed, now)) return;
    const victim = victimOf(listed.instance, listed.incidentIds.at(-1)!);
    const watched: Watched | Unwatched | null = listed.releasingAt === null ? await readWatched(victim, listed, balancers) : null;
    const seen = watched === null ? unfinishedRelease(listed) : planWatch(listed, watched);
    const automatic = listed.releasingAt === null && seen.length > 0 && (await isAutomatic(listed));
    let added: Drift[] = [];
    let repairs = false;
    let watchable = false;
    const state = watched !== null && "state" in watched ? watched.state : null;
    // What is found is kept before anything is done about it, so that of two runs one tells, and a release knows of a repair.
    const noted = await changeStanding(listed.instance, listed, (read) => {
        watchable = read !== null && isWatchable(read, now) && (read.releasingAt === null) === (listed.releasingAt === null);
        if (read === null || !watchable) return null;
        const merged = mergeDrifts(read.drifts, seen, now);
        added = merged.added;
        repairs = automatic && age(read.repairingUntil, now) >= 0 && isRepairDue(read, seen, added, now);
        return {
            ...read,
            drifts: merged.drifts,
            check: {
                at: now,
                drift: seen.map(({ what }) => what),
                repaired: [],
                state: state?.state ?? read.check?.state ?? null,
                launchTime: state?.launchTime ?? read.check?.launchTime ?? null,
            },
            ...(repairs ? { repairedAt: now, repairingUntil: new Date(Date.parse(now) + repairing).toISOString() } : {}),
        };
    });
    if (noted === null || !watchable || noted.drifts.every(({ toldAt, outcome }) => toldAt !== null && outcome !== "stands")) return;

    const repair = repairs ? await putBack(victim, noted, seen) : null;
    const left = new Set(repair?.left.map(({ key }) => key));
    const back = repair === null ? [] : seen.filter((each) => each.repairable && !left.has(each.key));
    const asked = seen.filter(({ key }) =>
        noted.drifts.some((each) => each.key === key && each.by === null && age(each.since, now) < longestTrail),
    );
    const since = new Date(Date.parse(listed.check?.at ?? listed.begunAt) - longestTrail).toISOString();
    const who = asked.length === 0 ? new Map<string, string>() : await whoDidIt(victim, asked, since);

    const isBack = (each: StandingDrift) => each.outcome === "stands" && back.some(({ key }) => key === each.key);
    const updated = await changeStanding(listed.instance, noted, (read) =>
        read === null || read.releasedAt !== null
            ? null
            : {
                  ...read,
                  drifts: read.drifts.map((each) => ({
                      ...each,
                      by: each.by ?? who.get(each.key) ?? null,
                      outcome: isBack(each) ? ("put-back" as const) : each.outcome,
                  })),
                  check: read.check && { ...read.check, repaired: back.map(({ what }) => what) },
                  repairingUntil: repairs ? null : read.repairingUntil,
              },
    );
    if (updated === null) return;
    const failed = (repair?.steps ?? []).filter(({ outcome }) => outcome === "failed").map(({ name, detail }) => `${name}: ${detail}`);
    await tellOf(updated, noted, { seen, added, automatic, failed, now });
    if (added.length > 0 || back.length > 0)
        await putJson(`${incidentPrefix(listed.incidentIds[0]!)}${watchRecord(now)}`, {
            schemaVersion: 1,
            instance: listed.instance,
            at: now,
            drifts: updated.drifts.filter(({ key }) => seen.some((each) => each.key === key)),
            steps: repair?.steps ?? [],
        }).catch((error: unknown) => log("the record of a look could not be written", { why: String(error) }));
}

/** Nobody was told: an alarm must, however often an instance is looked at. */
class NotTold extends Error {}

async function tellPeople(message: Message): Promise<void> {
    try {
        await tell(message);
    } catch (error) {
        throw new NotTold(`people could not be told of drift: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
}

/** Tells of what is new: drift, that it was put back, and who did it. */
async function tellOf(
    standing: StandingContainment,
    before: StandingContainment,
    facts: { seen: readonly Drift[]; added: readonly Drift[]; automatic: boolean; failed: readonly string[]; now: string },
): Promise<void> {
    const { seen, added, automatic, failed, now } = facts;
    const drifts = standing.drifts.filter((each) => {
        const was = before.drifts.find(({ key, since }) => key === each.key && since === each.since);
        if (each.toldAt === null) return added.some(({ key }) => key === each.key) || age(each.since, now) > longestTelling;
        return was !== undefined && (was.outcome !== each.outcome || was.by !== each.by);
    });
    if (drifts.length === 0) return;
    const opens = new Set(seen.filter((each) => each.opens).map(({ key }) => key));
    await tellPeople(driftMessage({ standing, drifts, opens, automatic, failed }, environment("PARTITION")));
    const told = new Set(drifts.map(({ key, since }) => `${since} ${key}`));
    await changeStanding(standing.instance, standing, (read) =>
        read === null
            ? null
            : {
                  ...read,
                  drifts: read.drifts.map((each) =>
                      told.has(`${each.since} ${each.key}`) ? { ...each, toldAt: each.toldAt ?? new Date().toISOString() } : each,
                  ),
              },
    );
}

/** Of the schedule, which names none, or of a finding, which names its instance. */
const inputSchema = z.object({ instance: instanceRefSchema.nullable().default(null) });

export const handler = step({
    name: "WatchContainment",
    input: inputSchema,
    output: z.object({ standing: z.number(), looked: z.number() }),
    run: async ({ instance }) => {
        const startedAt = Date.now();
        const one = instance === null ? null : await readStanding(instance);
        const missed: string[] = [];
        // A record that was damaged takes no other one with it.
        const damaged = (error: Error) => {
            log("a standing record cannot be read", { why: error.message });
            missed.push(error.message);
        };
        const standing = instance === null ? await listStanding(damaged) : one === null || one.releasedAt !== null ? [] : [one];
        // Those that were looked at longest ago come first, so that a run that is too short for all leaves none out for long.
        const queue = [...standing].sort((left, right) => (left.check?.at ?? left.begunAt).localeCompare(right.check?.at ?? right.begunAt));
        const all = standing.length + missed.length;
        const balancers = new LoadBalancersOfRun();
        let looked = 0;
        await mapConcurrently(queue, atOnce, async (each) => {
            try {
                if (Date.now() - startedAt > runtime) throw new Error("there was no time left for it");
                await inCustody(each.incidentIds.at(-1)!, "WatchContainment", () => look(each, balancers));
                looked += 1;
            } catch (error) {
                const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
                log("a containment could not be looked at", { instance: each.instance.instanceId, why });
                const unseen = age(each.check?.at ?? each.begunAt, new Date().toISOString());
                if (instance !== null || error instanceof NotTold || unseen > longestUnseen)
                    missed.push(`${each.instance.instanceId}: ${why}`);
            }
        });
        if (missed.length > 0)
            throw new Error(`${missed.length} of ${all} containments could not be looked at: ${missed.slice(0, 5).join("; ")}`);
        return { standing: standing.length, looked };
    },
});
