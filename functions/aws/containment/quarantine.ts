/**
 * Quarantines an instance while its memory is taken (domain/planQuarantine.ts). The last cut (contain.ts) follows whatever becomes of it,
 * so nothing here is tried for long: what cannot be done now is done there.
 */
import { setTimeout } from "node:timers/promises";
import {
    DescribeSecurityGroupsCommand,
    EC2Client,
    paginateDescribeNetworkInterfaces,
    paginateDescribeVpcEndpoints,
    type Instance,
} from "@aws-sdk/client-ec2";
import type { ContainmentStep } from "../../domain/containers";
import {
    departed,
    describeAction,
    planDeparture,
    type ContainmentAction,
    type ContainmentGroups,
    type CredentialsMode,
} from "../../domain/planContainment";
import { chooseEndpoints, endpointsRefuse, openInterfaces, planQuarantine, type QuarantineGroups } from "../../domain/planQuarantine";
import { beforeProtection, completed, inherit, newStanding, withGroups, type StandingContainment } from "../../domain/standingContainment";
import { eventually } from "../consistency";
import { errorCode } from "../errors";
import type { Victim } from "../victim";
import { perform } from "./actions";
import { ensureQuarantineGroup, isQuarantine } from "./containmentGroups";
import { KeptRecord } from "./kept";
import { attempt, done } from "./performed";
import { pinsIn } from "./pins";
import { prepareGroups, type NetworkMode } from "./prepareGroups";
import { readBeside, type QuickRead } from "./readBeside";
import { describeInstance, readBranches, stateOf, type Branches } from "./readInstance";

/** Milliseconds that load balancers are read for: where ELB is busier, the instance leaves them with the last cut. */
const longestBeside = 5000;

/** The way that a quarantine leaves: the groups of the VPC's endpoints, and how many other interfaces carry those too. */
export type QuarantineWay = { groups: string[]; alsoReached: number } | { why: string };

/** Looks for the way that a quarantine would leave. @throws what EC2 answers */
export async function findWay(victim: Victim, instance: Instance): Promise<QuarantineWay> {
    const ec2 = victim.client(EC2Client);
    const vpcId = instance.VpcId ?? "";
    const filters = [
        { Name: "vpc-id", Values: [vpcId] },
        { Name: "vpc-endpoint-type", Values: ["Interface"] },
    ];
    const endpoints = [];
    for await (const page of paginateDescribeVpcEndpoints({ client: ec2 }, { Filters: filters }))
        endpoints.push(...(page.VpcEndpoints ?? []));
    const choice = chooseEndpoints(endpoints, vpcId, victim.ref.region);
    if ("why" in choice) return choice;
    const addresses = (instance.NetworkInterfaces ?? []).flatMap(({ PrivateIpAddresses = [] }) =>
        PrivateIpAddresses.map(({ PrivateIpAddress }) => PrivateIpAddress!),
    );
    const [{ SecurityGroups = [] }, carriers] = await Promise.all([
        ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: choice.groups })),
        (async () => {
            const found = [];
            const carried = [{ Name: "group-id", Values: choice.groups }];
            for await (const page of paginateDescribeNetworkInterfaces({ client: ec2 }, { Filters: carried }))
                found.push(...(page.NetworkInterfaces ?? []));
            return found;
        })(),
    ]);
    const why = endpointsRefuse(SecurityGroups, addresses);
    if (why !== null) return { why };
    const isOther = ({ InterfaceType, Attachment }: (typeof carriers)[number]) =>
        InterfaceType !== "vpc_endpoint" && Attachment?.InstanceId !== victim.ref.instanceId;
    return { groups: choice.groups, alsoReached: carriers.filter(isOther).length };
}

export interface Quarantined {
    /** Interfaces that are neither quarantined nor cut, as they were read back; and what else speaks against it. Empty: it is quarantined. */
    open: string[];
    steps: ContainmentStep[];
}

/** How far containment goes, as deployed. */
interface Modes {
    credentials: CredentialsMode;
    network: NetworkMode;
}

/**
 * @param reached groups of the endpoints that stay reachable
 * @param otherRoles whose deny follows the same rules: those that the finding names
 * @param until ISO 8601; the watch leaves the instance to the workflow until then
 */
export async function quarantine(
    victim: Victim,
    instance: Instance,
    quick: QuickRead,
    known: StandingContainment | null,
    modes: Modes,
    reached: readonly string[],
    otherRoles: readonly string[],
    until: string,
): Promise<Quarantined> {
    const steps: ContainmentStep[] = [];
    const performAll = async (actions: ContainmentAction[]) => {
        for (const { step } of await Promise.all(
            actions.map((action) => attempt(describeAction(action), () => perform(action, victim, pins))),
        ))
            steps.push(step);
    };
    const own: Branches = { interfaces: [], unknown: [], elsewhere: [] };
    const first = stateOf(victim, instance, own, quick);
    const kept = new KeptRecord(victim.ref, known);
    const pins = pinsIn(kept, victim);
    await kept.change((read) =>
        read === null || read.releasedAt !== null
            ? { ...newStanding(first, victim.incidentId, read, new Date().toISOString()), modes }
            : { ...inherit(read, first, victim.incidentId), modes },
    );
    // Nothing else would know what the instance was like: the last cut would take what the quarantine changed for its owner's.
    if (kept.error !== null) return { open: [`its restore record could not be kept: ${errorCode(kept.error)}`], steps };
    const noGroups: ContainmentGroups = { isolation: null, untrack: null, networkAcl: null };
    let quarantineGroup: string | null = null;
    const makeQuarantine = async () => {
        const what = {
            name: "quarantineGroup",
            detail: `a group in ${first.vpcId} that reaches ${reached.join(", ")} at 443 and nothing else`,
        };
        const { step } = await attempt(what, async () => {
            quarantineGroup = await ensureQuarantineGroup(victim, first.vpcId, reached, kept.current?.quarantine?.group ?? null, (group) =>
                // It goes with the release, as every group that was made for the incident and serves no longer.
                kept.change(
                    (read) => read && { ...read, quarantine: { group, until }, formerGroups: [...new Set([...read.formerGroups, group])] },
                ),
            );
            return done;
        });
        steps.push(step);
    };
    const besideRead = Promise.race([readBeside(victim, instance).catch(() => null), setTimeout(longestBeside, null, { ref: false })]);
    const [prepared, branches] = await Promise.all([
        prepareGroups(victim, first.vpcId, kept.current?.groups ?? noGroups, "groups", (ids) =>
            kept.change((read) => read && withGroups(read, ids)),
        ),
        readBranches(victim, instance),
        makeQuarantine(),
        performAll(planDeparture(first)),
    ]);
    steps.push(...prepared.failed);
    const groups: QuarantineGroups = { ...prepared.groups, quarantine: quarantineGroup };
    const seen = stateOf(victim, instance, branches, quick);
    // What AWS did not say before is never taken from what is set here.
    await kept.change((read) => read && beforeProtection(read, quick.attributes));
    if (branches.interfaces.length > 0) await kept.change((read) => read && inherit(read, seen, victim.incidentId));
    const actions = planQuarantine(departed(seen), groups, modes.credentials).flat();
    const denyOthers: ContainmentAction[] =
        modes.credentials === "keep"
            ? []
            : otherRoles.map((role) => ({ kind: "denyRole", role, because: "which the finding names", agentExcepted: true }));
    await performAll([...actions, ...denyOthers]);
    const beside = await besideRead;
    if (beside !== null) {
        const state = stateOf(victim, instance, branches, quick, beside);
        await kept.change((read) => read && completed(read, state));
        const leaves = (kind: ContainmentAction["kind"]) => kind === "deregisterTarget" || kind === "deregisterFromClassic";
        await performAll(
            planQuarantine(departed(state), groups, modes.credentials)
                .flat()
                .filter(({ kind }) => leaves(kind)),
        );
    }
    const open = await readBack(victim, groups, reached);
    await kept.settled();
    return { open, steps };
}

/** Reads interfaces and group back. Never throws: what could not be read is not quarantined. */
async function readBack(victim: Victim, groups: QuarantineGroups, reached: readonly string[]): Promise<string[]> {
    const quick: QuickRead = {
        attributes: { terminationProtection: null, stopProtection: null, shutdownBehavior: null },
        autoScaling: null,
        autoScalingRead: false,
        unread: [],
    };
    if (groups.quarantine === null) return ["there is no quarantine group"];
    const group = groups.quarantine;
    const look = async () => {
        const [instance, serves] = await Promise.all([describeInstance(victim), isQuarantine(victim, group, reached)]);
        const branches = await readBranches(victim, instance);
        const { interfaces } = stateOf(victim, instance, branches, quick);
        return [
            ...openInterfaces(interfaces, groups),
            ...(branches.unknown ?? ["branch interfaces of its trunk, which could not be listed"]),
            ...(serves ? [] : [`the quarantine group ${group} has other rules than it was given`]),
        ];
    };
    try {
        return await eventually(look, (open) => open.length === 0, 5000);
    } catch (error) {
        return [`the instance could not be read back (${error instanceof Error ? error.message : String(error)})`];
    }
}
