/** Makes ready what containment puts in the place of the instance's groups, so that the cut itself is two calls. */
import type { ContainmentStep } from "../../domain/containers";
import type { Victim } from "../victim";
import type { ContainmentGroups } from "../../domain/planContainment";
import { ensureGroup } from "./containmentGroups";
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

/**
 * Finds or makes them. Never throws: a group that cannot be made is null, and named in `failed`.
 *
 * @param pinned ids that were kept of this containment
 * @param pin keeps the ids of new ones, before they are used: of both at once, since one write must not wait for another
 */
export async function prepareGroups(
    victim: Victim,
    vpcId: string,
    pinned: ContainmentGroups,
    network: NetworkMode,
    pin: (ids: Partial<ContainmentGroups>) => Promise<void>,
): Promise<PreparedGroups> {
    const ids: Partial<ContainmentGroups> = {};
    const settled = new Set<string>();
    let kept!: () => void;
    const pinnedBoth = new Promise<void>((resolve) => (kept = resolve));
    /** When both have their id, or will have none, what there is is kept. */
    const settle = (role: "isolation" | "untrack", id: string | null): Promise<void> => {
        if (id !== null) ids[role] = id;
        const before = settled.size;
        // A group that was made again: the first could not be given its rules.
        if (before === 2 && id !== null) return pin({ [role]: id });
        settled.add(role);
        if (before < 2 && settled.size === 2) void pin(ids).then(kept, kept);
        return pinnedBoth;
    };
    const group = (role: "isolation" | "untrack", detail: string) => {
        const begun: { id: string | null } = { id: null };
        return make(`${role}Group`, detail, () => ensureGroup(victim, vpcId, role, pinned[role], (id) => settle(role, id), begun)).finally(
            () => void settle(role, null),
        );
    };
    const make = async (name: string, detail: string, run: () => Promise<string>) => {
        let id: string | null = null;
        const { step, error } = await attempt({ name, detail }, async () => {
            id = await run();
            return done;
        });
        return { id, step, error };
    };
    const [isolation, untrack, networkAcl] = await Promise.all([
        group("isolation", `a group without rules in ${vpcId}`),
        group("untrack", `a group in ${vpcId} that makes connections untracked; without it those that stand live on`),
        network === "nacl"
            ? make("isolationNetworkAcl", `a network ACL that denies everything in ${vpcId}`, async () => {
                  const id = await ensureIsolationAcl(victim, vpcId);
                  await pin({ networkAcl: id });
                  return id;
              })
            : null,
    ]);
    const failures = [isolation, untrack, networkAcl].filter((each) => each !== null).filter((each) => each.error !== null);
    return {
        groups: { isolation: isolation.id, untrack: untrack.id, networkAcl: networkAcl?.id ?? null },
        failed: failures.map((each) => each.step),
        errors: failures.map((each) => each.error),
    };
}
