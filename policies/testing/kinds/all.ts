import { readdirSync } from "node:fs";
import path from "node:path";
import type { Kind } from "./support";

/** Every kind of this folder. */
export const kinds: Kind[] = readdirSync(__dirname)
    .filter((file) => file.endsWith(".ts") && !["all.ts", "judge.ts", "support.ts"].includes(file))
    .sort()
    .map((file) => (require(path.join(__dirname, file)) as { kind: Kind }).kind);

/** What is wrong with the verdicts of judge.ts, a line a case. @param verdicts policies that refused a case, by its name */
export function misjudged(verdicts: Readonly<Record<string, string[]>>, of: Kind[] = kinds): string[] {
    return of
        .flatMap(({ cases }) => cases)
        .filter(({ name, policies }) => {
            const refused = verdicts[name];
            return refused === undefined || (policies.length === 0 ? refused.length > 0 : !policies.some((each) => refused.includes(each)));
        })
        .map(
            ({ name, policies }) =>
                `${name}: ${policies.join(" or ") || "no policy"} should refuse it, and ${verdicts[name]?.join(", ") || "none"} did`,
        );
}
