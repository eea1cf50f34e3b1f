/** What a rehearsal needs before anything is started: Python environments, the analysis archive, the disks. Made once and kept. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { buildAnalysisArchive } from "../packaging/analysisArchive";
import { ensureVenv } from "../packaging/python";
import type { CleanUp } from "./cleanUp";
import { materialise, readGroundTruth } from "./disks/images";
import type { ArtefactTruth } from "./disks/groundTruth";
import { sha256OfFile } from "./sha256";
import type { DiskImage } from "./victim";

export interface Prepared {
    images: Record<"root" | "data", DiskImage>;
    /** What is known to be on these images. */
    artefacts: ArtefactTruth[];
    /** Version of the Python that will run the analysis, such as 3.12: the archive is made for it alone. */
    pythonVersion: "3.11" | "3.12" | "3.13";
}

/** The disks behind the victim's volumes. @param ownRoot raw image to use as the root volume, in place of ours */
async function disks(ownRoot: string | null, keep: boolean, cleanUp: CleanUp): Promise<Pick<Prepared, "images" | "artefacts">> {
    const folder = await mkdtemp(path.join(tmpdir(), "rehearsal-disks-"));
    // A local AWS that stays up still has its volumes, and they have these files behind them.
    if (!keep) cleanUp.add("the disk images", () => rm(folder, { recursive: true, force: true }));
    const own = async (file: string) => ({
        path: path.resolve(file),
        sha256: await sha256OfFile(file),
        sizeBytes: (await stat(file)).size,
    });
    const [root, data] = await Promise.all([ownRoot ? own(ownRoot) : materialise("root", folder), materialise("data", folder)]);
    const { artefacts } = readGroundTruth();
    return { images: { root, data }, artefacts: artefacts.filter((one) => !ownRoot || one.volume === "data") };
}

/** Processor of the forensic instance that this machine can stand for. */
export const architecture = process.arch === "arm64" ? "arm64" : "x86_64";

const pythonVersions = ["3.11", "3.12", "3.13"] as const;

/**
 * The local AWS's environment, whose Python also runs the analysis, and the analysis archive made for that Python: the
 * program builds the same one when it is deployed, and finds it done.
 */
async function pythonParts(): Promise<Prepared["pythonVersion"]> {
    // The environment of startLocalEmu: the same name, lock file and packages, so that it is made once.
    const { python } = await ensureVenv({
        name: "rehearsal",
        lockFile: path.join(__dirname, "requirements.lock"),
        localPackages: [path.join(__dirname, "../localemu-plugin")],
    });
    const { stdout } = await promisify(execFile)(python, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
    const version = pythonVersions.find((one) => one === stdout.trim());
    if (!version)
        throw new Error(
            `${python} is Python ${stdout.trim()}; the analysis runs on ${pythonVersions.join(", ")}. Set $PYTHON to one of them.`,
        );
    await buildAnalysisArchive({ pythonVersion: version, architecture, python });
    return version;
}

/** Sets everything up. Takes minutes the first time, about two seconds afterwards. */
export async function setUp(ownRoot: string | null, cleanUp: CleanUp, keep = false): Promise<Prepared> {
    const [onDisks, pythonVersion] = await Promise.all([disks(ownRoot, keep, cleanUp), pythonParts()]);
    return { ...onDisks, pythonVersion };
}
