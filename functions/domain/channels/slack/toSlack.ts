/**
 * Renders a message as Slack incoming-webhook payloads: one coloured attachment of Block Kit blocks each. A message that is too long for one
 * payload goes on in the next. The first one ends with the links and the runbook's page; only details are cut, and then counted.
 */
import type { Fact, Link, Message, MessageSection } from "../../messages/message";
import { runbookPlace } from "../../messages/runbook";
import { inOrder, packed, sectionLines } from "../fit";
import { clip } from "../../visibleText";
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
    /** A fact up to here stands in a field, a longer one in a line of its own. */
    field: 160,
    details: { items: 50, item: 400, all: 1000 },
    links: limits.contextElements - 1,
    /** A link up to here stands in the line of links, a longer one in a section. */
    shortLink: 500,
    payloadText: limits.totalText - 1000,
    payloadBlocks: limits.blocks - 2,
} as const;

const plain = (text: string): PlainText => ({ type: "plain_text", text: text || "–", emoji: false });
const mrkdwn = (text: string): Mrkdwn => ({ type: "mrkdwn", text, verbatim: true });
/** Lines in as few blocks as hold them. Slack formats nothing in plain text. */
const inBlocks = (lines: readonly string[]): SlackBlock[] =>
    packed(lines, limits.sectionText).map((text) => ({ type: "section", text: plain(text) }));

function factBlocks(facts: readonly Fact[]): SlackBlock[] {
    const isShort = ({ value }: Fact) => escapeSlack(value).length <= budget.field;
    const fields = facts.filter(isShort).map(({ label, value }) => mrkdwn(`*${label}*\n${codeSpan(value)}`));
    const blocks: SlackBlock[] = [];
    for (let at = 0; at < fields.length; at += limits.fields)
        blocks.push({ type: "section", fields: fields.slice(at, at + limits.fields) });
    return [...blocks, ...inBlocks(facts.filter((fact) => !isShort(fact)).map(({ label, value }) => `${label}: ${escapeSlack(value)}`))];
}

function sectionBlocks(section: MessageSection, whole: string): SlackBlock[] {
    const lines = sectionLines(section, budget.details, escapeSlack, whole).map((line) => `• ${line}`);
    return lines.length === 0 ? [] : [{ type: "section", text: mrkdwn(`*${section.heading}*`) }, ...inBlocks(lines)];
}

/** Links and the runbook's page. A link that is too long for Slack is said to be so. */
function placeBlocks({ links, runbook, runbookUrl }: Message): SlackBlock[] {
    const all = [...links, ...(runbookUrl === undefined ? [] : [{ label: `Runbook: ${runbook}`, url: runbookUrl }])];
    const shown = all.map(({ label, url }: Pick<Link, "label" | "url">) => ({
        url,
        text: `<${url.replaceAll("&", "&amp;")}|${escapeSlack(clip(label, 100))}>`,
    }));
    const short = shown.filter(({ url }) => url.length <= budget.shortLink).slice(0, budget.links);
    return [
        ...shown
            .filter((each) => !short.includes(each))
            .map(({ text }, index): SlackBlock =>
                text.length <= limits.sectionText
                    ? { type: "section", text: mrkdwn(text) }
                    : { type: "section", text: plain(`Link ${index + 1} is too long for Slack. It stands in the e-mail.`) },
            ),
        {
            type: "context",
            elements: [
                ...short.map(({ text }) => mrkdwn(text)),
                ...(runbookUrl === undefined ? [plain(`Runbook: ${runbookPlace(runbook)}`)] : []),
            ],
        },
    ];
}

/** Characters of a block's text. */
function lengthOf(block: SlackBlock): number {
    if (block.type === "context") return block.elements.reduce((sum, { text }) => sum + text.length, 0);
    if ("fields" in block) return block.fields.reduce((sum, { text }) => sum + text.length, 0);
    return block.text.text.length;
}
const lengthOfAll = (blocks: readonly SlackBlock[]) => blocks.reduce((sum, block) => sum + lengthOf(block), 0);

/** The blocks in groups of which each fits one payload; the first ends with what must stand in it. */
function payloadsOf(blocks: readonly SlackBlock[], endOfFirst: readonly SlackBlock[]): SlackBlock[][] {
    const groups: SlackBlock[][] = [[]];
    let room = { blocks: budget.payloadBlocks - endOfFirst.length, text: budget.payloadText - lengthOfAll(endOfFirst) };
    for (const block of blocks) {
        if (room.blocks === 0 || lengthOf(block) > room.text) {
            groups.push([]);
            room = { blocks: budget.payloadBlocks, text: budget.payloadText };
        }
        groups.at(-1)!.push(block);
        room = { blocks: room.blocks - 1, text: room.text - lengthOf(block) };
    }
    groups[0]!.push(...endOfFirst);
    return groups;
}

/** @returns one or more payloads, to be posted in this order; none breaks Slack's limits, whatever the message holds. */
export function toSlack(message: Message): SlackPayload[] {
    const title = escapeSlack(message.title);
    const groups = payloadsOf(
        [
            // A title is short by design. One that is not stands whole below its own beginning.
            ...inBlocks([
                ...(title.length > limits.headerText ? [title] : []),
                escapeSlack(message.summary),
                `What we did: ${escapeSlack(message.whatWeDid)}`,
            ]),
            ...sectionBlocks({ heading: "What you do now", items: message.whatNow }, message.whole),
            ...factBlocks(message.facts),
            ...inOrder(message.sections).flatMap((section) => sectionBlocks(section, message.whole)),
        ],
        placeBlocks(message),
    );
    return groups.map((blocks, index) => {
        const heading = headerText(groups.length > 1 ? `(${index + 1} of ${groups.length}) ` : "", message.title);
        return {
            text: heading,
            mrkdwn: false,
            unfurl_links: false,
            unfurl_media: false,
            attachments: [{ color: colours[message.tone], blocks: [{ type: "header", text: plain(heading) }, ...blocks] }],
        };
    });
}

/** The longest beginning of a title whose escaped form is a header. */
function headerText(before: string, title: string): string {
    let most = limits.headerText - before.length;
    let text = escapeSlack(title);
    while (before.length + text.length > limits.headerText) text = escapeSlack(clip(title, --most));
    return `${before}${text}` || "–";
}
