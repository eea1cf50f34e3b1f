/** The bundles of all functions, made in one call of esbuild: they share nearly all of what they are made of, which is then read once. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { buildSync } from "esbuild";
import { reportProgramDefine } from "../packaging/reportProgram";

const repository = path.resolve(__dirname, "..");
const outdir = "build/functions";
let bundled: ReadonlySet<string> | undefined;

/** Bundles each `functions/<name>.ts` into `build/functions/<name>/index.js`. @returns the names */
function bundleAll(): ReadonlySet<string> {
    const names = readdirSync(path.join(repository, "functions")).flatMap((file) => /^(\w+)\.ts$/.exec(file)?.[1] ?? []);
    buildSync({
        absWorkingDir: repository,
        entryPoints: names.map((name) => `functions/${name}.ts`),
        outdir,
        entryNames: "[name]/index",
        bundle: true,
        minify: true,
        keepNames: true,
        platform: "node",
        target: "node22",
        format: "cjs",
        // The SDK's ES modules can be shaken: two thirds of the size and half the load time of its CommonJS.
        mainFields: ["module", "main"],
        // The report's page carries its program.
        define: reportProgramDefine(),
        legalComments: "none",
        logLevel: "error",
    });
    return new Set(names);
}

/**
 * Folder of a function's bundle below the repository, such as `./build/functions/sendReport`; all are made once a program run.
 *
 * A closure that captures an SDK client or a zod schema does not serialise, and the default code path ships every
 * dependency (52 MB). So the closure only requires a bundle, and the bundle is the whole code path.
 *
 * @throws Error when there is no such function
 */
export function bundleOf(name: string): string {
    bundled ??= bundleAll();
    if (!bundled.has(name)) throw new Error(`There is no functions/${name}.ts to make a Lambda function of.`);
    return `./${path.posix.join(outdir, name)}`;
}
