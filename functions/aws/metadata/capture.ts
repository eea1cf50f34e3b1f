/** Reads every part of the metadata of the moment and keeps it: one that fails takes none of the others along. */
import type { Instance } from "@aws-sdk/client-ec2";
import type { Containment, Incident } from "../../domain/containers";
import {
    laterParts,
    metadataIndexSchema,
    metadataObject,
    metadataParts,
    type MetadataIndex,
    type MetadataPart,
    type MetadataRound,
} from "../../domain/metadata/metadataIndex";
import { getJson, putJson, putObject } from "../evidenceBucket";
import { mapConcurrently } from "../mapConcurrently";
import { victimOf } from "../victim";
import { accountParts } from "./accountParts";
import { clause, jsonContent, type Content, type Moment, type ReadPart } from "./content";
import { ec2Parts } from "./ec2Parts";
import { findInstance, surroundingsOf } from "./surroundings";
import { readTrailEvents } from "./trailEvents";

/** Milliseconds that all reading may take; the function has some more. */
const patience = 180_000;
/** Parts that are read at a time. */
const atOnce = 6;

type Read = MetadataIndex["parts"][number];

async function readPart(part: MetadataPart, read: ReadPart, moment: Moment): Promise<{ content: Content | null; missing: string[] }> {
    try {
        if (Date.now() > moment.deadline) throw Object.assign(new Error("no time left"), { name: "NoTimeLeft" });
        const content = await read(moment);
        return { content, missing: content?.missing ?? [] };
    } catch (error) {
        return { content: null, missing: [clause(part, error)] };
    }
}

/** Reads one part and writes its object. @throws when the evidence bucket does not take it */
async function keepPart(part: MetadataPart, read: ReadPart, moment: Moment, round: MetadataRound): Promise<Read> {
    const { content, missing } = await readPart(part, read, moment);
    const clauses = missing.map((each) => each.slice(0, 500)).slice(0, 64);
    if (content === null) return { name: part, outcome: missing.length > 0 ? "unread" : "none", object: null, missing: clauses };
    const key = `${moment.incident.prefix}${metadataObject(round, part)}.${content.ending}`;
    // What was read first stands: a repeated attempt reads a later moment.
    const { ref } = await putObject(key, content.body, { contentType: content.contentType, onlyIfAbsent: true });
    return { name: part, outcome: missing.length > 0 ? "partly" : "read", object: ref, missing: clauses };
}

function readers(instance: Instance | null, failure: string | null): Record<MetadataPart, ReadPart> {
    return {
        instance: () => {
            if (failure !== null) return Promise.reject(new Error(failure));
            return Promise.resolve(instance === null ? null : jsonContent(instance));
        },
        ...ec2Parts,
        ...accountParts,
        "trail-events": readTrailEvents,
    };
}

/**
 * @returns the index, written last: where one stands already, nothing is read again
 * @throws what the evidence bucket answers
 */
export async function captureMetadata(
    incident: Incident,
    containment: Containment | null,
    round: MetadataRound,
): Promise<{ index: MetadataIndex; key: string }> {
    const key = `${incident.prefix}${metadataObject(round, "index")}.json`;
    const standing = await getJson(key, metadataIndexSchema);
    if (standing) return { index: standing.value, key };
    const startedAt = new Date();
    const victim = victimOf(incident.instance, incident.incidentId);
    const missing: string[] = [];
    let failure: string | null = null;
    const instance = await findInstance(victim).catch((error: unknown) => {
        failure = clause("DescribeInstances", error);
        return null;
    });
    const around = await surroundingsOf(incident, containment, instance, missing);
    const moment: Moment = {
        victim,
        incident,
        instance,
        around,
        since: containment?.startedAt ?? incident.openedAt,
        deadline: startedAt.getTime() + patience,
    };
    const read = readers(instance, failure);
    const wanted = round === "now" ? metadataParts : laterParts;
    // The slow one first: it waits for CloudTrail's pace while the others are read.
    const order = [...wanted].sort((left, right) => Number(right === "trail-events") - Number(left === "trail-events"));
    const parts = await mapConcurrently(order, atOnce, (part) => keepPart(part, read[part], moment, round));
    const index = metadataIndexSchema.parse({
        schemaVersion: 1,
        incidentId: incident.incidentId,
        instance: incident.instance,
        round,
        startedAt: startedAt.toISOString(),
        endedAt: new Date().toISOString(),
        parts: wanted.map((name) => {
            const part = parts.find((each) => each.name === name)!;
            return name === "instance" && missing.length > 0
                ? { ...part, outcome: part.object === null ? "unread" : "partly", missing: [...part.missing, ...missing].slice(0, 64) }
                : part;
        }),
    });
    await putJson(key, index, { onlyIfAbsent: true });
    return { index, key };
}
