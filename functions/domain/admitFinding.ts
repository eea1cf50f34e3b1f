/**
 * One instance, one incident: what a finding begins, joins or repeats, whatever comes at the same moment and wherever a run
 * breaks off. The table's conditional writes decide between two; this is the loop around them.
 */
import type { ContainmentMode, Finding, Incident, InstanceRef } from "./containers";
import { mattersWhetherFailed, newRecord, planIntake, withFinding, type Intake, type IncidentRecord } from "./incidentRecord";

/** What the loop needs of AWS. Every write is made only if the reading it follows from still holds. */
export interface IntakePorts {
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
    /** Starts the execution named by the incident; does nothing when there is one. */
    start(incident: Incident): Promise<void>;
    /** Notes that the execution was started. */
    markStarted(incidentId: string): Promise<void>;
    /** Whether the incident's execution ended without success. */
    hasFailed(incidentId: string): Promise<boolean>;
    /** Keeps the whole finding beside the incident's evidence. */
    keep(incident: Incident, finding: Finding): Promise<void>;
}

/** More findings than this at one moment about one instance are left to Lambda's next delivery. */
const mostAttempts = 20;

/**
 * Takes a finding in.
 *
 * @param proposed the incident that the finding opens if none stands
 * @param mode what the rules say about the finding
 * @returns what it did, and the record of the incident it belongs to now
 * @throws when AWS fails; then the same finding again goes on where this broke off
 */
export async function admitFinding(
    proposed: Incident,
    mode: ContainmentMode,
    ports: IntakePorts,
): Promise<{ intake: Intake; record: IncidentRecord }> {
    const { finding, instance, openedAt } = proposed;
    const begin = async (record: IncidentRecord) => {
        await ports.start(record.incident);
        await ports.markStarted(record.incident.incidentId);
    };
    // Most findings are the first about their instance: one write, and nothing read.
    const first = newRecord(proposed, 1, mode, openedAt);
    if (await ports.open(first, null)) {
        await begin(first);
        return { intake: "opens", record: first };
    }
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const standing = await ports.standing(instance);
        if (standing === null)
            throw new Error(
                `The incidents table names no incident of ${instance.instanceId} although it refused a new one. Look at the table's items of this instance.`,
            );
        const { incidentId } = standing.incident;
        const failed = mattersWhetherFailed(standing, finding) && standing.startedAt !== null && (await ports.hasFailed(incidentId));
        const intake = planIntake(standing, finding, mode, failed);
        if (intake === "opens") {
            const next = newRecord(proposed, standing.generation + 1, mode, openedAt);
            if (!(await ports.open(next, incidentId))) continue;
            await begin(next);
            return { intake, record: next };
        }
        let record = standing;
        if (intake !== "repeats") {
            // The object comes first: once the table knows the finding, a repetition no longer writes it.
            await ports.keep(standing.incident, finding);
            record = withFinding(standing, finding, mode, openedAt);
            if (!(await ports.replace(record))) continue;
        }
        // Whoever opened it may have broken off before the start; starting twice starts once.
        if (record.startedAt === null && record.status !== "released") await begin(record);
        return { intake, record };
    }
    throw new Error(`Too many findings about ${instance.instanceId} at the same moment; this one is delivered again.`);
}
