/** Reads findings.jsonl line by line: counts everything, keeps the most severe for the page, throws on nothing. */
import { diskFindingSchema, severities, type DiskFinding, type Severity } from "../analysisOutputs";

/** Findings kept for the page; the counts are of all. */
export const mostFindingsShown = 20_000;
/** Characters of all that are kept: a hostile disk may make each as long as it may be. */
const mostCharacters = 24 * 1024 * 1024;
/** Characters of one, closely enough. */
const sizeOf = ({ evidence, title, path }: DiskFinding): number => evidence.length + title.length + (path?.length ?? 0) + 300;

export interface FindingsRead {
    /** Of every line that could be understood. */
    counts: Record<Severity, number>;
    total: number;
    /** The most severe first, in file order within a severity; at most {@link mostFindingsShown}. */
    shown: DiskFinding[];
    /** Lines that are not a finding: never silently dropped, the page states them. */
    malformed: number;
}

export interface FindingCollector {
    /** Takes one line without its newline. */
    line: (text: string) => void;
    result: () => FindingsRead;
}

export const noCounts = (): Record<Severity, number> => ({ critical: 0, high: 0, medium: 0, low: 0, informational: 0 });

function parseFinding(text: string): DiskFinding | null {
    try {
        const parsed = diskFindingSchema.safeParse(JSON.parse(text));
        return parsed.success ? parsed.data : null;
    } catch {
        return null; // not JSON: counted as malformed by the caller
    }
}

/** @param most findings kept: of too many, the least severe go first */
export function findingCollector(most = mostFindingsShown): FindingCollector {
    const kept: Record<Severity, DiskFinding[]> = { critical: [], high: [], medium: [], low: [], informational: [] };
    const counts = noCounts();
    let malformed = 0;
    let number = 0;
    let characters = 0;
    /** Makes room for one more: the newest of the least severe go. */
    function trim(): void {
        for (const severity of [...severities].reverse())
            while ((number > most || characters > mostCharacters) && kept[severity].length > 0) {
                characters -= sizeOf(kept[severity].pop()!);
                number -= 1;
            }
    }
    return {
        line(text) {
            if (text.trim() === "") return;
            const finding = parseFinding(text);
            if (!finding) {
                malformed += 1;
                return;
            }
            counts[finding.severity] += 1;
            kept[finding.severity].push(finding);
            characters += sizeOf(finding);
            number += 1;
            if (number > most || characters > mostCharacters) trim();
        },
        result: () => ({
            counts: { ...counts },
            total: severities.reduce((sum, severity) => sum + counts[severity], 0),
            shown: severities.flatMap((severity) => kept[severity]),
            malformed,
        }),
    };
}
