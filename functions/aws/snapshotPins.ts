/**
 * The ids of the snapshots that an incident's steps made, each written once to the evidence bucket and to the incidents table as soon as EC2
 * answered it.
 */
import { z } from "zod";
import type { Incident } from "../domain/containers";
import { objectPrefixes, pinObject } from "../domain/evidenceKeys";
import { joinPins, pinName, pinSchema, type Pin } from "../domain/pins";
import { errorCode, StepError } from "./errors";
import { getJson, listKeys, putJson } from "./evidenceBucket";
import { log } from "./handler";
import { mapConcurrently } from "./mapConcurrently";
import { tablePins, writeTablePin } from "./pinsTable";

const pinObjectSchema = pinSchema.extend({ schemaVersion: z.literal(1) });

/** Every pin of the incident in the bucket. @throws StepError where one does not say what its key says: somebody else wrote it */
export async function readPins(incident: Pick<Incident, "prefix">): Promise<Pin[]> {
    const keys = await listKeys(`${incident.prefix}${objectPrefixes.preservation}`);
    return mapConcurrently(keys, 10, async (key) => {
        const { schemaVersion: _, ...pin } = (await getJson(key, pinObjectSchema))!.value;
        if (`${incident.prefix}${pinObject(pin.volumeId, pin.stage, pin.generation)}` !== key)
            throw new StepError("A record of a snapshot does not belong where it lies", key, "Look in CloudTrail who wrote it.");
        return pin;
    });
}

/** What a table that cannot be asked takes: nothing. The bucket alone is enough to go on with. */
async function readTable(incidentId: string): Promise<Pin[]> {
    try {
        return await tablePins(incidentId);
    } catch (error) {
        log("the pins in the incidents table could not be read", { incidentId, error: errorCode(error) });
        return [];
    }
}

/** Every pin of the incident in either place; what one of them lacks is written there. @returns also what is odd, as sentences */
export async function readAllPins(incident: Pick<Incident, "incidentId" | "prefix">): Promise<{ pins: Pin[]; anomalies: string[] }> {
    const [inBucket, inTable] = await Promise.all([readPins(incident), readTable(incident.incidentId)]);
    const { pins, lacking, anomalies } = joinPins(inBucket, inTable);
    for (const pin of lacking.bucket) await putPin(incident, pin);
    for (const pin of lacking.table)
        await writeTablePin(incident.incidentId, pin).catch((error: unknown) =>
            log("a pin could not be written to the incidents table", { incidentId: incident.incidentId, error: errorCode(error) }),
        );
    return { pins, anomalies };
}

const keyOf = (incident: Pick<Incident, "prefix">, pin: Pin) => `${incident.prefix}${pinObject(pin.volumeId, pin.stage, pin.generation)}`;

const putPin = (incident: Pick<Incident, "prefix">, pin: Pin) =>
    putJson(keyOf(incident, pin), { schemaVersion: 1, ...pin }, { onlyIfAbsent: true });

/**
 * Keeps what EC2 answered, in both places at once: one of them is enough, and the other one gets it at the next look.
 *
 * @returns the pin that stands: of two at the same moment the first
 * @throws what the bucket refused it for, where the table did not take it either
 */
export async function writePin(incident: Pick<Incident, "incidentId" | "prefix">, pin: Pin): Promise<Pin> {
    const [object, item] = await Promise.allSettled([putPin(incident, pin), writeTablePin(incident.incidentId, pin)]);
    if (item.status === "rejected")
        log("a pin could not be written to the incidents table", { incidentId: incident.incidentId, error: errorCode(item.reason) });
    if (object.status === "rejected") {
        if (item.status === "rejected") throw object.reason;
        log("a pin could not be written to the evidence bucket", { incidentId: incident.incidentId, error: errorCode(object.reason) });
        const standing = item.value ? pin : (await tablePins(incident.incidentId)).find((each) => pinName(each) === pinName(pin));
        return standing ?? pin;
    }
    if (object.value.written) return pin;
    const { schemaVersion: _, ...standing } = (await getJson(keyOf(incident, pin), pinObjectSchema))!.value;
    return standing;
}
