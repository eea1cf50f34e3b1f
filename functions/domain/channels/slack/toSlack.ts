/**
 * Renders a message as Slack incoming-webhook payloads: one coloured attachment of Block Kit blocks each. A message that is too long
 * for one payload goes on in the next: only details are cut, and then counted.
 */
import type { Fact, Message, MessageSection } from "../../messages/message";
import { runbookPlace } from "../../messages/runbook";
import { limits } from "./limits";
import { codeSpan, escapeSlack } from "./text";

export interface PlainText {
    type: "plain_text";
    text: string;
    emoji: false;
}
/** `verbatim`: Slack must not look for names and addresses in it. */
export interface Mrkdwn {
    type: "mrkdwn";
    text: string;
    verbatim: true;
}
export type SlackText = PlainText | Mrkdwn;
export type SlackBlock =
    | { type: "header"; text: PlainText }
    | { type: "section"; text: SlackText }
    | { type: "section"; fields: SlackText[] }
    | { type: "context"; elements: SlackText[] };

export interface SlackPayload {
    /** What notifications and screen readers say. */
    text: string;
    mrkdwn: false;
    unfurl_links: false;
    unfurl_media: false;
    attachments: [{ color: string; blocks: SlackBlock[] }];
}

const colours: Record<Message["tone"], string> = { danger: "#9a1b1e", warning: "#a8460a", neutral: "#56708a" };

/** Characters and counts. A payload's text stays well below what `limits` allow in all. */
const budget = {
    summary: 1200,
    factValue: 160,
    /** A section of details: these many characters in all, and an item. */
    detail: 1000,
    detailItem: 400,
    links: 4,
    linkUrl: 500,
    payloadText: limits.totalText - 1000,
    payloadBlocks: limits.blocks - 2,
    /** Payloads of one message. What does not fit even so is counted in the last one. */
    payloads: 8,
} as const;

const plain = (text: string, most: number): PlainText => ({ type: "plain_text", text: escapeSlack(text, most) || "–", emoji: false });
const mrkdwn = (text: string): Mrkdwn => ({ type: "mrkdwn", text, verbatim: true });
const inPlain = (text: string): SlackBlock => ({ type: "section", text: { type: "plain_text", text, emoji: false } });

function factBlocks(facts: readonly Fact[]): SlackBlock[] {
    const fields = facts.map(({ label, value }) => mrkdwn(`*${label}*\n${codeSpan(value, budget.factValue)}`));
    const blocks: SlackBlock[] = [];
    for (let at = 0; at < fields.length; at += limits.fields)
        blocks.push({ type: "section", fields: fields.slice(at, at + limits.fields) });
    return blocks;
}

/** Lines in as few blocks as hold them. */
function inBlocks(lines: readonly string[]): SlackBlock[] {
    const texts: string[] = [];
    for (const line of lines) {
        const last = texts.at(-1);
        if (last !== undefined && last.length + 1 + line.length <= limits.sectionText) texts[texts.length - 1] = `${last}\n${line}`;
        else texts.push(line);
    }
    return texts.map(inPlain);
}

/** The beginning of some details, and how many items are left out. */
function firstDetails(items: readonly string[]): string[] {
    const lines: string[] = [];
    let length = 0;
    for (const item of items) {
        const line = `• ${escapeSlack(item, budget.detailItem)}`;
        length += line.length + 1;
        if (length > budget.detail) break;
        lines.push(line);
    }
    return lines.length < items.length ? [...lines, `… and ${items.length - lines.length} more`] : lines;
}

/** Items as lines of plain text, in which Slack formats nothing. */
function sectionBlocks({ heading, items, detail }: MessageSection): SlackBlock[] {
    if (items.length === 0) return [];
    const lines = detail ? firstDetails(items) : items.map((item) => `• ${escapeSlack(item, limits.sectionText - 2)}`);
    return [{ type: "section", text: mrkdwn(`*${heading}*`) }, ...inBlocks(lines)];
}

/** Characters of a block's text. */
function lengthOf(block: SlackBlock): number {
    if (block.type === "context") return block.elements.reduce((sum, { text }) => sum + text.length, 0);
    if ("fields" in block) return block.fields.reduce((sum, { text }) => sum + text.length, 0);
    return block.text.text.length;
}

/** The blocks in groups of which each fits one payload. */
function payloadsOf(blocks: readonly SlackBlock[]): SlackBlock[][] {
    const groups: SlackBlock[][] = [[]];
    let length = 0;
    for (const block of blocks) {
        const full = groups.at(-1)!.length >= budget.payloadBlocks || length + lengthOf(block) > budget.payloadText;
        if (full) {
            groups.push([]);
            length = 0;
        }
        groups.at(-1)!.push(block);
        length += lengthOf(block);
    }
    return groups;
}

/** @returns one or more payloads, to be posted in this order; none breaks Slack's limits, whatever the message holds. */
export function toSlack(message: Message): SlackPayload[] {
    const links = message.links
        .filter(({ url }) => url.length <= budget.linkUrl)
        .slice(0, budget.links)
        .map(({ label, url }) => mrkdwn(`<${url.replaceAll("&", "&amp;")}|${escapeSlack(label, 60)}>`));
    const groups = payloadsOf([
        { type: "section", text: plain(message.summary, budget.summary) },
        ...sectionBlocks({ heading: "What you do now", items: message.whatNow }),
        ...factBlocks(message.facts),
        ...message.sections.flatMap(sectionBlocks),
        { type: "context", elements: [...links, plain(`Runbook: ${runbookPlace(message.runbook)}`, 160)] },
    ]);
    const lost = groups.slice(budget.payloads).flat().length;
    const shown = groups.slice(0, budget.payloads);
    if (lost > 0) shown.at(-1)!.push(inPlain(`… and ${lost} more blocks of text, which stand in the notification by e-mail.`));
    return shown.map((blocks, index) => {
        const title = index === 0 ? message.title : `(${index + 1} of ${shown.length}) ${message.title}`;
        return {
            text: escapeSlack(title, limits.headerText),
            mrkdwn: false,
            unfurl_links: false,
            unfurl_media: false,
            attachments: [{ color: colours[message.tone], blocks: [{ type: "header", text: plain(title, limits.headerText) }, ...blocks] }],
        };
    });
}
