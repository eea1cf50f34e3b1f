/** What was pinned for the earlier incidents that share a contained instance's containment: our own records of the snapshots we made. */
import type { Incident } from "../domain/containers";
import { incidentPrefix } from "../domain/evidenceKeys";
import type { Pin } from "../domain/pins";
import { readPins } from "./snapshotPins";
import { readStanding } from "./standingContainments";

/** Earlier incidents that are looked at. */
const mostEarlier = 5;

/** The newest first; empty where nothing stands contained. */
export async function earlierPins(incident: Incident): Promise<{ incidentId: string; pins: Pin[]; cutSince: string | null }[]> {
    const standing = await readStanding(incident.instance);
    if (standing === null || standing.releasedAt !== null) return [];
    const others = standing.incidentIds.filter((each) => each !== incident.incidentId).reverse();
    return Promise.all(
        others.slice(0, mostEarlier).map(async (incidentId) => ({
            incidentId,
            pins: await readPins({ prefix: incidentPrefix(incidentId) }),
            cutSince: standing.settledAt,
        })),
    );
}
