/** Reads back what a standing containment put in place: what the watch decides from. It changes nothing. */
import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { EC2Client, paginateDescribeNetworkInterfaces, type Instance } from "@aws-sdk/client-ec2";
import { IAMClient } from "@aws-sdk/client-iam";
import { isRevocationLive } from "../../domain/planCredentialDeny";
import type { DenySeen, Unwatched, Watched } from "../../domain/watch/drift";
import type { StandingContainment } from "../../domain/standingContainment";
import { errorCode, isAccessDenied, isTransient, TransientError } from "../errors";
import { targetGroupsToAsk } from "../../domain/targetGroupsToAsk";
import type { Victim } from "../victim";
import { readRules } from "./containmentGroups";
import { readDeny, readRevocation, roleOf } from "./credentials";
import { endingProcesses } from "./leaveAutoScaling";
import { deniesEverything, readSubnetAcls } from "./networkAcls";
import { persist } from "./performed";
import { readQuick } from "./readBeside";
import { LoadBalancersOfRun } from "./readLoadBalancers";
import { describeInstance, InstanceGone, nothingBeside, readBranches, stateOf } from "./readInstance";

/** Milliseconds that a busy AWS is waited for. */
const patience = 20_000;
/** Milliseconds between two looks of the schedule. */
const betweenLooks = 300_000;
/** Milliseconds after which CloudTrail has an event, with room. */
const trailLate = 20 * 60_000;
/** Seconds; "Connection tracking timeouts" in the EC2 user guide gives it for what is not a Nitro v6 instance. Only that it is longer than ours counts. */
const ec2DefaultTimeout = 432_000;

/** Reads what may be refused by itself: it is named, and the rest is read. Busy is not refused: the look is made again. */
async function tolerate<T>(unread: string[], what: string, read: () => Promise<T>, otherwise: T): Promise<T> {
    try {
        return await persist(read);
    } catch (error) {
        if (isTransient(error)) throw error;
        unread.push(`${what} (${errorCode(error)})`);
        return otherwise;
    }
}

/** Interfaces that carry a group of ours and are not the instance's. */
async function readStrangers(victim: Victim, groupIds: string[], own: readonly string[]): Promise<Watched["strangers"]> {
    if (groupIds.length === 0) return [];
    const found: Watched["strangers"] = [];
    const filters = [{ Name: "group-id", Values: groupIds }];
    for await (const page of paginateDescribeNetworkInterfaces({ client: victim.client(EC2Client) }, { Filters: filters }))
        for (const { NetworkInterfaceId, Attachment, Groups } of page.NetworkInterfaces ?? []) {
            if (Attachment?.InstanceId === victim.ref.instanceId || own.includes(NetworkInterfaceId!)) continue;
            for (const { GroupId } of Groups ?? [])
                if (groupIds.includes(GroupId!)) found.push({ networkInterfaceId: NetworkInterfaceId!, groupId: GroupId! });
        }
    return found;
}

/** With which load balancers it is registered; null where ELB, whose Describe calls the whole account shares, was too busy or refused. */
async function lookForRegistrations(
    victim: Victim,
    instance: Instance,
    standing: StandingContainment,
    balancers: LoadBalancersOfRun,
    unread: string[],
): Promise<Watched["registered"]> {
    // Of a network that was given back, load balancers are the owner's again.
    if (standing.networkReleasedAt !== null) return null;
    const turn = Math.floor(Date.now() / betweenLooks);
    try {
        // CloudTrail is late, so that what it has by now may be from before the last look.
        const since = new Date(Date.parse(standing.check?.at ?? standing.begunAt) - trailLate).toISOString();
        return await balancers.registrations(victim, instance, since, (arns, named) => targetGroupsToAsk(standing, arns, turn, named));
    } catch (error) {
        if (!isTransient(error)) unread.push(`its load balancers (${errorCode(error)})`);
        return null;
    }
}

/** Processes that may end instances of a group and are not suspended. */
async function lookForProcesses(victim: Victim, { suspended }: StandingContainment): Promise<string[]> {
    if (suspended === null) return [];
    const { AutoScalingGroups } = await victim
        .client(AutoScalingClient)
        .send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [suspended.group] }));
    const now = (AutoScalingGroups?.[0]?.SuspendedProcesses ?? []).map(({ ProcessName }) => ProcessName);
    return AutoScalingGroups?.[0] === undefined ? [] : endingProcesses.filter((each) => !now.includes(each));
}

/**
 * @param balancers of the run, where one look serves several instances; a look at what was just changed has its own
 * @throws where AWS was too busy: nothing is known then, and the next look finds out
 */
export async function readWatched(
    victim: Victim,
    standing: StandingContainment,
    balancers = new LoadBalancersOfRun(),
): Promise<Watched | Unwatched> {
    const { groups, roles, modes, record } = standing;
    let instance;
    try {
        instance = await persist(() => describeInstance(victim));
    } catch (error) {
        if (error instanceof InstanceGone) return { why: "gone", detail: error.message.split(":")[0]! };
        if (isAccessDenied(error)) return { why: "refused", detail: `${errorCode(error)}: ${(error as Error).message}`.slice(0, 300) };
        throw error;
    }
    const unread: string[] = [];
    const ours = [groups.isolation, groups.untrack].filter((each) => each !== null);
    const [quick, branches, rules] = await Promise.all([
        readQuick(victim, patience),
        readBranches(victim, instance),
        groups.isolation === null
            ? null
            : tolerate(unread, `the rules of ${groups.isolation}`, () => readRules(victim, groups.isolation!), null),
    ]);
    const busy = quick.unread.find((each) => isTransient({ name: /\(([^)]*)\)$/.exec(each)?.[1] }));
    if (busy !== undefined) throw new TransientError(`AWS was too busy to let ${victim.ref.instanceId} be looked at: ${busy}`);
    // Where the type lets it be set, an interface without a time of its own has EC2's default.
    const defaultTimeout = record.interfaces.some(({ tcpIdleTimeout }) => tcpIdleTimeout !== null) ? ec2DefaultTimeout : null;
    const own = stateOf(victim, instance, branches, quick);
    const profile = own.instanceProfileArn;
    const subnetIds = [...new Set(own.interfaces.map(({ subnetId }) => subnetId))].sort();
    const denied = async (): Promise<[string, DenySeen][]> => {
        if (modes?.credentials === "keep") return [];
        const current =
            profile === null
                ? null
                : await tolerate(unread, `the role of ${profile}`, () => roleOf(victim.client(IAMClient), profile), null);
        return Promise.all(
            [...new Set([...roles, ...(current === null ? [] : [current])])].map(
                async (role) =>
                    [role, await tolerate<DenySeen>(unread, `the policy of the role ${role}`, () => readDeny(role, victim), "unread")] as [
                        string,
                        DenySeen,
                    ],
            ),
        );
    };
    /** Of those whose sessions may still live. */
    const revocations = async (): Promise<[string, DenySeen][]> =>
        Promise.all(
            standing.revoked
                .filter(({ before }) => isRevocationLive(before, new Date().toISOString()))
                .map(async ({ role, before }) => [
                    role,
                    await tolerate<DenySeen>(
                        unread,
                        `the deny of older sessions of the role ${role}`,
                        () => readRevocation(role, before, victim),
                        "unread",
                    ),
                ]),
        );
    const [strangers, denies, revoked, registered, runningProcesses, networkAcls, aclDenies] = await Promise.all([
        tolerate(
            unread,
            "who else carries our groups",
            () =>
                readStrangers(
                    victim,
                    ours,
                    own.interfaces.map((each) => each.networkInterfaceId),
                ),
            [],
        ),
        denied(),
        revocations(),
        lookForRegistrations(victim, instance, standing, balancers, unread),
        tolerate(unread, "the suspended processes of its Auto Scaling group", () => lookForProcesses(victim, standing), []),
        groups.networkAcl === null ? [] : tolerate(unread, "the network ACLs", () => readSubnetAcls(victim, subnetIds), []),
        groups.networkAcl === null
            ? null
            : tolerate(unread, `the network ACL ${groups.networkAcl}`, () => deniesEverything(victim, groups.networkAcl!), null),
    ]);
    return {
        state: stateOf(victim, instance, branches, quick, { ...nothingBeside, networkAcls, defaultTimeout }),
        isolationRules: rules,
        strangers,
        denies: Object.fromEntries(denies),
        revoked: Object.fromEntries(revoked),
        aclDenies,
        unknownBranches: branches.unknown,
        registered,
        runningProcesses,
        unread: [...quick.unread, ...unread],
    };
}
