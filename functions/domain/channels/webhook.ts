/** A message for the generic webhook: plain data, every text made visible, details bounded and counted, and how it is signed. docs/channels.md describes both. */
import { createHmac } from "node:crypto";
import { runbookPlace } from "../messages/runbook";
import type { Message } from "../messages/message";
import { shortened, visible } from "../visibleText";

/** Characters of one detail, and items of a section of details. */
const most = { text: 4000, details: 200 } as const;

/** @param at ISO 8601 */
export function toWebhook(message: Message, at: string) {
    return {
        schemaVersion: 1,
        at,
        tone: message.tone,
        title: visible(message.title),
        summary: visible(message.summary),
        whatWeDid: visible(message.whatWeDid),
        whatNow: message.whatNow.map(visible),
        runbook: message.runbookUrl ?? runbookPlace(message.runbook),
        facts: message.facts.map(({ label, value }) => ({ label, value: visible(value) })),
        sections: message.sections
            .filter(({ items }) => items.length > 0)
            .map(({ heading, items, detail }) => {
                const shown = detail ? items.slice(0, most.details) : items;
                return {
                    heading,
                    items: shown.map((item) => (detail ? shortened(visible(item), most.text) : visible(item))),
                    leftOut: items.length - shown.length,
                };
            }),
        whole: message.whole,
        links: message.links.map(({ label, url }) => ({ label, url })),
    };
}

/** @param seconds since 1970: a receiver refuses what is old, so that a message cannot be played again */
export const signature = (secret: string, seconds: number, body: string): string =>
    `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
