/** first-look.json, as the analysis writes it long before its other results (analysis/README.md). It is of a hostile disk, and no manifest vouches for it yet. */
import { z } from "zod";
import { diskFindingSchema, severities, type DiskFinding } from "./analysisOutputs";

export const firstLookSchema = z.object({
    schemaVersion: z.literal(1),
    stage: z.literal("first-look"),
    incidentId: z.string().max(128),
    startedAt: z.string().max(64),
    at: z.string().max(64),
    /** Since the analysis started. */
    seconds: z.number().nonnegative(),
    operatingSystem: z.object({ name: z.string().nullable(), version: z.string().nullable(), hostname: z.string().nullable() }).nullable(),
    findingsBySeverity: z.record(z.string(), z.number().int().nonnegative()),
    /** The gravest. One that cannot be understood is left out, and counted by {@link readFirstLook}. */
    findings: z.array(z.unknown()).max(1000),
    notLookedAt: z.array(z.object({ what: z.string(), why: z.string() })).max(5000),
});

export interface FirstLook extends Omit<z.infer<typeof firstLookSchema>, "findings"> {
    /** The gravest first. */
    findings: DiskFinding[];
    malformed: number;
}

/** @returns null when it is no first look at all */
export function readFirstLook(text: string): FirstLook | null {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch {
        return null; // not JSON: the caller tells people that the first look could not be read
    }
    const parsed = firstLookSchema.safeParse(value);
    if (!parsed.success) return null;
    const read = parsed.data.findings.map((each) => diskFindingSchema.safeParse(each));
    const findings = read.flatMap(({ data }) => (data ? [data] : []));
    return {
        ...parsed.data,
        findings: findings.sort((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity)),
        malformed: read.length - findings.length,
    };
}
