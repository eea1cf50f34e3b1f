/** The editions of a sealed case's report against what each says that it is of. Pure but for reading. */
import { reportSchema } from "../containers";
import { editionOf, resultNames } from "../evidenceKeys";
import type { CaseManifest } from "./seal";

/** What was found. */
export interface VerifiedReports {
    /** Editions whose page and results are the ones that they name. */
    editions: number;
    /** Records that cannot be understood. */
    unread: number;
    /** The first thing wrong. */
    wrong: { what: string; where: string } | null;
}

/** @param readText an object of the case by its name; null when it is not there */
export async function verifyReports(
    { objects, prefix }: Pick<CaseManifest, "objects" | "prefix">,
    readText: (name: string) => Promise<string | null>,
): Promise<VerifiedReports> {
    // Any version: what was written again afterwards is told as such, and an edition stays the one of the version that it names.
    const sealed = new Set(objects.map(({ name, sha256 }) => `${name}\0${sha256}`));
    const found: VerifiedReports = { editions: 0, unread: 0, wrong: null };
    const records = objects.filter(({ name, latest }) => latest && editionOf(name) !== null).map(({ name }) => name);
    for (const name of records.sort()) {
        const record = reportSchema.safeParse(parsedOrNull((await readText(name)) ?? ""));
        if (!record.success) {
            found.unread++;
            continue;
        }
        const { page, results = [] } = record.data;
        const named = [
            { name: page.key.startsWith(prefix) ? page.key.slice(prefix.length) : page.key, sha256: page.sha256 },
            ...results.map(({ resultsPrefix, sha256 }) => ({ name: `${resultsPrefix}${resultNames.manifest}`, sha256 })),
        ];
        const absent = named.find((one) => !sealed.has(`${one.name}\0${one.sha256}`));
        if (absent)
            return { ...found, wrong: { what: `The case has no ${absent.name} with the SHA-256 that the report is of`, where: name } };
        found.editions++;
    }
    return found;
}

/** What others wrote: what is no JSON is nothing. */
export function parsedOrNull(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return null;
    }
}
