/**
 * One instance, one incident: what an admitted finding opens, joins, updates or repeats, whatever comes at the same moment and wherever a run
 * breaks off. The table's conditional writes decide between two; this is the loop around them.
 */
import type { ContainmentMode, Finding, Incident, InstanceRef } from "./containers";
import { asksNobody, mattersWhetherFailed, newRecord, planEffect, withFinding, type Effect, type IncidentRecord } from "./incidentRecord";

/** What the loop needs of AWS. Every write is made only if the reading it follows from still holds. */
export interface FindingPorts {
    /**
     * Makes a new incident the instance's standing one.
     *
     * @param over the incident that must stand now; null when none may
     * @returns false when something else stands
     */
    open(record: IncidentRecord, over: string | null): Promise<boolean>;
    /** The instance's standing incident; null when it never had one. */
    standing(instance: InstanceRef): Promise<IncidentRecord | null>;
    /** Writes a record whose revision is the one read. @returns false when it has changed since */
    replace(record: IncidentRecord): Promise<boolean>;
    /** Whether the brake lets the incident contain its instance without asking anybody. @default true */
    mayContain?(incident: Incident): Promise<boolean>;
    /** Notes that the incident waits for a person. */
    hold?(incidentId: string): Promise<void>;
    /** Starts the execution named by the incident; does nothing when there is one. */
    start(incident: Incident): Promise<void>;
    /** Notes that the execution was started. */
    markStarted(incidentId: string): Promise<void>;
    /** Whether the incident's execution ended without success. */
    hasFailed(incidentId: string): Promise<boolean>;
    /** Keeps the whole finding beside the incident's evidence. */
    keep(incident: Incident, finding: Finding): Promise<void>;
}

/** Whether an incident waits for a person before anything is done; null when it does not. */
export type Waits = "anew" | "still" | null;

/** More findings than this at one moment about one instance are left to Lambda's next delivery. */
const mostAttempts = 20;

/**
 * Applies an admitted finding to the incident of its instance: it opens, joins or updates one, or repeats what is known.
 *
 * @param proposed the incident that the finding opens if none stands
 * @param mode what the rules say about the finding
 * @returns what it did, the record of the incident it belongs to now, and whether that waits for a person because the brake holds, since now or since before
 * @throws when AWS fails; then the same finding again goes on where this broke off
 */
export async function applyFinding(
    proposed: Incident,
    mode: ContainmentMode,
    ports: FindingPorts,
): Promise<{ effect: Effect; record: IncidentRecord; held: Waits }> {
    const { finding, instance, openedAt } = proposed;
    const begin = async (record: IncidentRecord): Promise<Waits> => {
        if (asksNobody(record) && ports.mayContain !== undefined && !(await ports.mayContain(record.incident))) {
            if (record.heldSince) return "still";
            await ports.hold?.(record.incident.incidentId);
            return "anew";
        }
        await ports.start(record.incident);
        await ports.markStarted(record.incident.incidentId);
        return null;
    };
    // Most findings are the first about their instance: one write, and nothing read.
    const first = newRecord(proposed, 1, mode, openedAt);
    if (await ports.open(first, null)) {
        return { effect: "opens", record: first, held: await begin(first) };
    }
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const standing = await ports.standing(instance);
        if (standing === null)
            throw new Error(
                `The incidents table names no incident of ${instance.instanceId} although it refused a new one. Look at the table's items of this instance.`,
            );
        const { incidentId } = standing.incident;
        const failed = mattersWhetherFailed(standing, finding) && standing.startedAt !== null && (await ports.hasFailed(incidentId));
        const effect = planEffect(standing, finding, mode, failed);
        if (effect === "opens") {
            const next = newRecord(proposed, standing.generation + 1, mode, openedAt);
            if (!(await ports.open(next, incidentId))) continue;
            return { effect, record: next, held: await begin(next) };
        }
        let record = standing;
        if (effect !== "repeats") {
            // The object comes first: once the table knows the finding, a repetition no longer writes it.
            await ports.keep(standing.incident, finding);
            record = withFinding(standing, finding, mode, openedAt);
            if (!(await ports.replace(record))) continue;
        }
        // Whoever opened it may have broken off before the start, or the brake held and has room by now. An execution has the name of its
        // incident, so a second start does nothing.
        const held = record.startedAt === null && record.status === "open" ? await begin(record) : null;
        return { effect, record, held };
    }
    throw new Error(`Too many findings about ${instance.instanceId} at the same moment; this one is delivered again.`);
}
