/** Renders a message as plain text, for e-mail and other subscribers of the notification topic. */
import { clip, visible } from "../visibleText";
import type { Message, MessageSection } from "../messages/message";
import { runbookPlace } from "../messages/runbook";
import { defang } from "./defang";

/** SNS: a subject has at most 100 ASCII characters; a message 256 KiB, and a character up to 3 bytes in UTF-8. */
const longest = { subject: 100, item: 1000, details: 50, text: 80_000 } as const;

export interface PlainMessage {
    subject: string;
    text: string;
}

/** Mail programs make links of addresses: none of what a disk or a finding says may be followed. */
const line = (text: string) => defang(visible(clip(text, longest.item)));

/** Details are cut and counted, everything else is shown whole. */
function section({ heading, items, detail }: MessageSection): string[] {
    const shown = detail ? items.slice(0, longest.details) : items;
    const more = items.length - shown.length;
    return items.length === 0 ? [] : ["", heading, ...shown.map((item) => `- ${line(item)}`), ...(more > 0 ? [`- and ${more} more`] : [])];
}

/** @returns subject and text as SNS takes them */
export function toPlainText(message: Message): PlainMessage {
    const text = [
        line(message.title),
        "",
        line(message.summary),
        ...section({ heading: "What you do now", items: message.whatNow }),
        "",
        ...message.facts.map(({ label, value }) => `${label}: ${line(value)}`),
        ...message.sections.flatMap(section),
        "",
        `Runbook: ${runbookPlace(message.runbook)}`,
        ...message.links.map(({ label, url }) => `${label}: ${url}`),
    ].join("\n");
    const subject = message.title
        .replace(/[–—]/g, "-")
        .normalize("NFKD")
        .replace(/[^\x20-\x7e]/g, "?");
    return { subject: subject.slice(0, longest.subject), text: clip(text, longest.text) };
}
