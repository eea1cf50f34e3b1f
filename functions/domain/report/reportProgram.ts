/**
 * The page's program (report-page/), as text: esbuild puts it in place of this name when it bundles a function (packaging/reportProgram.ts).
 * Where nothing does, a page has no program and is read as the document that it is without one.
 */
declare const REPORT_PROGRAM: string;

export const reportProgram = (): string | null => (typeof REPORT_PROGRAM === "undefined" ? null : REPORT_PROGRAM);
