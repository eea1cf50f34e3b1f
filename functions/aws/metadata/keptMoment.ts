/** Reads the kept metadata of the moment for the report: each object is what its index says, or it is left out and named. */
import { metadataIndexSchema, metadataObject, metadataRounds, type MetadataPart } from "../../domain/metadata/metadataIndex";
import { readMoment, readParts, type KeptRound, type Moment } from "../../domain/metadata/readMoment";
import { getJson, getObject } from "../evidenceBucket";
import { errorCode } from "../errors";
import { log } from "../handler";

/** Never throws: a report without it is better than none. @returns null where nothing was kept */
export async function readKeptMoment(prefix: string): Promise<Moment | null> {
    const rounds: KeptRound[] = [];
    for (const round of metadataRounds) {
        try {
            const index = (await getJson(`${prefix}${metadataObject(round, "index")}.json`, metadataIndexSchema))?.value;
            if (!index) continue;
            const bodies = new Map<MetadataPart, string>();
            const altered: MetadataPart[] = [];
            for (const { name, object } of index.parts) {
                if (object === null || !(readParts as readonly MetadataPart[]).includes(name)) continue;
                const found = await getObject(object.key).catch((error: unknown) => {
                    log("a part of the metadata could not be read", { key: object.key, error: errorCode(error) });
                    return null;
                });
                if (found?.ref.sha256 === object.sha256) bodies.set(name, found.body.toString("utf8"));
                else altered.push(name);
            }
            rounds.push({ index, bodies, altered });
        } catch (error) {
            log("the metadata of the moment could not be read", { prefix, round, error: String(error) });
        }
    }
    return readMoment(rounds);
}
