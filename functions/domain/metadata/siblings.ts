/** Which other instances share what an intruder can use: the same group, image, role, key pair, security group or subnet. Pure. */
import { z } from "zod";
import { untrustedText } from "../containers";

/** From what says most about the same weakness to what says least. */
export const sharedThings = ["Auto Scaling group", "image", "instance role", "key pair", "security group", "subnet"] as const;
export type SharedThing = (typeof sharedThings)[number];

/** Of an instance what is compared. */
export interface InstanceTraits {
    instanceId: string;
    state: string;
    /** ISO 8601. */
    launchedAt: string | null;
    /** EC2's own tag, which nobody can write but Auto Scaling. */
    autoScalingGroup: string | null;
    imageId: string | null;
    /** ARN of the instance profile. */
    profileArn: string | null;
    keyName: string | null;
    groupIds: readonly string[];
    subnetIds: readonly string[];
    publicAddresses: readonly string[];
    privateAddresses: readonly string[];
}

export const siblingSchema = z.object({
    instanceId: z.string().max(64),
    state: z.string().max(32),
    launchedAt: z.string().max(64).nullable(),
    /** What it shares; never empty. */
    shares: z.array(z.enum(sharedThings)),
    publicAddresses: z.array(z.string().max(64)),
    privateAddresses: z.array(z.string().max(64)),
    /** Auto Scaling started it in the place of the contained instance: same group, launched since. */
    replacement: z.boolean(),
});
export type Sibling = z.infer<typeof siblingSchema>;

export const siblingsSchema = z.object({
    schemaVersion: z.literal(1),
    instanceId: z.string(),
    /** Instances of the account in this Region that were compared. */
    compared: z.number().int().nonnegative(),
    /** Of the contained instance, what the others were compared with. */
    traits: z.array(z.object({ thing: z.enum(sharedThings), values: z.array(untrustedText(512)) })),
    siblings: z.array(siblingSchema),
    /** Siblings that did not fit. */
    leftOut: z.number().int().nonnegative(),
});
export type Siblings = z.infer<typeof siblingsSchema>;

/** Siblings that are kept. A subnet may hold thousands; what shares more comes first. */
export const mostSiblings = 500;

const same = (left: string | null, right: string | null) => left !== null && left === right;
const overlap = (left: readonly string[], right: readonly string[]) => left.some((each) => right.includes(each));

function shared(victim: InstanceTraits, other: InstanceTraits): SharedThing[] {
    const answers: Record<SharedThing, boolean> = {
        "Auto Scaling group": same(victim.autoScalingGroup, other.autoScalingGroup),
        image: same(victim.imageId, other.imageId),
        "instance role": same(victim.profileArn, other.profileArn),
        "key pair": same(victim.keyName, other.keyName),
        "security group": overlap(victim.groupIds, other.groupIds),
        subnet: overlap(victim.subnetIds, other.subnetIds),
    };
    return sharedThings.filter((each) => answers[each]);
}

/** Sorts replacements first, then by the weightiest thing shared, then by how much is shared, then by id. */
const order = (left: Sibling, right: Sibling): number =>
    Number(right.replacement) - Number(left.replacement) ||
    sharedThings.indexOf(left.shares[0]!) - sharedThings.indexOf(right.shares[0]!) ||
    right.shares.length - left.shares.length ||
    left.instanceId.localeCompare(right.instanceId);

/**
 * @param victim as it was before containment: its groups are other ones by now
 * @param others every instance of the account in the Region; the victim among them is left out
 * @param since ISO 8601: an instance of the same Auto Scaling group that was launched later is its replacement
 */
export function siblingsOf(victim: InstanceTraits, others: readonly InstanceTraits[], since: string): Siblings {
    const compared = others.filter(({ instanceId }) => instanceId !== victim.instanceId);
    const siblings = compared
        .map((other): Sibling => {
            const shares = shared(victim, other);
            const later = other.launchedAt !== null && Date.parse(other.launchedAt) >= Date.parse(since);
            return {
                instanceId: other.instanceId,
                state: other.state,
                launchedAt: other.launchedAt,
                shares,
                publicAddresses: [...other.publicAddresses],
                privateAddresses: [...other.privateAddresses],
                replacement: shares.includes("Auto Scaling group") && later,
            };
        })
        .filter(({ shares, state }) => shares.length > 0 && state !== "terminated")
        .sort(order);
    const one = (value: string | null) => (value === null ? [] : [value]);
    return {
        schemaVersion: 1,
        instanceId: victim.instanceId,
        compared: compared.length,
        traits: (
            [
                ["Auto Scaling group", one(victim.autoScalingGroup)],
                ["image", one(victim.imageId)],
                ["instance role", one(victim.profileArn)],
                ["key pair", one(victim.keyName)],
                ["security group", [...victim.groupIds]],
                ["subnet", [...victim.subnetIds]],
            ] as const
        ).map(([thing, values]) => ({ thing, values: [...values] })),
        siblings: siblings.slice(0, mostSiblings),
        leftOut: Math.max(0, siblings.length - mostSiblings),
    };
}
