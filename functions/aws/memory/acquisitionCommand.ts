/** The command that acquires: sent once, followed until it ends, cancelled where it does not. */
import { setTimeout } from "node:timers/promises";
import {
    CancelCommandCommand,
    GetCommandInvocationCommand,
    ModifyDocumentPermissionCommand,
    SendCommandCommand,
    SSMClient,
} from "@aws-sdk/client-ssm";
import { readOutput, type Memory } from "../../domain/memory";
import { forensicsClient, responderRoleArn } from "../clients";
import { recordCalls } from "../custody/recorder";
import { environment } from "../environment";
import { errorCode } from "../errors";
import type { Victim } from "../victim";

/** Milliseconds before the command is looked at again. */
const pause = 1000;
/** Seconds in which the agent must take it: the least that Run Command knows. */
const deliverySeconds = 30;

/** Lets an account run the document, or no longer; its script holds no secret. */
async function share(accountId: string, change: "AccountIdsToAdd" | "AccountIdsToRemove"): Promise<void> {
    if (accountId === environment("FORENSICS_ACCOUNT_ID")) return;
    await forensicsClient(SSMClient).send(
        new ModifyDocumentPermissionCommand({
            Name: environment("ACQUISITION_DOCUMENT").split("/").at(-1)!,
            PermissionType: "Share",
            [change]: [accountId],
        }),
    );
}

export const takeDocumentBack = ({ ref }: Victim): Promise<void> => share(ref.accountId, "AccountIdsToRemove");

/** Sends it. The document's hash goes along, so that what runs is what was deployed. @returns the command's id */
export async function sendAcquisition(victim: Victim, parameters: Record<string, string>, signal: AbortSignal): Promise<string> {
    const { accountId, region, instanceId } = victim.ref;
    const session = responderRoleArn(accountId).replace(":iam::", ":sts::").replace(":role/", ":assumed-role/");
    // SendCommand has no client token: without the SDK's retries an answer that got lost cannot run it twice.
    const once = recordCalls(new SSMClient({ region, maxAttempts: 1, credentials: victim.client(SSMClient).config?.credentials }), () =>
        Promise.resolve(`${session}/${victim.incidentId.slice(0, 64)}`),
    );
    for (;;) {
        signal.throwIfAborted();
        // Each time anew: an incident of the same account that ends takes it back.
        await share(accountId, "AccountIdsToAdd");
        try {
            const { Command } = await once.send(
                new SendCommandCommand({
                    DocumentName: environment("ACQUISITION_DOCUMENT"),
                    DocumentHash: environment("ACQUISITION_DOCUMENT_HASH"),
                    DocumentHashType: "Sha256",
                    InstanceIds: [instanceId],
                    Comment: victim.incidentId.slice(0, 100),
                    TimeoutSeconds: deliverySeconds,
                    Parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, [value]])),
                }),
            );
            return Command!.CommandId!;
        } catch (error) {
            // The share is not seen everywhere at once. Whoever called gives up when its time is up.
            if (errorCode(error) !== "InvalidDocument") throw error;
            await setTimeout(pause, undefined, { signal });
        }
    }
}

const underWay = new Set(["Pending", "InProgress", "Delayed", "Cancelling"]);

/** Follows it to its end. */
export async function followAcquisition(
    victim: Victim,
    commandId: string,
    signal: AbortSignal,
): Promise<Pick<Memory, "outcome" | "reason" | "files" | "bytes">> {
    for (;;) {
        await setTimeout(pause, undefined, { signal });
        signal.throwIfAborted();
        try {
            const {
                Status = "Pending",
                StatusDetails,
                StandardOutputContent = "",
            } = await victim
                .client(SSMClient)
                .send(new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: victim.ref.instanceId }));
            if (underWay.has(Status)) continue;
            const said = readOutput(StandardOutputContent);
            if (Status === "Success") return said;
            // What a command that failed says of itself is more than its status, but never that it is complete.
            const why = `the command ended as ${StatusDetails ?? Status}`;
            return said.files === null
                ? { ...said, outcome: "failed", reason: why }
                : { ...said, outcome: "partial", reason: [why, said.reason].filter((each) => each !== null).join(": ") };
        } catch (error) {
            if (errorCode(error) !== "InvocationDoesNotExist") throw error;
        }
    }
}

/** Asks the agent to end it. */
export async function cancelAcquisition(victim: Victim, commandId: string): Promise<void> {
    await victim.client(SSMClient).send(new CancelCommandCommand({ CommandId: commandId, InstanceIds: [victim.ref.instanceId] }));
}
