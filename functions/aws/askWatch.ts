/** Has the watch look at an instance now: a finding or a person's message about it may mean that it is not contained any more. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { InstanceRef } from "../domain/containers";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { errorCode } from "./errors";
import { log } from "./handler";
import type { Permissions } from "./permissions";

export const askWatchPermissions: Permissions = (names) => [
    { Sid: "AskWatch", Effect: "Allow", Action: ["lambda:InvokeFunction"], Resource: [names.watchFunctionArn] },
];

/** Never throws, and waits for no look: the schedule looks too, and the finding was followed. */
export async function askWatch(instance: InstanceRef): Promise<void> {
    try {
        await forensicsClient(LambdaClient).send(
            new InvokeCommand({
                FunctionName: environment("WATCH_FUNCTION"),
                InvocationType: "Event",
                Payload: Buffer.from(JSON.stringify({ instance })),
            }),
        );
    } catch (error) {
        log("the watch could not be asked", { instance: instance.instanceId, error: errorCode(error) });
    }
}
