/** Removes the forensic instance and its volumes, on every path of the workflow. Snapshots and objects are evidence and stay. */
import { DeleteVolumeCommand, EC2Client, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { tellWaitingPermissions } from "./aws/problems";
import { forensicsClient } from "./aws/clients";
import { environment, needs } from "./aws/environment";
import { isNotFound, NotYetError } from "./aws/errors";
import { forensicInstances, forensicVolumes } from "./aws/forensicInstances";
import { log, step } from "./aws/handler";
import { ec2Arn, type Permissions } from "./aws/permissions";
import { incidentSchema, tearDownSchema } from "./domain/containers";
import { incidentTag, purposeTag, type Purpose } from "./domain/tags";
import { planTearDown } from "./domain/planTearDown";

const ofIncident = (...purposes: Purpose[]) => ({
    StringLike: { [`aws:ResourceTag/${incidentTag}`]: "i-*" },
    StringEquals: { [`aws:ResourceTag/${purposeTag}`]: purposes as string[] },
});

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET", "FORENSICS_ACCOUNT_ID");

/** End instances and delete volumes that were made for an incident's analysis; no right to delete a snapshot. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("TearDown")(names),
    { Sid: "FindWhatIsLeft", Effect: "Allow", Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes"], Resource: ["*"] },
    {
        Sid: "EndHost",
        Effect: "Allow",
        Action: ["ec2:TerminateInstances"],
        Resource: [ec2Arn(names, "instance/*")],
        Condition: ofIncident("forensic-host"),
    },
    {
        Sid: "DeleteVolumes",
        Effect: "Allow",
        Action: ["ec2:DeleteVolume"],
        Resource: [ec2Arn(names, "volume/*")],
        Condition: ofIncident("evidence", "work", "forensic-host"),
    },
];

async function readPlan(ec2: EC2Client, incidentId: string) {
    const [instances, volumes] = await Promise.all([
        forensicInstances(ec2, incidentId),
        forensicVolumes(ec2, incidentId, "evidence", "work", "forensic-host"),
    ]);
    return planTearDown(
        incidentId,
        environment("FORENSICS_ACCOUNT_ID"),
        instances.map((one) => ({ instanceId: one.InstanceId!, ownerId: one.ownerId, state: one.State?.Name ?? "pending" })),
        volumes.map((one) => ({ volumeId: one.VolumeId!, state: one.State ?? "creating" })),
    );
}

async function deleteVolume(ec2: EC2Client, volumeId: string): Promise<void> {
    try {
        await ec2.send(new DeleteVolumeCommand({ VolumeId: volumeId }));
    } catch (error) {
        if (!isNotFound(error)) throw error; // gone by itself, with its instance
    }
}

/** An instance that ends lets its volumes go, which can then be deleted: three looks where EC2 is quick. */
const mostPasses = 3;

/**
 * Takes any input that names the incident, so that it can run after a failure of any step, also when nothing was made.
 *
 * @throws NotYet until EC2 shows neither instance nor volume of the incident
 */
export const handler = step({
    name: "TearDown",
    waits: "TearDown",
    input: z.object({ incidentId: incidentSchema.shape.incidentId }),
    output: tearDownSchema,
    run: async ({ incidentId }) => {
        const ec2 = forensicsClient(EC2Client);
        const removed = new Set<string>();
        let waitingFor: string[] = [];
        for (let pass = 0; pass < mostPasses; pass++) {
            const plan = await readPlan(ec2, incidentId);
            if (plan.refused.length > 0) log("instances with the incident's tag are left alone", { incidentId, refused: plan.refused });
            for (const id of plan.gone) removed.add(id);
            if (plan.terminate.length === 0 && plan.delete.length === 0 && plan.waitingFor.length === 0) {
                return { schemaVersion: 1 as const, incidentId, removed: [...removed].sort() };
            }
            waitingFor = [...plan.terminate, ...plan.delete, ...plan.waitingFor];
            if (plan.terminate.length === 0 && plan.delete.length === 0) break;
            if (plan.terminate.length > 0) await ec2.send(new TerminateInstancesCommand({ InstanceIds: plan.terminate }));
            for (const volumeId of plan.delete) await deleteVolume(ec2, volumeId);
            for (const id of [...plan.terminate, ...plan.delete]) removed.add(id);
            log("tearing down", { incidentId, terminated: plan.terminate, deleted: plan.delete });
        }
        throw new NotYetError(`Still there: ${waitingFor.join("; ")}.`.slice(0, 1000));
    },
});
