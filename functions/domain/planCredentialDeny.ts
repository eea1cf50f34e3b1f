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

/**
 * What the agent of Systems Manager calls to get a command and to answer it: all that a quarantined instance's credentials may still do.
 * A command's document comes in its message. Source: Systems Manager user guide, "Reference: ec2messages, ssmmessages, and other API
 * operations".
 */
export const agentCalls = ["ssmmessages:*", "ec2messages:*", "ssm:UpdateInstanceInformation"] as const;

const condition = z.object({ ArnEquals: z.object({ "ec2:SourceInstanceARN": z.array(z.string()) }) });
const containedSchema = z.strictObject({
    Sid: z.literal("ContainedInstances"),
    Effect: z.literal("Deny"),
    Action: z.literal("*"),
    Resource: z.literal("*"),
    Condition: condition,
});
const quarantinedSchema = z.strictObject({
    Sid: z.literal("QuarantinedInstances"),
    Effect: z.literal("Deny"),
    NotAction: z.tuple(agentCalls.map((call) => z.literal(call)) as [z.ZodLiteral<string>, ...z.ZodLiteral<string>[]]),
    Resource: z.literal("*"),
    Condition: condition,
});
const documentSchema = z.object({
    Version: z.literal("2012-10-17"),
    Statement: z.union([z.tuple([containedSchema]), z.tuple([quarantinedSchema]), z.tuple([containedSchema, quarantinedSchema])]),
});

/** Instances that one policy of ours names: those of which everything is denied, and those whose agent still answers. */
interface Denied {
    contained: string[];
    quarantined: string[];
}

/** The policy as ours; null for one of our name that somebody else wrote or changed. */
function parseOurs(policy: string): Denied | null {
    try {
        const statements = documentSchema.parse(JSON.parse(policy)).Statement;
        const of = (sid: (typeof statements)[number]["Sid"]) =>
            statements.filter(({ Sid }) => Sid === sid).flatMap(({ Condition }) => Condition.ArnEquals["ec2:SourceInstanceARN"]);
        return { contained: of("ContainedInstances"), quarantined: of("QuarantinedInstances") };
    } catch {
        return null;
    }
}

const read = (policy: string | null): Denied => (policy === null ? null : parseOurs(policy)) ?? { contained: [], quarantined: [] };

/** Instance ARNs that the policy denies; empty for no policy, and for one that is not ours in form: what else it does is not known. */
export const deniedInstances = (policy: string | null): string[] => read(policy).contained;

/** Instance ARNs that it denies but for their agent's calls. See {@link deniedInstances}. */
export const quarantinedInstances = (policy: string | null): string[] => read(policy).quarantined;

/** Whether there is a policy of our name with other content than we write. */
export const isForeign = (policy: string | null): boolean => policy !== null && parseOurs(policy) === null;

/** The policy that denies exactly these instances; null when there is none left to deny, and the policy goes. */
function policyOf({ contained, quarantined }: Denied): string | null {
    const sorted = (arns: string[]) => [...new Set(arns)].sort();
    const Condition = (arns: string[]) => ({ ArnEquals: { "ec2:SourceInstanceARN": sorted(arns) } });
    const Statement = [
        ...(contained.length === 0
            ? []
            : [{ Sid: "ContainedInstances", Effect: "Deny", Action: "*", Resource: "*", Condition: Condition(contained) }]),
        ...(quarantined.length === 0
            ? []
            : [{ Sid: "QuarantinedInstances", Effect: "Deny", NotAction: agentCalls, Resource: "*", Condition: Condition(quarantined) }]),
    ];
    return Statement.length === 0 ? null : JSON.stringify({ Version: "2012-10-17", Statement });
}

const without = (arns: string[], arn: string) => arns.filter((each) => each !== arn);

/** The policy with one instance more, of which nothing is excepted from now on. Adding twice is adding once. */
export function addDenied(policy: string | null, instanceArn: string): string {
    const { contained, quarantined } = read(policy);
    return policyOf({ contained: [...contained, instanceArn], quarantined: without(quarantined, instanceArn) })!;
}

/** The policy with one quarantined instance more. One that is denied altogether stays so. */
export function addQuarantined(policy: string | null, instanceArn: string): string {
    const { contained, quarantined } = read(policy);
    return policyOf({ contained, quarantined: contained.includes(instanceArn) ? quarantined : [...quarantined, instanceArn] })!;
}

/** The policy with one instance less, others' parts untouched; null when the policy is to be deleted. */
export function removeDenied(policy: string | null, instanceArn: string): string | null {
    const { contained, quarantined } = read(policy);
    return policyOf({ contained: without(contained, instanceArn), quarantined: without(quarantined, instanceArn) });
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
