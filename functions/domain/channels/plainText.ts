/** Renders a message as plain text, for e-mail and other subscribers of the notification topic. */
import { visible } from "../visibleText";
import type { Message } from "../messages/message";
import { runbookPlace } from "../messages/runbook";
import { defang } from "./defang";
import { inOrder, packed, sectionLines } from "./fit";

/** SNS: a subject has at most 100 ASCII characters, a message 256 KiB. Room is left for what SNS itself writes below it. */
const longest = { subject: 100, bytes: 250_000 } as const;
const details = { items: 50, item: 1000, all: 20_000 } as const;

export interface PlainMessage {
    subject: string;
    text: string;
}

/** Mail programs make links of addresses: none of what a disk or a finding says may be followed. */
const line = (text: string) => defang(visible(text));
const bytesOf = (text: string) => Buffer.byteLength(text, "utf8");

/** The whole message. Only details are cut, and counted. */
export function toPlainText(message: Message): PlainMessage {
    const text = [
        line(message.title),
        "",
        line(message.summary),
        `What we did: ${line(message.whatWeDid)}`,
        ...[{ heading: "What you do now", items: message.whatNow }, ...inOrder(message.sections)].flatMap((section, index) => [
            ...(section.items.length === 0
                ? []
                : ["", section.heading, ...sectionLines(section, details, line, message.whole).map((each) => `- ${each}`)]),
            // Short, and what a reader looks for: after what to do, before everything else.
            ...(index === 0
                ? [
                      "",
                      ...message.facts.map(({ label, value }) => `${label}: ${line(value)}`),
                      `Runbook: ${message.runbookUrl ?? runbookPlace(message.runbook)}`,
                      ...message.links.map(({ label, url }) => `${label}: ${url}`),
                  ]
                : []),
        ]),
    ].join("\n");
    const subject = message.title
        .replace(/[–—]/g, "-")
        .normalize("NFKD")
        .replace(/[^\x20-\x7e]/g, "?");
    return { subject: subject.slice(0, longest.subject), text };
}

/** The message as SNS takes it: one mail, or as many as it takes. */
export function mailsOf({ subject, text }: PlainMessage): PlainMessage[] {
    const texts = packed(text.split("\n"), longest.bytes, bytesOf);
    return texts.map((part, index) => ({
        subject: `${texts.length > 1 ? `(${index + 1} of ${texts.length}) ` : ""}${subject}`.slice(0, longest.subject),
        text: part,
    }));
}
