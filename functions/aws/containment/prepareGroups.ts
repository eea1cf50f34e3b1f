/** Makes ready what containment puts in the place of the instance's groups, so that the cut itself is two calls. */
import type { ContainmentStep } from "../../domain/containers";
import type { Victim } from "../victim";
import type { ContainmentGroups } from "../../domain/planContainment";
import { isTransient } from "../errors";
import { ensureGroup, findContainmentGroups, type StandingGroups } from "./containmentGroups";
import { ensureIsolationAcl } from "./networkAcls";
import { attempt, done } from "./performed";

/** `nacl` also cuts the instance's whole subnets, for the connections that no security group can cut. */
export type NetworkMode = "groups" | "nacl";

export interface PreparedGroups {
    groups: ContainmentGroups;
    /** What could not be made. The rest of containment goes on without it. */
    failed: ContainmentStep[];
    errors: unknown[];
}

/** Looks what stands already, in any VPC; nothing is made. Where looking is refused, all is to be made. */
export async function findStandingGroups(victim: Victim): Promise<(vpcId: string) => StandingGroups> {
    try {
        return await findContainmentGroups(victim);
    } catch (error) {
        if (isTransient(error)) throw error;
        return () => ({ isolation: null, untrack: null });
    }
}

/** Makes what does not stand yet. Never throws: a group that cannot be made is null, and named in `failed`. */
export async function prepareGroups(
    victim: Victim,
    vpcId: string,
    standing: StandingGroups,
    network: NetworkMode,
): Promise<PreparedGroups> {
    const make = async (name: string, detail: string, run: () => Promise<string>) => {
        let id: string | null = null;
        const { step, error } = await attempt({ name, detail }, async () => {
            id = await run();
            return done;
        });
        return { id, step, error };
    };
    const [isolation, untrack, networkAcl] = await Promise.all([
        make("isolationGroup", `a group without rules in ${vpcId}`, () => ensureGroup(victim, vpcId, "isolation", standing)),
        make("untrackGroup", `a group in ${vpcId} that makes connections untracked; without it those that stand live on`, () =>
            ensureGroup(victim, vpcId, "untrack", standing),
        ),
        network === "nacl"
            ? make("isolationNetworkAcl", `a network ACL that denies everything in ${vpcId}`, () => ensureIsolationAcl(victim, vpcId))
            : null,
    ]);
    const failures = [isolation, untrack, networkAcl].filter((each) => each !== null).filter((each) => each.error !== null);
    return {
        groups: { isolation: isolation.id, untrack: untrack.id, networkAcl: networkAcl?.id ?? null },
        failed: failures.map((each) => each.step),
        errors: failures.map((each) => each.error),
    };
}
