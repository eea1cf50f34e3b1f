/** The ids of the snapshots that an incident's steps made, each written once to the evidence bucket as soon as EC2 answered it. */
import { z } from "zod";
import type { Incident } from "../domain/containers";
import { timestampSchema } from "../domain/containers";
import { objectPrefixes, pinObject } from "../domain/evidenceKeys";
import { stages, type Pin } from "../domain/planPreservation";
import { StepError } from "./errors";
import { getJson, listKeys, putJson } from "./evidenceBucket";
import { mapConcurrently } from "./mapConcurrently";

const pinSchema = z.object({
    schemaVersion: z.literal(1),
    volumeId: z.string(),
    stage: z.enum(stages),
    generation: z.number().int().positive(),
    snapshotId: z.string().regex(/^snap-[0-9a-f]+$/),
    madeAt: timestampSchema,
});

/** Every pin of the incident. @throws StepError where one does not say what its key says: somebody else wrote it */
export async function readPins(incident: Pick<Incident, "prefix">): Promise<Pin[]> {
    const keys = await listKeys(`${incident.prefix}${objectPrefixes.preservation}`);
    return mapConcurrently(keys, 10, async (key) => {
        const { schemaVersion: _, ...pin } = (await getJson(key, pinSchema))!.value;
        if (`${incident.prefix}${pinObject(pin.volumeId, pin.stage, pin.generation)}` !== key)
            throw new StepError("A record of a snapshot does not belong where it lies", key, "Look in CloudTrail who wrote it.");
        return pin;
    });
}

/** Keeps what EC2 answered. @returns the pin that stands: of two at the same moment the first */
export async function writePin(incident: Incident, pin: Pin): Promise<Pin> {
    const key = `${incident.prefix}${pinObject(pin.volumeId, pin.stage, pin.generation)}`;
    const { written } = await putJson(key, { schemaVersion: 1, ...pin }, { onlyIfAbsent: true });
    if (written) return pin;
    const { schemaVersion: _, ...standing } = (await getJson(key, pinSchema))!.value;
    return standing;
}
