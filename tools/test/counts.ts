/** What a test tool counted. */
export interface Counts {
    passed: number;
    failed: number;
    skipped: number;
}

/** Sums the attributes of a JUnit file's test suites, as pytest writes them. */
export function junitCounts(xml: string): Counts {
    const sum = (attribute: string): number =>
        [...xml.matchAll(/<testsuite\s[^>]*>/g)].reduce(
            (total, [suite]) => total + Number(new RegExp(`\\b${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0),
            0,
        );
    const [failed, skipped] = [sum("failures") + sum("errors"), sum("skipped")];
    return { passed: sum("tests") - failed - skipped, failed, skipped };
}
