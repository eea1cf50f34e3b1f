/** Untrusted text for Slack: shown as it is, and neither a mention nor a link nor formatting. */
import { visible } from "../../visibleText";

/** "@here" pings people, and an address becomes a link; the defanged forms are the field's custom and stay readable. Wherever they stand in a word: the text may be parted there. */
const defang = (text: string): string =>
    text
        .replace(/@(?=here|channel|everyone)/gi, "@ ")
        .replace(/(h)tt(ps?:\/\/)/gi, "$1xx$2")
        .replace(/(f)t(p:\/\/)/gi, "$1x$2");

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** The whole text with &, < and > escaped. */
export const escapeSlack = (text: string): string => defang(visible(text)).replace(/[&<>]/g, (each) => entities[each]!);

/** A code span: nothing inside it is formatting. Needs a non-empty value; a backtick becomes an apostrophe look-alike. */
export const codeSpan = (text: string): string => `\`${escapeSlack(text).replaceAll("`", "ˋ") || "none"}\``;
