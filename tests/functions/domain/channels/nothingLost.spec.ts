import { expect } from "chai";
import fc from "fast-check";
import { chatNotificationSchema, toChat } from "../../../../functions/domain/channels/chat";
import { mailsOf, toPlainText } from "../../../../functions/domain/channels/plainText";
import { checkSlackPayload } from "../../../../functions/domain/channels/slack/limits";
import { toSlack, type SlackBlock, type SlackPayload } from "../../../../functions/domain/channels/slack/toSlack";
import { toWebhook } from "../../../../functions/domain/channels/webhook";
import type { Message } from "../../../../functions/domain/messages/message";

/** Words that occur once in a message, so that each can be looked for; between them what channels escape, mark or take apart. */
let next = 0;
const nasty = fc.constantFrom(" ", " & ", "<", "\u202E", "💥", "\n", "", "@here ", "http://a.example/", "é ".repeat(40));
const words = (least: number, most: number) =>
    fc.array(nasty, { minLength: least, maxLength: most }).map((between) => between.map((each) => `w${next++}w${each}`).join(""));
const text = fc.oneof({ weight: 4, arbitrary: words(1, 12) }, { weight: 1, arbitrary: words(500, 2500) });
const texts = fc.array(text, { maxLength: 30 });
const messages: fc.Arbitrary<Message> = fc.record({
    tone: fc.constantFrom("danger" as const, "warning" as const),
    title: fc.constant("NOT contained: i-0a"),
    summary: text,
    whatWeDid: text,
    whatNow: texts,
    runbook: fc.constant("NOT contained"),
    facts: fc.array(fc.record({ label: fc.constant("Label"), value: text }), { maxLength: 15 }),
    sections: fc.array(
        fc
            .tuple(texts, fc.boolean())
            .map(([items, detail]) => (detail ? { heading: "Details", items, detail: true as const } : { heading: "Failures", items })),
        { maxLength: 4 },
    ),
    whole: fc.constant("in whole.json"),
    links: fc.constant([
        {
            label: "Instance",
            url: "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#x",
            place: { account: "222222222222", region: "eu-west-1" },
        },
    ]),
});

const blockText = (block: SlackBlock): string =>
    block.type === "context" || block.type === "header"
        ? ""
        : "fields" in block
          ? block.fields.map((field) => field.text).join("")
          : block.text.text;
const slackText = (payloads: readonly SlackPayload[]) =>
    payloads.flatMap(({ attachments }) => attachments[0].blocks.map(blockText)).join("");

/** What a reader of each channel gets, in its order. */
const channels: readonly (readonly [name: string, read: (message: Message) => string])[] = [
    ["Slack", (message) => slackText(toSlack(message))],
    ["e-mail", (message) => mailsOf(toPlainText(message)).reduce((all, { text: part }) => all + part, "")],
    [
        "chat",
        (message) =>
            toChat(message, String)
                .flatMap(({ content }) => [...content.nextSteps, content.description])
                .join(""),
    ],
    ["webhook", (message) => JSON.stringify(toWebhook(message, "2026-11-20T03:31:00.000Z"))],
];
const wordsOf = (value: string) => value.match(/w\d+w/g) ?? [];
const runs = { numRuns: 40 };

describe("what channels make of a message of any length", () => {
    for (const [name, read] of channels) {
        it(`keeps every instruction, failure and fact in ${name}`, () => {
            fc.assert(
                fc.property(messages, (message) => {
                    const shown = new Set(wordsOf(read(message)));
                    const grave = [
                        message.summary,
                        message.whatWeDid,
                        ...message.whatNow,
                        ...message.facts.map(({ value }) => value),
                        ...message.sections.filter(({ detail }) => !detail).flatMap(({ items }) => items),
                    ];
                    expect(grave.flatMap(wordsOf).filter((word) => !shown.has(word))).to.deep.equal([]);
                }),
                runs,
            );
        });

        it(`says of every cut in ${name} how much it is`, () => {
            fc.assert(
                fc.property(messages, (message) => {
                    const items = message.sections.filter(({ detail }) => detail).flatMap(({ items: each }) => each);
                    const read1 = read(message);
                    const shown = new Set(wordsOf(read1));
                    const begun = items.filter((item) => shown.has(wordsOf(item)[0]!));
                    const cut = begun.filter((item) => wordsOf(item).some((word) => !shown.has(word)));
                    expect(read1.match(/… \(\d+ more characters\)/g)?.length ?? 0).to.be.at.least(cut.length);
                    const counted = [...read1.matchAll(/… and (\d+) more, in whole.json|"leftOut":(\d+)/g)];
                    expect(counted.reduce((sum, [, one, two]) => sum + Number(one ?? two), 0)).to.equal(items.length - begun.length);
                    expect(read1.replace(/… (\(\d+ more characters\)|and \d+ more)/g, ""), "a cut that says nothing").to.not.contain("…");
                }),
                runs,
            );
        });
    }

    it("stands within every channel's limits, and the first part has the runbook and the links", () => {
        fc.assert(
            fc.property(messages, (message) => {
                const payloads = toSlack(message);
                expect(payloads.flatMap(checkSlackPayload)).to.deep.equal([]);
                const mails = mailsOf(toPlainText(message));
                for (const mail of mails) expect(Buffer.byteLength(mail.text)).to.be.at.most(256 * 1024 - 1024);
                const chat = toChat(message, String).map((each) => chatNotificationSchema.parse(each));
                expect(new Set(chat.map(({ id }) => id)).size).to.equal(chat.length);
                for (const first of [
                    JSON.stringify(payloads[0]),
                    ...(message.summary.length + message.whatWeDid.length < 5000 ? [mails[0]!.text] : []),
                ])
                    expect(first).to.contain("docs/runbook.md#not-contained").and.contain("console.aws.amazon.com/ec2");
            }),
            runs,
        );
    });

    it("goes on in a second mail where one does not hold it", () => {
        const long = "é".repeat(200_000);
        const mails = mailsOf({ subject: "x", text: `first\n${long}\nlast` });
        expect(mails.length).to.be.greaterThan(1);
        expect(mails[0]!.subject).to.equal(`(1 of ${mails.length}) x`);
        expect(
            mails
                .map(({ text: part }) => part)
                .join("")
                .replaceAll("\n", ""),
        ).to.equal(`first${long}last`);
        for (const mail of mails) expect(Buffer.byteLength(mail.text)).to.be.at.most(250_000);
    });
});
