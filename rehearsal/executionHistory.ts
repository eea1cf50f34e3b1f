/** What an execution did, state by state, read from its history. Pure. */
import type { HistoryEvent } from "@aws-sdk/client-sfn";

/** One visit of a state. */
export interface StateVisit {
    name: string;
    /** Task, Parallel, Wait, ... as in the history's event types. */
    kind: string;
    /** ISO 8601, UTC. */
    enteredAt: string;
    /** Null while the state runs, or when the execution ended inside it. */
    exitedAt: string | null;
    milliseconds: number | null;
    /** Tries that failed; a state that waits by being retried counts its waits here. */
    failedAttempts: number;
    /** Name of the last error, when one was thrown. */
    lastError: string | null;
}

/** The error of a failure event, whatever kind of failure it is. */
function errorOf(event: HistoryEvent): string | null {
    const details =
        event.taskFailedEventDetails ??
        event.taskTimedOutEventDetails ??
        event.lambdaFunctionFailedEventDetails ??
        event.lambdaFunctionTimedOutEventDetails ??
        event.taskStartFailedEventDetails ??
        event.taskSubmitFailedEventDetails;
    return details ? (details.error ?? "States.Unknown") : null;
}

/**
 * Follows the history's links back to the entry of the state an event belongs to. Events of parallel branches are
 * interleaved, so neither order nor names alone would tell.
 */
function entryOf(event: HistoryEvent, byId: Map<number, HistoryEvent>): HistoryEvent | null {
    for (let at: HistoryEvent | undefined = event; at; at = byId.get(at.previousEventId ?? 0)) {
        if (at.stateEnteredEventDetails) return at;
    }
    return null;
}

/** All visits of states, in the order they were entered. @param events the whole history, in any order. */
export function stateVisits(events: HistoryEvent[]): StateVisit[] {
    const ordered = [...events].sort((a, b) => a.id! - b.id!);
    const byId = new Map(ordered.map((event) => [event.id!, event]));
    const visits = new Map<number, StateVisit>();
    for (const event of ordered) {
        const entered = event.stateEnteredEventDetails;
        if (entered) {
            visits.set(event.id!, {
                name: entered.name!,
                kind: event.type!.replace(/StateEntered$/, ""),
                enteredAt: event.timestamp!.toISOString(),
                exitedAt: null,
                milliseconds: null,
                failedAttempts: 0,
                lastError: null,
            });
            continue;
        }
        const exitedName = event.stateExitedEventDetails?.name;
        if (exitedName !== undefined) {
            // A Parallel state's exit links back into a branch; its name and the oldest open visit identify it.
            const visit = [...visits.values()].find((one) => one.name === exitedName && one.exitedAt === null);
            if (visit) {
                visit.exitedAt = event.timestamp!.toISOString();
                visit.milliseconds = event.timestamp!.getTime() - Date.parse(visit.enteredAt);
            }
            continue;
        }
        const error = errorOf(event);
        if (error === null) continue;
        const visit = visits.get(entryOf(event, byId)?.id ?? -1);
        if (visit) {
            visit.failedAttempts += 1;
            visit.lastError = error;
        }
    }
    return [...visits.values()];
}
