/**
 * Counts automatic containments in the incidents table (domain/brake.ts), one item a limit:
 *
 *     brake#<all or account>                taken, revision: who has a place now
 *     held#<all or account>#<window>        held: how many have had to wait in it; expires by itself
 */
import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { countedWith, takenSchema, takePlace, type BrakeLimit, type Taken } from "../domain/brake";
import { forensicsClient } from "./clients";
import { deployedPolicy } from "./containmentPolicy";
import { environment } from "./environment";
import { itemOf, readStored } from "./stored";
import { errorCode, TransientError } from "./errors";

const dynamodb = () => forensicsClient(DynamoDBClient);
/** Times a place is asked for anew when somebody else took one meanwhile. */
const mostAttempts = 50;

interface Kept {
    taken: Taken;
    /** Null before the first write. */
    revision: number | null;
}
/** As last read or written here. A list that is full stays so until its places lapse: others only add to it. */
const seen = new Map<string, Kept>();
/** One at a time within a function, so that the many instances of a message do not race each other. */
let turn: Promise<unknown> = Promise.resolve();

const keyOf = (name: string) => `brake#${name}`;

async function read(name: string): Promise<Kept> {
    const { Item } = await dynamodb().send(
        new GetItemCommand({ TableName: environment("INCIDENTS_TABLE"), Key: { pk: { S: keyOf(name) } }, ConsistentRead: true }),
    );
    const kept = Item
        ? { taken: readStored(itemOf(keyOf(name)), Item.taken?.S, takenSchema), revision: Number(Item.revision!.N) }
        : { taken: [], revision: null };
    seen.set(name, kept);
    return kept;
}

/** @returns false when somebody else wrote since it was read */
async function write(name: string, taken: Taken, revision: number | null): Promise<boolean> {
    const next = { taken, revision: (revision ?? 0) + 1 };
    try {
        await dynamodb().send(
            new PutItemCommand({
                TableName: environment("INCIDENTS_TABLE"),
                Item: { pk: { S: keyOf(name) }, taken: { S: JSON.stringify(taken) }, revision: { N: String(next.revision) } },
                ...(revision === null
                    ? { ConditionExpression: "attribute_not_exists(pk)" }
                    : {
                          ConditionExpression: "#revision = :read",
                          ExpressionAttributeNames: { "#revision": "revision" },
                          ExpressionAttributeValues: { ":read": { N: String(revision) } },
                      }),
            }),
        );
        seen.set(name, next);
        return true;
    } catch (error) {
        if (errorCode(error) !== "ConditionalCheckFailedException") throw error;
        return false;
    }
}

/** Reads the account's count before it is asked for, so that asking needs no call where the incident has its place. */
export async function readBrake(accountId: string): Promise<void> {
    await read(countedWith(deployedPolicy().policy.brake, accountId).name);
}

async function take(incidentId: string, accountId: string): Promise<boolean> {
    const { name, limit } = countedWith(deployedPolicy().policy.brake, accountId);
    let kept = seen.get(name) ?? (await read(name));
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const now = new Date();
        const asked = takePlace(kept.taken, incidentId, limit, now);
        const has = kept.taken.some((each) => each.incidentId === incidentId);
        if (!asked.granted || (has && asked.taken.some((each) => each.incidentId === incidentId))) return asked.granted;
        if (await write(name, asked.taken, kept.revision)) return true;
        kept = await read(name);
    }
    throw new TransientError(`The brake's count changed ${mostAttempts} times while ${incidentId} asked for a place`);
}

/** Whether the incident may contain its instance without asking anybody. @throws when the table cannot be read or written */
export function mayContain(incidentId: string, accountId: string): Promise<boolean> {
    const mine = turn.then(() => take(incidentId, accountId));
    turn = mine.catch(() => undefined);
    return mine;
}

/** Counts instances that have to wait. @returns how many have since the window began, and its name */
export async function countHeld(
    accountId: string,
    held: number,
    now: Date,
): Promise<{ total: number; window: string; since: Date; limit: BrakeLimit }> {
    const { name, limit } = countedWith(deployedPolicy().policy.brake, accountId);
    const length = limit.minutes * 60_000;
    const since = new Date(Math.floor(now.getTime() / length) * length);
    const { Attributes } = await dynamodb().send(
        new UpdateItemCommand({
            TableName: environment("INCIDENTS_TABLE"),
            Key: { pk: { S: `held#${name}#${since.toISOString()}` } },
            UpdateExpression: "ADD held :more SET expiresAt = :expires",
            ExpressionAttributeValues: {
                ":more": { N: String(held) },
                // Of use until the window is over; a day more for who looks into it.
                ":expires": { N: String(Math.ceil((since.getTime() + length) / 1000) + 24 * 3600) },
            },
            ReturnValues: "UPDATED_NEW",
        }),
    );
    return { total: Number(Attributes!.held!.N), window: `${name}-${since.toISOString().replace(/[^0-9TZ]/g, "")}`, since, limit };
}

/** Forgets what was read, as a new execution environment does. */
export function forgetBrake(): void {
    seen.clear();
}
