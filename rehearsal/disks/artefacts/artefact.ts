/** What an artefact is: the truth about it, and the entries that plant it. */
import { type ArtefactTruth } from "../groundTruth";
import { type Entry } from "../tree/entry";

export interface Artefact extends ArtefactTruth {
    /** Written after the ordinary tree; an entry at a path that exists replaces it. Those of `needsJournalReplay` come last of all. */
    readonly entries: readonly Entry[];
}

type Description = Omit<Artefact, "needsJournalReplay" | "hostileText" | "path"> &
    Partial<Pick<Artefact, "needsJournalReplay" | "hostileText" | "path">>;

/** An artefact whose path is that of its first entry unless told otherwise. */
export function artefact(description: Description): Artefact {
    const path = description.path ?? description.entries[0]?.path;
    if (path === undefined) {
        throw new Error(`Artefact ${description.id} has neither a path nor an entry: say where the finding is expected.`);
    }
    return { needsJournalReplay: false, hostileText: false, ...description, path };
}

/** An inode that is odd and no finding. */
export interface Oddity {
    readonly id: string;
    readonly volume: "root" | "data";
    readonly entry: Entry;
    readonly note: string;
}

/** A file that is written, forced to the disk and deleted again, so that its content is in free space alone. */
export interface DeletedFile {
    readonly id: string;
    readonly volume: "root" | "data";
    readonly entry: Entry & { readonly kind: "file" };
    /** Text by which the content is found on the raw image. */
    readonly marker: string;
    readonly note: string;
}
