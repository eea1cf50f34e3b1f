/**
 * A message as a custom notification of Amazon Q Developer in chat applications (docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html), which
 * brings it to Slack and Microsoft Teams. Anything else on its topic it drops without a word, so that a spec holds these to the schema.
 */
import { z } from "zod";
import { offered, offerOf } from "../chatActions";
import type { Message, MessageSection } from "../messages/message";
import { runbookPlace } from "../messages/runbook";
import { clip, visible } from "../visibleText";
import { defang } from "./defang";
import { inOrder, packed, sectionLines } from "./fit";

/** Characters and counts that the service takes. */
const limits = { title: 250, description: 8000, nextSteps: 10, nextStep: 350, keywords: 10, keyword: 75 } as const;

/** The schema as documented. `strict`: the service drops what it does not know. */
export const chatNotificationSchema = z.strictObject({
    version: z.literal("1.0"),
    source: z.literal("custom"),
    id: z.string().min(1),
    content: z.strictObject({
        textType: z.literal("client-markdown"),
        title: z.string().min(1).max(limits.title),
        description: z.string().min(1).max(limits.description),
        nextSteps: z.array(z.string().min(1).max(limits.nextStep)).max(limits.nextSteps),
        keywords: z.array(z.string().min(1).max(limits.keyword)).max(limits.keywords),
    }),
    metadata: z.strictObject({
        threadId: z.string().min(1),
        summary: z.string().min(1).max(limits.title),
        eventType: z.string().min(1),
        relatedResources: z.array(z.string()),
        additionalContext: z.record(z.string(), z.string()),
    }),
});
export type ChatNotification = z.infer<typeof chatNotificationSchema>;

/** A section of details. */
const details = { items: 10, item: 600, all: 3000 } as const;

/** Text that is neither a mention, a link nor formatting, in Slack's Markdown and in Teams'. */
const plain = (text: string): string =>
    defang(visible(text))
        .replace(/[<>&]/g, (each) => ({ "<": "‹", ">": "›", "&": "+" })[each]!)
        .replace(/[*_~`[\]|]/g, (each) => ({ "*": "∗", _: "＿", "~": "∼", "`": "ˋ", "[": "⟦", "]": "⟧", "|": "¦" })[each]!)
        .replace(/@/g, "＠") || "–";

/** Identifiers keep their underscores and are set as code. A long value is no identifier. */
const value = (text: string): string =>
    text.length > 200
        ? plain(text)
        : `\`${
              defang(visible(text))
                  .replace(/@/g, "＠")
                  .replace(/[`<>&]/g, "ˋ") || " "
          }\``;

const sectionText = (section: MessageSection, whole: string): string[] =>
    section.items.length === 0 ? [] : [`*${section.heading}*`, ...sectionLines(section, details, plain, whole).map((line) => `• ${line}`)];

/**
 * @param idOf the id of each notification by its place, from 0
 * @returns one notification, or as many as it takes; those of one incident are one thread. Only details are cut, and counted.
 */
export function toChat(message: Message, idOf: (place: number) => string): ChatNotification[] {
    const fact = (label: string) => message.facts.find((each) => each.label === label)?.value;
    const steps = message.whatNow.map(plain);
    // All of them in the list that the service makes of them, or all in the text: people read them in their order.
    const inList = steps.length <= limits.nextSteps && steps.every(({ length }) => length <= limits.nextStep);
    const title = clip(plain(message.title), limits.title - 20);
    const descriptions = packed(
        [
            plain(message.summary),
            `*What we did:* ${plain(message.whatWeDid)}`,
            ...(inList ? [] : sectionText({ heading: "What you do now", items: message.whatNow }, message.whole)),
            `Runbook: ${message.runbookUrl ?? runbookPlace(message.runbook)}`,
            // As bare addresses: Slack and Teams write links in two ways and read this one alike.
            ...message.links.map(({ label, url }) => `${plain(label)}: ${url}`),
            ...message.facts.map(({ label, value: text }) => `*${label}:* ${value(text)}`),
            ...inOrder(message.sections).flatMap((section) => sectionText(section, message.whole)),
        ],
        limits.description,
    );
    return descriptions.map((description, index) => ({
        version: "1.0",
        source: "custom",
        id: idOf(index),
        content: {
            textType: "client-markdown",
            title: descriptions.length > 1 ? `(${index + 1} of ${descriptions.length}) ${title}` : title,
            description,
            nextSteps: inList && index === 0 ? steps : [],
            keywords: [message.tone, ...(fact("Account") ? [fact("Account")!] : [])].map((each) => clip(visible(each), limits.keyword)),
        },
        metadata: {
            threadId: clip(visible(fact("Incident") || idOf(0)), 128),
            summary: title,
            eventType: "clean-room",
            relatedResources: [fact("Instance")].flatMap((each) => (each ? [visible(clip(each, 128))] : [])),
            // Custom actions take the incident from here, and whether their button belongs under this message (domain/chatActions.ts).
            additionalContext: Object.fromEntries([
                ...(["Incident", "Instance", "Account", "Region"] as const).flatMap((label) =>
                    fact(label) ? [[label, visible(clip(fact(label)!, 128))]] : [],
                ),
                ...(message.offers ?? []).map((verb) => [offerOf(verb), offered]),
            ]),
        },
    }));
}
