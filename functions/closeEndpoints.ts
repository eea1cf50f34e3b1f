/**
 * Removes the interface endpoints that openEndpoints made, once no incident of the Region needs them. Called at the end of each incident, and
 * once a day with `{ "sweep": true }`, which also takes back the claims of executions that ended without their tear-down.
 */
import { EC2Client, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { paginateListExecutions, SFNClient } from "@aws-sdk/client-sfn";
import { z } from "zod";
import { interfaceEndpoints, removeEndpoints, removeEndpointsPermissions } from "./aws/cleanRoomEndpoints";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { forensicsClient } from "./aws/clients";
import { readClaims, updateClaims } from "./aws/endpointClaims";
import { environment, needs } from "./aws/environment";
import { NotYetError } from "./aws/errors";
import { log, step } from "./aws/handler";
import { useIncidents } from "./aws/incidentsTable";
import type { Permissions } from "./aws/permissions";
import { tellWaitingPermissions } from "./aws/problems";
import { incidentSchema } from "./domain/containers";
import { planClose, staleClaims, takeBack } from "./domain/endpoints";
import { incidentTag, purposeTag, tagValue } from "./domain/tags";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET", "FORENSIC_VPC_ID", "INCIDENTS_TABLE", "STATE_MACHINE_ARN");

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("CloseEndpoints")(names),
    ...useIncidents("GetItem", "PutItem")(names),
    ...removeEndpointsPermissions(names),
    { Sid: "FindHosts", Effect: "Allow", Action: ["ec2:DescribeInstances"], Resource: ["*"] },
    { Sid: "FindExecutions", Effect: "Allow", Action: ["states:ListExecutions"], Resource: [names.stateMachineArn] },
];

/** Instances of the clean room that have not ended, with the incident of each: what somebody else put there is no incident's, and still keeps its endpoints. */
async function liveHosts(ec2: EC2Client): Promise<{ instanceId: string; incidentId: string | null; isForensic: boolean }[]> {
    const found = [];
    const Filters = [
        { Name: "vpc-id", Values: [environment("FORENSIC_VPC_ID")] },
        { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
    ];
    for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters }))
        for (const { Instances = [] } of Reservations)
            for (const { InstanceId, Tags } of Instances)
                found.push({
                    instanceId: InstanceId!,
                    incidentId: tagValue(Tags, incidentTag),
                    isForensic: tagValue(Tags, purposeTag) === "forensic-host",
                });
    return found;
}

async function executionsUnderWay(): Promise<string[]> {
    const names: string[] = [];
    const stateMachineArn = environment("STATE_MACHINE_ARN");
    for (const statusFilter of ["RUNNING", "PENDING_REDRIVE"] as const)
        for await (const { executions = [] } of paginateListExecutions(
            { client: forensicsClient(SFNClient) },
            { stateMachineArn, statusFilter },
        ))
            names.push(...executions.map(({ name }) => name!));
    return names;
}

/**
 * Takes back claims, and removes the endpoints when none is left.
 *
 * @param incidentIds whose claims are taken back
 * @returns false where something else still needs them
 * @throws NotYet until EC2 shows none
 */
async function close(incidentIds: readonly string[]): Promise<boolean> {
    const ec2 = forensicsClient(EC2Client);
    const hosts = await liveHosts(ec2);
    let removes = false;
    const { claims } = await updateClaims((standing) => {
        const taken = takeBack(standing, incidentIds, hosts.length, new Date());
        removes = taken.removes;
        return taken.state;
    });
    if (Object.keys(claims).length > 0 || hosts.length > 0) {
        log("the endpoints stay", { claims: Object.keys(claims), instances: hosts.map(({ instanceId }) => instanceId) });
        return false;
    }
    if (!removes) throw new NotYetError("The endpoints are being removed by another incident's end.");
    const plan = planClose(await interfaceEndpoints(ec2, environment("FORENSIC_VPC_ID")));
    await removeEndpoints(ec2, plan.remove);
    await updateClaims((standing) => ({ ...standing, closingUntil: null }));
    const going = [...plan.remove, ...plan.waitingFor];
    if (going.length > 0) throw new NotYetError(`Being removed: ${going.join(", ")}.`);
    return true;
}

async function sweep(): Promise<void> {
    const hosts = await liveHosts(forensicsClient(EC2Client));
    const executions = await executionsUnderWay();
    const stale = staleClaims(
        await readClaims(),
        executions,
        hosts.flatMap(({ incidentId, isForensic }) => (isForensic && incidentId !== null ? [incidentId] : [])),
        new Date(),
    );
    if (stale.length > 0) log("claims on endpoints that nothing stands behind are taken back", { stale });
    await close(stale);
}

const atEnd = step({
    name: "CloseEndpoints",
    waits: "CloseEndpoints",
    input: z.object({ incidentId: incidentSchema.shape.incidentId }),
    output: z.object({
        schemaVersion: z.literal(1),
        incidentId: z.string(),
        /** False where another incident needs the endpoints, or an instance of the clean room has not ended. */
        closed: z.boolean(),
    }),
    run: async ({ incidentId }) => ({ schemaVersion: 1 as const, incidentId, closed: await close([incidentId]) }),
});

const sweepSchema = z.object({ sweep: z.literal(true) });

/**
 * @returns once EC2 shows no endpoint that nobody needs
 * @throws NotYet while they go; StepFailed when EC2 does not remove one
 */
export async function handler(event: unknown): Promise<unknown> {
    if (!sweepSchema.safeParse(event).success) return atEnd(event);
    try {
        await sweep();
    } catch (error) {
        // They go by themselves; tomorrow's sweep looks again.
        if (!(error instanceof NotYetError)) throw error;
        log("endpoints are being removed", { why: error.message });
    }
    return { swept: true };
}
