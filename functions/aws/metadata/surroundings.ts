/** What stands around the instance at the moment: EC2's answer, and containment's own record of how it was before. */
import { DescribeInstancesCommand, EC2Client, type Instance } from "@aws-sdk/client-ec2";
import type { Containment, Incident } from "../../domain/containers";
import { objectNames } from "../../domain/evidenceKeys";
import { instanceStateSchema, type InstanceState } from "../../domain/instanceState";
import { getJson } from "../evidenceBucket";
import { isNotFound } from "../errors";
import type { Victim } from "../victim";
import { beside, type Surroundings } from "./content";

/** @returns null where EC2 knows no such instance. @throws what else EC2 answers */
export async function findInstance(victim: Victim): Promise<Instance | null> {
    try {
        const { Reservations } = await victim
            .client(EC2Client)
            .send(new DescribeInstancesCommand({ InstanceIds: [victim.ref.instanceId] }));
        return Reservations?.[0]?.Instances?.[0] ?? null;
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** The instance before anything was changed: one that is being terminated shows its network no more. */
async function recordedState({ prefix }: Incident, missing: string[]): Promise<InstanceState | null> {
    for (const name of [objectNames.restoreRecord, objectNames.observedInstance]) {
        const found = await beside(missing, `the record ${name}`, () => getJson(`${prefix}${name}`, instanceStateSchema), null);
        if (found !== null) return found.value;
    }
    return null;
}

const unique = (values: (string | null | undefined)[]): string[] => [
    ...new Set(values.filter((each): each is string => typeof each === "string" && each !== "")),
];

/** @param missing gets what could not be read */
export async function surroundingsOf(
    incident: Incident,
    containment: Containment | null,
    instance: Instance | null,
    missing: string[],
): Promise<Surroundings> {
    const recorded = await recordedState(incident, missing);
    const faces = instance?.NetworkInterfaces ?? [];
    const now = faces.flatMap(({ Groups }) => (Groups ?? []).map(({ GroupId }) => GroupId));
    const before = unique([
        ...(containment?.interfaces ?? []).flatMap(({ groupsBefore }) => groupsBefore),
        ...(recorded?.interfaces ?? []).flatMap(({ groups }) => groups),
    ]);
    return {
        vpcId: unique([instance?.VpcId, recorded?.vpcId, containment?.vpcId])[0] ?? null,
        subnetIds: unique([...faces.map(({ SubnetId }) => SubnetId), ...(recorded?.interfaces ?? []).map(({ subnetId }) => subnetId)]),
        interfaceIds: unique([
            ...faces.map(({ NetworkInterfaceId }) => NetworkInterfaceId),
            ...(recorded?.interfaces ?? []).map(({ networkInterfaceId }) => networkInterfaceId),
        ]),
        groupIds: unique([...before, ...now]),
        // Nothing was changed: the groups now are those before.
        groupIdsBefore: before.length > 0 ? before : unique(now),
        volumeIds: unique([
            ...(instance?.BlockDeviceMappings ?? []).map(({ Ebs }) => Ebs?.VolumeId),
            ...(recorded?.volumes ?? []).map(({ volumeId }) => volumeId),
        ]),
        profileArn: recorded?.instanceProfileArn ?? instance?.IamInstanceProfile?.Arn ?? null,
        autoScalingGroup: recorded?.autoScaling?.group ?? containment?.autoScalingGroup ?? null,
    };
}
