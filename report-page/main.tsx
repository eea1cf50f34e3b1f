/**
 * The report's program: makes findings, timeline and indicators explorable. It reads data of hostile origin out of the page and shows it
 * as text alone: Preact makes text nodes, and nothing here writes markup. It loads nothing and stores nothing.
 */
import { render } from "preact";
import type { PageData } from "../functions/domain/report/pageData";
import { Findings } from "./findings";
import { IndicatorTools } from "./indicators";
import { Timeline } from "./timeline";

/** Unpacks what the page holds. */
async function readData(): Promise<PageData> {
    const text = document.getElementById("report-data")!.textContent!;
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text()) as PageData;
}

async function main(): Promise<void> {
    const data = await readData();
    render(<Findings findings={data.findings} />, document.getElementById("findings-app")!);
    render(<Timeline events={data.events} findings={data.findings} range={data.window} />, document.getElementById("timeline-app")!);
    render(<IndicatorTools data={data} />, document.getElementById("indicators-tools")!);
    // Only now: a browser that cannot do all this keeps the document as it is.
    document.documentElement.classList.add("live");
    document.documentElement.dataset.ready = "yes";
    dispatchEvent(new HashChangeEvent("hashchange"));
}

void main().catch((error: unknown) => {
    document.documentElement.dataset.ready = "failed";
    console.error("The report's tables could not be made explorable; everything grave stands in the page.", error);
});
