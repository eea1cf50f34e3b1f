/** What one stack's configuration decides about the findings of a message, by the functions that decide there. Pure. */
import type { Finding, InstanceRef } from "../../functions/domain/containers";
import { containmentPolicySchema, namesType, ruleOn, type ContainmentPolicy } from "../../functions/domain/decideContainment";
import { proposeIncidents, refusalOf } from "../../functions/domain/proposeIncidents";
import type { Settings } from "../../infra/config";
import { admittedAccounts } from "../../infra/estate";

/** What happens about one instance of one finding. */
export interface Decided {
    finding: string;
    incidentId: string;
    instance: InstanceRef;
    /** `refused`: no incident; else the mode of containment.rules, before the instance's own tags and the brake. */
    decision: "refused" | ContainmentPolicy["mode"];
    /** Why, in a sentence or two. */
    why: string;
    /** Rules about VPCs or tags that may hold: the decision is made again once the instance was read. */
    mayChange: boolean;
}

/** The stack's policy as its functions read it. */
export const policyOf = ({ containment }: Settings): ContainmentPolicy => {
    const { mode, rules, allowExempt, onApprovalTimeout, brake } = containment;
    return containmentPolicySchema.parse({ mode, rules, allowExempt, onApprovalTimeout, brake });
};

/** Whether the stack follows a finding that is filed under another resource than an instance: a rule names its type. */
export const followsIn =
    (settings: Settings) =>
    (finding: Finding): boolean =>
        namesType(finding, finding.accountId, policyOf(settings));

/** @param findings as parsed with {@link followsIn} */
export function decidedBy(settings: Settings, findings: readonly Finding[], now: Date): Decided[] {
    const policy = policyOf(settings);
    const { drill, minimumSeverity } = settings.findings;
    return proposeIncidents(findings, now).map((incident): Decided => {
        const { instance, finding, incidentId } = incident;
        const about = { finding: finding.id, incidentId, instance };
        const here = settings.regions.includes(instance.region);
        const refusal = here
            ? refusalOf(incident, {
                  region: instance.region,
                  forensicsAccount: settings.forensics.accountId,
                  memberAccounts: admittedAccounts(settings, instance.region),
                  drill,
              })
            : `${instance.instanceId} is in ${instance.region}, and this stack has no clean room there: its Regions are ${settings.regions.join(", ")}.`;
        if (refusal !== null) return { ...about, decision: "refused", why: refusal, mayChange: false };
        const { mode, reason } = ruleOn(finding, instance.accountId, policy, drill);
        // A person's message goes to the topic by itself; what GuardDuty or Security Hub sends passes the rules of the bus first.
        const tooMild =
            finding.origin !== "manual" && finding.severity < minimumSeverity
                ? ` From the event bus it does not arrive at all: findings.minimumSeverity is ${minimumSeverity}.`
                : "";
        const modes = new Set(policy.rules.filter(({ vpcs, tags }) => vpcs ?? tags).map((rule) => rule.mode));
        return { ...about, decision: mode, why: `${reason}${tooMild}`, mayChange: modes.size > 0 };
    });
}
