/** Managed instances and commands on them. */
import type { RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { AddRoleToInstanceProfileCommand, CreateInstanceProfileCommand } from "@aws-sdk/client-iam";
import {
    CreateDocumentCommand,
    DescribeInstanceInformationCommand,
    GetCommandInvocationCommand,
    SendCommandCommand,
    type GetCommandInvocationCommandOutput,
} from "@aws-sdk/client-ssm";
import { makeRole, type Statement } from "./functions";
import { unique, until, type Clients } from "./localAws";
import { describeInstance, startInstance, type Network } from "./network";

/** What an instance's role needs to be managed. */
export const agentStatement: Statement = {
    Effect: "Allow",
    Action: ["ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*"],
    Resource: "*",
};

/** An instance profile with a role of its own. @returns the profile's ARN */
export async function makeInstanceProfile(aws: Clients, statements: Statement[]): Promise<string> {
    const name = unique("profile");
    await makeRole(aws, { Service: "ec2.amazonaws.com" }, statements, { name });
    const { InstanceProfile } = await aws.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
    await aws.iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
    return InstanceProfile!.Arn!;
}

export async function isManaged(aws: Clients, instanceId: string): Promise<boolean> {
    const { InstanceInformationList } = await aws.ssm.send(
        new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: [instanceId] }] }),
    );
    return InstanceInformationList!.length === 1;
}

/** Starts an instance and waits until Run Command reaches it. @returns its id */
export async function startManaged(
    aws: Clients,
    network: Network,
    statements: Statement[] = [],
    input: Partial<RunInstancesCommandInput> = {},
): Promise<string> {
    const Arn = await makeInstanceProfile(aws, [agentStatement, ...statements]);
    const id = (await startInstance(aws, { SubnetId: network.subnetIds[0], IamInstanceProfile: { Arn }, ...input })).InstanceId!;
    await until("the instance runs", async () => (await describeInstance(aws, id)).State?.Name === "running" || undefined);
    await until("the instance is managed", async () => (await isManaged(aws, id)) || undefined);
    return id;
}

/** Registers a document with one script. @returns its name */
export async function makeDocument(
    aws: Clients,
    runCommand: string[],
    parameters: Record<string, object> = {},
    inputs: Record<string, unknown> = {},
): Promise<string> {
    const Name = unique("document");
    const content = {
        schemaVersion: "2.2",
        parameters,
        mainSteps: [{ action: "aws:runShellScript", name: "run", inputs: { runCommand, ...inputs } }],
    };
    await aws.ssm.send(
        new CreateDocumentCommand({ Name, DocumentType: "Command", DocumentFormat: "JSON", Content: JSON.stringify(content) }),
    );
    return Name;
}

/** Sends AWS-RunShellScript. @returns the command's id */
export async function sendScript(aws: Clients, instanceId: string, commands: string[]): Promise<string> {
    return (
        await aws.ssm.send(
            new SendCommandCommand({ DocumentName: "AWS-RunShellScript", InstanceIds: [instanceId], Parameters: { commands } }),
        )
    ).Command!.CommandId!;
}

/** Waits for the end of a command. */
export function ended(aws: Clients, commandId: string, instanceId: string): Promise<GetCommandInvocationCommandOutput> {
    return until(
        `command ${commandId} ends`,
        async () => {
            const found = await aws.ssm
                .send(new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId }))
                .catch((error: Error) => {
                    if (error.name === "InvocationDoesNotExist") return undefined;
                    throw error;
                });
            return found && !["Pending", "InProgress"].includes(found.Status!) ? found : undefined;
        },
        15_000,
    );
}
