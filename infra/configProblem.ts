/** One thing that is wrong with a stack's configuration. */
export interface Problem {
    /** Where it stands below `settings`. */
    readonly path: (string | number)[];
    /** What is wrong, and what is allowed. */
    readonly message: string;
}
