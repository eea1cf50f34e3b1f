/** What the later half of a stack's life must look like, judged from the engine's event logs. Pure. */
import type { Change, Inspection } from "./eventLog";

/** Inputs, by type, that come from an output which AWS alone can fill: a stand-in leaves it out, so the engine never knows it. */
const filledByAws: Record<string, readonly string[]> = {
    // The S3 gateway endpoint's prefix list.
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ["prefixListId"],
    // The latest version of the analysis document, and the unique id of the forensic role.
    "aws:lambda/function:Function": ["environment.variables.DOCUMENT_VERSION", "environment.variables.FORENSIC_ROLE_ID"],
};

/** The preview after an update, in two: what would change, and what could be compared but for an input that only AWS fills. */
export function settled({ changes }: Inspection): { moving: Change[]; partlyCompared: Change[] } {
    const isPart = ({ operation, type, differing, unknown }: Change): boolean =>
        operation === "update" &&
        differing.length > 0 &&
        differing.every((input) => unknown.includes(input) && filledByAws[type]?.includes(input));
    return { moving: changes.filter((change) => !isPart(change)), partlyCompared: changes.filter(isPart) };
}

/** One line: the operation, the resource, and the inputs that make the difference. */
export function describe({ operation, resource, differing, unknown }: Change): string {
    const inputs = differing.map((input) => (unknown.includes(input) ? `${input} (not known)` : input));
    return `${operation} ${resource}${inputs.length > 0 ? `: ${inputs.join(", ")}` : ""}`;
}

/** Why AWS does not delete such a resource just like that, where a stand-in does; undefined where it does. */
export function heldByAws({ type, inputs }: Change): string | undefined {
    if (inputs.deletionProtectionEnabled === true) {
        return "its deletion protection has to be taken off first";
    }
    if (type === "aws:s3/bucket:Bucket" && inputs.forceDestroy !== true) {
        return "it has to be empty first, and locked objects stay until their date";
    }
    return undefined;
}
