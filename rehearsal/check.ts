/** One line of the rehearsal's verdict. */
export interface Check {
    name: string;
    passed: boolean;
    /** What was looked at, with the values seen. */
    lookedAt: string;
}
