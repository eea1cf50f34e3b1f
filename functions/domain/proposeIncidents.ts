/** From findings to incidents: what each finding asks for of each instance it names, with an id that a repeated message has too. */
import { createHash } from "node:crypto";
import type { Finding, Incident, InstanceRef } from "./containers";
import { incidentPrefix } from "./evidenceKeys";

/**
 * `<instance id>-<16 hex of SHA-256>`, 36 characters at most: fit for an execution name (80) and a session name (64).
 *
 * @param generation 1 for the instance's first incident, 2 for one that the same finding opens after that is over
 */
export function incidentIdOf(instance: InstanceRef, findingId: string, generation = 1): string {
    const parts = [
        instance.accountId,
        instance.region,
        instance.instanceId,
        findingId,
        ...(generation > 1 ? [`generation ${generation}`] : []),
    ];
    const digest = createHash("sha256").update(parts.join("/")).digest("hex");
    return `${instance.instanceId}-${digest.slice(0, 16)}`;
}

const keyOf = ({ accountId, region, instanceId }: InstanceRef) => `${accountId}/${region}/${instanceId}`;

/** The gravest first; equal ones in the order of their ids, so that the order inside a message does not matter. */
function byGravity(left: Finding, right: Finding): number {
    return right.severity - left.severity || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0);
}

/**
 * For each instance that a finding names, the incident that this finding would open. The gravest finding comes first: of those about one
 * instance it opens the incident, and the others join, so that none of a message's findings is lost. Deterministic but for `openedAt`.
 *
 * @param now becomes `openedAt`.
 */
export function proposeIncidents(findings: readonly Finding[], now: Date): Incident[] {
    return [...findings].sort(byGravity).flatMap((finding) => {
        const named = new Map(finding.instances.map((instance) => [keyOf(instance), instance]));
        return [...named.values()].map((instance): Incident => {
            const incidentId = incidentIdOf(instance, finding.id);
            return { schemaVersion: 1, incidentId, openedAt: now.toISOString(), finding, instance, prefix: incidentPrefix(incidentId) };
        });
    });
}

/** Proposals by the instance they are about, in the order they came in. */
export function byInstance(proposals: readonly Incident[]): Incident[][] {
    const groups = new Map<string, Incident[]>();
    for (const each of proposals) {
        const key = keyOf(each.instance);
        const group = groups.get(key);
        if (group) group.push(each);
        else groups.set(key, [each]);
    }
    return [...groups.values()];
}

/** Which incidents this deployment follows. */
export interface Admission {
    /** The Region this function runs in. */
    region: string;
    /** The account of the clean room itself. */
    forensicsAccount: string;
    /** Ids of member accounts; `*` among them is any account but the forensics account, `!<id>` one that is none. Empty: nobody. */
    memberAccounts: readonly string[];
    /** Whether sample findings start an incident: only in a drill. */
    drill: boolean;
}

/** Why this deployment does not follow an incident, and what to do; null when it does. */
export function refusalOf(incident: Incident, admission: Admission): string | null {
    const { instanceId, accountId, region } = incident.instance;
    if (incident.finding.sample && !admission.drill) {
        return `This is a sample finding about ${instanceId}, and samples start an incident only in a drill. Set drill in the stack's configuration to rehearse with it.`;
    }
    if (region !== admission.region) {
        return `${instanceId} is in ${region}, and this deployment handles ${admission.region}. Add ${region} to the stack's Regions, or send the finding to the topic of that Region.`;
    }
    // With an organisation any account may be a member, and its units may hold this one, too.
    if (accountId === admission.forensicsAccount) {
        return `${instanceId} belongs to the forensics account ${accountId}, whose instances read what attackers left; to contain one would lose an analysis and open an incident about it. Look at ${instanceId} yourself.`;
    }
    const { memberAccounts } = admission;
    if (memberAccounts.includes(`!${accountId}`) || !(memberAccounts.includes("*") || memberAccounts.includes(accountId))) {
        return `${instanceId} belongs to account ${accountId}, which is not a member of this deployment in ${region}. Add it to the stack's members, or ${region} to its regions there, and send the finding again.`;
    }
    return null;
}
