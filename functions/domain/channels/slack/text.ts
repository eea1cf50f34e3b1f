/** Untrusted text for Slack: shown as it is, and neither a mention nor a link nor formatting. */
import { visible } from "../../visibleText";

/** "@here" pings people, and an address becomes a link; the defanged forms are the field's custom and stay readable. */
const defang = (text: string): string =>
    text
        .replace(/@(?=(here|channel|everyone)\b)/gi, "@ ")
        .replace(/\b(h)tt(ps?:\/\/)/gi, "$1xx$2")
        .replace(/\b(f)t(p:\/\/)/gi, "$1x$2");

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Escapes &, < and > and cuts the result to `most` characters, never inside an entity or a surrogate pair. */
export function escapeSlack(text: string, most: number): string {
    // Bounded first: making text visible is linear, and a disk may send megabytes.
    const safe = defang(visible(text.slice(0, most)));
    const cut = text.length > most;
    let result = "";
    for (const character of safe) {
        const escaped = entities[character] ?? character;
        if (result.length + escaped.length > most - 1) return `${result}…`;
        result += escaped;
    }
    return cut ? `${result}…` : result;
}

/** A code span: nothing inside it is formatting. Needs a non-empty value; a backtick becomes an apostrophe look-alike. */
export function codeSpan(text: string, most: number): string {
    return `\`${escapeSlack(text, most - 2).replaceAll("`", "ˋ") || "none"}\``;
}
