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
import { isRevocationLive } from "../../domain/planCredentialDeny";
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
import { beforeProtection, completed, inherit, newStanding, withGroups, type StandingContainment } from "../../domain/standingContainment";
import { eventually } from "../consistency";
import type { Victim } from "../victim";
import { perform } from "./actions";
import { readRules } from "./containmentGroups";
import { KeptRecord } from "./kept";
import { attempt, persist } from "./performed";
import { pinsIn } from "./pins";
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
    /** Branch interfaces of the VPC that are another trunk's by their tag alone. */
    elsewhere: string[];
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
    credentials: ["denyCredentials", "denyRole", "revokeRole", "revokeSessions", "disableMetadata"],
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

/** Sessions that were ended when it was contained stay ended; those that others opened since are not to blame for what somebody changed. */
export function revocationsAgain({ revoked }: StandingContainment, mode: CredentialsMode): ContainmentAction[] {
    // Contained anew with `revoke-role`, every session until now ends.
    if (mode !== "deny-instance") return [];
    const now = new Date().toISOString();
    return revoked.filter(({ before }) => isRevocationLive(before, now)).map((each) => ({ kind: "revokeSessions", ...each }) as const);
}

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

    const own: Branches = { interfaces: [], unknown: [], elsewhere: [] };
    const first = stateOf(victim, instance, own, quick);
    const kept = new KeptRecord(victim.ref, known);
    const recorded = kept.change((read) =>
        read === null || read.releasedAt !== null
            ? { ...newStanding(first, incidentId, read, new Date().toISOString()), modes }
            : { ...inherit(read, first, incidentId), modes },
    );
    const pins = pinsIn(kept, victim);
    const stands = known !== null && known.releasedAt === null ? known.groups : null;
    // Roles that got the deny before stay denied, whatever profile the instance has by now.
    const before = stands === null ? [] : known!.roles;
    const denials = (roles: readonly string[], because: string) =>
        modes.credentials === "keep" ? [] : roles.map((role) => ({ kind: "denyRole", role, because }) as const);
    const profiles = others.profiles.filter((each) => each !== first.instanceProfileArn && modes.credentials !== "keep");
    const otherDenials: ContainmentAction[] = [
        ...denials(before, "which denied them before"),
        ...(stands === null ? [] : revocationsAgain(known!, modes.credentials)),
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
        await kept.change((read) => read && beforeProtection(read, again?.attributes ?? null));
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
    await kept.insist();
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
        const { step } = await attempt(
            { name: "keepRecord", detail: "the restore record in the incidents table, without which nobody watches the instance" },
            () => Promise.reject(kept.error),
        );
        steps.push(step);
    }

    let { groups } = prepared;
    let back = await readBack(victim, groups, isRefused(steps));
    // Somebody gave the group rules, or the interfaces other groups, while they were cut: what a person would be called for is done again at once.
    for (let cuts = 1; cuts < mostCuts && isUndone(back, groups) && groups.isolation !== null && !isRefused(steps); cuts++) {
        const again = await prepareGroups(victim, first.vpcId, groups, "groups", (ids) =>
            kept.change((read) => read && withGroups(read, ids)),
        );
        steps.push(...again.failed);
        errors.push(...again.errors);
        if (again.groups.isolation === null) break;
        if (again.groups.isolation !== groups.isolation) steps.push(disarmed(groups.isolation, back.rules, again.groups.isolation));
        groups = { ...again.groups, networkAcl: groups.networkAcl };
        const from = steps.length;
        await performAll(planned("cut", { ...state, interfaces: back.interfaces }, groups));
        back = await readBack(victim, groups, isRefused(steps.slice(from)));
    }
    await kept.settled();
    const seen = isSeen(back) ? back : null;
    const isCutNow = steps.some(({ name, outcome }) => name === "isolateInterface" && outcome === "done");
    if (seen === null) errors.push(back);
    else if (seen.open.length === 0 && seen.rules?.length === 0 && seen.interfaces.length > 0)
        await kept.change((read) =>
            read === null || (read.settledAt !== null && !isCutNow) ? null : { ...read, settledAt: new Date().toISOString() },
        );
    const subnets = steps.filter(({ name }) => name === "isolateSubnet");
    return {
        standing: kept.current!,
        groups,
        state,
        after: seen?.interfaces ?? null,
        elsewhere: (await looking).elsewhere,
        open: seen?.open ?? ["the instance could not be read back"],
        ruleless: seen?.rules?.length === 0,
        subnetsCut: groups.networkAcl !== null && state.networkAcls.length > 0 && subnets.every(({ outcome }) => outcome !== "failed"),
        steps,
        errors,
        unreadable: seen === null ? back : null,
    };
}

interface Seen {
    interfaces: InstanceState["interfaces"];
    open: string[];
    /** Of the isolation group; null when there is none. */
    rules: string[] | null;
}
const isSeen = (value: unknown): value is Seen => typeof value === "object" && value !== null && "rules" in value;

/** Times that an instance is cut in one run, each with a group that nobody has touched yet. */
const mostCuts = 3;
/** With which EC2 makes a group; that they still show may be its lag. */
const bornWith = ["out everything to 0.0.0.0/0", "out everything to ::/0"];

const isRefused = (steps: readonly ContainmentStep[]) =>
    steps.some(({ name, outcome }) => name === "isolateInterface" && outcome === "failed");
/** Whether what was cut is open again, by rules or by other groups. */
const isUndone = (back: unknown, { isolation }: ContainmentGroups): back is Seen =>
    isSeen(back) && (back.rules?.length !== 0 || uncontainedInterfaces(back.interfaces, isolation).length > 0);

function disarmed(group: string, rules: string[] | null, next: string): ContainmentStep {
    const what = rules === null ? "was gone" : `had rules of somebody else's (${rules.slice(0, 3).join("; ")})`;
    const detail = `the isolation group ${group} ${what} when it was read back, so ${next} was made, which the interfaces carry now`;
    return { name: "isolationGroup", outcome: "done", at: new Date().toISOString(), detail: detail.slice(0, 512) };
}

/**
 * Reads interfaces and group back until they are as they should be; where an interface was refused, or the group has rules of somebody's,
 * nothing comes by waiting. @returns the error where they could not be read
 */
async function readBack(victim: Victim, { isolation }: ContainmentGroups, refused: boolean): Promise<unknown> {
    const quick: QuickRead = {
        attributes: { terminationProtection: null, stopProtection: null, shutdownBehavior: null },
        autoScaling: null,
        autoScalingRead: false,
        unread: [],
    };
    const look = async (): Promise<Seen> => {
        const [instance, rules] = await Promise.all([
            persist(() => describeInstance(victim)),
            isolation === null ? null : persist(() => readRules(victim, isolation)),
        ]);
        const branches = await readBranches(victim, instance);
        const { interfaces } = stateOf(victim, instance, branches, quick);
        const unknown = branches.unknown ?? ["branch interfaces of its trunk, which could not be listed"];
        return { interfaces, rules, open: [...uncontainedInterfaces(interfaces, isolation), ...unknown] };
    };
    const isOurs = (rules: string[] | null) => rules === null || rules.every((each) => bornWith.includes(each));
    const isDone = ({ open, rules, interfaces }: Seen) => open.length === 0 && rules?.length === 0 && interfaces.length > 0;
    return eventually(look, (seen) => refused || isolation === null || !isOurs(seen.rules) || isDone(seen)).catch(
        (error: unknown) => error,
    );
}
