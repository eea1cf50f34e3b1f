/**
 * The table of incidents. Its kinds of items, by their key `pk`:
 *
 *     instance#<account>/<Region>/<instance id>   incidentId, generation: the instance's standing incident
 *     incident#<incident id>                      everything of an IncidentRecord; `standing` = `held` while it waits before its start
 *     containment#…                               see standingContainments.ts
 *     pins#<incident id>                          see pinsTable.ts
 *     brake#…, held#…                             see brake.ts
 *     role#<account>/<role>                       holder, until: see containment/roleLock.ts
 *
 * Every write is conditional on what was read, so that of two at the same moment one wins and the other reads again.
 */
import {
    DynamoDBClient,
    GetItemCommand,
    TransactWriteItemsCommand,
    UpdateItemCommand,
    type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import type { InstanceRef, SeenFinding } from "../domain/containers";
import { incidentRecordSchema, type IncidentRecord } from "../domain/incidentRecord";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { checkStored, itemOf, parseStored } from "./stored";
import { errorCode, StepError, TransientError } from "./errors";
import { log } from "./handler";
import type { Permissions } from "./permissions";

/** Use items of the incidents table, by the named actions alone. A transaction is authorized by the actions it is made of. */
export const useIncidents =
    (...actions: ("GetItem" | "PutItem" | "UpdateItem")[]): Permissions =>
    (names) => [
        {
            Sid: "UseIncidents",
            Effect: "Allow",
            Action: actions.map((action) => `dynamodb:${action}`),
            Resource: [names.incidentsTableArn],
        },
    ];

type Item = Record<string, AttributeValue>;
const dynamodb = () => forensicsClient(DynamoDBClient);
const tableName = () => environment("INCIDENTS_TABLE");
const instanceKey = ({ accountId, region, instanceId }: InstanceRef) => `instance#${accountId}/${region}/${instanceId}`;
const incidentKey = (incidentId: string) => `incident#${incidentId}`;
/** Times an update is begun anew when something else changed the record meanwhile. */
const mostAttempts = 20;

/** Attributes that a change of the record rewrites; the others are written once. */
function changing(record: IncidentRecord): Item {
    return {
        status: { S: record.status },
        findings: { S: JSON.stringify(record.findings) },
        approval: record.approval === null ? { NULL: true } : { S: JSON.stringify(record.approval) },
        updatedAt: { S: record.updatedAt },
    };
}

function toItem(record: IncidentRecord): Item {
    const { incident, generation, revision } = record;
    return {
        pk: { S: incidentKey(incident.incidentId) },
        instance: { S: instanceKey(incident.instance).slice("instance#".length) },
        // All incidents that one finding opened, as an attack sequence does, carry its id.
        findingId: { S: incident.finding.id },
        generation: { N: String(generation) },
        revision: { N: String(revision) },
        incident: { S: JSON.stringify(incident) },
        ...changing(record),
    };
}

/** An item of the table as a record. */
export function recordOf(item: Item): IncidentRecord {
    const where = itemOf(item.pk?.S ?? "of an incident");
    const json = (name: string): unknown => (item[name]?.S === undefined ? null : parseStored(`${name} of ${where}`, item[name].S));
    const record = {
        incident: json("incident"),
        generation: Number(item.generation?.N),
        revision: Number(item.revision?.N),
        status: item.status?.S,
        findings: json("findings"),
        approval: json("approval"),
        startedAt: item.startedAt?.S ?? null,
        ...(item.heldSince?.S === undefined ? {} : { heldSince: item.heldSince.S }),
        updatedAt: item.updatedAt?.S,
    };
    return checkStored(where, record, incidentRecordSchema);
}

async function getItem(pk: string): Promise<Item | null> {
    const { Item } = await dynamodb().send(new GetItemCommand({ TableName: tableName(), Key: { pk: { S: pk } }, ConsistentRead: true }));
    return Item ?? null;
}

/** An incident's record. @returns null when the table has none: then the execution was not started by a finding */
export async function readIncident(incidentId: string): Promise<IncidentRecord | null> {
    const item = await getItem(incidentKey(incidentId));
    return item && recordOf(item);
}

/**
 * All findings of an incident, the one that opened it first, for what people read. Never throws: a table that cannot be read takes nothing
 * but the names of the findings that joined.
 */
export async function findingsOf(incidentId: string): Promise<SeenFinding[]> {
    try {
        return (await readIncident(incidentId))?.findings ?? [];
    } catch (error) {
        log("the incident's findings could not be read", { incidentId, error: errorCode(error) });
        return [];
    }
}

/** The instance's standing incident; null when it never had one. */
export async function standingIncident(instance: InstanceRef): Promise<IncidentRecord | null> {
    const pointer = await getItem(instanceKey(instance));
    return pointer?.incidentId?.S === undefined ? null : readIncident(pointer.incidentId.S);
}

/**
 * Writes a new incident and makes it the instance's standing one, both or neither.
 *
 * @param over the incident that must stand now; null when none may
 * @returns false when something else stands
 */
export async function openRecord(record: IncidentRecord, over: string | null): Promise<boolean> {
    const pointer: Item = {
        pk: { S: instanceKey(record.incident.instance) },
        incidentId: { S: record.incident.incidentId },
        generation: { N: String(record.generation) },
    };
    const stands =
        over === null
            ? { ConditionExpression: "attribute_not_exists(pk)" }
            : { ConditionExpression: "incidentId = :over", ExpressionAttributeValues: { ":over": { S: over } } };
    try {
        await dynamodb().send(
            new TransactWriteItemsCommand({
                TransactItems: [
                    { Put: { TableName: tableName(), Item: pointer, ...stands } },
                    { Put: { TableName: tableName(), Item: toItem(record), ConditionExpression: "attribute_not_exists(pk)" } },
                ],
            }),
        );
        return true;
    } catch (error) {
        if (errorCode(error) !== "TransactionCanceledException") throw error;
        const reasons = (error as { CancellationReasons?: { Code?: string }[] }).CancellationReasons?.map(({ Code }) => Code) ?? [];
        // A conflict: another write of the same items is under way, so what stands must be read again.
        if (reasons.some((code) => code === "ConditionalCheckFailed" || code === "TransactionConflict")) return false;
        if (reasons.some((code) => code === "ThrottlingError" || code === "ProvisionedThroughputExceeded"))
            throw new TransientError("The incidents table is busy", { cause: error });
        throw error;
    }
}

/** Writes a record whose revision is the one read. @returns false when it has changed since */
export async function replaceRecord(record: IncidentRecord): Promise<boolean> {
    const attributes = Object.entries({ ...changing(record), revision: { N: String(record.revision + 1) } });
    try {
        await dynamodb().send(
            new UpdateItemCommand({
                TableName: tableName(),
                Key: { pk: { S: incidentKey(record.incident.incidentId) } },
                UpdateExpression: `SET ${attributes.map(([name]) => `#${name} = :${name}`).join(", ")}`,
                ConditionExpression: "#revision = :read",
                ExpressionAttributeNames: Object.fromEntries(attributes.map(([name]) => [`#${name}`, name])),
                ExpressionAttributeValues: {
                    ...Object.fromEntries(attributes.map(([name, value]) => [`:${name}`, value])),
                    ":read": { N: String(record.revision) },
                },
            }),
        );
        return true;
    } catch (error) {
        if (errorCode(error) === "ConditionalCheckFailedException" || errorCode(error) === "TransactionConflictException") return false;
        throw error;
    }
}

/** What the index `standing` has for an incident that waits for a person before its start. */
export const heldMark = "held";

/** Notes that the incident waits for a person before its start; `standing` puts it into the table's index. */
export async function holdIncident(incidentId: string): Promise<void> {
    await dynamodb().send(
        new UpdateItemCommand({
            TableName: tableName(),
            Key: { pk: { S: incidentKey(incidentId) } },
            UpdateExpression: "SET heldSince = :now, standing = :held",
            ConditionExpression: "attribute_exists(pk)",
            ExpressionAttributeValues: { ":now": { S: new Date().toISOString() }, ":held": { S: heldMark } },
        }),
    );
}

/** Notes that the incident no longer waits before its start, whatever was answered. */
export async function unholdIncident(incidentId: string): Promise<void> {
    await dynamodb().send(
        new UpdateItemCommand({
            TableName: tableName(),
            Key: { pk: { S: incidentKey(incidentId) } },
            UpdateExpression: "REMOVE heldSince, standing",
            ConditionExpression: "attribute_exists(pk)",
        }),
    );
}

/** Notes that the incident's execution was started, and no longer waits. Not a change of the record that another writer must know of. */
export async function markStarted(incidentId: string): Promise<void> {
    await dynamodb().send(
        new UpdateItemCommand({
            TableName: tableName(),
            Key: { pk: { S: incidentKey(incidentId) } },
            UpdateExpression: "SET startedAt = :now REMOVE heldSince, standing",
            ConditionExpression: "attribute_exists(pk)",
            ExpressionAttributeValues: { ":now": { S: new Date().toISOString() } },
        }),
    );
}

/**
 * Changes a record on its latest reading.
 *
 * @param change gives the record as it shall be, or null to leave it
 * @returns the record as it is then
 * @throws StepError when there is no such incident
 */
export async function updateIncident(
    incidentId: string,
    change: (record: IncidentRecord) => IncidentRecord | null,
): Promise<IncidentRecord> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const record = await readIncident(incidentId);
        if (record === null)
            throw new StepError(
                "The incidents table does not know the incident",
                incidentId,
                "Start incidents by a message to the findings topic, never an execution by hand.",
            );
        const changed = change(record);
        if (changed === null) return record;
        const updated = { ...changed, updatedAt: new Date().toISOString() };
        if (await replaceRecord(updated)) return { ...updated, revision: updated.revision + 1 };
    }
    throw new TransientError(`The record of ${incidentId} changed ${mostAttempts} times while it was being updated`);
}

/**
 * Marks an incident as over: called once its instance was released. The next finding about the instance then opens its
 * next generation, an incident with an id of its own. Marking twice changes nothing, nor does marking an incident that the
 * table does not know.
 */
export async function markReleased(incidentId: string): Promise<void> {
    if ((await readIncident(incidentId)) === null) return;
    await updateIncident(incidentId, (record) => (record.status === "released" ? null : { ...record, status: "released" }));
}
