/** Renders a message as plain text, for e-mail and other subscribers of the notification topic. */
import { clip, visible } from "../visibleText";
import type { Message } from "../messages/message";
import { runbookPlace } from "../messages/runbook";

/** SNS: a subject has at most 100 ASCII characters; a message 256 KiB, of which a reader wants far less. */
const longest = { subject: 100, item: 1000, items: 50, text: 30_000 } as const;

export interface PlainMessage {
    subject: string;
    text: string;
}

export function toPlainText(message: Message): PlainMessage {
    const line = (text: string) => visible(clip(text, longest.item));
    const text = [
        line(message.title),
        "",
        line(message.summary),
        "",
        ...message.facts.map(({ label, value }) => `${label}: ${line(value)}`),
        ...message.sections
            .filter(({ items }) => items.length > 0)
            .flatMap(({ heading, items }) => [
                "",
                heading,
                ...items.slice(0, longest.items).map((item) => `- ${line(item)}`),
                ...(items.length > longest.items ? [`- and ${items.length - longest.items} more`] : []),
            ]),
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
