/** The other end of a containment: it stays for good, and the case is closed. */
import { StepError } from "../errors";
import { putJson } from "../evidenceBucket";
import { changeStanding } from "../standingContainments";
import { tellPeople } from "./close";
import type { Standing } from "./standing";
import type { Release } from "../../domain/containers";
import { incidentPrefix, releaseRecord } from "../../domain/evidenceKeys";

/**
 * Closes the case of a containment that is never undone: nothing is put back or ended, evidence stays, and the watch goes on.
 *
 * @param by who asks, as AWS says; null when that is not proved
 */
export async function retireInstance(
    { instance, incidentIds, kept }: Standing,
    incidentId: string,
    why: string,
    by: string | null,
): Promise<Release> {
    const where = `${instance.instanceId} in ${instance.accountId}/${instance.region}`;
    if (by === null)
        throw new StepError(
            "Who retires the instance is not proved",
            where,
            "Use npm run retire, which signs the request with your credentials.",
        );
    if (kept === null || kept.releasedAt !== null)
        throw new StepError(
            "Nothing stands contained that could be retired",
            where,
            "An instance that was released is nobody's case any more.",
        );
    const at = new Date().toISOString();
    await changeStanding(instance, kept, (read) =>
        read === null || read.releasedAt !== null ? null : { ...read, retired: { by, why, at } },
    );
    const release: Release = {
        schemaVersion: 1,
        incidentId,
        instance,
        ended: incidentIds,
        by,
        acceptedRisk: null,
        released: false,
        forced: false,
        conflicts: [],
        steps: [],
        retired: why,
        releasedAt: at,
    };
    await putJson(`${incidentPrefix(incidentId)}${releaseRecord(at)}`, release);
    return { ...release, steps: await tellPeople(release) };
}
