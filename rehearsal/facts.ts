/** What is known at the end of a rehearsal: read back from the local AWS, never from what the program says it did. */
import type { CustodyFacts } from "./custody";
import type { DiskFinding } from "../functions/domain/analysisOutputs";
import type { ReadinessCheck } from "../functions/domain/readiness/checks";
import type { MemoryFacts } from "./memory/facts";
import type { ArtefactTruth } from "./disks/groundTruth";

export interface Facts {
    /** What preflight said before the finding. */
    readiness: ReadinessCheck[];
    /** An alarm that was made to go off. */
    alarm: {
        name: string;
        /** Milliseconds since 1970; `toldAt` null when no channel had it in time. */
        rungAt: number;
        toldAt: number | null;
        /** Whether people read why it went off. */
        saysWhy: boolean;
    };
    incidentId: string;
    instanceId: string;
    forensicsAccountId: string;
    /** Milliseconds since 1970, when the facts were collected. */
    now: number;
    /** The victim's interfaces as EC2 describes them. */
    interfaces: { networkInterfaceId: string; groups: string[] }[];
    /** The victim, as EC2 describes it; null when it is gone. */
    victim: {
        state: string;
        terminationProtected: boolean;
        stopProtected: boolean;
        /** Whether the instance metadata service hands out credentials. */
        metadata: string;
        /** Volumes attached to it, of those it had. */
        volumes: { volumeId: string; deleteOnTermination: boolean }[];
    } | null;
    /** The victim's Auto Scaling group; null when it is gone. */
    autoScaling: {
        name: string;
        minimum: number;
        desiredBefore: number;
        desired: number;
        members: { instanceId: string; lifecycle: string; state: string }[];
    } | null;
    /** What the load balancers that the victim was behind send traffic to. */
    loadBalancers: { name: string; instances: string[] }[];
    /** Credentials of one role, stolen from two instances before the incident: "allowed" or the name of the error that a call with them gave. */
    stolenCredentials: Record<"victim" | "neighbour", { instanceId: string; before: string; after: string }>;
    /** The group tagged as isolation group that the first interface carries. */
    isolationGroup: { groupId: string; ingressRules: number; egressRules: number } | null;
    volumes: { volumeId: string; role: "root" | "data"; sha256Before: string; sha256After: string }[];
    /** Snapshots of the incident that the forensics account owns. */
    evidenceSnapshots: {
        snapshotId: string;
        /** The victim's volume it was made of. */
        sourceVolumeId: string | null;
        ownerId: string;
        state: string;
        encrypted: boolean;
        lock: { mode: string; expiresAt: string } | null;
    }[];
    /** Instances of the incident in the forensics account, terminated ones too. */
    forensicInstances: { id: string; state: string }[];
    /** Volumes of the incident in the forensics account. */
    forensicVolumes: { id: string; state: string }[];
    /** When people were told the first look, the analysis began, and the report was written, in milliseconds since 1970; null where one is not known. */
    firstLook: { toldAt: number; analysisStartedAt: number; reportAt: number } | null;
    /** What the report's page says, as text of HTML. */
    reportText: string;
    /** Null where memory is not taken. */
    memory: MemoryFacts | null;
    report: { htmlBytes: number; complete: boolean; intact: boolean } | null;
    /** Each object the manifest names with the SHA-256 it names (`expected`) and that of the stored object (null: missing). */
    manifest: { objects: { key: string; expected: string; actual: string | null }[] } | null;
    /** The metadata of the moment: each part of each round, and the calls of the victim's credentials in it. */
    metadata: { round: string; part: string; outcome: string; missing: string[] }[];
    /** Names of the calls with the victim's credentials that CloudTrail's part holds. */
    credentialCalls: string[];
    /** The case, copied and verified, and verified again after each tampering. */
    custody: CustodyFacts;
    tickets: { id: string; text: string }[];
    /** What the Slack stand-in received: the line that a phone shows, and what Slack would not have taken. */
    slack: { title: string; violations: string[] }[];
    findings: DiskFinding[];
    /** What is known to be on the disks. */
    artefacts: ArtefactTruth[];
    /** Volumes whose journal was replayed before they were looked at. */
    journalReplayed: ("root" | "data")[];
}
