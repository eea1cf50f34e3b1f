/** Step Functions in memory: executions by their name, and waiting tasks that anything answers. */
import { awsError } from "./errors";

const startDate = 1_795_514_400;

export class InMemoryStepFunctions {
    /** Status by the execution's name. */
    readonly executions = new Map<string, string>();

    onStartExecution({ name }: { name: string }): unknown {
        if (this.executions.has(name)) throw awsError("ExecutionAlreadyExists");
        this.executions.set(name, "RUNNING");
        return { executionArn: `arn:${name}`, startDate };
    }
    onDescribeExecution({ executionArn }: { executionArn: string }): unknown {
        const status = this.executions.get(executionArn.split(":").at(-1)!);
        if (status === undefined) throw awsError("ExecutionDoesNotExist");
        return { executionArn, stateMachineArn: "arn", startDate, status };
    }
    onSendTaskSuccess(): unknown {
        return {};
    }
}
