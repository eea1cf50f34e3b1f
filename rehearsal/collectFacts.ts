/** Reads back from the local AWS what the checks look at. */
import { createHash } from "node:crypto";
import {
    DescribeInstancesCommand,
    DescribeLockedSnapshotsCommand,
    DescribeNetworkInterfacesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSnapshotsCommand,
    DescribeVolumesCommand,
    EC2Client,
} from "@aws-sdk/client-ec2";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DescribeCasesCommand, SupportClient } from "@aws-sdk/client-support";
import { analysisSummarySchema, diskFindingSchema, type AnalysisSummary } from "../functions/domain/analysisOutputs";
import { containmentSchema, custodySchema, reportSchema, type Incident } from "../functions/domain/containers";
import { checkCustody } from "./custody";
import { metadataIndexSchema, metadataObject, metadataRounds } from "../functions/domain/metadata/metadataIndex";
import { trailEventsSchema } from "../functions/domain/metadata/trailEvents";
import { defaultSeconds } from "../functions/domain/memory";
import { objectNames } from "../functions/domain/evidenceKeys";
import { firstLookToldSchema } from "../functions/sendFirstLook";
import { collectVictimFacts } from "./collectVictimFacts";
import type { LocalClients, Target } from "./deploy/localClients";
import type { ArtefactTruth } from "./disks/groundTruth";
import type { Facts } from "./facts";
import { acquisitionVolumesLeft, toldOf, type MemoryFacts } from "./memory/facts";
import type { SharedRole } from "./neighbour";
import { titleOf, type SlackMessage } from "./slackServer";
import { sha256OfFile } from "./sha256";
import type { Victim } from "./victim";
import { incidentTag, purposeTag, roleTag, tagValue } from "../functions/domain/tags";

/** The tag every isolation group carries. */

export interface Collection {
    clients: LocalClients;
    /** Where the local AWS listens. */
    endpoint: string;
    forensics: Target;
    victim: Victim;
    sharedRole: SharedRole;
    incident: Incident;
    evidenceBucket: string;
    slack: SlackMessage[];
    /** What preflight said before the finding. */
    readiness: Facts["readiness"];
    alarm: Facts["alarm"];
    /** What is known to be on the disks. */
    artefacts: ArtefactTruth[];
    /** Null where memory is not taken. */
    memory: Pick<MemoryFacts, "mode" | "quarantine" | "endpointGroup" | "sentAt"> | null;
}

/** Reads an object of the evidence bucket. @returns null when it is not there. */
export async function readEvidence(clients: LocalClients, forensics: Target, bucket: string, key: string): Promise<Buffer | null> {
    try {
        const { Body } = await clients(S3Client, forensics).send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return Buffer.from(await Body!.transformToByteArray());
    } catch (error) {
        if (error instanceof Error && error.name === "NoSuchKey") return null;
        throw error;
    }
}

async function networkFacts(ec2: EC2Client, instanceId: string): Promise<Pick<Facts, "interfaces" | "isolationGroup">> {
    const { NetworkInterfaces = [] } = await ec2.send(
        new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [instanceId] }] }),
    );
    const interfaces = NetworkInterfaces.map((one) => ({
        networkInterfaceId: one.NetworkInterfaceId!,
        groups: (one.Groups ?? []).map((group) => group.GroupId!),
    }));
    const GroupIds = [...new Set(interfaces.flatMap((one) => one.groups))];
    if (GroupIds.length === 0) return { interfaces, isolationGroup: null };
    const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds }));
    const group = SecurityGroups.find((one) => one.Tags?.some(({ Key, Value }) => Key === roleTag && Value === "isolation"));
    return {
        interfaces,
        isolationGroup: group
            ? {
                  groupId: group.GroupId!,
                  ingressRules: group.IpPermissions?.length ?? 0,
                  egressRules: group.IpPermissionsEgress?.length ?? 0,
              }
            : null,
    };
}

/** Every snapshot the forensics account owns: the account was empty before the rehearsal. */
async function snapshotFacts(ec2: EC2Client, sourceVolumeOf: Map<string, string>): Promise<Facts["evidenceSnapshots"]> {
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
    const { Snapshots: locked = [] } = await ec2.send(new DescribeLockedSnapshotsCommand({}));
    // The tools that come to a victim are no evidence: their snapshots are of no incident.
    const evidence = Snapshots.filter(({ Tags }) => tagValue(Tags, purposeTag) !== "acquisition" || tagValue(Tags, incidentTag) !== null);
    return evidence.map((one) => {
        const lock = locked.find(({ SnapshotId }) => SnapshotId === one.SnapshotId);
        return {
            snapshotId: one.SnapshotId!,
            sourceVolumeId: sourceVolumeOf.get(one.SnapshotId!) ?? null,
            ownerId: one.OwnerId!,
            state: one.State!,
            encrypted: one.Encrypted === true,
            lock:
                lock?.LockState && lock.LockState !== "expired"
                    ? { mode: lock.LockState, expiresAt: lock.LockExpiresOn?.toISOString() ?? "" }
                    : null,
        };
    });
}

async function forensicFacts(ec2: EC2Client): Promise<Pick<Facts, "forensicInstances" | "forensicVolumes">> {
    const [{ Reservations = [] }, { Volumes = [] }] = await Promise.all([
        ec2.send(new DescribeInstancesCommand({})),
        ec2.send(new DescribeVolumesCommand({})),
    ]);
    return {
        forensicInstances: Reservations.flatMap((one) => one.Instances ?? []).map((one) => ({
            id: one.InstanceId!,
            state: one.State!.Name!,
        })),
        forensicVolumes: Volumes.map((one) => ({ id: one.VolumeId!, state: one.State! })),
    };
}

/** Lines of `sha256sum`: a digest, two spaces (or a space and an asterisk), a name. */
async function manifestFacts(read: (key: string) => Promise<Buffer | null>, results: string): Promise<Facts["manifest"]> {
    const text = await read(`${results}manifest.sha256`);
    if (text === null) return null;
    const lines = text
        .toString("utf8")
        .split("\n")
        .filter((line) => line !== "");
    const objects = await Promise.all(
        lines.map(async (line) => {
            const [, expected = "", name = line] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
            const body = await read(`${results}${name}`);
            return { key: name, expected, actual: body && createHash("sha256").update(body).digest("hex") };
        }),
    );
    return { objects };
}

async function tickets(clients: LocalClients, accounts: string[]): Promise<Facts["tickets"]> {
    // AWS Support is one global service; its API is in us-east-1.
    const answers = await Promise.all(
        accounts.map((accountId) =>
            clients(SupportClient, { accountId, region: "us-east-1" }).send(
                new DescribeCasesCommand({ includeResolvedCases: true, includeCommunications: true }),
            ),
        ),
    );
    return answers
        .flatMap(({ cases = [] }) => cases)
        .map((one) => ({
            id: one.caseId!,
            text: [one.subject, ...(one.recentCommunications?.communications ?? []).map((message) => message.body)].join("\n"),
        }));
}

/** A volume may also hold a file system without a journal, such as the EFI partition's: that one says nothing. */
const journaling = /^(xfs|ext[34]|ntfs)$/;

const replayedRoles = (summary: AnalysisSummary | null): Facts["journalReplayed"] =>
    (["root", "data"] as const).filter((role) => {
        const journals = (summary?.volumes ?? [])
            .filter((volume) => volume.role === role)
            .flatMap((volume) => volume.fileSystems)
            .filter(({ type }) => journaling.test(type));
        return journals.length > 0 && journals.every((one) => one.journalReplayed);
    });

/** The metadata of the moment, both rounds. */
async function momentFacts(read: (name: string) => Promise<unknown>): Promise<Pick<Facts, "metadata" | "credentialCalls">> {
    const indices = await Promise.all(metadataRounds.map((round) => read(`${metadataObject(round, "index")}.json`)));
    const trails = await Promise.all(metadataRounds.map((round) => read(`${metadataObject(round, "trail-events")}.json`)));
    return {
        metadata: indices
            .filter((each) => each !== null)
            .flatMap((each) => {
                const { round, parts } = metadataIndexSchema.parse(each);
                return parts.map(({ name, outcome, missing }) => ({ round, part: name, outcome, missing }));
            }),
        credentialCalls: trails
            .filter((each) => each !== null)
            .flatMap((each) => trailEventsSchema.parse(each).events)
            .filter(({ about }) => about === "credentials")
            .map(({ record }) => record.eventName),
    };
}

/** Collects all facts. What is not there is empty or null, so that a check turns false instead of the rehearsal failing. */
export async function collectFacts(collection: Collection): Promise<Facts> {
    const { clients, forensics, victim, incident, evidenceBucket } = collection;
    const read = (key: string) => readEvidence(clients, forensics, evidenceBucket, key);
    const parsed = async <T>(key: string, schema: { parse: (value: unknown) => T }) => {
        const body = await read(`${incident.prefix}${key}`);
        return body && schema.parse(JSON.parse(body.toString("utf8")));
    };
    const member = { accountId: victim.instance.accountId, region: victim.instance.region };
    const forensicEc2 = clients(EC2Client, forensics);
    const custody = await parsed("custody.json", custodySchema);
    const results = custody?.resultsPrefix ?? "analysis/none/";
    const [report, html, summary, findings] = await Promise.all([
        parsed("report/report.json", reportSchema),
        read(`${incident.prefix}report/report.html`),
        parsed(`${results}summary.json`, analysisSummarySchema),
        read(`${incident.prefix}${results}findings.jsonl`),
    ]);
    const told = await parsed(objectNames.firstLookTold, firstLookToldSchema);
    const sourceVolumeOf = new Map(custody?.evidence.snapshots.map((one) => [one.evidenceSnapshotId, one.volumeId]));
    return {
        incidentId: incident.incidentId,
        instanceId: victim.instance.instanceId,
        forensicsAccountId: forensics.accountId,
        now: Date.now(),
        ...(await collectVictimFacts(clients, collection.endpoint, victim, collection.sharedRole)),
        ...(await networkFacts(clients(EC2Client, member), victim.instance.instanceId)),
        volumes: await Promise.all(
            victim.volumes.map(async ({ volumeId, role, image }) => ({
                volumeId,
                role,
                sha256Before: image.sha256,
                sha256After: await sha256OfFile(image.path),
            })),
        ),
        evidenceSnapshots: await snapshotFacts(forensicEc2, sourceVolumeOf),
        ...(await forensicFacts(forensicEc2)),
        firstLook:
            told && summary && report
                ? {
                      toldAt: Date.parse(told.at),
                      analysisStartedAt: Date.parse(summary.startedAt),
                      reportAt: Date.parse(report.at),
                  }
                : null,
        reportText: html?.toString("utf8") ?? "",
        memory: collection.memory && {
            ...collection.memory,
            ...toldOf(await parsed(objectNames.containment, containmentSchema)),
            atMostSeconds: defaultSeconds[collection.memory.mode],
            volumesLeft: await acquisitionVolumesLeft(clients, member),
        },
        report: report && { htmlBytes: html?.length ?? 0, complete: report.complete, intact: report.intact },
        manifest: await manifestFacts(read, `${incident.prefix}${results}`),
        ...(await momentFacts((name) => parsed(name, { parse: (value: unknown) => value }))),
        custody: await checkCustody(clients, forensics, evidenceBucket, incident.incidentId),
        tickets: await tickets(clients, [forensics.accountId, member.accountId]),
        readiness: collection.readiness,
        alarm: collection.alarm,
        slack: collection.slack.map(({ payload, violations }) => ({ title: titleOf(payload), violations })),
        findings: (findings?.toString("utf8") ?? "")
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => diskFindingSchema.parse(JSON.parse(line))),
        artefacts: collection.artefacts,
        journalReplayed: replayedRoles(summary),
    };
}
