/** Takes an instance's credentials away, and gives them back, through one inline policy on its role. */
import {
    DeleteRolePolicyCommand,
    GetInstanceProfileCommand,
    GetRolePolicyCommand,
    IAMClient,
    PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import type { InstanceRef } from "../../domain/containers";
import {
    addDenied,
    addQuarantined,
    deniedInstances,
    denyPolicyName,
    inlinePolicyLimit,
    isForeign,
    quarantinedInstances,
    removeDenied,
    revokedBefore,
    revokeOlderSessions,
    revokePolicyName,
} from "../../domain/planCredentialDeny";
import type { Victim } from "../victim";
import { eventually } from "../consistency";
import { environment } from "../environment";
import { errorCode, isAccessDenied, isNotFound, StepError } from "../errors";
import { alreadyDone, done, type Performed } from "./performed";
import { alone } from "./roleLock";

/** The ARN that the instance's credentials carry as `ec2:SourceInstanceARN`. */
export function instanceArn({ region, accountId, instanceId }: InstanceRef): string {
    return `arn:${environment("PARTITION")}:ec2:${region}:${accountId}:instance/${instanceId}`;
}

/** The role that an instance profile holds now; null when there is no such profile, or it is empty. */
export async function roleOf(iam: IAMClient, instanceProfileArn: string): Promise<string | null> {
    const InstanceProfileName = instanceProfileArn.slice(instanceProfileArn.lastIndexOf("/") + 1);
    try {
        return (await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))).InstanceProfile?.Roles?.[0]?.RoleName ?? null;
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** @throws what IAM answers, also where there is none */
async function readRolePolicy(iam: IAMClient, RoleName: string, PolicyName = denyPolicyName): Promise<string | null> {
    const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    return PolicyDocument ? decodeURIComponent(PolicyDocument) : null;
}

async function readPolicy(iam: IAMClient, RoleName: string, PolicyName = denyPolicyName): Promise<string | null> {
    try {
        return await readRolePolicy(iam, RoleName, PolicyName);
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** How often a policy is written, and for how many milliseconds it is looked for after each time. */
const mostWrites = 3;
const longestLook = 3000;

/** What a policy is to become, and how to see that it did. */
interface Change {
    next: (policy: string | null) => string | null;
    holds: (policy: string | null) => boolean;
}

/** How a change ended: the policy that holds, whether it had to be written, and what of somebody else's was written over. */
interface Changed {
    policy: string | null;
    written: boolean;
    overwritten: string | null;
}

async function write(iam: IAMClient, role: string, policy: string | null): Promise<void> {
    if (policy === null) await removePolicy(iam, role, denyPolicyName);
    else await iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: denyPolicyName, PolicyDocument: policy }));
}

/**
 * Writes until what is read back holds: somebody who does not know our lock may change the policy, and IAM may show it as it
 * was for a moment longer.
 *
 * @returns the policy that holds, and whether it had to be written
 */
async function change(iam: IAMClient, accountId: string, role: string, { next, holds }: Change): Promise<Changed> {
    const standing = await readPolicy(iam, role);
    if (holds(standing)) return { policy: standing, written: false, overwritten: null };
    return alone(accountId, role, async () => {
        let policy = await readPolicy(iam, role);
        const overwritten = isForeign(policy) ? policy : null;
        for (let writes = 0; writes < mostWrites; writes++) {
            await write(iam, role, next(policy));
            policy = await eventually(() => readPolicy(iam, role), holds, longestLook);
            if (holds(policy)) return { policy, written: true, overwritten };
        }
        throw new StepError(
            "The inline policy did not keep what was written to it",
            `${denyPolicyName} of the role ${role}`,
            "Another process changes it; look who, and try again.",
        );
    });
}

/**
 * Denies this instance's credentials.
 *
 * @param agentExcepted see {@link denyRole}
 * @param pin keeps the role's name before the policy is written, so that a release finds it whatever profile the instance has then
 * @throws StepError when the role's policies are full
 */
export async function denyCredentials(
    instanceProfileArn: string,
    victim: Victim,
    pin: (role: string) => Promise<void> = () => Promise.resolve(),
    agentExcepted = false,
): Promise<Performed> {
    const role = await roleOf(victim.client(IAMClient), instanceProfileArn);
    if (!role) return { outcome: "not-needed", note: "the instance profile has no role, so there are no credentials to deny" };
    await pin(role);
    return denyRole(role, victim, agentExcepted);
}

/** A role that does not exist has no credentials left: what it issued is void. IAM gives one code for a missing role and a missing policy. */
const isRoleGone = (error: unknown) => isNotFound(error) && error instanceof Error && /\brole with name\b/i.test(error.message);

/**
 * Roles by which people and AWS rule an account are none that the responder may write (permissions.ts, `neverWritten`), nor those without the
 * boundary that the configuration asks for, or that a policy of the organisation keeps from it: then a person has to.
 */
const mayNotWrite = (role: string, cause: unknown): StepError =>
    new StepError(
        "The responder may not write policies of the role, so its credentials are NOT cut",
        `the role ${role}`,
        "An administrator of the account puts the deny on it by hand (docs/runbook.md, Contained, credentials NOT cut).",
        { cause },
    );

/**
 * Denies this instance's credentials of one role.
 *
 * @param agentExcepted but for what its Systems Manager agent calls; where everything is denied already, that stays
 * @throws StepError when the role's policies are full
 */
export async function denyRole(role: string, victim: Victim, agentExcepted = false): Promise<Performed> {
    const arn = instanceArn(victim.ref);
    const holds = (policy: string | null) =>
        deniedInstances(policy).includes(arn) || (agentExcepted && quarantinedInstances(policy).includes(arn));
    try {
        const { written, overwritten } = await change(victim.client(IAMClient), victim.ref.accountId, role, {
            next: (policy) => (agentExcepted ? addQuarantined : addDenied)(policy, arn),
            holds,
        });
        if (overwritten !== null)
            return {
                outcome: "done",
                note: `somebody else had written or changed the policy ${denyPolicyName}, and it was overwritten; it said ${overwritten.slice(0, 200)}`,
            };
        return written ? done : alreadyDone;
    } catch (error) {
        if (isRoleGone(error)) return { outcome: "not-needed", note: "there is no such role any more, so its credentials are void" };
        if (isAccessDenied(error)) throw mayNotWrite(role, error);
        if (errorCode(error) !== "LimitExceeded" && errorCode(error) !== "LimitExceededException") throw error;
        throw new StepError(
            `The role has no room for the deny (${inlinePolicyLimit} characters of inline policies)`,
            `the role ${role}`,
            "The metadata endpoint is disabled, so no new credentials are issued; those already issued live for up to six hours. Revoke the role's sessions by hand if they must die now.",
            { cause: error },
        );
    }
}

/** How a role's policy stands to this instance: ours and naming it, changed by somebody, or without it; `void` where there is no such role. */
export async function readDeny(role: string, victim: Victim): Promise<"denied" | "foreign" | "absent" | "void"> {
    let policy: string | null;
    try {
        policy = await readRolePolicy(victim.client(IAMClient), role);
    } catch (error) {
        if (isRoleGone(error)) return "void";
        if (!isNotFound(error)) throw error;
        policy = null;
    }
    if (isForeign(policy)) return "foreign";
    return deniedInstances(policy).includes(instanceArn(victim.ref)) ? "denied" : "absent";
}

/**
 * Denies every session of the profile's role that was issued until now, of all instances that share it.
 *
 * @param pin keeps role and moment before the policy is written, by which the watch knows it again
 */
export async function revokeRole(
    instanceProfileArn: string,
    victim: Victim,
    pin: (role: string, before: string) => Promise<void>,
): Promise<Performed> {
    const role = await roleOf(victim.client(IAMClient), instanceProfileArn);
    if (!role) return { outcome: "not-needed", note: "the instance profile has no role, so there are no sessions to deny" };
    const before = new Date().toISOString();
    await pin(role, before);
    return revokeSessions(role, before, victim);
}

/** Denies every session of a role that was issued before a moment; one that another incident denied later stays so. Read back. */
export async function revokeSessions(role: string, before: string, victim: Victim): Promise<Performed> {
    const iam = victim.client(IAMClient);
    const holds = (policy: string | null) => {
        const until = revokedBefore(policy);
        return until !== null && until !== "foreign" && until >= before;
    };
    try {
        return await alone(victim.ref.accountId, role, async () => {
            const standing = await readPolicy(iam, role, revokePolicyName);
            if (holds(standing)) return alreadyDone;
            await iam.send(
                new PutRolePolicyCommand({ RoleName: role, PolicyName: revokePolicyName, PolicyDocument: revokeOlderSessions(before) }),
            );
            const seen = await eventually(() => readPolicy(iam, role, revokePolicyName), holds, longestLook);
            if (!holds(seen))
                throw new StepError(
                    "The inline policy did not keep what was written to it",
                    `${revokePolicyName} of the role ${role}`,
                    "Another process changes it; look who, and try again.",
                );
            return revokedBefore(standing) === "foreign"
                ? {
                      outcome: "done",
                      note: `somebody else had written or changed the policy ${revokePolicyName}, and it was overwritten; it said ${standing!.slice(0, 200)}`,
                  }
                : done;
        });
    } catch (error) {
        if (isRoleGone(error)) return { outcome: "not-needed", note: "there is no such role any more, so its sessions are void" };
        throw isAccessDenied(error) ? mayNotWrite(role, error) : error;
    }
}

/** How a role's deny of older sessions stands: as it was written or later, changed by somebody, or gone; `void` where there is no such role. */
export async function readRevocation(role: string, before: string, victim: Victim): Promise<"denied" | "foreign" | "absent" | "void"> {
    let policy: string | null;
    try {
        policy = await readRolePolicy(victim.client(IAMClient), role, revokePolicyName);
    } catch (error) {
        if (isRoleGone(error)) return "void";
        if (!isNotFound(error)) throw error;
        policy = null;
    }
    const until = revokedBefore(policy);
    if (until === "foreign") return "foreign";
    return until !== null && until >= before ? "denied" : "absent";
}

/**
 * Takes this instance out of the deny; the parts of other incidents stay. With the last one, the deny of older sessions
 * (`revoke-role`) goes too: it belongs to no incident alone.
 */
export async function allowCredentials(instanceProfileArn: string, victim: Victim): Promise<Performed> {
    const role = await roleOf(victim.client(IAMClient), instanceProfileArn);
    if (!role) return { outcome: "not-needed", note: "the instance profile has no role any more" };
    return allowRole(role, victim);
}

/** See {@link allowCredentials}, of a role by its name. */
export async function allowRole(RoleName: string, victim: Victim): Promise<Performed> {
    const iam = victim.client(IAMClient);
    const arn = instanceArn(victim.ref);
    const { policy, written, overwritten } = await change(iam, victim.ref.accountId, RoleName, {
        next: (each) => removeDenied(each, arn),
        // What somebody else wrote under our name is not left behind either: who knows what it allows.
        holds: (each) => !isForeign(each) && ![...deniedInstances(each), ...quarantinedInstances(each)].includes(arn),
    });
    const revoked = policy === null && (await removePolicy(iam, RoleName, revokePolicyName));
    if (overwritten !== null)
        return {
            outcome: "done",
            note: `somebody else had written or changed the policy, which is deleted; it said ${overwritten.slice(0, 200)}`,
        };
    return written || revoked ? done : alreadyDone;
}

/** @returns whether there was such a policy. */
async function removePolicy(iam: IAMClient, RoleName: string, PolicyName: string): Promise<boolean> {
    try {
        await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
        return true;
    } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
    }
}
