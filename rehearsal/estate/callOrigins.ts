/** Tells of each call in the local AWS's log where it belongs, by who made it. Pure. */
import { regionOfReadinessSession } from "../../functions/domain/readiness/session";
import { forensicRoleName, functionRoleName, responderRoleName } from "../../infra/names";
import type { ApiCall } from "../callLog";
import type { CallCount, VictimFacts } from "./facts";

const sessionArn = /^arn:aws:sts::(?<account>\d{12}):assumed-role\/(?<role>[^/]+)\/(?<session>.+)$/;

/** Calls of the program's roles, counted by source and by where they went. Root users are the rehearsal itself. */
export function countCalls(
    log: readonly ApiCall[],
    regions: readonly string[],
    victims: readonly Pick<VictimFacts, "incidentId" | "instance">[],
): CallCount[] {
    const counts = new Map<string, CallCount>();
    for (const call of log) {
        if (/:root$/.test(call.principal) || /^\d{12}$/.test(call.principal)) continue;
        const origin = originOf(call.principal, regions, victims);
        const key = [origin.source, call.region, call.account, call.service].join(" ");
        const count = counts.get(key) ?? { ...origin, region: call.region, accountId: call.account, service: call.service, calls: 0 };
        counts.set(key, { ...count, calls: count.calls + 1 });
    }
    return [...counts.values()];
}

function originOf(
    principal: string,
    regions: readonly string[],
    victims: readonly Pick<VictimFacts, "incidentId" | "instance">[],
): Pick<CallCount, "source" | "home" | "incidentId"> {
    const { account, role, session } = sessionArn.exec(principal)?.groups ?? {};
    if (account === undefined || role === undefined || session === undefined) return { source: principal, home: null, incidentId: null };
    if (role === responderRoleName) {
        // The responder role is the same in every Region: its session is named after the incident, or after the Region that checks its readiness.
        const checking = regionOfReadinessSession(session);
        if (checking !== null) {
            const home = regions.includes(checking) ? { region: checking, accountId: account } : null;
            return { source: `${role} of ${account} for ${session}`, home, incidentId: null };
        }
        const victim = victims.find((one) => one.incidentId === session);
        return {
            source: `${role} of ${account} for ${session}`,
            home: victim ? { region: victim.instance.region, accountId: victim.instance.accountId } : null,
            incidentId: session,
        };
    }
    const region = regions.find(
        (one) => role === forensicRoleName(one) || (role.endsWith(`-${one}`) && role.startsWith(functionRoleName("", "").slice(0, -1))),
    );
    return { source: role, home: region === undefined ? null : { region, accountId: account }, incidentId: null };
}
