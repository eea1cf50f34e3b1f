import { expect } from "chai";
import { toSlack } from "../../../../functions/domain/channels/slack/toSlack";
import { checkSlackPayload } from "../../../../functions/domain/channels/slack/limits";
import { isolationMessage } from "../../../../functions/domain/messages/isolation";
import { withLinks, type LinkSettings } from "../../../../functions/domain/messages/links";
import * as plain from "../../../fixtures/analysis/plain";

const message = isolationMessage(plain.custody.incident, plain.custody.containment);
const settings: LinkSettings = { forensicsAccountId: "111111111111", docsUrl: null, identityCenter: null };
const portal = { startUrl: "https://d-1234567890.awsapps.com/start/", roleName: "Incident+Responder" };

describe("a message's links", () => {
    it("name account and Region", () => {
        const { links } = withLinks(message, settings);
        expect(links.map(({ label }) => label)).to.contain("Instance (account 222222222222, eu-west-1)");
        expect(links.map(({ url }) => url)).to.deep.equal(message.links.map(({ url }) => url));
        const evidence = { label: "Evidence bucket", url: "https://x", place: { account: "forensics", region: "eu-west-1" } };
        expect(withLinks({ ...message, links: [evidence] }, settings).links[0]!.label).to.equal(
            "Evidence bucket (account 111111111111, eu-west-1)",
        );
    });

    it("sign people in to the link's own account, and end where they would have ended", () => {
        const linked = withLinks(message, { ...settings, identityCenter: portal });
        for (const [index, { url }] of linked.links.entries()) {
            const [before, after] = url.split("#/console?");
            const query = new URLSearchParams(after);
            expect(before).to.equal("https://d-1234567890.awsapps.com/start/");
            expect([...query.keys()]).to.deep.equal(["account_id", "role_name", "destination"]);
            expect(query.get("account_id")).to.equal("222222222222");
            expect(query.get("role_name")).to.equal("Incident+Responder");
            expect(query.get("destination")).to.equal(message.links[index]!.url);
        }
        const open = withLinks(message, { ...settings, identityCenter: { ...portal, roleName: null } });
        expect(open.links[0]!.url).to.not.contain("role_name");
        expect(toSlack(linked).flatMap((payload) => checkSlackPayload(payload))).to.deep.equal([]);
        expect(JSON.stringify(toSlack(linked))).to.contain("awsapps.com");
    });

    it("leave alone what opens without signing in, and find the runbook's page where there is one", () => {
        const shared = { label: "Open it", url: "https://b.s3.eu-west-1.amazonaws.com/incidents/x?X-Amz-Signature=1", place: null };
        const linked = withLinks(
            { ...message, links: [shared] },
            { ...settings, docsUrl: "https://git.example.com/soc/blob/main/", identityCenter: portal },
        );
        expect(linked.links).to.deep.equal([shared]);
        expect(linked.runbookUrl).to.equal("https://git.example.com/soc/blob/main/docs/runbook.md#contained");
        const slack = toSlack(linked);
        // The one address that is the owner's to say.
        for (const violation of slack.flatMap((payload) => checkSlackPayload(payload))) expect(violation).to.contain(linked.runbookUrl);
        expect(JSON.stringify(slack)).to.contain("|Runbook: Contained>");
    });
});
