/** What the watch over a standing containment reads, and what it calls a drift. */
import type { InstanceState } from "../instanceState";

/** How a role's inline policy of our name stands to the instance; `void`: there is no such role; `unread`: AWS did not let us read it. */
export type DenySeen = "denied" | "foreign" | "absent" | "void" | "unread";

/** What the watch read of an instance that is there. What AWS did not let us read is left out here and named in `unread`. */
export interface Watched {
    state: InstanceState;
    /** Rules of our groups by the group's id, as sentences; null for a group that is gone. */
    isolationRules: string[] | null;
    /** Interfaces of others that carry a group of ours. */
    strangers: { networkInterfaceId: string; groupId: string }[];
    /** By the role's name: of the roles that got the deny, and of the one that the instance's profile holds now. */
    denies: Record<string, DenySeen>;
    /** By the role's name, of those whose older sessions were denied and may still live. */
    revoked: Record<string, DenySeen>;
    /** Whether the network ACL that denies everything still does; null where subnets were left alone. */
    aclDenies: boolean | null;
    /** Branch interfaces of which nothing says whose they are; null where they could not be listed. */
    unknownBranches: string[] | null;
    /** With which load balancers it is registered, as far as this look asked; null where AWS was too busy to say. */
    registered: Pick<InstanceState, "targets" | "classicLoadBalancers"> | null;
    /** Processes that end instances and run in the Auto Scaling group whose processes were suspended for it; empty where none were. */
    runningProcesses: string[];
    unread: string[];
}

/** Why nothing was read: the instance is gone, or AWS refused. */
export interface Unwatched {
    why: "gone" | "refused";
    /** What AWS said. */
    detail: string;
}

export interface Drift {
    key: string;
    /** A sentence without its full stop. */
    what: string;
    /** Containing again would put it back. */
    repairable: boolean;
    /** It opens the instance, or gives its credentials back. */
    opens: boolean;
    /** Resource and API calls by which CloudTrail is asked who did it. */
    trail: { resource: string; events: readonly string[]; service: "ec2" | "iam" | "autoscaling" | "elasticloadbalancing" } | null;
}

/** Under a resource of EC2. */
export const underEc2 = (resource: string, ...events: string[]): Drift["trail"] => ({ resource, events, service: "ec2" });
