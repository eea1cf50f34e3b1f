/**
 * Who needs the clean room's endpoints, counted in one item of the incidents table:
 *
 *     endpoints#clean-room    state (JSON of EndpointClaims), revision
 *
 * Every write is conditional on the revision that was read.
 */
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { z } from "zod";
import { noClaims, type EndpointClaims } from "../domain/endpoints";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { itemOf, readStored } from "./stored";
import { errorCode, TransientError } from "./errors";

const dynamodb = () => forensicsClient(DynamoDBClient);
const pk = { S: "endpoints#clean-room" };
/** Times a change is begun anew when somebody else wrote meanwhile. */
const mostAttempts = 50;
const stateSchema = z.object({ claims: z.record(z.string(), z.string()), closingUntil: z.string().nullable(), removals: z.number() });

async function read(): Promise<{ state: EndpointClaims; revision: number | null }> {
    const { Item } = await dynamodb().send(
        new GetItemCommand({ TableName: environment("INCIDENTS_TABLE"), Key: { pk }, ConsistentRead: true }),
    );
    return Item
        ? { state: readStored(itemOf(pk.S), Item.state?.S, stateSchema), revision: Number(Item.revision!.N) }
        : { state: noClaims, revision: null };
}

/** The claims as they are now. */
export const readClaims = async (): Promise<EndpointClaims> => (await read()).state;

/**
 * Changes the claims on their latest reading.
 *
 * @param change gives the claims as they shall be, or null to leave them
 * @returns the claims as they are then
 */
export async function updateClaims(change: (state: EndpointClaims) => EndpointClaims | null): Promise<EndpointClaims> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const { state, revision } = await read();
        const next = change(state);
        if (next === null) return state;
        try {
            await dynamodb().send(
                new PutItemCommand({
                    TableName: environment("INCIDENTS_TABLE"),
                    Item: { pk, state: { S: JSON.stringify(next) }, revision: { N: String((revision ?? 0) + 1) } },
                    ...(revision === null
                        ? { ConditionExpression: "attribute_not_exists(pk)" }
                        : {
                              ConditionExpression: "#revision = :read",
                              ExpressionAttributeNames: { "#revision": "revision" },
                              ExpressionAttributeValues: { ":read": { N: String(revision) } },
                          }),
                }),
            );
            return next;
        } catch (error) {
            if (errorCode(error) !== "ConditionalCheckFailedException") throw error;
        }
    }
    throw new TransientError(`The claims on the clean room's endpoints changed ${mostAttempts} times while they were being changed`);
}
