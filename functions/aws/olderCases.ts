/** Cases whose pins lie in the evidence bucket alone, as they all did before the incidents table had them too: nobody would look after their evidence. */
import { paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { incidentSchema } from "../domain/containers";
import { incidentPrefix, incidentsRoot } from "../domain/evidenceKeys";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { hasCase, type CaseItem } from "./pinsTable";
import { readAllPins } from "./snapshotPins";

/** Ids of the incidents that have objects in the bucket. */
async function incidentsInBucket(): Promise<string[]> {
    const ids: string[] = [];
    const request = { Bucket: environment("EVIDENCE_BUCKET"), Prefix: incidentsRoot, Delimiter: "/" };
    for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client: forensicsClient(S3Client) }, request))
        ids.push(...CommonPrefixes.map(({ Prefix }) => Prefix!.slice(incidentsRoot.length, -1)));
    return ids.filter((id) => incidentSchema.shape.incidentId.safeParse(id).success);
}

/**
 * Enters the pins of such cases in the incidents table, which has them as open cases from then on.
 *
 * @param open cases that the table has as open
 * @returns those that came in now; closed ones are left alone
 */
export async function adoptOlderCases(open: readonly CaseItem[]): Promise<CaseItem[]> {
    const known = new Set(open.map(({ incidentId }) => incidentId));
    const adopted: CaseItem[] = [];
    for (const incidentId of await incidentsInBucket()) {
        if (known.has(incidentId) || (await hasCase(incidentId))) continue;
        const { pins } = await readAllPins({ incidentId, prefix: incidentPrefix(incidentId) });
        if (pins.length > 0) adopted.push({ incidentId, pins, settled: false, closedAt: null });
    }
    return adopted;
}
