/**
 * Those of a resource's `ignoreChanges` that take some properties out of the engine's sight. A path may be spelled in several ways: `egress`,
 * `egress[0].cidrBlocks`, `["egress"]`, `*`.
 *
 * @param properties top-level properties that must not be ignored
 */
export function ignoredUnder(ignoreChanges: readonly string[], properties: readonly string[]): string[] {
    return ignoreChanges.filter((path) => {
        const root = /^\s*(?:\[\s*["']?([^"'\]]+)["']?\s*\]|([^.[]+))/.exec(path);
        const first = (root?.[1] ?? root?.[2] ?? path).trim();
        return first === "*" || properties.includes(first);
    });
}
