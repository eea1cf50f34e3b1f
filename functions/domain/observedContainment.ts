/** The containment of an instance that was only looked at: what would have been changed, and that nothing was. Pure. */
import type { Containment, ContainmentDecision, Incident, ObjectRef } from "./containers";
import type { InstanceState } from "./instanceState";
import { describeAction, planContainment, type CredentialsMode } from "./planContainment";

/** How the groups are called that would have been found or made. */
const wouldBe = { isolation: "the isolation group", untrack: "an allow-all group" };

/**
 * @param cutSubnets whether the deployment would also have put a network ACL that denies everything before the subnets
 * @param read where the instance lies as it was read
 */
export function observedContainment(
    incident: Incident,
    state: InstanceState,
    decision: ContainmentDecision,
    how: { credentials: CredentialsMode; cutSubnets: boolean },
    read: ObjectRef,
    now: string,
): Containment {
    const stages = planContainment(state, { ...wouldBe, networkAcl: how.cutSubnets ? "that denies everything" : null }, how.credentials);
    return {
        schemaVersion: 1,
        incidentId: incident.incidentId,
        instance: incident.instance,
        outcome: decision.mode === "approval" ? "awaiting-approval" : "observed",
        decision,
        contained: false,
        vpcId: state.vpcId,
        availabilityZone: state.availabilityZone,
        isolationGroupId: "",
        networkAclId: null,
        interfaces: state.interfaces.map(({ networkInterfaceId, groups }) => ({
            networkInterfaceId,
            groupsBefore: groups,
            groupsAfter: groups,
        })),
        targetGroups: [],
        autoScalingGroup: null,
        restoreRecord: read,
        steps: stages.flat().map((action) => ({ ...describeAction(action), outcome: "planned", at: now })),
        uncut: [],
        startedAt: now,
        containedAt: null,
    };
}
