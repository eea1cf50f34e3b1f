/**
 * A message as a custom notification of Amazon Q Developer in chat applications (docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html), which
 * brings it to Slack and Microsoft Teams. Anything else on its topic it drops without a word, so that a spec holds these to the schema.
 */
import { z } from "zod";
import type { Message, MessageSection } from "../messages/message";
import { runbookPlace } from "../messages/runbook";
import { clip, visible } from "../visibleText";
import { defang } from "./defang";

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

/** Text that is neither a mention, a link nor formatting, in Slack's Markdown and in Teams'. */
const plain = (text: string, most: number): string =>
    clip(
        defang(visible(text))
            .replace(/[<>&]/g, (each) => ({ "<": "‹", ">": "›", "&": "+" })[each]!)
            .replace(/[*_~`[\]|]/g, (each) => ({ "*": "∗", _: "＿", "~": "∼", "`": "ˋ", "[": "⟦", "]": "⟧", "|": "¦" })[each]!)
            .replace(/@/g, "＠"),
        most,
    ) || "–";

/** Identifiers keep their underscores and are set as code. */
const code = (text: string, most: number): string =>
    `\`${clip(defang(visible(text)).replace(/@/g, "＠"), most - 2).replace(/[`<>&]/g, "ˋ") || " "}\``;

const section = ({ heading, items, detail }: MessageSection): string[] => {
    const shown = detail ? items.slice(0, 10) : items;
    return items.length === 0
        ? []
        : [
              `*${heading}*`,
              ...shown.map((item) => `• ${plain(item, 600)}`),
              ...(items.length > shown.length ? [`• and ${items.length - shown.length} more`] : []),
          ];
};

/** Whole lines up to the limit, and how many did not fit. */
function fitted(lines: readonly string[]): string {
    const kept: string[] = [];
    let length = 0;
    for (const line of lines) {
        length += line.length + 1;
        if (length > limits.description - 80)
            return [...kept, `… and ${lines.length - kept.length} more lines, in the e-mail and the console.`].join("\n");
        kept.push(line);
    }
    return kept.join("\n");
}

/**
 * @param id of this message
 * @returns a notification; those of one incident are one thread
 */
export function toChat(message: Message, id: string): ChatNotification {
    const fact = (label: string) => message.facts.find((each) => each.label === label)?.value;
    const steps = message.whatNow.map((step) => plain(step, limits.nextStep));
    return {
        version: "1.0",
        source: "custom",
        id,
        content: {
            textType: "client-markdown",
            title: plain(message.title, limits.title),
            description: fitted([
                plain(message.summary, 2000),
                // What does not fit the list of steps is never lost: it stands here.
                ...(steps.length > limits.nextSteps ? steps.slice(limits.nextSteps) : []),
                ...message.sections.filter(({ detail }) => !detail).flatMap(section),
                ...message.facts.map(({ label, value }) => `*${label}:* ${code(value, 300)}`),
                ...message.sections.filter(({ detail }) => detail).flatMap(section),
                `Runbook: ${runbookPlace(message.runbook)}`,
            ]),
            nextSteps: steps.slice(0, limits.nextSteps),
            keywords: [message.tone, ...(fact("Account") ? [fact("Account")!] : [])].map((each) => clip(visible(each), limits.keyword)),
        },
        metadata: {
            threadId: clip(visible(fact("Incident") || id), 128),
            summary: plain(message.title, limits.title),
            eventType: "clean-room",
            relatedResources: [fact("Instance")].flatMap((each) => (each ? [visible(clip(each, 128))] : [])),
            // Custom actions of the owner's (approve, deny, release) take the incident from here.
            additionalContext: Object.fromEntries(
                (["Incident", "Instance", "Account", "Region"] as const).flatMap((label) =>
                    fact(label) ? [[label, visible(clip(fact(label)!, 128))]] : [],
                ),
            ),
        },
    };
}
