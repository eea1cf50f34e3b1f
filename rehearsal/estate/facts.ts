/** What is known at the end of a rehearsal of an estate: read back from the local AWS. */
import type { ReadinessCheck } from "../../functions/domain/readiness/checks";
import type { InstanceRef } from "../../functions/domain/containers";

/** One victim and what became of it. */
export interface VictimFacts {
    instance: InstanceRef;
    vpcId: string;
    /** Of the incident that the finding about it opened. */
    incidentId: string;
    /** Executions that are named after the instance, in every Region. */
    executions: { region: string; name: string; status: string }[];
    /** Its interfaces, with the groups they carry. */
    interfaces: { networkInterfaceId: string; groups: { groupId: string; vpcId: string; isolation: boolean }[] }[];
    /** How many volumes it has. */
    volumes: number;
    /** Snapshots of the incident in the forensics account, in every Region. */
    evidence: { region: string; snapshotId: string; locked: boolean }[];
    /** Regions in whose evidence bucket objects of the incident lie, and how many. */
    objects: { region: string; count: number }[];
    /** The incident that its report is about; null when there is none. */
    report: { incidentId: string; instance: InstanceRef; intact: boolean } | null;
}

/** The calls of one source that went to one Region. */
export interface CallCount {
    /** Who called: a function's role, the forensic instance's, or a session of the responder role. */
    source: string;
    /** Where the source belongs; null when that could not be told. */
    home: { region: string; accountId: string } | null;
    /** Incident whose session it was; null for a role of a Region. */
    incidentId: string | null;
    /** Where the calls went. */
    region: string;
    accountId: string;
    service: string;
    calls: number;
}

export interface EstateFacts {
    regions: string[];
    /** What a preflight of each Region said before anything happened. */
    readiness: { region: string; checks: ReadinessCheck[] }[];
    victims: VictimFacts[];
    calls: CallCount[];
    slack: { title: string; violations: string[] }[];
}
