/** Renders a message as a Slack incoming-webhook payload: one coloured attachment of Block Kit blocks. */
import { limits } from "./limits";
import type { Fact, Message, MessageSection } from "../../messages/message";
import { runbookPlace } from "../../messages/runbook";
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

/** Budgets that together stay under Slack's total, whatever a message holds. */
const budget = {
    summary: 1200,
    facts: 12,
    factValue: 160,
    sections: 5,
    sectionItems: 1000,
    itemText: 400,
    links: 4,
    linkUrl: 500,
} as const;

const plain = (text: string, most: number): PlainText => ({ type: "plain_text", text: escapeSlack(text, most) || "–", emoji: false });
const mrkdwn = (text: string): Mrkdwn => ({ type: "mrkdwn", text, verbatim: true });

function factBlocks(facts: readonly Fact[]): SlackBlock[] {
    const fields = facts.slice(0, budget.facts).map(({ label, value }) => mrkdwn(`*${label}*\n${codeSpan(value, budget.factValue)}`));
    const blocks: SlackBlock[] = [];
    for (let at = 0; at < fields.length; at += limits.fields)
        blocks.push({ type: "section", fields: fields.slice(at, at + limits.fields) });
    return blocks;
}

/** Items as lines of plain text, in which Slack formats nothing; those that do not fit are counted. */
function sectionBlocks({ heading, items }: MessageSection): SlackBlock[] {
    const lines: string[] = [];
    let length = 0;
    for (const item of items) {
        const line = `• ${escapeSlack(item, budget.itemText)}`;
        if (length + line.length + 1 > budget.sectionItems) break;
        length += line.length + 1;
        lines.push(line);
    }
    if (lines.length < items.length) lines.push(`… and ${items.length - lines.length} more`);
    return [
        { type: "section", text: mrkdwn(`*${heading}*`) },
        { type: "section", text: { type: "plain_text", text: lines.join("\n"), emoji: false } },
    ];
}

/** @returns a payload that never breaks Slack's limits, whatever the message holds. */
export function toSlack(message: Message): SlackPayload {
    const links = message.links
        .filter(({ url }) => url.length <= budget.linkUrl)
        .slice(0, budget.links)
        .map(({ label, url }) => mrkdwn(`<${url.replaceAll("&", "&amp;")}|${escapeSlack(label, 60)}>`));
    return {
        text: escapeSlack(message.title, limits.headerText),
        mrkdwn: false,
        unfurl_links: false,
        unfurl_media: false,
        attachments: [
            {
                color: colours[message.tone],
                blocks: [
                    { type: "header", text: plain(message.title, limits.headerText) },
                    { type: "section", text: plain(message.summary, budget.summary) },
                    ...factBlocks(message.facts),
                    ...message.sections
                        .filter(({ items }) => items.length > 0)
                        .slice(0, budget.sections)
                        .flatMap(sectionBlocks),
                    { type: "context", elements: [...links, plain(`Runbook: ${runbookPlace(message.runbook)}`, 160)] },
                ],
            },
        ],
    };
}
