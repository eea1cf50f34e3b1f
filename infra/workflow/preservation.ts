/** The evidence: snapshots of every volume, in the forensics account, locked. */
import type { State } from "./states";
import { containers, type Tasks } from "./tasks";

/** A branch that ends with the evidence, or with the problem that kept it from being preserved: it never ends the others. */
export function preserve(tasks: Tasks): State {
    return tasks.branch("CreateSnapshots", containers("incident", "containment"), {
        done: { Parameters: { "evidence.$": "$.result.value" } },
        givenUp: { Parameters: { "problem.$": "$.problem" } },
    });
}
