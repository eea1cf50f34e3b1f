/**
 * Tables that stay tables to a screen reader and become stacked cards on a phone: the roles are written out because
 * `display: block` takes the implied ones away.
 */
import { html, type Html, type HtmlValue } from "./html";

/** Rows shown of a table, and items of a list: what is left out is counted below it. */
const mostRows = 500;

const leftOut = (all: number) => (all > mostRows ? html`<p class="note">… and ${(all - mostRows).toLocaleString("en-GB")} more</p>` : null);

export interface Column {
    title: string;
    /** `number` aligns right, `time` never breaks, `code` sets identifiers and paths in the fixed-width face. */
    kind?: "text" | "number" | "time" | "code";
}

/**
 * @param rows one array of cells a row, in the order of the columns; the first cell heads its row
 * @param layout `compact` stays a table on a phone: for few short columns
 */
export function table(
    caption: string,
    columns: readonly Column[],
    rows: readonly (readonly HtmlValue[])[],
    layout: "stacked" | "compact" = "stacked",
): Html {
    const kind = (index: number) => columns[index].kind ?? "text";
    return html`<table role="table" class="${layout}">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(({ title }, index) => html`<th role="columnheader" scope="col" class="${kind(index)}">${title}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.slice(0, mostRows).map(
        (cells) => html`
<tr role="row">${cells.map((cell, index) =>
            index === 0
                ? html`<th role="rowheader" scope="row" class="${kind(index)}">${cell}</th>`
                : html`<td role="cell" class="${kind(index)}" data-label="${columns[index].title}">${cell}</td>`,
        )}</tr>`,
    )}
</tbody></table>${leftOut(rows.length)}`;
}

/** A definition list of facts. Facts without a value are left out. */
export function facts(entries: readonly (readonly [term: string, value: HtmlValue])[]): Html {
    const known = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
    return html`<dl class="facts">${known.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A list, or nothing when it would be empty. */
export function bullets(items: readonly HtmlValue[], className = ""): Html | null {
    return items.length === 0
        ? null
        : html`<ul class="${className}">${items.slice(0, mostRows).map((item) => html`<li>${item}</li>`)}</ul>${leftOut(items.length)}`;
}

/** A long hash: whole, because people compare it, in the fixed-width face. */
export function hash(sha256: string | null): Html {
    return sha256 === null ? html`<span class="absent">none</span>` : html`<code class="hash">${sha256}</code>`;
}

/** An identifier or path in the fixed-width face. */
export function code(text: string): Html {
    return html`<code>${text}</code>`;
}
