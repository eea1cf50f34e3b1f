/** Enters what an operator did in a case's custody log, and has the case sealed again by the function that alone may sign. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { appendCustody } from "../../functions/aws/custody/custodyLog";
import type { CustodyAction } from "../../functions/domain/custody/custodyLog";
import type { Operator } from "../operator";

/** What an operator did, as the log takes it. */
export function operatorAction(
    { arn }: Pick<Operator, "arn">,
    incidentId: string,
    what: string,
    fields: Partial<Pick<CustodyAction, "resources" | "note" | "requestId">> = {},
): CustodyAction {
    return {
        incidentId,
        at: new Date().toISOString(),
        who: arn,
        step: "operator",
        what,
        requestId: null,
        object: null,
        resources: [],
        error: null,
        note: null,
        ...fields,
    };
}

/** Calls one of the stack's functions and waits. @returns its answer @throws what it failed of */
export async function callFunction(region: string, name: string, payload: object): Promise<Record<string, unknown>> {
    const { FunctionError, Payload } = await new LambdaClient({ region }).send(
        new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }),
    );
    const answer = JSON.parse(Buffer.from(Payload ?? []).toString("utf8") || "{}") as Record<string, unknown>;
    if (!FunctionError) return answer;
    const { errorMessage, errorType } = answer as { errorMessage?: string; errorType?: string };
    const error = new Error(errorMessage ?? FunctionError);
    error.name = errorType ?? "Error";
    throw error;
}

/** @returns the line to print */
export async function sealAgain(operator: Operator, incidentId: string, actions: readonly CustodyAction[]): Promise<string> {
    if (actions.length > 0) await appendCustody(incidentId, actions);
    const { seal, objects, entries, fingerprint } = await callFunction(operator.region, "clean-room-sealCustody", {
        incidentId,
        by: operator.arn,
    });
    return `Sealed: seal ${String(seal)} covers ${String(objects)} objects and ${String(entries)} entries of the custody log; key ${String(fingerprint)}.`;
}
