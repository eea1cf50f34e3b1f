/**
 * `npm run bench:report`: a report of many findings and timeline events: how long it takes to read and render, how large the page is, and how long
 * headless Chromium takes until all of it can be filtered, with the memory it uses.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { buildReportProgram } from "../packaging/reportProgram";
import { manyFindings, type ManyFindings } from "./benchReport/manyFindings";
import { launchChromium } from "./chromium";
import { command, UsageError } from "./command";

const milliseconds = (since: number) => Math.round(performance.now() - since);

async function inChromium(page: string) {
    const folder = await mkdtemp(path.join(tmpdir(), "bench-report-"));
    const browser = await launchChromium();
    try {
        const file = path.join(folder, "report.html");
        await writeFile(file, page);
        const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
        const began = performance.now();
        await tab.goto(pathToFileURL(file).href);
        await tab.waitForSelector("html[data-ready=yes]", { state: "attached" });
        const usableMilliseconds = milliseconds(began);
        const searched = performance.now();
        await tab.fill("#findings-app input[type=search]", "cron");
        await tab.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
        const searchMilliseconds = milliseconds(searched);
        const session = await tab.context().newCDPSession(tab);
        const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number };
        const elements = await tab.evaluate("document.querySelectorAll('*').length");
        return { usableMilliseconds, searchMilliseconds, heapMiB: Math.round(usedSize / 2 ** 20), elements };
    } finally {
        await browser.close();
        await rm(folder, { recursive: true });
    }
}

const amount = (name: string, text: string): number => {
    if (/^\d+$/.test(text)) return Number(text);
    throw new UsageError(`--${name} is "${text}"; give a whole number.`);
};

async function measure(findings: number, events: number): Promise<void> {
    const began = performance.now();
    const made: ManyFindings = manyFindings(findings, events, buildReportProgram());
    const result = {
        findings,
        events,
        readMilliseconds: made.readMilliseconds,
        renderMilliseconds: made.renderMilliseconds,
        totalMilliseconds: milliseconds(began),
        peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
        pageMiB: Math.round((Buffer.byteLength(made.page) / 2 ** 20) * 10) / 10,
        chromium: await inChromium(made.page),
    };
    console.log(JSON.stringify(result, null, 2));
}

export const benchReport = command(
    {
        name: "bench:report",
        summary:
            "Makes a report of many findings and timeline events, and measures reading, rendering and headless Chromium with it. Prints JSON.",
        arguments: "[--findings N] [--events N]",
        options: {
            findings: { type: "string", description: "20000 when left out" },
            events: { type: "string", description: "1000000 when left out" },
        },
        examples: ["npm run bench:report", "npm run bench:report -- --findings 2000 --events 10000"],
        exitCodes: { 0: "it was measured", 2: "it could not be" },
        run: async ({ findings = "20000", events = "1000000" }) => {
            await measure(amount("findings", findings), amount("events", events));
            return 0;
        },
    },
    module,
);
