/** The analysis command: its parameters, and what its state means. Pure. */
import type { Finding, ForensicHost, ForensicVolume } from "./containers";
import { visibleLines } from "./visibleText";

/** One volume as the SSM document takes it; `workVolumeId` is null where the instance took no work volume. */
export interface DocumentVolume {
    /** The victim's volume. */
    volumeId: string;
    /** The evidence snapshot. */
    snapshotId: string;
    evidenceVolumeId: string;
    workVolumeId: string | null;
    role: "root" | "data";
    /** The acquisition volume, which holds what was taken of the instance's memory. Left out for a volume of the victim's own. */
    kind?: "memory";
}

/** Pairs evidence and work volumes, in the order of the host's. */
export function documentVolumes({ volumes }: Pick<ForensicHost, "volumes">): DocumentVolume[] {
    const workOf = (evidence: ForensicVolume) =>
        volumes.find((one) => one.purpose === "work" && one.snapshotId === evidence.snapshotId)?.volumeId ?? null;
    return volumes
        .filter(({ purpose }) => purpose === "evidence")
        .map((one) => ({
            volumeId: one.sourceVolumeId,
            snapshotId: one.snapshotId,
            evidenceVolumeId: one.volumeId,
            workVolumeId: workOf(one),
            role: one.root ? "root" : "data",
            ...(one.kind === undefined ? {} : { kind: one.kind }),
        }));
}

/** At most so many: what the document takes is bounded. */
const mostAddresses = 50;

/**
 * The `Volumes` parameter: a document's parameter becomes text of a script, and base64 has nothing a shell could read.
 *
 * @param findings the one that opened the incident: its remote addresses are looked for among the sockets that an acquisition volume holds
 */
export function encodeVolumes(volumes: readonly DocumentVolume[], findings: readonly Pick<Finding, "facts">[] = []): string {
    const addresses = [...new Set(findings.flatMap(({ facts }) => facts?.remoteAddresses ?? []))].slice(0, mostAddresses);
    const described = volumes.map((one) => ("kind" in one && one.kind === "memory" ? { ...one, addresses } : one));
    return Buffer.from(JSON.stringify(described), "utf8").toString("base64");
}

/** A Run Command invocation on the forensic instance. */
export interface Invocation {
    commandId: string;
    documentName: string;
    /** ISO 8601. */
    requestedAt: string;
}

/**
 * The one analysis of a host: the first command of the document, whoever sent it. A host is analysed once; a second
 * command would read and upload beside the first.
 */
export function analysisOf(documentName: string, invocations: readonly Invocation[]): Invocation | null {
    const order = (one: Invocation) => `${one.requestedAt}/${one.commandId}`;
    return (
        invocations.filter((one) => one.documentName === documentName).sort((left, right) => (order(left) < order(right) ? -1 : 1))[0] ??
        null
    );
}

/** Whether a command's status may still change. */
export function isUnderWay(status: string): boolean {
    return ["Pending", "InProgress", "Delayed", "Cancelling"].includes(status);
}

/** The document's exit code for "incomplete: results and manifest are there". */
export const incompleteExitCode = 3;

/** Whether a finished command left results. */
export function leftResults({ status, exitCode }: { status: string; exitCode: number | null }): boolean {
    return status === "Success" || (status === "Failed" && exitCode === incompleteExitCode);
}

/** The end of what a command printed, bounded and safe to show: it may quote the disk. */
export function outputTail(output: string, most = 1200): string {
    const text = visibleLines(output.trimEnd());
    return text.length <= most ? text : `…${text.slice(1 - most)}`;
}
