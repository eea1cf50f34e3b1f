/** Makes the evidence and work volumes of an incident and attaches them to the forensic instance. */
import {
    AttachVolumeCommand,
    CreateVolumeCommand,
    EC2Client,
    DescribeVolumeAttributeCommand,
    ModifyInstanceAttributeCommand,
    StartInstancesCommand,
    StopInstancesCommand,
    type Instance,
    type Volume,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { tellWaitingPermissions } from "./aws/problems";
import { needs } from "./aws/environment";
import { forensicsClient } from "./aws/clients";
import { madeForIncident, snapshotArn, tagAtCreation, taggedAtCreation, useKeyThroughEbs } from "./aws/ec2Permissions";
import { errorCode, isTransient, NotYetError, StepError } from "./aws/errors";
import { forensicInstance, forensicVolumes } from "./aws/forensicInstances";
import { log, step } from "./aws/handler";
import { ec2Arn, type Permissions } from "./aws/permissions";
import { evidenceSchema, forensicHostSchema, incidentSchema, type Evidence, type ForensicHost } from "./domain/containers";
import { incidentTags, purposeTag, tagValue } from "./domain/tags";
import { evidenceOfRound, roundOf } from "./domain/planRounds";
import { sizeVolume } from "./domain/planSize";
import { planVolumes, type VolumeAction, type VolumesState, type VolumeState } from "./domain/planVolumes";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET");

/** Make volumes of an incident's snapshots and attach them to an incident's instance. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("AttachEvidenceVolumes")(names),
    {
        Sid: "FindHostAndVolumes",
        Effect: "Allow",
        Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes"],
        Resource: ["*"],
    },
    { Sid: "ReadProductCodes", Effect: "Allow", Action: ["ec2:DescribeVolumeAttribute"], Resource: [ec2Arn(names, "volume/*")] },
    {
        Sid: "ReadEvidenceSnapshots",
        Effect: "Allow",
        Action: ["ec2:CreateVolume"],
        Resource: [snapshotArn(names)],
        Condition: madeForIncident,
    },
    {
        Sid: "MakeTaggedVolumes",
        Effect: "Allow",
        Action: ["ec2:CreateVolume"],
        Resource: [ec2Arn(names, "volume/*")],
        Condition: taggedAtCreation,
    },
    tagAtCreation([ec2Arn(names, "volume/*")], "CreateVolume"),
    {
        Sid: "AttachToHost",
        Effect: "Allow",
        Action: ["ec2:AttachVolume", "ec2:ModifyInstanceAttribute"],
        Resource: [ec2Arn(names, "instance/*"), ec2Arn(names, "volume/*")],
        Condition: madeForIncident,
    },
    // A volume with a Marketplace product code attaches to a stopped instance only.
    {
        Sid: "RestartHost",
        Effect: "Allow",
        Action: ["ec2:StopInstances", "ec2:StartInstances"],
        Resource: [ec2Arn(names, "instance/*")],
        Condition: { StringLike: { ...madeForIncident.StringLike, [`aws:ResourceTag/${purposeTag}`]: "forensic-host" } },
    },
    ...useKeyThroughEbs(names, "UseEvidenceKeyForVolumes", names.evidenceKeyArn),
];

function toVolumeState(volume: Volume, instance: Instance | null, codedVolumes: ReadonlySet<string>): VolumeState {
    const attachment = volume.Attachments?.[0];
    // What happens at termination is an attribute of the instance; the volume repeats it.
    const mapping = instance?.BlockDeviceMappings?.find(({ Ebs }) => Ebs?.VolumeId === volume.VolumeId);
    return {
        volumeId: volume.VolumeId!,
        purpose: tagValue(volume.Tags, purposeTag) === "work" ? "work" : "evidence",
        snapshotId: volume.SnapshotId ?? "",
        availabilityZone: volume.AvailabilityZone!,
        state: volume.State ?? "creating",
        coded: codedVolumes.has(volume.VolumeId!),
        attachment: attachment?.InstanceId
            ? {
                  instanceId: attachment.InstanceId,
                  device: attachment.Device ?? "",
                  state: attachment.State ?? "attaching",
                  deleteOnTermination: mapping?.Ebs?.DeleteOnTermination === true,
              }
            : null,
    };
}

/** Volumes with an AWS Marketplace product code, which DescribeVolumes does not tell. Only of what is to be attached yet. */
async function codedAmong(ec2: EC2Client, volumes: readonly Volume[]): Promise<Set<string>> {
    const coded = new Set<string>();
    for (const { VolumeId, State } of volumes) {
        if (State !== "available") continue;
        const { ProductCodes = [] } = await ec2.send(new DescribeVolumeAttributeCommand({ VolumeId, Attribute: "productCodes" }));
        if (ProductCodes.length > 0) coded.add(VolumeId!);
    }
    return coded;
}

async function readState(
    ec2: EC2Client,
    incidentId: string,
    evidence: Evidence,
    host: ForensicHost,
    refused: ReadonlyMap<string, string>,
): Promise<VolumesState> {
    const [instance, volumes] = await Promise.all([
        forensicInstance(ec2, host.instanceId),
        forensicVolumes(ec2, incidentId, "evidence", "work"),
    ]);
    const state = instance?.State?.Name ?? "pending";
    if (state === "shutting-down" || state === "terminated") {
        throw new StepError(
            `The forensic instance is ${state}`,
            host.instanceId,
            "Look in CloudTrail at what ended it, then npm run resume goes on from there: the evidence waits.",
        );
    }
    const coded = await codedAmong(ec2, volumes);
    return {
        incidentId,
        evidence,
        host: {
            instanceId: host.instanceId,
            availabilityZone: host.availabilityZone,
            state,
            devices: (instance?.BlockDeviceMappings ?? []).flatMap(({ DeviceName }) => (DeviceName ? [DeviceName] : [])),
        },
        volumes: volumes.map((volume) => toVolumeState(volume, instance, coded)),
        refused,
    };
}

async function act(
    ec2: EC2Client,
    { incidentId, evidence, host }: VolumesState,
    action: VolumeAction,
    instanceTypeOfHost: string,
): Promise<void> {
    switch (action.kind) {
        case "create": {
            const { evidenceSnapshotId: snapshotId, volumeId } = action.snapshot;
            const { throughput, iops, initializationRate } = sizeVolume(action.snapshot, evidence.snapshots, instanceTypeOfHost);
            // Encrypted under the snapshot's own key, which is the evidence key.
            const wanted = {
                SnapshotId: snapshotId,
                AvailabilityZone: host.availabilityZone,
                VolumeType: "gp3" as const,
                Throughput: throughput,
                Iops: iops,
                ClientToken: action.clientToken,
                TagSpecifications: [
                    { ResourceType: "volume" as const, Tags: incidentTags(incidentId, action.purpose, { volumeId, snapshotId }) },
                ],
            };
            try {
                await ec2.send(new CreateVolumeCommand({ ...wanted, VolumeInitializationRate: initializationRate }));
            } catch (error) {
                if (initializationRate === undefined || passing.test(errorCode(error)) || isTransient(error)) throw error;
                // A Region without the rate, or a quota of it that others use up: filled at EBS's own pace the volume is slower, and there.
                log("made without an initialization rate", { incidentId, snapshotId, error: errorCode(error) });
                await ec2.send(new CreateVolumeCommand({ ...wanted, ClientToken: `${action.clientToken.slice(0, 62)}-0` }));
            }
            return;
        }
        case "attach":
            await ec2.send(new AttachVolumeCommand({ VolumeId: action.volumeId, InstanceId: host.instanceId, Device: action.device }));
            return;
        case "stop-host":
            await ec2.send(new StopInstancesCommand({ InstanceIds: [host.instanceId] }));
            return;
        case "start-host":
            await ec2.send(new StartInstancesCommand({ InstanceIds: [host.instanceId] }));
            return;
        case "delete-on-termination":
            await ec2.send(
                new ModifyInstanceAttributeCommand({
                    InstanceId: host.instanceId,
                    BlockDeviceMappings: [{ DeviceName: action.device, Ebs: { DeleteOnTermination: true } }],
                }),
            );
            return;
    }
}

/** Attaching and marking follow one another within one call; a new volume needs a while, and the workflow's wait. */
const mostPasses = 3;

/** What EC2 answers while its own view of a volume or the host lags, and while other things have to end: asked again, it may agree. */
const passing =
    /^(VolumeInUse|IncorrectState|IncorrectInstanceState|InvalidVolume\.NotFound|AttachmentLimitExceeded|VolumeLimitExceeded|MaxIOPSLimitExceeded|ResourceLimitExceeded|SnapshotCreationPerVolumeRateExceeded|ConcurrentVolumeLimitExceeded)$/;

/** Does a plan's actions. @param refused takes what EC2 will not do for one volume @returns why to ask again, if so */
async function actOnAll(
    ec2: EC2Client,
    state: VolumesState,
    actions: readonly VolumeAction[],
    refused: Map<string, string>,
    instanceTypeOfHost: string,
): Promise<string[]> {
    const again: string[] = [];
    for (const action of actions) {
        try {
            await act(ec2, state, action, instanceTypeOfHost);
            log("attaching evidence", { incidentId: state.incidentId, action: action.kind });
        } catch (error) {
            const code = errorCode(error);
            if (passing.test(code) || isTransient(error) || !("of" in action)) again.push(`${action.kind} (${code})`);
            else
                refused.set(
                    action.of,
                    `EC2 refused to ${action.kind} it (${code}): ${error instanceof Error ? error.message.slice(0, 200) : ""}`,
                );
        }
    }
    return again;
}

/**
 * @returns the host with its volumes attached; what cannot be is named in `missing`
 * @throws NotYet until they are; StepFailed when the instance has ended, or no evidence volume at all can be attached
 */
export const handler = step({
    name: "AttachEvidenceVolumes",
    waits: "AttachEvidenceVolumes",
    input: z.object({ incident: incidentSchema, evidence: evidenceSchema, host: forensicHostSchema }),
    output: forensicHostSchema,
    run: async ({ incident, evidence: whole, host }) => {
        const evidence = evidenceOfRound(whole, roundOf(host));
        const ec2 = forensicsClient(EC2Client);
        const refused = new Map<string, string>();
        const waitingFor: string[] = [];
        const refusedNow: string[] = [];
        for (let pass = 0; pass < mostPasses; pass++) {
            const state = await readState(ec2, incident.incidentId, evidence, host, refused);
            const plan = planVolumes(state);
            if (plan.actions.length === 0 && plan.waitingFor.length === 0) {
                if (plan.attached.some(({ purpose }) => purpose === "evidence"))
                    return { ...host, volumes: plan.attached, missing: plan.missing };
                throw new StepError(
                    "No evidence could be attached",
                    plan.missing
                        .map(({ sourceVolumeId, purpose, why }) => `${purpose} of ${sourceVolumeId}: ${why}`)
                        .join("; ")
                        .slice(0, 2000),
                    "Check the evidence key's policy and the account's volume quota, then npm run resume goes on from there: the evidence waits.",
                );
            }
            const again = await actOnAll(ec2, state, plan.actions, refused, host.plan?.instanceType ?? "");
            waitingFor.splice(0, Infinity, ...again, ...plan.waitingFor);
            refusedNow.splice(0, Infinity, ...again);
            if (
                again.length > 0 ||
                plan.actions.length === 0 ||
                plan.actions.some((each) => each.kind === "create" && !refused.has(each.of))
            )
                break;
        }
        throw new NotYetError(
            `The volumes are not attached yet; waiting for ${waitingFor.join("; ") || "what was begun just now"}.`.slice(0, 1000),
            refusedNow.length === 0 ? undefined : { cause: new Error(refusedNow.join("; ")) },
        );
    },
});
