/** How a rehearsal ended. */
export interface Outcome {
    passed: boolean;
    /** The content of incident.json. */
    record: Record<string, unknown>;
}

/** Seconds with one decimal. */
export const seconds = (milliseconds: number): number => Math.round(milliseconds / 100) / 10;
