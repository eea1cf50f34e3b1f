/** Builds the report's program (report-page/) as text, with the libraries it uses inside: the page loads nothing. */
import path from "node:path";
import { buildSync } from "esbuild";

const repository = path.resolve(__dirname, "..");
let built: string | undefined;

/** Built once a process. The same sources and lock file give the same text. */
export function buildReportProgram(): string {
    built ??= Buffer.from(
        buildSync({
            absWorkingDir: repository,
            entryPoints: ["report-page/main.tsx"],
            tsconfig: "report-page/tsconfig.json",
            bundle: true,
            write: false,
            minify: true,
            platform: "browser",
            format: "iife",
            target: "es2022",
            charset: "utf8",
            legalComments: "none",
            loader: { ".css": "text" },
            // Pure files of functions/domain name them; none of them is reached in the page.
            logLevel: "error",
        }).outputFiles[0]!.contents,
    ).toString("utf8");
    return built;
}

/** What esbuild puts in place of the name that functions/domain/report/reportProgram.ts declares. */
export const reportProgramDefine = (): Record<string, string> => ({ REPORT_PROGRAM: JSON.stringify(buildReportProgram()) });
