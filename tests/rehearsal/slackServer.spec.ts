import { expect } from "chai";
import { toSlack } from "../../functions/domain/channels/slack/toSlack";
import { startSlackServer, type SlackServer } from "../../rehearsal/slackServer";

describe("Slack's stand-in", () => {
    let slack: SlackServer;
    before(async () => {
        slack = await startSlackServer();
    });
    after(() => slack.stop());
    const post = async (body: string) => {
        const response = await fetch(slack.url, { method: "POST", headers: { "content-type": "application/json" }, body });
        return [response.status, await response.text()];
    };
    const [message] = toSlack({
        tone: "danger",
        title: "Contained: i-0aaaaaaaaaaaaaaaa",
        whatNow: [],
        summary: "A summary.",
        whatWeDid: "Nothing.",
        runbook: "Contained",
        facts: [],
        sections: [],
        whole: "in whole.json",
        links: [],
    });

    it("listens on loopback alone", () => {
        expect(new URL(slack.url).hostname).to.equal("127.0.0.1");
    });

    it("takes what Slack takes, and keeps it", async () => {
        expect(await post(JSON.stringify(message))).to.deep.equal([200, "ok"]);
        expect(slack.messages.at(-1)).to.deep.include({ payload: JSON.parse(JSON.stringify(message)), violations: [] });
    });

    it("refuses what breaks Block Kit's limits as Slack does, and keeps the reason", async () => {
        const tooMany = { text: "x", blocks: Array.from({ length: 51 }, () => ({ type: "divider" })) };
        expect(await post(JSON.stringify(tooMany))).to.deep.equal([400, "invalid_blocks"]);
        expect(slack.messages.at(-1)!.violations.join()).to.match(/51/);
    });

    it("refuses what is not JSON, what is too large, and what is not posted", async () => {
        const before = slack.messages.length;
        expect(await post("{")).to.deep.equal([400, "invalid_payload"]);
        expect(await post(JSON.stringify({ text: "x".repeat(1024 * 1024) }))).to.deep.equal([413, "request_too_large"]);
        expect((await fetch(slack.url)).status).to.equal(405);
        expect(slack.messages).to.have.length(before);
    });
});
