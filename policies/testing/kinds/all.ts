import { readdirSync } from "node:fs";
import path from "node:path";
import type { Kind } from "./support";

/** Every kind of this folder. */
export const kinds: Kind[] = readdirSync(__dirname)
    .filter((file) => file.endsWith(".ts") && !["all.ts", "support.ts"].includes(file))
    .sort()
    .map((file) => (require(path.join(__dirname, file)) as { kind: Kind }).kind);

/** Type of the component that a case's resources have as their parent on the engine: what is violated says whose it is. */
export const componentOf = (name: string): string => `kind:case:${name}`;
