/** Takes an instance's credentials away, and gives them back, through one inline policy on its role. */
import { setTimeout } from "node:timers/promises";
import { DeleteRolePolicyCommand, GetInstanceProfileCommand, GetRolePolicyCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import type { InstanceRef } from "../../domain/containers";
import { addDenied, deniedInstances, denyPolicyName, inlinePolicyLimit, removeDenied, revokeOlderSessions, revokePolicyName } from "../../domain/planCredentialDeny";
import { memberClient } from "../clients";
import { environment } from "../environment";
import { errorCode, isNotFound, StepError } from "../errors";
import { alreadyDone, done, type Performed } from "./performed";

/** The ARN that the instance's credentials carry as `ec2:SourceInstanceARN`. */
export function instanceArn(ref: InstanceRef): string {
    return `arn:${environment("PARTITION")}:ec2:${ref.region}:${ref.accountId}:instance/${ref.instanceId}`;
}

/** Attempts at a read, change, write of a policy that another incident may be changing too: six, within six seconds. */
const attempts = 6;

/**
 * Milliseconds before a look that follows one which did not show what was written: IAM may show a policy as it was for a
 * moment longer, and two incidents that go on in step would overwrite each other again and again.
 */
const pauseBefore = (attempt: number): number => attempt < 2 ? 0 : 200 * 2 ** (attempt - 2) * (0.5 + Math.random() / 2);

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

/**
 * Writes until what is read back holds: IAM has no conditional write, and two incidents may share the role.
 *
 * @returns the policy that holds, and whether it had to be written
 */
async function change(iam: IAMClient, role: string, next: (policy: string | null) => string | null, holds: (policy: string | null) => boolean): Promise<{ policy: string | null; written: boolean }> {
    for (let attempt = 0; attempt <= attempts; attempt++) {
        await setTimeout(pauseBefore(attempt));
        const policy = await readPolicy(iam, role);
        if (holds(policy)) return { policy, written: attempt > 0 };
        if (attempt === attempts) break;
        const wanted = next(policy);
        if (wanted === null) await removePolicy(iam, role, denyPolicyName);
        else await iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: denyPolicyName, PolicyDocument: wanted }));
    }
    throw new StepError("The inline policy did not keep what was written to it", `${denyPolicyName} of the role ${role}`, "Another process changes it; look who, and try again.");
}

/** Denies this instance's credentials. @throws StepError when the role's policies are full. */
export async function denyCredentials(instanceProfileArn: string, ref: InstanceRef, incidentId: string): Promise<Performed> {
    const iam = memberClient(IAMClient, ref, incidentId);
    const role = await roleOf(iam, instanceProfileArn);
    if (!role) return { outcome: "not-needed", note: "the instance profile has no role, so there are no credentials to deny" };
    const arn = instanceArn(ref);
    try {
        const { written } = await change(iam, role, (policy) => addDenied(policy, arn), (policy) => deniedInstances(policy).includes(arn));
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
export async function revokeRole(instanceProfileArn: string, ref: InstanceRef, incidentId: string): Promise<void> {
    const iam = memberClient(IAMClient, ref, incidentId);
    const role = await roleOf(iam, instanceProfileArn);
    if (role) await iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: revokePolicyName, PolicyDocument: revokeOlderSessions(new Date().toISOString()) }));
}

/**
 * Takes this instance out of the deny; the parts of other incidents stay. With the last one, the deny of older sessions
 * (`revoke-role`) goes too: it belongs to no incident alone.
 */
export async function allowCredentials(instanceProfileArn: string, ref: InstanceRef, incidentId: string): Promise<Performed> {
    const iam = memberClient(IAMClient, ref, incidentId);
    const RoleName = await roleOf(iam, instanceProfileArn);
    if (!RoleName) return { outcome: "not-needed", note: "the instance profile has no role any more" };
    const arn = instanceArn(ref);
    const { policy, written } = await change(iam, RoleName, (each) => removeDenied(each, arn), (each) => !deniedInstances(each).includes(arn));
    const revoked = policy === null && await removePolicy(iam, RoleName, revokePolicyName);
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
