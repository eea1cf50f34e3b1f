/**
 * The pins of an incident in the incidents table, beside those in the evidence bucket: one item an incident, `pins#<incident id>`, with an attribute
 * a pin, `<volume>/<stage>.<generation>`. The attribute `standing` is there until the case is closed, so that the index over it holds the cases
 * whose evidence somebody has to look after.
 */
import { DynamoDBClient, GetItemCommand, UpdateItemCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { pinName, pinSchema, type Pin } from "../domain/pins";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { itemOf, readEach, readStored } from "./stored";
import { errorCode } from "./errors";
import type { Permissions } from "./permissions";
import { listMarked } from "./standingContainments";

/** Read and write the pins. */
export const pinsTablePermissions: Permissions = (names) => [
    {
        Sid: "KeepPins",
        Effect: "Allow",
        Action: ["dynamodb:GetItem", "dynamodb:UpdateItem"],
        Resource: [names.incidentsTableArn],
    },
];

/** What the index `standing` has for a case that is open and has evidence. */
export const openCaseMark = "evidence";

const keyOf = (incidentId: string) => `pins#${incidentId}`;
const dynamodb = () => forensicsClient(DynamoDBClient);

function pinsOf(item: Record<string, AttributeValue> | undefined): Pin[] {
    return Object.entries(item ?? {}).flatMap(([name, value]) =>
        name.startsWith("vol-") && value.S !== undefined
            ? [readStored(`${name} in ${itemOf(item?.pk?.S ?? "of pins")}`, value.S, pinSchema)]
            : [],
    );
}

/** Every pin of the incident that the table has. */
export async function tablePins(incidentId: string): Promise<Pin[]> {
    const { Item } = await dynamodb().send(
        new GetItemCommand({ TableName: environment("INCIDENTS_TABLE"), Key: { pk: { S: keyOf(incidentId) } }, ConsistentRead: true }),
    );
    return pinsOf(Item);
}

/** Writes a pin, unless the table has one of its name. @returns whether it was written */
export async function writeTablePin(incidentId: string, pin: Pin): Promise<boolean> {
    try {
        await dynamodb().send(
            new UpdateItemCommand({
                TableName: environment("INCIDENTS_TABLE"),
                Key: { pk: { S: keyOf(incidentId) } },
                UpdateExpression: "SET #pin = :pin, #standing = :open",
                ConditionExpression: "attribute_not_exists(#pin)",
                ExpressionAttributeNames: { "#pin": pinName(pin), "#standing": "standing" },
                ExpressionAttributeValues: { ":pin": { S: JSON.stringify(pin) }, ":open": { S: openCaseMark } },
            }),
        );
        return true;
    } catch (error) {
        if (errorCode(error) === "ConditionalCheckFailedException") return false;
        throw error;
    }
}

/** What the table has of a case's evidence. */
export interface CaseItem {
    incidentId: string;
    pins: Pin[];
    /** Everything was preserved and tidied up when it was looked at. */
    settled: boolean;
    /** ISO 8601; null while it is open. */
    closedAt: string | null;
}

/** An item of the table as a case's evidence. */
export const caseOf = (item: Record<string, AttributeValue>): CaseItem => ({
    incidentId: item.pk!.S!.slice("pins#".length),
    pins: pinsOf(item),
    settled: item.settledAt !== undefined,
    closedAt: item.closedAt?.S ?? null,
});

/** Cases that are open and have evidence, with their pins. @param setAside gets what is wrong with an item that cannot be read; without it, that is thrown */
export const openCases = async (setAside?: (error: Error) => void): Promise<CaseItem[]> =>
    readEach(await listMarked(openCaseMark), caseOf, setAside);

/** Whether the table has anything of the case's evidence, open or closed. */
export async function hasCase(incidentId: string): Promise<boolean> {
    const { Item } = await dynamodb().send(
        new GetItemCommand({
            TableName: environment("INCIDENTS_TABLE"),
            Key: { pk: { S: keyOf(incidentId) } },
            ProjectionExpression: "pk",
        }),
    );
    return Item !== undefined;
}

/** Notes that nothing of the case is left to preserve or to tidy up. */
export async function markSettled(incidentId: string): Promise<void> {
    await dynamodb().send(
        new UpdateItemCommand({
            TableName: environment("INCIDENTS_TABLE"),
            Key: { pk: { S: keyOf(incidentId) } },
            UpdateExpression: "SET settledAt = :now",
            ConditionExpression: "attribute_exists(pk)",
            ExpressionAttributeValues: { ":now": { S: new Date().toISOString() } },
        }),
    );
}

/** Notes that nobody has to look after the evidence of a closed case, also of one that the table knew nothing of: its locks end when they end. */
export async function markCaseClosed(incidentId: string): Promise<void> {
    await dynamodb().send(
        new UpdateItemCommand({
            TableName: environment("INCIDENTS_TABLE"),
            Key: { pk: { S: keyOf(incidentId) } },
            UpdateExpression: "SET closedAt = :now REMOVE #standing",
            ExpressionAttributeNames: { "#standing": "standing" },
            ExpressionAttributeValues: { ":now": { S: new Date().toISOString() } },
        }),
    );
}
