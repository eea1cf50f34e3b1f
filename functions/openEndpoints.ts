/**
 * Makes the clean room's interface endpoints while an incident needs them (`network.endpoints: on-demand`): begun beside the snapshots, and
 * waited for before the forensic instance is started. The incident's claim keeps them until closeEndpoints takes it back.
 */
import { CreateVpcEndpointCommand, EC2Client } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { interfaceEndpoints, removeEndpoints, removeEndpointsPermissions } from "./aws/cleanRoomEndpoints";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { forensicsClient } from "./aws/clients";
import { tagAtCreation } from "./aws/ec2Permissions";
import { updateClaims } from "./aws/endpointClaims";
import { environment, needs } from "./aws/environment";
import { errorCode, isAccessDenied, NotYetError, StepError } from "./aws/errors";
import { log, step } from "./aws/handler";
import { useIncidents } from "./aws/incidentsTable";
import { ec2Arn, type Permissions } from "./aws/permissions";
import { tellOfWaiting, tellWaitingPermissions } from "./aws/problems";
import { incidentSchema } from "./domain/containers";
import { incidentPrefix } from "./domain/evidenceKeys";
import {
    endpointServiceName,
    endpointServices,
    endpointTags,
    isClosing,
    planOpen,
    withClaim,
    type WantedEndpoints,
} from "./domain/endpoints";
import { purposeTag, roleTag } from "./domain/tags";

/** Given by the deployment. */
export const variables = needs(
    "ENDPOINT_GROUP_ID",
    "ENDPOINT_POLICY_LOGS",
    "ENDPOINT_POLICY_SSM",
    "ENDPOINT_POLICY_SSMMESSAGES",
    "EVIDENCE_BUCKET",
    "FORENSIC_SUBNET_IDS",
    "FORENSIC_VPC_ID",
    "INCIDENTS_TABLE",
);

/** Make endpoints of the named services in the clean room's VPC, subnets and group alone, with the tags by which they are removed again. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("OpenEndpoints")(names),
    ...useIncidents("GetItem", "PutItem")(names),
    ...removeEndpointsPermissions(names),
    {
        Sid: "MakeEndpointsHere",
        Effect: "Allow",
        Action: ["ec2:CreateVpcEndpoint"],
        Resource: [names.cleanRoomVpcArn, ...names.cleanRoomSubnetArns, names.endpointGroupArn],
    },
    {
        Sid: "MakeTaggedEndpoints",
        Effect: "Allow",
        Action: ["ec2:CreateVpcEndpoint"],
        Resource: [ec2Arn(names, "vpc-endpoint/*")],
        Condition: {
            StringEquals: {
                [`aws:RequestTag/${roleTag}`]: "clean-room",
                [`aws:RequestTag/${purposeTag}`]: "endpoint",
                "ec2:VpceServiceName": endpointServices.map((service) => endpointServiceName(names.region, service)),
            },
        },
    },
    tagAtCreation([ec2Arn(names, "vpc-endpoint/*")], "CreateVpcEndpoint"),
    {
        // What EC2 asks on the caller's behalf for private DNS. Whether it sends the VPC with it is not written down: where it does, only ours will do.
        Sid: "GivePrivateNames",
        Effect: "Allow",
        Action: ["route53:AssociateVPCWithHostedZone"],
        Resource: [`arn:${names.partition}:route53:::hostedzone/*`, names.cleanRoomVpcArn],
        Condition: {
            "ForAllValues:StringEquals": {
                "route53:VPCs": [`VPCId=${names.cleanRoomVpcArn.split("/").at(-1)},VPCRegion=${names.region}`],
            },
        },
    },
];

function wantedEndpoints(): WantedEndpoints {
    const policies = {
        ssm: environment("ENDPOINT_POLICY_SSM"),
        ssmmessages: environment("ENDPOINT_POLICY_SSMMESSAGES"),
        logs: environment("ENDPOINT_POLICY_LOGS"),
    };
    const region = environment("AWS_REGION");
    return {
        vpcId: environment("FORENSIC_VPC_ID"),
        subnetIds: environment("FORENSIC_SUBNET_IDS"),
        groupId: environment("ENDPOINT_GROUP_ID"),
        policies: Object.fromEntries(endpointServices.map((service) => [endpointServiceName(region, service), policies[service]])),
    };
}

/** Milliseconds for which a repeated call is the same call. Longer, and an endpoint that was removed would be answered instead of a new one. */
const sameCallFor = 60_000;

/** @throws NotYet when another endpoint still has the name, or the quota is used up: both may end */
async function create(ec2: EC2Client, wanted: WantedEndpoints, serviceName: string, removals: number): Promise<void> {
    try {
        const { VpcEndpoint } = await ec2.send(
            new CreateVpcEndpointCommand({
                VpcEndpointType: "Interface",
                VpcId: wanted.vpcId,
                ServiceName: serviceName,
                SubnetIds: wanted.subnetIds,
                SecurityGroupIds: [wanted.groupId],
                PrivateDnsEnabled: true,
                PolicyDocument: wanted.policies[serviceName],
                // Two incidents that ask in the same moment get the same endpoint; a moment later the second finds it.
                ClientToken: `clean-room-${serviceName.split(".").at(-1)}-${removals}-${Math.floor(Date.now() / sameCallFor)}`,
                TagSpecifications: [{ ResourceType: "vpc-endpoint", Tags: endpointTags(wanted, serviceName) }],
            }),
        );
        log("endpoint made", { endpointId: VpcEndpoint?.VpcEndpointId, serviceName });
    } catch (error) {
        const [code, message] = [errorCode(error), error instanceof Error ? error.message : ""];
        if (code === "VpcEndpointLimitExceeded")
            throw new NotYetError(
                `The clean room cannot have the endpoint ${serviceName}: ${wanted.vpcId} has as many interface endpoints as the quota allows. Ask for more: Service Quotas, Amazon VPC, L-29B6F2EB.`,
                { cause: error },
            );
        // Made between our look and our call, or not quite gone.
        if (/conflicting DNS domain/.test(message) || code === "IdempotentParameterMismatch")
            throw new NotYetError(`Another endpoint has the private name of ${serviceName} in ${wanted.vpcId}: ${message}`, {
                cause: error,
            });
        if (isAccessDenied(error))
            throw new StepError(
                `The function may not make the endpoint ${serviceName} (${message.slice(0, 500)})`,
                wanted.vpcId,
                "A service control policy or permissions boundary stands in the way: exempt the role of clean-room-openEndpoints, or set network.endpoints to standing.",
                { cause: error },
            );
        throw error;
    }
}

async function open(incidentId: string): Promise<string[]> {
    const claims = await updateClaims((state) => (incidentId in state.claims ? null : withClaim(state, incidentId, new Date())));
    if (isClosing(claims, new Date())) throw new NotYetError("The endpoints of an incident that has ended are being removed.");
    const ec2 = forensicsClient(EC2Client);
    const wanted = wantedEndpoints();
    const plan = planOpen(wanted, await interfaceEndpoints(ec2, wanted.vpcId));
    if (plan.foreign.length > 0)
        throw new StepError(
            "Interface endpoints that this deployment did not make have the names that the clean room needs",
            plan.foreign.join("; "),
            `Remove them from ${wanted.vpcId}; or set network.endpoints to standing and import them.`,
        );
    await removeEndpoints(ec2, plan.remove);
    for (const serviceName of plan.create) await create(ec2, wanted, serviceName, claims.removals);
    const waiting = [
        ...plan.waitingFor,
        ...plan.remove.map((id) => `${id} is removed, since it is not as deployed`),
        ...plan.create.map((name) => `${name} was asked for`),
    ];
    if (waiting.length > 0) throw new NotYetError(`The clean room's endpoints are not all there: ${waiting.join("; ")}.`);
    return plan.ready;
}

/**
 * @returns the endpoints, available and with private DNS
 * @throws NotYet until they are, of which people are told after ten minutes; StepFailed when somebody else's stand in the way
 */
export const handler = step({
    name: "OpenEndpoints",
    waits: "OpenEndpoints",
    input: z.object({
        incidentId: incidentSchema.shape.incidentId,
        /** ISO 8601: since when the workflow waits for it; absent where it does not. */
        since: z.string().optional(),
    }),
    output: z.object({ schemaVersion: z.literal(1), incidentId: z.string(), endpointIds: z.array(z.string()) }),
    run: async ({ incidentId, since }) => {
        const endpointIds = await open(incidentId).catch(async (error: unknown) => {
            if (error instanceof NotYetError && since !== undefined)
                await tellOfWaiting(
                    { incidentId, prefix: incidentPrefix(incidentId), instance: null },
                    "OpenEndpoints",
                    since,
                    error.message,
                );
            throw error;
        });
        return { schemaVersion: 1 as const, incidentId, endpointIds };
    },
});
