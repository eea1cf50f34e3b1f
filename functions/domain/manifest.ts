/**
 * The manifest of an analysis: `analysis/manifest.sha256`, in the format of sha256sum, written last as the commit mark.
 * The same file verifies by hand: `sha256sum --check manifest.sha256`.
 */

/** Every analysis writes these; a manifest that does not list one is not the manifest of a whole analysis. */
export const requiredOutputs = ["findings.jsonl", "bodyfile.gz", "timeline.csv.gz", "timesketch.jsonl.gz", "summary.json"] as const;
export type RequiredOutput = (typeof requiredOutputs)[number];

/** More lines than this are not read: the analysis writes a handful of files. */
const mostEntries = 1000;
const line = /^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]{0,127})$/;

export interface ManifestEntry {
    name: string;
    /** 64 lower-case hexadecimal digits. */
    sha256: string;
}

export interface Manifest {
    entries: ManifestEntry[];
    /** What is wrong with the manifest itself, in full sentences; empty when nothing is. */
    problems: string[];
}

/** The name under which an analysis lists an output: those before version 0.2 wrote the large ones unpacked. */
export function listedName(listed: { has(name: string): boolean }, name: RequiredOutput): string {
    const unpacked = name.replace(/\.gz$/, "");
    return !listed.has(name) && listed.has(unpacked) ? unpacked : name;
}

/**
 * Reads a manifest. Never throws: what cannot be understood is a problem that the report states.
 *
 * Names are plain file names. One with a slash could point at another incident's object and is not followed.
 */
export function parseManifest(text: string): Manifest {
    const entries = new Map<string, string>();
    const problems: string[] = [];
    const lines = text.split("\n").filter((each) => each.trim() !== "");
    let malformed = 0;
    for (const each of lines.slice(0, mostEntries)) {
        const match = line.exec(each.replace(/\r$/, ""));
        if (!match) {
            malformed += 1;
            continue;
        }
        const [, sha256, name] = match;
        if (entries.has(name) && entries.get(name) !== sha256) problems.push(`The manifest lists ${name} twice with different hashes.`);
        entries.set(name, sha256);
    }
    if (malformed > 0) problems.push(`${malformed} line${malformed === 1 ? "" : "s"} of the manifest could not be understood.`);
    if (lines.length > mostEntries) problems.push(`The manifest has ${lines.length} lines; only the first ${mostEntries} were read.`);
    for (const name of requiredOutputs) {
        if (!entries.has(listedName(entries, name))) problems.push(`The manifest does not list ${name}.`);
    }
    return { entries: [...entries].map(([name, sha256]) => ({ name, sha256 })), problems };
}

/** What stands in the bucket under one name: its hash, or null when it is missing, or why it could not be read. */
export type FoundObject = { sha256: string; bytes: number } | { error: string } | null;

export type ObjectState = "match" | "altered" | "missing" | "unreadable";

/** One object of the manifest and how it compares with what stands in the bucket. */
export interface VerifiedObject extends ManifestEntry {
    state: ObjectState;
    /** SHA-256 and size of what stands in the bucket; null when it could not be read. */
    found: { sha256: string; bytes: number } | null;
    /** A full sentence; null for a match. */
    problem: string | null;
}

/** Compares one entry with what was found. Pure: the caller reads the bucket. */
export function verifyEntry(entry: ManifestEntry, found: FoundObject): VerifiedObject {
    if (found === null) {
        return { ...entry, state: "missing", found: null, problem: `${entry.name} is listed in the manifest and missing from the bucket.` };
    }
    if ("error" in found) {
        return { ...entry, state: "unreadable", found: null, problem: `${entry.name} could not be read: ${found.error}.` };
    }
    if (found.sha256 !== entry.sha256) {
        return { ...entry, state: "altered", found, problem: `${entry.name} was altered: its SHA-256 is not the one in the manifest.` };
    }
    return { ...entry, state: "match", found, problem: null };
}
