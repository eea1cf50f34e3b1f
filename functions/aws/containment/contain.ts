/**
 * Contains an instance, or contains it again where it drifted. The cut waits for nothing but the instance, its interfaces and the
 * two groups; credentials are denied beside it; load balancers, routes and endpoints are read on their own, however busy AWS is.
 *
 * Calls one after another up to the cut: the instance is described; the record is kept while the groups are made; they get their
 * rules while their ids are kept; then each interface changes groups twice.
 */
import { setTimeout } from "node:timers/promises";
import type { Instance } from "@aws-sdk/client-ec2";
import type { ContainmentStep } from "../../domain/containers";
import type { InstanceState } from "../../domain/instanceState";
import {
    departed,
    describeAction,
    notNeeded,
    planContainment,
    planDeparture,
    uncontainedInterfaces,
    type ContainmentAction,
    type ContainmentGroups,
    type CredentialsMode,
} from "../../domain/planContainment";
import { completed, inherit, newStanding, withAttributes, withGroups, type StandingContainment } from "../../domain/standingContainment";
import { eventually } from "../consistency";
import type { Victim } from "../victim";
import { listStanding } from "../standingContainments";
import { perform, type Pins } from "./actions";
import { hasNoRules } from "./containmentGroups";
import { KeptRecord } from "./kept";
import { attempt, persist } from "./performed";
import { prepareGroups, type NetworkMode } from "./prepareGroups";
import type { QuickRead } from "./readBeside";
import { readBeside, readQuick } from "./readBeside";
import { describeInstance, readBranches, stateOf, type Branches } from "./readInstance";

/** Milliseconds that settings which a first, hurried look did not get are asked for again. */
const secondLook = 60_000;
/** Milliseconds that protection waits for the instance to leave its Auto Scaling group. */
const longestLeaving = 4000;

export interface Contained {
    /** Null only where the table could neither be read nor written. */
    standing: StandingContainment;
    groups: ContainmentGroups;
    /** As the plan saw it. */
    state: InstanceState;
    /** Interfaces as they were read back; null where they could not be. */
    after: InstanceState["interfaces"] | null;
    /** What is still open, as sentences or interface ids; empty means contained. */
    open: string[];
    /** Whether the isolation group was read back without rules. */
    ruleless: boolean;
    subnetsCut: boolean;
    steps: ContainmentStep[];
    errors: unknown[];
    /** What ended the reading back. */
    unreadable: unknown;
}

const kinds = {
    cut: ["isolateInterface"],
    credentials: ["denyCredentials", "denyRole", "revokeRole", "disableMetadata"],
    protection: ["protectFromTermination", "protectFromStop", "stopOnShutdown", "keepVolumes"],
    rest: ["deregisterTarget", "deregisterFromClassic", "isolateSubnet", "shortenIdleTimeout"],
} satisfies Record<string, ContainmentAction["kind"][]>;

/** How far it goes, as deployed. */
export interface Modes {
    credentials: CredentialsMode;
    network: NetworkMode;
}

/** Whose credentials the instance may hold besides its profile's of now. */
export interface OtherCredentials {
    /** Instance profiles, by their ARN. */
    profiles: readonly string[];
    /** Roles that were seen at work. */
    roles: readonly string[];
    /** Asks CloudTrail, when the instance is being cut and not before. Never throws. */
    history: () => Promise<{ roles: readonly string[] }>;
}
const none: OtherCredentials = { profiles: [], roles: [], history: () => Promise.resolve({ roles: [] }) };

/** @param others whose deny follows the same rules */
export async function contain(
    victim: Victim,
    instance: Instance,
    quick: QuickRead,
    known: StandingContainment | null,
    modes: Modes,
    others: OtherCredentials = none,
): Promise<Contained> {
    const { incidentId } = victim;
    const steps: ContainmentStep[] = [];
    const errors: unknown[] = [];
    /** A failure is an outcome, not an exception: the rest must still be done. */
    const performAll = async (actions: ContainmentAction[]) => {
        for (const { step, error } of await Promise.all(
            actions.map((action) => attempt(describeAction(action), () => perform(action, victim, pins))),
        )) {
            steps.push(step);
            if (error !== null) errors.push(error);
        }
    };
    const planned = (part: keyof typeof kinds, state: InstanceState, groups: ContainmentGroups) =>
        planContainment(departed(state), groups, modes.credentials)
            .flat()
            .filter(({ kind }) => (kinds[part] as string[]).includes(kind));

    const own: Branches = { interfaces: [], unknown: [] };
    const first = stateOf(victim, instance, own, quick);
    const kept = new KeptRecord(victim.ref, known);
    const recorded = kept.change((read) =>
        read === null || read.releasedAt !== null
            ? { ...newStanding(first, incidentId, read, new Date().toISOString()), modes }
            : { ...inherit(read, first, incidentId), modes },
    );
    const pins: Pins = {
        role: (role) =>
            kept.change((read) => (read === null || read.roles.includes(role) ? null : { ...read, roles: [...read.roles, role].sort() })),
        suspensions: {
            pin: (suspended) => kept.change((read) => read && { ...read, suspended: read.suspended ?? suspended }),
            forOthers: async (group) =>
                (await listStanding())
                    .filter(({ instance: { accountId }, suspended }) => accountId === victim.ref.accountId && suspended?.group === group)
                    .flatMap(({ suspended }) => suspended!.processes),
        },
    };
    const stands = known !== null && known.releasedAt === null ? known.groups : null;
    // Roles that got the deny before stay denied, whatever profile the instance has by now.
    const before = stands === null ? [] : known!.roles;
    const denials = (roles: readonly string[], because: string) =>
        modes.credentials === "keep" ? [] : roles.map((role) => ({ kind: "denyRole", role, because }) as const);
    const profiles = others.profiles.filter((each) => each !== first.instanceProfileArn && modes.credentials !== "keep");
    const otherDenials: ContainmentAction[] = [
        ...denials(before, "which denied them before"),
        ...profiles.map((instanceProfileArn) => ({ kind: "denyCredentials", instanceProfileArn }) as const),
        ...denials(
            others.roles.filter((role) => !before.includes(role)),
            "which the finding names",
        ),
    ];
    const noGroups: ContainmentGroups = { isolation: null, untrack: null, networkAcl: null };

    const making = prepareGroups(victim, first.vpcId, stands ?? noGroups, modes.network, (ids) =>
        kept.change((read) => read && withGroups(read, ids)),
    );
    const looking = readBranches(victim, instance);
    const leaving = recorded.then(() => performAll(planDeparture(first)));
    const cutting = (async () => {
        const [{ groups }, branches] = await Promise.all([making, looking, recorded]);
        const state = stateOf(victim, instance, branches, quick);
        if (branches.interfaces.length > 0) await kept.change((read) => read && inherit(read, state, incidentId));
        await performAll(planned("cut", state, groups));
    })();
    const askingAgain = quick.unread.length > 0 ? recorded.then(() => readQuick(victim, secondLook)) : Promise.resolve(quick);
    const reading = (async () => {
        await recorded;
        const [branches, again, beside] = await Promise.all([looking, askingAgain, readBeside(victim, instance)]);
        return { quick: again, state: stateOf(victim, instance, branches, again, beside) };
    })();
    const finishing = (async () => {
        const { quick: again, state } = await reading;
        await kept.change((read) => read && completed(read, state));
        if (!quick.autoScalingRead && again.autoScalingRead) await performAll(planDeparture(state));
        const { groups } = await making;
        await cutting;
        await performAll(planned("rest", state, groups));
        return state;
    })();
    /** A group that makes its instances wait does not hold protection up, nor does a busy AWS; what it was before is read first if it can be. */
    const protecting = async () => {
        const patience = setTimeout(longestLeaving, null, { ref: false });
        const [again] = await Promise.all([Promise.race([askingAgain, patience]), Promise.race([leaving, patience])]);
        if (again !== null) await kept.change((read) => read && withAttributes(read, again.attributes));
        await performAll(planned("protection", again === null ? first : { ...first, ...again.attributes }, noGroups));
    };
    const denying = recorded.then(() => performAll([...planned("credentials", first, noGroups), ...otherDenials]));
    const [prepared, state] = await Promise.all([
        making,
        finishing,
        cutting,
        protecting(),
        leaving,
        denying,
        cutting.then(async () => {
            const { roles } = modes.credentials === "keep" ? { roles: [] } : await others.history();
            await denying;
            // What the profile's role got just now is pinned.
            const denied = kept.current?.roles ?? [];
            await performAll(
                denials(
                    roles.filter((role) => !denied.includes(role)),
                    "whose credentials CloudTrail saw with the instance",
                ),
            );
        }),
    ]);
    const { groups } = prepared;
    await kept.settled();
    steps.unshift(
        ...state.unread.map((what) => ({
            name: "readInstance",
            outcome: "failed" as const,
            at: state.readAt,
            detail: `AWS did not let us read ${what}; it is left as it is`,
        })),
        ...notNeeded(state).map((line) => ({ ...line, outcome: "not-needed" as const, at: state.readAt })),
        ...prepared.failed,
    );
    errors.push(...prepared.errors);
    if (kept.error !== null) {
        const { step } = await attempt({ name: "keepRecord", detail: "the restore record in the incidents table" }, () =>
            Promise.reject(kept.error),
        );
        steps.push(step);
    }

    const back = await readBack(victim, groups, steps).catch((error: unknown) => error);
    const seen = isSeen(back) ? back : null;
    if (seen === null) errors.push(back);
    else if (seen.open.length === 0 && seen.ruleless && seen.interfaces.length > 0)
        await kept.change((read) => (read === null || read.settledAt !== null ? null : { ...read, settledAt: new Date().toISOString() }));
    const subnets = steps.filter(({ name }) => name === "isolateSubnet");
    return {
        standing: kept.current!,
        groups,
        state,
        after: seen?.interfaces ?? null,
        open: seen?.open ?? ["the instance could not be read back"],
        ruleless: seen?.ruleless ?? false,
        subnetsCut: groups.networkAcl !== null && state.networkAcls.length > 0 && subnets.every(({ outcome }) => outcome !== "failed"),
        steps,
        errors,
        unreadable: seen === null ? back : null,
    };
}

interface Seen {
    interfaces: InstanceState["interfaces"];
    open: string[];
    ruleless: boolean;
}
const isSeen = (value: unknown): value is Seen => typeof value === "object" && value !== null && "ruleless" in value;

/** Reads interfaces and group back until they are as they should be; where an interface was refused, nothing comes by waiting. */
async function readBack(victim: Victim, { isolation }: ContainmentGroups, steps: ContainmentStep[]): Promise<Seen> {
    const refused = isolation === null || steps.some(({ name, outcome }) => name === "isolateInterface" && outcome === "failed");
    const quick: QuickRead = {
        attributes: { terminationProtection: null, stopProtection: null, shutdownBehavior: null },
        autoScaling: null,
        autoScalingRead: false,
        unread: [],
    };
    const look = async (): Promise<Seen> => {
        const [instance, ruleless] = await Promise.all([
            persist(() => describeInstance(victim)),
            isolation === null ? false : persist(() => hasNoRules(victim, isolation)),
        ]);
        const branches = await readBranches(victim, instance);
        const { interfaces } = stateOf(victim, instance, branches, quick);
        const unknown = branches.unknown ?? ["branch interfaces of its trunk, which could not be listed"];
        return { interfaces, ruleless, open: [...uncontainedInterfaces(interfaces, isolation), ...unknown] };
    };
    return eventually(look, (seen) => refused || (seen.open.length === 0 && seen.ruleless && seen.interfaces.length > 0));
}
