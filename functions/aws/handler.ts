/** What every step has in common: parse at the edge, log as JSON lines, turn AWS errors into the workflow's names. */
import type { z } from "zod";
import type { InstanceRef } from "../domain/containers";
import { incidentPrefix } from "../domain/evidenceKeys";
import type { ReportedStep } from "../domain/steps";
import { inCustody } from "./custody/inCustody";
import { underWay } from "./custody/recorder";
import { errorCode, isTransient, NotYetError, StepError, TransientError } from "./errors";
import { tellOfWaiting } from "./problems";

/**
 * One line of structured log, with the step and the incident that it is about wherever they are known. Untrusted text goes in as a value, never
 * into the message. Lambda puts the request's id before each line.
 */
export function log(message: string, details: Record<string, unknown> = {}): void {
    const { incidentId = null, step = null } = underWay() ?? {};
    console.log(JSON.stringify({ message, ...(step && { step }), ...(incidentId && { incidentId }), ...details }));
}

/** Turns what an AWS call threw into the error the state machine knows how to treat. */
export function toStepError(step: string, error: unknown): Error {
    if (error instanceof NotYetError || error instanceof TransientError || error instanceof StepError) return error;
    const what = error instanceof Error ? error.message : String(error);
    if (isTransient(error)) return new TransientError(`${step}: ${errorCode(error)}: ${what}`, { cause: error });
    return error instanceof Error ? error : new Error(what);
}

/** The incident that a step's input is about. */
function incidentOf(input: unknown): string | null {
    const { incident, incidentId } = (input ?? {}) as { incident?: { incidentId?: string }; incidentId?: string };
    return incident?.incidentId ?? incidentId ?? null;
}

/** Tells people once of a step that AWS has refused for long; that they could not be told never changes what the step does. */
async function tellOfRefusal(step: ReportedStep, event: unknown, error: Error): Promise<void> {
    const { since, incident } = event as { since?: unknown; incident?: { instance?: InstanceRef } };
    const incidentId = incidentOf(event);
    // A wait with a cause waits for what AWS refused: a limit, a quota, a throttled call. The others wait for what was begun.
    const refused = error instanceof TransientError || (error instanceof NotYetError && error.cause !== undefined);
    if (!refused || typeof since !== "string" || incidentId === null) return;
    try {
        const instance = incident?.instance ?? null;
        await tellOfWaiting(
            { incidentId, prefix: incidentPrefix(incidentId), instance },
            step,
            since,
            `AWS refuses what the step asks for: ${error.message}.`,
        );
    } catch (failure) {
        log(`${step}: people could not be told that it waits`, { error: String(failure) });
    }
}

/**
 * Makes a Lambda handler of a step: input and output are one container each, checked by their schema.
 *
 * @throws NotYet, Transient, StepFailed or the AWS error's own name; the state machine matches on these.
 */
export function step<I extends z.ZodType, O extends z.ZodType>(definition: {
    name: string;
    input: I;
    output: O;
    run: (input: z.infer<I>) => Promise<z.input<O>>;
    /** The step waits for hours or days: people are told when AWS has been refusing it for ten minutes. Needs tellWaitingPermissions. */
    waits?: ReportedStep;
}): (event: unknown) => Promise<z.infer<O>> {
    return async (event) => {
        const parsed = definition.input.safeParse(event);
        if (!parsed.success) {
            throw new StepError(
                `The input of ${definition.name} does not match its schema`,
                parsed.error.message.slice(0, 2000),
                "The workflow and the functions were deployed from different versions; run pulumi up.",
            );
        }
        const startedAt = Date.now();
        const incidentId = incidentOf(parsed.data);
        const about = { step: definition.name, ...(incidentId && { incidentId }) };
        try {
            const run = async () => {
                try {
                    return await definition.run(parsed.data);
                } catch (error) {
                    if (definition.waits) await tellOfRefusal(definition.waits, event, toStepError(definition.name, error));
                    throw error;
                }
            };
            const output = definition.output.parse(await inCustody(incidentId, definition.name, run));
            log(`${definition.name} done`, { ...about, milliseconds: Date.now() - startedAt });
            return output;
        } catch (error) {
            const known = toStepError(definition.name, error);
            log(`${definition.name} ${known instanceof NotYetError ? "waits" : "failed"}`, {
                ...about,
                error: known.name,
                cause: known.message,
                milliseconds: Date.now() - startedAt,
            });
            throw known;
        }
    };
}
