/** Reading the forensic instances and volumes of an incident. */
import { paginateDescribeInstances, paginateDescribeVolumes, type EC2Client, type Instance, type Volume } from "@aws-sdk/client-ec2";
import { incidentFilters, type Purpose } from "../domain/tags";
import { isNotFound } from "./errors";

/** An instance with the account that owns it. */
export interface OwnedInstance extends Instance {
    ownerId: string;
}

/** Forensic instances of the incident, terminated ones that EC2 still shows too. */
export async function forensicInstances(ec2: EC2Client, incidentId: string): Promise<OwnedInstance[]> {
    const instances: OwnedInstance[] = [];
    for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters: incidentFilters(incidentId, "forensic-host") })) {
        for (const reservation of page.Reservations ?? []) {
            instances.push(...(reservation.Instances ?? []).map((instance) => ({ ...instance, ownerId: reservation.OwnerId ?? "" })));
        }
    }
    return instances;
}

/** @returns null when EC2 does not know the instance (any more, or, seconds after its start, yet). */
export async function forensicInstance(ec2: EC2Client, instanceId: string): Promise<Instance | null> {
    try {
        for await (const page of paginateDescribeInstances({ client: ec2 }, { InstanceIds: [instanceId] })) {
            const instance = page.Reservations?.flatMap((one) => one.Instances ?? [])[0];
            if (instance) return instance;
        }
    } catch (error) {
        if (!isNotFound(error)) throw error;
    }
    return null;
}

/** Volumes of the incident with one of the purposes. */
export async function forensicVolumes(ec2: EC2Client, incidentId: string, ...purposes: Purpose[]): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for await (const page of paginateDescribeVolumes({ client: ec2 }, { Filters: incidentFilters(incidentId, ...purposes) })) {
        volumes.push(...(page.Volumes ?? []));
    }
    return volumes;
}
