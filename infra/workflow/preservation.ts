/** The evidence: snapshots of every volume, in the forensics account, locked, and beside them what AWS says of the instance. */
import type { MetadataRound } from "../../functions/domain/metadata/metadataIndex";
import { catchAll, type State, type States } from "./states";
import { containers, type Tasks } from "./tasks";

/** A branch that ends with the evidence, or with the problem that kept it from being preserved: it never ends the others. */
export function preserve(tasks: Tasks): State {
    return tasks.branch("CreateSnapshots", containers("incident", "containment"), {
        done: { Parameters: { "evidence.$": "$.result.value" } },
        givenUp: { Parameters: { "problem.$": "$.problem" } },
    });
}

/** A branch that keeps the metadata of the moment. Its failure is told and ends nothing: the disks are the evidence. */
export function captureMetadata(tasks: Tasks, round: MetadataRound): State {
    return tasks.branch(
        "CaptureMetadata",
        { ...containers("incident", "containment"), round },
        { done: { InputPath: "$.result.value" }, givenUp: { Result: null } },
        round === "later" ? "Later" : "",
    );
}

/**
 * Reads once more what AWS knows only minutes later, when the evidence is locked and the forensic instance has started: CloudTrail and
 * GuardDuty are late, and a replacement takes time. One branch by itself, so that its failure stays in it.
 */
export function captureLater(tasks: Tasks, next: string): States {
    return {
        CaptureLater: {
            Type: "Parallel",
            Branches: [captureMetadata(tasks, "later")],
            ResultPath: null,
            ...catchAll(next, "$.notCapturedLater"),
            Next: next,
        },
    };
}
