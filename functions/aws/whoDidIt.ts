/** Asks the member's CloudTrail who caused drifts: best effort, bounded, and never in the way of putting anything back. */
import type { Drift } from "../domain/watch/drift";
import { errorCode } from "./errors";
import { log } from "./handler";
import { describeEvent, lookUp } from "./trail";
import type { Victim } from "./victim";

/** Drifts that are asked about at one look: LookupEvents answers twice a second. */
const mostQuestions = 6;

/**
 * Who did it, by the drift's key; what CloudTrail does not say, or not yet, is left out.
 *
 * @param since ISO 8601: nothing before it is meant
 */
export async function whoDidIt(victim: Victim, drifts: readonly Drift[], since: string): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const { key, trail } of drifts.filter((each) => each.trail !== null).slice(0, mostQuestions)) {
        const { resource, events, service } = trail!;
        try {
            const seen = await lookUp(victim, { attribute: "ResourceName", value: resource, since, global: service === "iam" });
            const event = seen.find(({ eventName }) => events.includes(eventName));
            if (event !== undefined) found.set(key, describeEvent(event));
        } catch (error) {
            log("CloudTrail did not say who did it", { instance: victim.ref.instanceId, error: errorCode(error) });
            return found;
        }
    }
    return found;
}
