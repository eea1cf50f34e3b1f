/**
 * The brake: how many instances may be contained in a while without anybody being asked. A forged or mistaken message must not take a whole
 * estate off the network, so what comes beyond waits for a person. Pure; counting is functions/aws/brake.ts.
 *
 * Each Region counts for itself: no Region's containment may wait for another one's, and no table of AWS counts over Regions without losing
 * one of two at the same moment. An estate of three Regions thus contains at most three times the count.
 */
import { z } from "zod";
import { accountIdSchema, timestampSchema } from "./containers";

const limitSchema = z.strictObject({
    /** Automatic containments that may be begun in `minutes`, 1 to 1,000. @default 10 */
    count: z.number().int().min(1).max(1000).default(10),
    /** 1 to 1,440. @default 10 */
    minutes: z.number().int().min(1).max(1440).default(10),
});
export type BrakeLimit = z.infer<typeof limitSchema>;

/** `accounts` are counted by themselves, by their own limits, and not among the others. */
export const brakeSchema = limitSchema.extend({ accounts: z.record(accountIdSchema, limitSchema).default({}) });
export type Brake = z.infer<typeof brakeSchema>;

/** The containments that count now: who began them, and when. */
export const takenSchema = z.array(z.object({ incidentId: z.string(), at: timestampSchema }));
export type Taken = z.infer<typeof takenSchema>;

/** Whose containments are counted together, and their limit. @param brake the default where none is configured @returns `name` is `all` or the account's id */
export function countedWith(brake: Brake | undefined, accountId: string): { name: string; limit: BrakeLimit } {
    const { accounts, count, minutes } = brake ?? brakeSchema.parse({});
    const own = Object.hasOwn(accounts, accountId) ? accounts[accountId] : undefined;
    return own ? { name: accountId, limit: own } : { name: "all", limit: { count, minutes } };
}

/** Whether another automatic containment may begin. An incident that has its place keeps it, so asking twice takes one. */
export function takePlace(taken: Taken, incidentId: string, { count, minutes }: BrakeLimit, now: Date): { granted: boolean; taken: Taken } {
    const since = now.getTime() - minutes * 60_000;
    const counting = taken.filter(({ at }) => Date.parse(at) > since);
    if (counting.some((each) => each.incidentId === incidentId)) return { granted: true, taken: counting };
    if (counting.length >= count) return { granted: false, taken: counting };
    return { granted: true, taken: [...counting, { incidentId, at: now.toISOString() }] };
}

/** How the limit reads in a message. */
export const brakeWords = ({ count, minutes }: BrakeLimit) =>
    `containment.brake lets at most ${count} containments begin in ${minutes} minutes without asking`;

/** Told when so many wait, in a while: at the first, and each time there are ten times as many. @param held at least 1 */
export const tierOf = (held: number): number => Math.floor(Math.log10(held));

/** What people are told of instances that wait: an object of the evidence bucket, whose creation tells them. */
export const heldSchema = z.object({
    schemaVersion: z.literal(1),
    limit: limitSchema,
    /** Instances that have had to wait since `since`, with those named here. */
    total: z.number().int().positive(),
    since: timestampSchema,
    /** The gravest of one message. */
    instances: z
        .array(
            z.object({
                incidentId: z.string(),
                instanceId: z.string(),
                accountId: z.string(),
                type: z.string().max(256),
                severity: z.number(),
            }),
        )
        .min(1)
        .max(100),
    /** How many of that message are not named. */
    unnamed: z.number().int().nonnegative(),
    at: timestampSchema,
});
export type Held = z.infer<typeof heldSchema>;
