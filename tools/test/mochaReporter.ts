import { writeFileSync } from "node:fs";
import { reporters, type MochaOptions, type Runner } from "mocha";

/** Mocha's ordinary output, and the counts as JSON in the file that the environment variable TEST_COUNTS_FILE names. */
class CountingReporter extends reporters.Spec {
    constructor(runner: Runner, options: MochaOptions) {
        super(runner, options);
        runner.once("end", () => {
            const file = process.env.TEST_COUNTS_FILE;
            if (file !== undefined) {
                const { passes, failures, pending } = this.stats;
                writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
            }
        });
    }
}

// Mocha takes a reporter that is the module itself.
export = CountingReporter;
