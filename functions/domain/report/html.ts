/**
 * HTML that is safe by construction: the `html` tag is the only way to make an {@link Html}, and it escapes every value
 * that is not one already. There is no way to mark a string as trusted.
 */
import { clip, visible, visibleLines } from "../visibleText";

/** Characters of one value: as long as the longest path that an analysis writes. */
const longestValue = 8192;

class HtmlFragment {
    constructor(readonly text: string) {}
}
/** Markup made by the {@link html} tag. */
export type Html = HtmlFragment;

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" };
const escape = (text: string) => text.replace(/[&<>"'`]/g, (character) => entities[character]);

function render(value: HtmlValue): string {
    if (value === null || value === undefined || value === false) return "";
    if (value instanceof HtmlFragment) return value.text;
    if (typeof value === "object") return value.map(render).join("");
    return escape(visible(clip(String(value), longestValue)));
}

/**
 * Markup with interpolated values: strings are escaped and shown in one line with control characters visible, `Html`
 * goes in as it is, arrays are joined, and null, undefined and false leave nothing.
 *
 * @example html`<td class="path">${finding.path}</td>`
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
    return new HtmlFragment(strings.reduce((text, part, index) => text + part + (index < values.length ? render(values[index]) : ""), ""));
}

/** Untrusted text that keeps its line breaks, for use inside `<pre>`. */
export function preformatted(text: string): Html {
    return new HtmlFragment(escape(visibleLines(clip(text, longestValue))));
}

/**
 * Bytes for the page's program, which nothing executes: base64 has no character that ends an element.
 *
 * @param id of the element
 */
export function dataBlock(id: string, bytes: Uint8Array): Html {
    return new HtmlFragment(`<script type="application/octet-stream" id="${escape(id)}">${Buffer.from(bytes).toString("base64")}</script>`);
}

/** The page's one program, as the build made it (packaging/reportProgram.ts). @throws when the text could end its element */
export function programBlock(program: string): Html {
    if (/<\/script|<!--/i.test(program))
        throw new Error("The report's program holds the end of a script element. Build it with esbuild, which escapes it.");
    return new HtmlFragment(`<script>${program}</script>`);
}

/** The finished markup. */
export function toText(fragment: Html): string {
    return fragment.text;
}
