/**
 * Credentials as a thief takes them off an instance before the incident: those of its role, for this instance. What
 * containment has to end is their use, from wherever they are used.
 */
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { DescribeInstanceInformationCommand, GetCommandInvocationCommand, SendCommandCommand, type SSMClient } from "@aws-sdk/client-ssm";
import { until } from "./watch";

/** Held in memory alone: neither incident.json nor a log may show them. */
export interface StolenCredentials {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken: string;
}

/** Fractions of a second are usual; the program is deployed in the same process meanwhile, on a machine that may be busy. */
const longestWaitMilliseconds = 240_000;

/** Runs a command on the instance that prints its credentials. @throws WaitError when Systems Manager does not reach the instance. */
export async function stealCredentials(ssm: SSMClient, instanceId: string): Promise<StolenCredentials> {
    const deadline = Date.now() + longestWaitMilliseconds;
    await until(
        `${instanceId} to register with Systems Manager`,
        async () =>
            (await ssm.send(new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: [instanceId] }] })))
                .InstanceInformationList?.[0],
        deadline,
    );
    const { Command } = await ssm.send(
        new SendCommandCommand({
            DocumentName: "AWS-RunShellScript",
            InstanceIds: [instanceId],
            Parameters: { commands: ["printenv AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"] },
        }),
    );
    const ended = await until(
        `${instanceId} to print its credentials`,
        async () => {
            // Systems Manager knows a command's invocation a moment after the command.
            const invocation = await ssm
                .send(new GetCommandInvocationCommand({ CommandId: Command!.CommandId, InstanceId: instanceId }))
                .catch((error: Error) => {
                    if (error.name === "InvocationDoesNotExist") return null;
                    throw error;
                });
            return invocation && !["Pending", "InProgress", "Delayed"].includes(invocation.Status!) ? invocation : null;
        },
        deadline,
    );
    const [accessKeyId, secretAccessKey, sessionToken] = (ended.StandardOutputContent ?? "").split("\n");
    if (ended.Status !== "Success" || !accessKeyId || !secretAccessKey || !sessionToken)
        throw new Error(`${instanceId} did not print the credentials of its role: the command ended as ${ended.Status}.`);
    return { accessKeyId, secretAccessKey, sessionToken };
}

/** Uses the credentials for a call the role allows. @returns "allowed", or the name of AWS's error. */
export async function tryCredentials(endpoint: string, region: string, credentials: StolenCredentials): Promise<string> {
    const thief = new EC2Client({ endpoint, region, credentials, maxAttempts: 1 });
    try {
        await thief.send(new DescribeInstancesCommand({}));
        return "allowed";
    } catch (error) {
        return error instanceof Error ? error.name : String(error);
    } finally {
        thief.destroy();
    }
}
