/** Preflight on the local AWS, before anything happens: the deployed function looks, and sends GuardDuty's own sample finding. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { Readiness } from "../functions/checkReadiness";
import { render } from "../tools/preflight/render";
import type { LocalClients, Target } from "./deploy/localClients";
import type { Facts } from "./facts";
import type { Progress } from "./progress";

/** @throws when the function itself failed */
export async function preflight(clients: LocalClients, forensics: Target, progress: Progress): Promise<Facts["readiness"]> {
    const { Payload, FunctionError } = await clients(LambdaClient, forensics).send(
        new InvokeCommand({
            FunctionName: "clean-room-checkReadiness",
            Payload: JSON.stringify({ sendSample: true, sampleWithinSeconds: 45 }),
        }),
    );
    const text = Buffer.from(Payload ?? []).toString("utf8");
    if (FunctionError) throw new Error(`Preflight failed: ${text}`);
    const readiness = JSON.parse(text) as Readiness;
    progress.line("Preflight:");
    for (const line of render([readiness]).split("\n").filter(Boolean)) progress.line(`  ${line}`);
    return readiness.checks;
}
