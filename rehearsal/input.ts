/** What a rehearsal is given, judged before anything is started. */
import { inspectRawDisk } from "./disks/inspectRawDisk";
import { builtInFinding, loadFinding, type LoadedFinding } from "./finding";
import { InputError, type Options } from "./options";

/** Reads the finding, and looks at the disk. @throws InputError when one of them cannot be used */
export async function readInput(options: Options): Promise<LoadedFinding> {
    if (options.memory !== null && options.estate) throw new InputError("--memory is rehearsed with one incident: leave --estate out.");
    if (options.memory !== null && (process.platform !== "linux" || process.getuid?.() !== 0))
        throw new InputError("--memory needs root on Linux: the command that takes it mounts the volume that it writes to.");
    const finding = await loadFinding(options.finding ?? builtInFinding);
    const disk = options.disk ? await inspectRawDisk(options.disk) : null;
    if (disk && !disk.ok) throw new InputError(`--disk: ${disk.reason}`);
    if (options.estate && finding.refusal !== null)
        throw new InputError(`--estate needs a finding that starts an incident; ${finding.file} starts none: ${finding.refusal}`);
    return finding;
}
