/**
 * The inline policy by which containment takes an instance's credentials away, and nobody else's.
 *
 * Credentials that EC2 gives an instance carry `ec2:SourceInstanceARN` wherever they are used, so a deny conditioned on
 * it hits this instance alone, also with credentials that were stolen from it; other instances with the same role keep
 * working. All incidents on one role share one policy with one statement, to stay small.
 */
import { z } from "zod";

/** Name of the inline policy on the role. */
export const denyPolicyName = "clean-room-contained-instances";

/** IAM's limit for the sum of a role's inline policies, in characters without white space. */
export const inlinePolicyLimit = 10_240;

const documentSchema = z.object({
    Version: z.literal("2012-10-17"),
    Statement: z
        .array(
            z.object({
                Sid: z.literal("ContainedInstances"),
                Effect: z.literal("Deny"),
                Action: z.literal("*"),
                Resource: z.literal("*"),
                Condition: z.object({ ArnEquals: z.object({ "ec2:SourceInstanceARN": z.array(z.string()) }) }),
            }),
        )
        .length(1),
});

/** The policy as ours; null for one of our name that somebody else wrote or changed. */
function parseOurs(policy: string): z.infer<typeof documentSchema> | null {
    try {
        return documentSchema.parse(JSON.parse(policy));
    } catch {
        return null;
    }
}

/** Instance ARNs that the policy denies; empty for no policy, and for one that is not ours in form: what else it does is not known. */
export function deniedInstances(policy: string | null): string[] {
    if (policy === null) return [];
    return parseOurs(policy)?.Statement[0]!.Condition.ArnEquals["ec2:SourceInstanceARN"] ?? [];
}

/** Whether there is a policy of our name with other content than we write. */
export const isForeign = (policy: string | null): boolean => policy !== null && parseOurs(policy) === null;

/** The policy that denies exactly these instances; null when there is none left to deny, and the policy goes. */
function policyOf(instanceArns: string[]): string | null {
    if (instanceArns.length === 0) return null;
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [
            {
                Sid: "ContainedInstances",
                Effect: "Deny",
                Action: "*",
                Resource: "*",
                Condition: { ArnEquals: { "ec2:SourceInstanceARN": [...new Set(instanceArns)].sort() } },
            },
        ],
    });
}

/** The policy with one instance more. Adding twice is adding once. */
export function addDenied(policy: string | null, instanceArn: string): string {
    return policyOf([...deniedInstances(policy), instanceArn])!;
}

/** The policy with one instance less, others' parts untouched; null when the policy is to be deleted. */
export function removeDenied(policy: string | null, instanceArn: string): string | null {
    return policyOf(deniedInstances(policy).filter((arn) => arn !== instanceArn));
}

/** The classic deny of every session issued before a moment: hits all instances that share the role. For `revoke-role`. */
export function revokeOlderSessions(before: string): string {
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Deny", Action: "*", Resource: "*", Condition: { DateLessThan: { "aws:TokenIssueTime": before } } }],
    });
}
export const revokePolicyName = "clean-room-revoke-older-sessions";

const revocationSchema = z.object({
    Version: z.literal("2012-10-17"),
    Statement: z.tuple([
        z.object({
            Effect: z.literal("Deny"),
            Action: z.literal("*"),
            Resource: z.literal("*"),
            Condition: z.object({ DateLessThan: z.object({ "aws:TokenIssueTime": z.iso.datetime() }) }),
        }),
    ]),
});

/** ISO 8601: sessions issued before are denied. Null for no policy; `foreign` for one of our name with other content than we write. */
export function revokedBefore(policy: string | null): string | null {
    if (policy === null) return null;
    try {
        const moment = revocationSchema.parse(JSON.parse(policy)).Statement[0].Condition.DateLessThan["aws:TokenIssueTime"];
        return new Date(moment).toISOString();
    } catch {
        return "foreign";
    }
}

/** Milliseconds that a role's session may live: the longest "maximum session duration" of IAM. What was issued before has ended by then. */
const longestSession = 12 * 3_600_000;

/** Whether there can still be sessions that a revocation denies. */
export const isRevocationLive = (before: string, now: string): boolean => Date.parse(now) - Date.parse(before) < longestSession;
