/** Reads from the member's CloudTrail whose credentials an instance held and what it opened with them. Best effort: what is not known is said. */
import { IAMClient } from "@aws-sdk/client-iam";
import { chainedSessions, givenProfiles, profileCalls, usedRoles } from "../../domain/credentialHistory";
import { errorCode } from "../errors";
import { lookUp, type Lookup, type TrailEvent } from "../trail";
import type { Victim } from "../victim";
import { roleOf } from "./credentials";

/** Milliseconds for which sessions are looked for: an instance's credentials live for six hours, a chained session for one, others' for twelve. */
const recent = 12 * 3_600_000;
/** Milliseconds that CloudTrail's event history reaches back. */
const whole = 90 * 24 * 3_600_000;
/** Milliseconds for all of it: people wait for the message. */
const patience = 25_000;
/** Profiles that are looked up at most. */
const mostProfiles = 5;

export interface CredentialHistory {
    /** Roles whose credentials the instance may hold. */
    roles: string[];
    /** Sessions of other roles that its credentials opened, and what is not known of such. */
    uncut: string[];
}

/** Never throws. */
export async function readCredentialHistory(victim: Victim): Promise<CredentialHistory> {
    const { instanceId, region } = victim.ref;
    const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString();
    const failures = new Set<string>();
    const deadline = Date.now() + patience;
    const ask = async (lookup: Lookup): Promise<TrailEvent[]> => {
        try {
            if (Date.now() > deadline) throw Object.assign(new Error("no time left"), { name: "NoTimeLeft" });
            return await lookUp(victim, lookup);
        } catch (error) {
            failures.add(errorCode(error) || "no answer");
            return [];
        }
    };
    // One after the other: CloudTrail answers twice a second. Sessions first, since they may be at work.
    const here = await ask({ attribute: "Username", value: instanceId, since: ago(recent), pages: 3 });
    const global = await ask({ attribute: "Username", value: instanceId, since: ago(recent), global: true });
    const sessionsKnown = failures.size === 0;
    const about = await ask({ attribute: "ResourceName", value: instanceId, since: ago(whole), pages: 2 });
    for (const value of profileCalls.filter((each) => each !== "RunInstances"))
        about.push(...(await ask({ attribute: "EventName", value, since: ago(recent) })));
    const profiles = givenProfiles(about, victim.ref).slice(0, mostProfiles);
    const roles = await Promise.all(
        profiles.map((each) => roleOf(victim.client(IAMClient), each).catch((error: unknown) => void failures.add(errorCode(error)))),
    );
    const events = [...here, ...global];
    const chained = chainedSessions(events, instanceId);
    const regions = [...new Set([region, "the Region of global services"])].join(" and ");
    const why = [...failures].join(", ");
    return {
        roles: [...new Set([...usedRoles(events, victim.ref), ...roles.filter((each) => typeof each === "string")])].sort(),
        uncut: [
            ...chained,
            sessionsKnown
                ? `${chained.length > 0 ? "other " : ""}sessions that its credentials opened in other roles in Regions besides ${regions}, or in the last 15 minutes: CloudTrail does not say`
                : `sessions that its credentials opened in other roles: not known, CloudTrail did not answer (${why})`,
            ...(sessionsKnown && failures.size > 0 ? [`credentials of profiles it had before: not wholly known (${why})`] : []),
        ],
    };
}
