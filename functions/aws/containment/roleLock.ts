/**
 * One incident at a time changes the inline policy of a role: IAM has no conditional write, and the instances of an Auto
 * Scaling group, which share a role, are often attacked together. Of two that read, change and write at the same moment,
 * one would undo the other's deny after that one had read it back.
 *
 * The lock is an item `role#<account>/<role>` of the incidents table. It is a Region's own: incidents of one role in two Regions
 * have only their reading back.
 */
import { randomUUID } from "node:crypto";
import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { forensicsClient } from "../clients";
import { eventually } from "../consistency";
import { environment } from "../environment";
import { errorCode } from "../errors";
import { log } from "../handler";

/** Milliseconds after which a lock counts as left behind by a function that ended. A change takes a second; IAM may throttle it. */
const lease = 30_000;
/** Milliseconds that another's change is waited for. */
const patience = 20_000;

/** @returns false while somebody else has the lock */
async function acquire(pk: string, holder: string): Promise<boolean> {
    try {
        await forensicsClient(DynamoDBClient).send(
            new UpdateItemCommand({
                TableName: environment("INCIDENTS_TABLE"),
                Key: { pk: { S: pk } },
                UpdateExpression: "SET #holder = :holder, #until = :until",
                ConditionExpression: "attribute_not_exists(#until) OR #until < :now",
                ExpressionAttributeNames: { "#holder": "holder", "#until": "until" },
                ExpressionAttributeValues: {
                    ":holder": { S: holder },
                    ":until": { N: String(Date.now() + lease) },
                    ":now": { N: String(Date.now()) },
                },
            }),
        );
        return true;
    } catch (error) {
        if (errorCode(error) === "ConditionalCheckFailedException") return false;
        throw error;
    }
}

async function giveBack(pk: string, holder: string): Promise<void> {
    await forensicsClient(DynamoDBClient).send(
        new UpdateItemCommand({
            TableName: environment("INCIDENTS_TABLE"),
            Key: { pk: { S: pk } },
            UpdateExpression: "SET #until = :zero",
            ConditionExpression: "#holder = :holder",
            ExpressionAttributeNames: { "#holder": "holder", "#until": "until" },
            ExpressionAttributeValues: { ":holder": { S: holder }, ":zero": { N: "0" } },
        }),
    );
}

/** Changes a role alone. Where the lock cannot be had, the change is made all the same: a deny matters more than its neighbour's. */
export async function alone<T>(accountId: string, role: string, change: () => Promise<T>): Promise<T> {
    const [pk, holder] = [`role#${accountId}/${role}`, randomUUID()];
    const failed = (error: unknown): false => {
        log("the lock of a role failed", { role, why: error instanceof Error ? error.message : String(error) });
        return false;
    };
    const held = await eventually(
        () => acquire(pk, holder),
        (isHeld) => isHeld,
        patience,
    ).catch(failed);
    if (!held) log("a role is changed without its lock", { role });
    try {
        return await change();
    } finally {
        if (held) await giveBack(pk, holder).catch(failed);
    }
}
