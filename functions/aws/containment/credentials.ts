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
    deniedInstances,
    denyPolicyName,
    inlinePolicyLimit,
    removeDenied,
    revokeOlderSessions,
    revokePolicyName,
} from "../../domain/planCredentialDeny";
import type { Victim } from "../victim";
import { eventually } from "../consistency";
import { environment } from "../environment";
import { errorCode, isNotFound, StepError } from "../errors";
import { alreadyDone, done, type Performed } from "./performed";
import { alone } from "./roleLock";

/** The ARN that the instance's credentials carry as `ec2:SourceInstanceARN`. */
export function instanceArn({ region, accountId, instanceId }: InstanceRef): string {
    return `arn:${environment("PARTITION")}:ec2:${region}:${accountId}:instance/${instanceId}`;
}

async function roleOf(iam: IAMClient, instanceProfileArn: string): Promise<string | null> {
    const InstanceProfileName = instanceProfileArn.slice(instanceProfileArn.lastIndexOf("/") + 1);
    try {
        return (await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))).InstanceProfile?.Roles?.[0]?.RoleName ?? null;
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

async function readPolicy(iam: IAMClient, RoleName: string): Promise<string | null> {
    try {
        const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: denyPolicyName }));
        return PolicyDocument ? decodeURIComponent(PolicyDocument) : null;
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
async function change(
    iam: IAMClient,
    accountId: string,
    role: string,
    { next, holds }: Change,
): Promise<{ policy: string | null; written: boolean }> {
    const standing = await readPolicy(iam, role);
    if (holds(standing)) return { policy: standing, written: false };
    return alone(accountId, role, async () => {
        let policy = await readPolicy(iam, role);
        for (let writes = 0; writes < mostWrites; writes++) {
            await write(iam, role, next(policy));
            policy = await eventually(() => readPolicy(iam, role), holds, longestLook);
            if (holds(policy)) return { policy, written: true };
        }
        throw new StepError(
            "The inline policy did not keep what was written to it",
            `${denyPolicyName} of the role ${role}`,
            "Another process changes it; look who, and try again.",
        );
    });
}

/** Denies this instance's credentials. @throws StepError when the role's policies are full. */
export async function denyCredentials(instanceProfileArn: string, victim: Victim): Promise<Performed> {
    const iam = victim.client(IAMClient);
    const role = await roleOf(iam, instanceProfileArn);
    if (!role) return { outcome: "not-needed", note: "the instance profile has no role, so there are no credentials to deny" };
    const arn = instanceArn(victim.ref);
    try {
        const { written } = await change(iam, victim.ref.accountId, role, {
            next: (policy) => addDenied(policy, arn),
            holds: (policy) => deniedInstances(policy).includes(arn),
        });
        return written ? done : alreadyDone;
    } catch (error) {
        if (errorCode(error) !== "LimitExceeded" && errorCode(error) !== "LimitExceededException") throw error;
        throw new StepError(
            `The role has no room for the deny (${inlinePolicyLimit} characters of inline policies)`,
            `the role ${role}`,
            "The metadata endpoint is disabled, so no new credentials are issued; those already issued live for up to six hours. Revoke the role's sessions by hand if they must die now.",
            { cause: error },
        );
    }
}

/** Denies every session of the role that was issued until now. */
export async function revokeRole(instanceProfileArn: string, victim: Victim): Promise<void> {
    const iam = victim.client(IAMClient);
    const role = await roleOf(iam, instanceProfileArn);
    if (role)
        await iam.send(
            new PutRolePolicyCommand({
                RoleName: role,
                PolicyName: revokePolicyName,
                PolicyDocument: revokeOlderSessions(new Date().toISOString()),
            }),
        );
}

/**
 * Takes this instance out of the deny; the parts of other incidents stay. With the last one, the deny of older sessions
 * (`revoke-role`) goes too: it belongs to no incident alone.
 */
export async function allowCredentials(instanceProfileArn: string, victim: Victim): Promise<Performed> {
    const iam = victim.client(IAMClient);
    const RoleName = await roleOf(iam, instanceProfileArn);
    if (!RoleName) return { outcome: "not-needed", note: "the instance profile has no role any more" };
    const arn = instanceArn(victim.ref);
    const { policy, written } = await change(iam, victim.ref.accountId, RoleName, {
        next: (each) => removeDenied(each, arn),
        holds: (each) => !deniedInstances(each).includes(arn),
    });
    const revoked = policy === null && (await removePolicy(iam, RoleName, revokePolicyName));
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
