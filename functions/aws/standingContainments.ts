/**
 * Standing containments in the incidents table, one item an instance: `containment#<account>/<Region>/<instance id>`. The attribute
 * `standing` is there only until the release, so that the index over it holds just what the watch has to look at.
 */
import { DynamoDBClient, GetItemCommand, paginateQuery, PutItemCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import type { InstanceRef } from "../domain/containers";
import { standingContainmentSchema, type StandingContainment } from "../domain/standingContainment";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { checkStored, itemOf, parseStored, readEach } from "./stored";
import { errorCode, TransientError } from "./errors";
import { heldMark, recordOf } from "./incidentsTable";
import type { IncidentRecord } from "../domain/incidentRecord";
import type { Permissions } from "./permissions";

/** The sparse index of what stands. */
export const standingIndex = "standing";

/** List what stands. */
export const listStandingPermissions: Permissions = (names) => [
    {
        Sid: "ListStandingContainments",
        Effect: "Allow",
        Action: ["dynamodb:Query"],
        Resource: [`${names.incidentsTableArn}/index/${standingIndex}`],
    },
];

const dynamodb = () => forensicsClient(DynamoDBClient);
const keyOf = ({ accountId, region, instanceId }: InstanceRef) => `containment#${accountId}/${region}/${instanceId}`;
/** Times a change is begun anew when something else changed the item meanwhile. */
const mostAttempts = 10;

const placeOf = ({ pk }: Record<string, AttributeValue>) => itemOf(pk?.S ?? "of a containment");
const fromItem = (item: Record<string, AttributeValue>): StandingContainment =>
    checkStored(
        placeOf(item),
        { ...(parseStored(placeOf(item), item.containment?.S) as object), revision: Number(item.revision?.N) },
        standingContainmentSchema,
    );

/** The instance's containment, standing or released; null when it never had one. */
export async function readStanding(instance: InstanceRef): Promise<StandingContainment | null> {
    const { Item } = await dynamodb().send(
        new GetItemCommand({ TableName: environment("INCIDENTS_TABLE"), Key: { pk: { S: keyOf(instance) } }, ConsistentRead: true }),
    );
    return Item ? fromItem(Item) : null;
}

/** Writes it if nothing changed it since it was read. @returns false when something did */
async function put(containment: StandingContainment, read: StandingContainment | null): Promise<boolean> {
    try {
        await dynamodb().send(
            new PutItemCommand({
                TableName: environment("INCIDENTS_TABLE"),
                Item: {
                    pk: { S: keyOf(containment.instance) },
                    revision: { N: String(containment.revision) },
                    containment: { S: JSON.stringify(containment) },
                    ...(containment.releasedAt === null ? { standing: { S: "yes" } } : {}),
                },
                ...(read === null
                    ? { ConditionExpression: "attribute_not_exists(pk)" }
                    : {
                          ConditionExpression: "#revision = :read",
                          ExpressionAttributeNames: { "#revision": "revision" },
                          ExpressionAttributeValues: { ":read": { N: String(read.revision) } },
                      }),
            }),
        );
        return true;
    } catch (error) {
        if (errorCode(error) === "ConditionalCheckFailedException") return false;
        throw error;
    }
}

/**
 * Changes the instance's containment on its latest reading.
 *
 * @param known what was read before; saves a call when it still holds
 * @param change gives it as it shall be, or null to leave it
 */
export async function changeStanding(
    instance: InstanceRef,
    known: StandingContainment | null,
    change: (read: StandingContainment | null) => StandingContainment | null,
): Promise<StandingContainment | null> {
    let read = known;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const changed = change(read);
        if (changed === null) return read;
        const next = { ...changed, revision: (read?.revision ?? -1) + 1 };
        if (await put(next, read)) return next;
        read = await readStanding(instance);
    }
    throw new TransientError(`The containment of ${instance.instanceId} changed ${mostAttempts} times while it was being updated`);
}

/** Items of the index by their mark: without a promise of the last second. */
export async function listMarked(mark: string): Promise<Record<string, AttributeValue>[]> {
    const found: Record<string, AttributeValue>[] = [];
    const query = {
        TableName: environment("INCIDENTS_TABLE"),
        IndexName: standingIndex,
        KeyConditionExpression: "#standing = :yes",
        ExpressionAttributeNames: { "#standing": "standing" },
        ExpressionAttributeValues: { ":yes": { S: mark } },
    };
    for await (const page of paginateQuery({ client: dynamodb() }, query)) found.push(...(page.Items ?? []));
    return found;
}

/** What stands contained. @param setAside gets what is wrong with a record that cannot be read; without it, that is thrown */
export const listStanding = async (setAside?: (error: Error) => void): Promise<StandingContainment[]> =>
    readEach(await listMarked("yes"), fromItem, setAside);

/** Incidents that wait for a person before anything is done, as the brake holds. */
export const listHeld = async (): Promise<IncidentRecord[]> => (await listMarked(heldMark)).map(recordOf);
