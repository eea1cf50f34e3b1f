/** Systems Manager in memory: its parameters; and what Run Command answers to who takes memory. Other commands are a spec's own. */
import { awsError } from "./errors";

/** Instances that an agent has registered, and the one command that a spec lets them run. */
export class InMemoryRunCommand {
    /** `PingStatus` by instance. */
    readonly agents = new Map<string, string>();
    /** Accounts that may run the document of another one. */
    readonly sharedWith: string[] = [];
    readonly sent: { Parameters: Record<string, string[]>; DocumentName: string; DocumentHash: string }[] = [];
    readonly cancelled: string[] = [];
    /** How a command stands when it is asked for. */
    invocation: () => { Status: string; StatusDetails?: string; StandardOutputContent?: string } = () => ({ Status: "InProgress" });

    onDescribeInstanceInformation({ Filters }: { Filters: { Values: string[] }[] }): unknown {
        const ids = Filters[0]!.Values.filter((id) => this.agents.has(id));
        return { InstanceInformationList: ids.map((InstanceId) => ({ InstanceId, PingStatus: this.agents.get(InstanceId) })) };
    }
    onModifyDocumentPermission(input: { AccountIdsToAdd?: string[]; AccountIdsToRemove?: string[] }): unknown {
        this.sharedWith.push(...(input.AccountIdsToAdd ?? []));
        for (const id of input.AccountIdsToRemove ?? [])
            this.sharedWith.splice(0, Infinity, ...this.sharedWith.filter((each) => each !== id));
        return {};
    }
    onSendCommand(input: (typeof this.sent)[number]): unknown {
        if (this.sharedWith.length === 0) throw awsError("InvalidDocument");
        this.sent.push(input);
        return { Command: { CommandId: `command-${this.sent.length}` } };
    }
    onGetCommandInvocation(): unknown {
        return this.invocation();
    }
    onCancelCommand({ CommandId }: { CommandId: string }): unknown {
        this.cancelled.push(CommandId);
        return {};
    }
}

export class InMemorySystemsManager {
    readonly parameters = new Map<string, string>();

    onGetParameter({ Name }: { Name: string }): unknown {
        const Value = this.parameters.get(Name);
        if (Value === undefined) throw awsError("ParameterNotFound");
        return { Parameter: { Name, Value, Type: "SecureString" } };
    }
}
