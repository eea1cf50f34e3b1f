/** Run Command in memory: instances register after a while, a command runs for a while and ends well; what it does meanwhile is a fixture's. */
export class InMemoryRunCommand {
    readonly commands = new Map<string, { instanceId: string; document: string; at: Date; status: string }>();
    /** Instances whose agent has registered. */
    readonly registered = new Set<string>();
    /** Called when a command was taken; it calls `end` when it has ended. */
    work: (instanceId: string, parameters: Record<string, string[]>, end: () => void) => void = (_id, _parameters, end) => end();

    onDescribeInstanceInformation({ Filters }: { Filters: { Values: string[] }[] }): unknown {
        const [InstanceId] = Filters[0]!.Values;
        return { InstanceInformationList: this.registered.has(InstanceId!) ? [{ InstanceId, PingStatus: "Online" }] : [] };
    }
    onSendCommand(input: { InstanceIds: string[]; DocumentName: string; Parameters: Record<string, string[]> }): unknown {
        const CommandId = `command-${this.commands.size + 1}`;
        const [instanceId] = input.InstanceIds as [string];
        const command = { instanceId, document: input.DocumentName, at: new Date(), status: "InProgress" };
        this.commands.set(CommandId, command);
        this.work(instanceId, input.Parameters, () => void (command.status = "Success"));
        return { Command: { CommandId } };
    }
    onListCommandInvocations({ InstanceId }: { InstanceId: string }): unknown {
        const found = [...this.commands].filter(([, { instanceId }]) => instanceId === InstanceId);
        return {
            CommandInvocations: found.map(([CommandId, { document, at }]) => ({
                CommandId,
                DocumentName: document,
                RequestedDateTime: at,
            })),
        };
    }
    onGetCommandInvocation({ CommandId }: { CommandId: string }): unknown {
        const { status } = this.commands.get(CommandId)!;
        return { Status: status, ResponseCode: status === "Success" ? 0 : -1, StandardOutputContent: "", StandardErrorContent: "" };
    }
}
