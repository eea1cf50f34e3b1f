/** Waits until the forensic instance is registered with Systems Manager, so that Run Command can reach it. */
import { EC2Client } from "@aws-sdk/client-ec2";
import { paginateDescribeInstanceInformation, SSMClient } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { tellWaitingPermissions } from "./aws/problems";
import { needs } from "./aws/environment";
import { forensicsClient } from "./aws/clients";
import { NotYetError, StepError } from "./aws/errors";
import { forensicInstance } from "./aws/forensicInstances";
import { step } from "./aws/handler";
import type { Permissions } from "./aws/permissions";
import { forensicHostSchema, incidentSchema } from "./domain/containers";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET");

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("CheckSsm")(names),
    { Sid: "SeeRegistration", Effect: "Allow", Action: ["ssm:DescribeInstanceInformation", "ec2:DescribeInstances"], Resource: ["*"] },
];

async function pingStatus(instanceId: string): Promise<string> {
    for await (const page of paginateDescribeInstanceInformation(
        { client: forensicsClient(SSMClient) },
        { Filters: [{ Key: "InstanceIds", Values: [instanceId] }] },
    )) {
        const found = page.InstanceInformationList?.find((one) => one.InstanceId === instanceId);
        if (found) return found.PingStatus ?? "unknown";
    }
    return "not registered";
}

/**
 * The end of the wait is the state machine's: an instance takes 30 seconds to 6 minutes to register.
 *
 * @returns the host as it came
 * @throws NotYet until the agent is online; StepFailed when the instance has ended
 */
export const handler = step({
    name: "CheckSsm",
    waits: "CheckSsm",
    input: z.object({ incident: incidentSchema, host: forensicHostSchema }),
    output: forensicHostSchema,
    run: async ({ host }) => {
        const status = await pingStatus(host.instanceId);
        if (status === "Online") return host;
        const state = (await forensicInstance(forensicsClient(EC2Client), host.instanceId))?.State?.Name ?? "pending";
        if (state !== "pending" && state !== "running") {
            throw new StepError(
                `The forensic instance is ${state}`,
                host.instanceId,
                "Look in CloudTrail at what ended it, then npm run resume goes on from there: the evidence waits.",
            );
        }
        throw new NotYetError(
            `${host.instanceId} is ${state} and its SSM agent ${status}. If it stays so, check the VPC's endpoints for ssm and ssmmessages, the instance profile and that the image runs the agent, 3.3.40.0 or later.`,
        );
    },
});
