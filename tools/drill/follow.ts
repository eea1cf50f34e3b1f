/** Follows the incident that a finding opens, state by state. */
import { setTimeout as delay } from "node:timers/promises";
import { DescribeExecutionCommand, ListExecutionsCommand, paginateGetExecutionHistory, type SFNClient } from "@aws-sdk/client-sfn";

export interface FollowOptions {
    sfn: SFNClient;
    stateMachineArn: string;
    instanceId: string;
    findingId: string;
    /** Milliseconds the incident may take to start. Delivery takes seconds; a delivery that is tried again, minutes. */
    startWithin: number;
    pollMilliseconds: number;
    line(text: string): void;
}

/** The execution whose incident is of this finding, among the newest of its instance; null while there is none. */
async function findExecution({ sfn, stateMachineArn, instanceId, findingId }: FollowOptions): Promise<string | null> {
    const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 50 }));
    for (const { name, executionArn } of executions.filter((each) => each.name?.startsWith(`${instanceId}-`))) {
        const { input = "" } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        if (input.includes(`"${findingId}"`)) return name ? executionArn! : null;
    }
    return null;
}

/** @returns whether the incident was worked off to its end. */
export async function follow(options: FollowOptions): Promise<boolean> {
    const { sfn, line } = options;
    const giveUpAt = Date.now() + options.startWithin;
    let executionArn = await findExecution(options);
    while (!executionArn) {
        if (Date.now() >= giveUpAt) {
            line(
                `No incident started for the finding ${options.findingId}. Where ${options.instanceId} has an open incident, the finding joined it: release that first (npm run release). Else the reason lies in the queue clean-room-dead-letters, or in the log of clean-room-startIncident.`,
            );
            return false;
        }
        await delay(options.pollMilliseconds);
        executionArn = await findExecution(options);
    }
    line(`Incident ${executionArn.split(":").at(-1)}`);
    const told = new Set<number>();
    for (;;) {
        const { status, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        for await (const { events = [] } of paginateGetExecutionHistory({ client: sfn }, { executionArn })) {
            for (const { id, timestamp, stateExitedEventDetails } of events) {
                if (!stateExitedEventDetails || told.has(id!)) continue;
                told.add(id!);
                line(`${timestamp!.toISOString().slice(11, 19)}  ${stateExitedEventDetails.name}`);
            }
        }
        if (status !== "RUNNING" && status !== "PENDING_REDRIVE") {
            line(
                status === "SUCCEEDED"
                    ? "Done. The report is in the evidence bucket; people have its link. Put the instance back with npm run release."
                    : `The incident ended as ${status}: ${[error, cause].filter(Boolean).join(": ")}`,
            );
            return status === "SUCCEEDED";
        }
        await delay(options.pollMilliseconds);
    }
}
