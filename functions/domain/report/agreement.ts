/** Whether the alert and the disks tell the same story: the remote addresses, domains and programs of the finding, looked for in what was found. Pure. */
import type { DiskFinding } from "../analysisOutputs";
import type { Finding } from "../containers";
import { list } from "./format";

export interface Agreement {
    /** True: the disks hold what the alert names. False: they do not. Null: the alert names nothing that a disk could hold. */
    agrees: boolean | null;
    /** A full sentence; quotes alert and disks. */
    sentence: string;
}

/** Words of the alert's type that a kind of finding on the disk confirms. */
const kinds: readonly (readonly [type: RegExp, techniques: RegExp, what: string])[] = [
    [/bitcoin|crypto(currency|mining)/i, /^T1496/, "a coin miner"],
    [/backdoor|c&cactivity|trojan/i, /^T(1059|1071|1105|1219|1505|1571|1572|1573)/, "a way to command the instance"],
    [/bruteforce/i, /^T(1110|1078)/, "guessed passwords or log-ins"],
    [/exfiltration/i, /^T(1048|1041|1560|1567|1537)/, "data sent out"],
    [/credential/i, /^T(1552|1003|1555|1528)/, "credentials that were read"],
];

/** @param complete whether everything planned was looked at; else a silent disk is told as "so far" */
export function agreement(
    { type, facts }: Pick<Finding, "type" | "facts">,
    findings: readonly DiskFinding[],
    complete: boolean,
): Agreement {
    const named = [
        ...(facts?.remoteAddresses ?? []),
        ...(facts?.domains ?? []),
        ...(facts?.processes ?? []).map((each) => each.split(" ")[0] ?? ""),
        ...(facts?.files ?? []),
    ].filter((each) => each.length > 3);
    const names = (each: string) =>
        findings.some(({ title, path, evidence }) => evidence.includes(each) || title.includes(each) || path?.includes(each));
    const seen = named.filter(names);
    if (seen.length > 0)
        return {
            agrees: true,
            sentence: `The disks agree with the alert: ${list(seen.slice(0, 5))} of the alert ${seen.length === 1 ? "stands" : "stand"} in what was found.`,
        };
    const kind = kinds.find(([pattern]) => pattern.test(type));
    if (
        kind &&
        findings.some(
            ({ attack, severity }) => ["critical", "high", "medium"].includes(severity) && attack.some((each) => kind[1].test(each)),
        )
    )
        return { agrees: true, sentence: `The disks agree with the alert: they show ${kind[2]}.` };
    const yet = complete ? "" : " so far";
    if (named.length === 0 && !kind) return { agrees: null, sentence: "The alert names nothing that could be looked for on a disk." };
    return {
        agrees: false,
        sentence: `The disks do not confirm the alert${yet}: ${kind ? `no sign of ${kind[2]}` : "nothing that it names"} was found. It may be in memory, deleted, or a false alarm.`,
    };
}
