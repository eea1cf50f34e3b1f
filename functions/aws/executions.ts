/** Finds an incident's executions in Step Functions, which knows them by their names. */
import { DescribeExecutionCommand, type DescribeExecutionCommandOutput, type SFNClient } from "@aws-sdk/client-sfn";
import { executionName, mostExecutions } from "../domain/executions";
import { errorCode } from "./errors";

/** An incident's newest execution. */
export interface NewestExecution {
    name: string;
    described: DescribeExecutionCommandOutput;
    /** How many there are, those included that Step Functions has forgotten. */
    count: number;
}

/**
 * The newest execution of an incident, as one that was resumed has several; null when Step Functions knows none.
 *
 * @param arnOf the ARN of an execution by its name
 */
export async function newestExecution(
    sfn: SFNClient,
    arnOf: (name: string) => string,
    incidentId: string,
): Promise<NewestExecution | null> {
    let newest: NewestExecution | null = null;
    for (let number = 1; number <= mostExecutions; number++) {
        const name = executionName(incidentId, number);
        try {
            newest = { name, described: await sfn.send(new DescribeExecutionCommand({ executionArn: arnOf(name) })), count: number };
        } catch (error) {
            if (errorCode(error) !== "ExecutionDoesNotExist") throw error;
            // The first is forgotten after 90 days, when a later one may still be known.
            if (number > 1) break;
        }
    }
    return newest;
}
