/**
 * `npm run screenshots`: pictures of what a person sees, made from the newest rehearsal (`npm run rehearse`), into docs/images: the report
 * in light, dark, on a phone and on paper, the message of the isolation as Slack renders it (a mock page of ours), and the terminal.
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import type { SlackBlock, SlackPayload, SlackText } from "../functions/domain/channels/slack/toSlack";
import { launchChromium } from "./chromium";
import { command } from "./command";

const root = path.resolve(__dirname, "..");
const images = path.join(root, "docs/images");

const escape = (text: string): string => text.replace(/[<>]/g, (each) => (each === "<" ? "&lt;" : "&gt;"));
/** Slack's text as HTML. It is escaped already, but for links; bold and code are the only formatting that our messages use. */
const textHtml = ({ type, text }: SlackText): string =>
    type === "plain_text"
        ? text.replaceAll("\n", "<br>")
        : text
              .replace(/<([^|<>]*)\|([^<>]*)>/g, '<a href="#">$2</a>')
              .replace(/`([^`]*)`/g, "<code>$1</code>")
              .replace(/\*([^*\n]+)\*/g, "<b>$1</b>")
              .replaceAll("\n", "<br>");

function blockHtml(block: SlackBlock): string {
    if (block.type === "header") return `<h2>${textHtml(block.text)}</h2>`;
    if (block.type === "context") return `<p class="context">${block.elements.map(textHtml).join(" · ")}</p>`;
    if ("fields" in block) return `<div class="fields">${block.fields.map((field) => `<div>${textHtml(field)}</div>`).join("")}</div>`;
    return `<p>${textHtml(block.text)}</p>`;
}

/** One message as Slack shows it, closely enough to judge it by. */
function slackPage({ attachments: [{ color, blocks }] }: SlackPayload): string {
    return `<!doctype html><meta charset="utf-8"><style>
body { font: 15px/1.46 Lato, "Helvetica Neue", Arial, sans-serif; color: #1d1c1d; margin: 16px; width: 680px }
.app { font-weight: 900 } .app span { font: 10px sans-serif; background: #eee; padding: 1px 4px; border-radius: 2px; color: #616061 }
.attachment { border-left: 4px solid ${color}; padding: 2px 12px; margin-top: 4px }
h2 { font-size: 18px; margin: 6px 0 } p { margin: 6px 0 } .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px }
code { font: 12px Menlo, Consolas, monospace; color: #c01343; background: #f6f6f6; border: 1px solid #ddd; border-radius: 3px; padding: 1px 3px; overflow-wrap: anywhere }
.context { font-size: 12px; color: #616061 } a { color: #1264a3; text-decoration: none }
</style><div class="app">clean-room <span>APP</span></div><div class="attachment">${blocks.map(blockHtml).join("")}</div>`;
}

const terminalPage = (text: string): string => `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #16181d; color: #d7dae0 } pre { font: 13px/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace; margin: 16px; white-space: pre-wrap; width: 1100px }
</style><pre>${escape(text.replaceAll("&", "&amp;"))}</pre>`;

interface Picture {
    name: string;
    /** A file's path, or a page. */
    page: { file: string } | { html: string };
    width: number;
    /** Of the window; the whole page is shown where it is null. */
    height: number | null;
    /** Section that is scrolled to. */
    at?: string;
    dark?: boolean;
    print?: boolean;
}

async function take(browser: Browser, { name, page, width, height, at, dark, print }: Picture): Promise<string> {
    const context = await browser.newContext({
        viewport: { width, height: height ?? 600 },
        colorScheme: dark ? "dark" : "light",
        deviceScaleFactor: 1,
    });
    try {
        const tab = await context.newPage();
        if (print) await tab.emulateMedia({ media: "print" });
        if ("file" in page) await tab.goto(pathToFileURL(page.file).href);
        else await tab.setContent(page.html);
        if ("file" in page) await tab.waitForSelector("html[data-ready]", { state: "attached" });
        if (at) await tab.evaluate(`document.querySelector(${JSON.stringify(at)}).scrollIntoView()`);
        const file = path.join(images, `${name}.png`);
        await tab.screenshot({ path: file, fullPage: height === null });
        return path.relative(root, file);
    } finally {
        await context.close();
    }
}

/** The first message of the rehearsal whose title says so. */
async function messageOf(folder: string, title: RegExp): Promise<SlackPayload | null> {
    for (const name of (await readdir(path.join(folder, "slack"))).sort()) {
        const { payload } = JSON.parse(await readFile(path.join(folder, "slack", name), "utf8")) as { payload: SlackPayload };
        if (title.test(payload.text)) return payload;
    }
    return null;
}

async function takeAll(): Promise<number> {
    const folder = path.join(root, "rehearsal/out/latest");
    const report = { file: path.join(folder, "report.html") };
    const [message, firstLook, reported] = await Promise.all(
        [/\bcontained\b/i, /First look: /, /Report: /].map((title) => messageOf(folder, title).catch(() => null)),
    );
    if (!message || !firstLook || !reported) throw new Error(`${folder} holds no whole rehearsal; run npm run rehearse first.`);
    const terminal = await readFile(path.join(folder, "terminal.txt"), "utf8");
    await mkdir(images, { recursive: true });
    const pictures: Picture[] = [
        { name: "report", page: report, width: 1200, height: 900 },
        { name: "report-dark", page: report, width: 1200, height: 900, dark: true },
        { name: "report-phone", page: report, width: 390, height: 844 },
        { name: "report-print", page: report, width: 794, height: 1123, print: true },
        { name: "report-findings", page: report, width: 1200, height: 900, at: "#findings" },
        { name: "report-timeline", page: report, width: 1200, height: 900, at: "#timeline" },
        { name: "slack-isolation", page: { html: slackPage(message) }, width: 720, height: null },
        { name: "slack-first-look", page: { html: slackPage(firstLook) }, width: 720, height: null },
        { name: "slack-report", page: { html: slackPage(reported) }, width: 720, height: null },
        { name: "terminal", page: { html: terminalPage(terminal) }, width: 1140, height: null },
    ];
    const browser = await launchChromium();
    try {
        for (const picture of pictures) console.log(await take(browser, picture));
    } finally {
        await browser.close();
    }
    return 0;
}

export const screenshots = command(
    {
        name: "screenshots",
        summary:
            "Makes the pictures in docs/images from the newest rehearsal: the report, three messages as Slack shows them, and the terminal.",
        arguments: "",
        options: {},
        examples: ["npm run rehearse && npm run screenshots"],
        exitCodes: { 0: "they were made", 2: "they could not be, such as without a rehearsal" },
        run: takeAll,
    },
    module,
);
