/** Runs what a function does for an incident with its calls recorded, and appends them to the incident's custody log at the end. */
import type { CustodyAction } from "../../domain/custody/custodyLog";
import { appendCustody } from "./custodyLog";
import { recorded } from "./recorder";

/** A log that cannot be written never fails a step: the seal finds each object without an entry, and says so. */
async function keep(incidentId: string, actions: CustodyAction[]): Promise<void> {
    try {
        await appendCustody(incidentId, actions);
    } catch (error) {
        console.log(JSON.stringify({ message: "the custody log could not be appended to", incidentId, actions, error: String(error) }));
    }
}

/** @param incidentId null where each object's key says which incident it is of */
export const inCustody = <T>(incidentId: string | null, step: string, run: () => Promise<T>): Promise<T> =>
    recorded({ incidentId, step }, run, keep);
