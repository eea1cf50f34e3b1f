/**
 * What stands for a contained instance until it is released: one restore record, the groups that were made for it, and the
 * incidents that share them. Pure; reading and writing is functions/aws/standingContainments.ts.
 */
import { z } from "zod";
import { instanceRefSchema, timestampSchema, untrustedText } from "./containers";
import { instanceStateSchema, type InstanceState } from "./instanceState";

/** Something that was not as containment left it: told once, and kept with how it ended. */
export const standingDriftSchema = z.object({
    /** What makes it the same drift at the next look. */
    key: z.string().max(256),
    what: untrustedText(512),
    /** Who did it, as CloudTrail says; null where it does not say, or not yet. */
    by: untrustedText(512).nullable(),
    since: timestampSchema,
    /** Null until people were told. */
    toldAt: timestampSchema.nullable(),
    /** `stands`: still so at the last look; `put-back`: by us, read back; `ended`: no longer so, and not by us. */
    outcome: z.enum(["stands", "put-back", "ended"]),
});
export type StandingDrift = z.infer<typeof standingDriftSchema>;

/** Drifts that are kept of a containment: an item of the table has 400 KB at most. */
export const mostDrifts = 40;

export const standingContainmentSchema = z.object({
    instance: instanceRefSchema,
    /** The incident that contained it first; its groups are named after it, and its records lie under its prefix. */
    incidentIds: z.array(z.string()).min(1),
    /** The instance before the first change. What the first reading could not see is filled in once, before that is changed. */
    record: instanceStateSchema,
    /** Whether `record` also holds load balancers, network ACLs and idle timeouts. */
    complete: z.boolean(),
    /** Ids that EC2 answered when we made them, kept before they are used; null for what was not made. */
    groups: z.object({ isolation: z.string().nullable(), untrack: z.string().nullable(), networkAcl: z.string().nullable() }),
    /** The last look of the watch; null before the first. */
    check: z
        .object({
            at: timestampSchema,
            /** What was not as containment left it, as sentences. */
            drift: z.array(untrustedText(512)),
            /** What of it was put back. */
            repaired: z.array(untrustedText(512)),
            /** EC2's state name, and when it was started last, at that look; null where that could not be read. */
            state: z.string().nullable().default(null),
            launchTime: timestampSchema.nullable().default(null),
        })
        .nullable(),
    /** Every drift that was seen, the oldest first. */
    drifts: z.array(standingDriftSchema).default([]),
    /** Groups that were made for it and served no longer; they go with the release. */
    formerGroups: z.array(z.string()).default([]),
    /** Names of the roles whose policy denies the instance's credentials. */
    roles: z.array(z.string()).default([]),
    /** Roles whose sessions from before a moment were denied with it (`revoke-role`); kept before it was written. */
    revoked: z.array(z.object({ role: z.string(), before: timestampSchema })).default([]),
    /** Processes of the Auto Scaling group that were suspended because it would not let the instance go; null for none. */
    suspended: z
        .object({ group: z.string(), processes: z.array(z.string()) })
        .nullable()
        .default(null),
    /** How far it went, as deployed then; null in records that were written before this was kept. */
    modes: z
        .object({ credentials: z.enum(["deny-instance", "revoke-role", "keep"]), network: z.enum(["groups", "nacl"]) })
        .nullable()
        .default(null),
    /**
     * The quarantine before the last cut: the group that was made for it, and until when it is the workflow's to end it. Null where memory is
     * not taken. @default null
     */
    quarantine: z.object({ group: z.string(), until: timestampSchema }).nullable().default(null),
    /** Since when every interface is cut, as it was read back after the last one that had to be cut; null before, and in older records. */
    settledAt: timestampSchema.nullable().default(null),
    /** Settings that were set before AWS let anybody read what they were: a release cannot know what to put back, and says so. */
    setUnread: z.array(z.enum(["terminationProtection", "stopProtection", "shutdownBehavior"])).default([]),
    /** Until when the watch may be putting something back; a release waits for it. */
    repairingUntil: timestampSchema.nullable().default(null),
    /** When the watch last tried to put something back. */
    repairedAt: timestampSchema.nullable().default(null),
    /** When a release began to put back; the watch then puts nothing back. Null before. */
    releasingAt: timestampSchema.nullable().default(null),
    /** When a person had the network alone given back: what stays denied stands, and is watched. @default null */
    networkReleasedAt: timestampSchema.nullable().default(null),
    /** Who decided that it stays isolated for good, why and when. @default nobody */
    retired: z.object({ by: untrustedText(512), why: untrustedText(512), at: timestampSchema }).optional(),
    begunAt: timestampSchema,
    /** Null while it stands. */
    releasedAt: timestampSchema.nullable(),
    revision: z.number().int().nonnegative(),
});
export type StandingContainment = z.infer<typeof standingContainmentSchema>;

/** Pins that a role's sessions from before a moment are denied; a later moment takes the place of an earlier one. */
export function withRevoked(standing: StandingContainment, role: string, before: string): StandingContainment {
    const others = standing.revoked.filter((each) => each.role !== role);
    const known = standing.revoked.find((each) => each.role === role);
    return { ...standing, revoked: [...others, known !== undefined && known.before > before ? known : { role, before }] };
}

const noGroups = { isolation: null, untrack: null, networkAcl: null };

/** Pins the ids of groups; one that was pinned before and is replaced is kept to be deleted. */
export function withGroups(standing: StandingContainment, ids: Partial<StandingContainment["groups"]>): StandingContainment {
    const replaced = (["isolation", "untrack"] as const)
        .filter((role) => ids[role] !== undefined && standing.groups[role] !== null && ids[role] !== standing.groups[role])
        .map((role) => standing.groups[role]!);
    return {
        ...standing,
        groups: { ...standing.groups, ...ids },
        formerGroups: [...new Set([...standing.formerGroups, ...replaced])],
    };
}

/** The containment that an incident begins over what stood before, which is null or released. */
export function newStanding(
    record: InstanceState,
    incidentId: string,
    before: StandingContainment | null,
    now: string,
): StandingContainment {
    return {
        instance: record.instance,
        incidentIds: [incidentId],
        record,
        complete: false,
        groups: noGroups,
        check: null,
        drifts: [],
        formerGroups: [],
        roles: [],
        revoked: [],
        suspended: null,
        modes: null,
        quarantine: null,
        settledAt: null,
        setUnread: [],
        repairingUntil: null,
        repairedAt: null,
        releasingAt: null,
        networkReleasedAt: null,
        begunAt: now,
        releasedAt: null,
        revision: (before?.revision ?? -1) + 1,
    };
}

/**
 * What an incident, new or tried again, takes over. The record stays as it is; only interfaces that were attached since come to
 * it, as they are now, and what had not been read.
 */
export function inherit(standing: StandingContainment, now: InstanceState, incidentId: string): StandingContainment {
    const known = new Set(standing.record.interfaces.map(({ networkInterfaceId }) => networkInterfaceId));
    const ours = new Set([standing.groups.isolation, standing.groups.untrack, standing.quarantine?.group]);
    const added = now.interfaces.filter(
        ({ networkInterfaceId, groups }) => !known.has(networkInterfaceId) && !groups.some((group) => ours.has(group)),
    );
    const { record, networkReleasedAt } = standing;
    // A network that was given back is its owner's: as it is now, a release puts it back. Network ACLs follow when they are read.
    const given = now.interfaces.map((each) => ({
        ...each,
        tcpIdleTimeout:
            each.tcpIdleTimeout ??
            record.interfaces.find((one) => one.networkInterfaceId === each.networkInterfaceId)?.tcpIdleTimeout ??
            null,
    }));
    const network = networkReleasedAt === null ? { interfaces: [...record.interfaces, ...added] } : { interfaces: given, networkAcls: [] };
    return {
        ...standing,
        incidentIds: [...new Set([...standing.incidentIds, incidentId])],
        // What a release had begun is undone by containing anew.
        releasingAt: null,
        networkReleasedAt: null,
        record: {
            ...record,
            ...network,
            autoScaling: record.autoScaling ?? now.autoScaling,
        },
    };
}

/**
 * What the table shall have where a run could not keep, or not even read, what it has: a run that did not see that the instance stands contained
 * took the contained state for the owner's, and a release would put nothing back.
 *
 * @param read what the table has @param run what the run knows
 */
export function joinStanding(read: StandingContainment | null, run: StandingContainment): StandingContainment {
    const incidentIds = [...new Set([...(read?.incidentIds ?? []), ...run.incidentIds])];
    if (read === null || (read.releasedAt !== null && read.releasedAt <= run.begunAt)) return run;
    // Begun by this run.
    if (read.begunAt === run.begunAt) return { ...run, incidentIds };
    const made = Object.fromEntries(Object.entries(run.groups).filter(([, id]) => id !== null)) as Partial<StandingContainment["groups"]>;
    const joined = run.revoked.reduce((each, { role, before }) => withRevoked(each, role, before), withGroups(read, made));
    return {
        // The first record is the owner's; interfaces that came since are added to it.
        ...inherit(joined, run.record, run.incidentIds.at(-1)!),
        incidentIds,
        roles: [...new Set([...read.roles, ...run.roles])].sort(),
        formerGroups: [...new Set([...joined.formerGroups, ...run.formerGroups])],
        suspended: read.suspended ?? run.suspended,
        modes: run.modes,
        settledAt: run.settledAt,
    };
}

type Settings = Pick<InstanceState, "terminationProtection" | "stopProtection" | "shutdownBehavior">;

/**
 * What is on record before the instance's own settings are changed: what the first reading did not get is filled in, and what nobody has read is
 * marked, since what it is from now on is ours. What was marked before stays so.
 *
 * @param now null where AWS is too busy to say
 * @returns null where nothing changes
 */
export function beforeProtection(standing: StandingContainment, now: Settings | null): StandingContainment | null {
    const { record, setUnread } = standing;
    const names = ["terminationProtection", "stopProtection", "shutdownBehavior"] as const;
    const open = names.filter((each) => record[each] === null && !setUnread.includes(each));
    if (open.length === 0) return null;
    const filled = Object.fromEntries(open.map((each) => [each, now?.[each] ?? null]));
    return {
        ...standing,
        record: { ...record, ...filled },
        setUnread: [...setUnread, ...open.filter((each) => filled[each] === null)],
    };
}

/** Parts of the first reading by the words in which `unread` names them (aws/containment/readBeside.ts). */
const parts = {
    targets: /^(the target groups|the targets of)/,
    classicLoadBalancers: /^the classic load balancers/,
    timeouts: /^the instance type/,
};
const lacks = ({ unread }: Pick<InstanceState, "unread">, part: keyof typeof parts) => unread.some((each) => parts[part].test(each));

/** Idle time-outs that are not on record, as they are now. */
const withTimeouts = (record: InstanceState, now: InstanceState): InstanceState["interfaces"] =>
    record.interfaces.map((each) => ({
        ...each,
        tcpIdleTimeout:
            each.tcpIdleTimeout ?? now.interfaces.find((one) => one.networkInterfaceId === each.networkInterfaceId)?.tcpIdleTimeout ?? null,
    }));

/**
 * Fills in what AWS did not let the first reading see, when a later one does: nothing of it was changed, since what is not seen is left as it
 * is. Registrations that the first reading did see stay as they were: what came since is not the owner's.
 */
function catchUp(record: InstanceState, now: InstanceState): InstanceState {
    const readNow = (Object.keys(parts) as (keyof typeof parts)[]).filter((part) => lacks(record, part) && !lacks(now, part));
    if (readNow.length === 0) return record;
    return {
        ...record,
        targets: readNow.includes("targets") ? now.targets : record.targets,
        classicLoadBalancers: readNow.includes("classicLoadBalancers") ? now.classicLoadBalancers : record.classicLoadBalancers,
        interfaces: readNow.includes("timeouts") ? withTimeouts(record, now) : record.interfaces,
        unread: record.unread.filter((each) => !readNow.some((part) => parts[part].test(each))),
    };
}

/** Fills in what the first reading left out. Nothing that is on record already is replaced. */
export function completed(standing: StandingContainment, now: InstanceState): StandingContainment {
    const { record, groups } = standing;
    if (standing.complete) {
        const isOwners = now.networkAcls.every(({ networkAclId }) => networkAclId !== groups.networkAcl);
        const caughtUp = catchUp(record, now);
        if (record.networkAcls.length === 0 && isOwners) return { ...standing, record: { ...caughtUp, networkAcls: now.networkAcls } };
        return caughtUp === record ? standing : { ...standing, record: caughtUp };
    }
    return {
        ...standing,
        complete: true,
        record: {
            ...record,
            interfaces: withTimeouts(record, now),
            autoScaling: record.autoScaling ?? now.autoScaling,
            targets: now.targets,
            classicLoadBalancers: now.classicLoadBalancers,
            networkAcls: now.networkAcls,
            trackedPaths: now.trackedPaths,
            unread: now.unread,
        },
    };
}
