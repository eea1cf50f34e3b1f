/** Makes the evidence and work volumes of an incident and attaches them to the forensic instance. */
import {
    AttachVolumeCommand,
    CreateVolumeCommand,
    EC2Client,
    ModifyInstanceAttributeCommand,
    type Instance,
    type Volume,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { needs } from "./aws/environment";
import { forensicsClient } from "./aws/clients";
import { madeForIncident, snapshotArn, tagAtCreation, taggedAtCreation, useKeyThroughEbs } from "./aws/ec2Permissions";
import { NotYetError, StepError } from "./aws/errors";
import { forensicInstance, forensicVolumes } from "./aws/forensicInstances";
import { log, step } from "./aws/handler";
import { ec2Arn, type Permissions } from "./aws/permissions";
import { evidenceSchema, forensicHostSchema, incidentSchema, type Evidence, type ForensicHost } from "./domain/containers";
import { incidentTags, purposeTag, tagValue } from "./domain/tags";
import { planVolumes, type VolumeAction, type VolumesState, type VolumeState } from "./domain/planVolumes";

/** Given by the deployment. */
export const variables = needs();

/** Make volumes of an incident's snapshots and attach them to an incident's instance. */
export const permissions: Permissions = (names) => [
    { Sid: "FindHostAndVolumes", Effect: "Allow", Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes"], Resource: ["*"] },
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
    ...useKeyThroughEbs(names, "UseEvidenceKeyForVolumes", names.evidenceKeyArn),
];

function toVolumeState(volume: Volume, instance: Instance | null): VolumeState {
    const attachment = volume.Attachments?.[0];
    // What happens at termination is an attribute of the instance; the volume repeats it.
    const mapping = instance?.BlockDeviceMappings?.find(({ Ebs }) => Ebs?.VolumeId === volume.VolumeId);
    return {
        volumeId: volume.VolumeId!,
        purpose: tagValue(volume.Tags, purposeTag) === "work" ? "work" : "evidence",
        snapshotId: volume.SnapshotId ?? "",
        availabilityZone: volume.AvailabilityZone!,
        state: volume.State ?? "creating",
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

async function readState(ec2: EC2Client, incidentId: string, evidence: Evidence, host: ForensicHost): Promise<VolumesState> {
    const [instance, volumes] = await Promise.all([
        forensicInstance(ec2, host.instanceId),
        forensicVolumes(ec2, incidentId, "evidence", "work"),
    ]);
    const state = instance?.State?.Name ?? "pending";
    if (state !== "pending" && state !== "running") {
        throw new StepError(
            `The forensic instance is ${state}`,
            host.instanceId,
            "Look in CloudTrail at what ended it, then start the incident again: the evidence waits.",
        );
    }
    return {
        incidentId,
        evidence,
        host: {
            instanceId: host.instanceId,
            availabilityZone: host.availabilityZone,
            running: state === "running",
            devices: (instance?.BlockDeviceMappings ?? []).flatMap(({ DeviceName }) => (DeviceName ? [DeviceName] : [])),
        },
        volumes: volumes.map((volume) => toVolumeState(volume, instance)),
    };
}

async function act(ec2: EC2Client, { incidentId, host }: VolumesState, action: VolumeAction): Promise<void> {
    switch (action.kind) {
        case "create": {
            const { evidenceSnapshotId: snapshotId, volumeId } = action.snapshot;
            // Encrypted under the snapshot's own key, which is the evidence key.
            await ec2.send(
                new CreateVolumeCommand({
                    SnapshotId: snapshotId,
                    AvailabilityZone: host.availabilityZone,
                    VolumeType: "gp3",
                    VolumeInitializationRate: action.initializationRate,
                    ClientToken: action.clientToken,
                    TagSpecifications: [
                        { ResourceType: "volume", Tags: incidentTags(incidentId, action.purpose, { volumeId, snapshotId }) },
                    ],
                }),
            );
            return;
        }
        case "attach":
            await ec2.send(new AttachVolumeCommand({ VolumeId: action.volumeId, InstanceId: host.instanceId, Device: action.device }));
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

/**
 * @returns the host with its volumes, all attached
 * @throws NotYet until they are; StepFailed when a volume cannot be made or the instance has ended
 */
export const handler = step({
    name: "AttachEvidenceVolumes",
    input: z.object({ incident: incidentSchema, evidence: evidenceSchema, host: forensicHostSchema }),
    output: forensicHostSchema,
    run: async ({ incident: { incidentId }, evidence, host }) => {
        const ec2 = forensicsClient(EC2Client);
        let waitingFor: string[] = [];
        for (let pass = 0; pass < mostPasses; pass++) {
            const state = await readState(ec2, incidentId, evidence, host);
            const plan = planVolumes(state);
            if (plan.failures.length > 0) {
                throw new StepError(
                    "The evidence could not be attached",
                    plan.failures.join("; ").slice(0, 2000),
                    "Check the evidence key's policy and the account's volume quota, then start the incident again: the evidence waits.",
                );
            }
            if (plan.actions.length === 0 && plan.waitingFor.length === 0) return { ...host, volumes: plan.attached };
            for (const action of plan.actions) {
                await act(ec2, state, action);
                log("attaching evidence", { incidentId, action: action.kind });
            }
            waitingFor = plan.waitingFor;
            if (plan.actions.length === 0 || plan.actions.some(({ kind }) => kind === "create")) break;
        }
        throw new NotYetError(
            `The volumes are not attached yet; waiting for ${waitingFor.join("; ") || "what was begun just now"}.`.slice(0, 1000),
        );
    },
});
