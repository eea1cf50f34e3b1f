import { expect } from "chai";
import { handler } from "../../functions/notifyIsolation";
import { openRecord, standingIncident, updateIncident } from "../../functions/aws/incidentsTable";
import { newRecord, withFinding } from "../../functions/domain/incidentRecord";
import { checkSlackPayload } from "../../functions/domain/channels/slack/limits";
import { custody } from "../fixtures/analysis/plain";
import { startNotifyingAws, type NotifyingAws } from "../support/aws/notifyingAws";

const input = { incident: custody.incident, containment: custody.containment! };

async function failure(promise: Promise<unknown>): Promise<Error> {
    return promise.then(
        () => {
            throw new Error("It was expected to fail and did not.");
        },
        (error: Error) => error,
    );
}

describe("notifyIsolation", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
    });
    afterEach(() => fake.stop());

    it("tells Slack of the isolation", async () => {
        expect(await handler(input)).to.deep.equal({ told: ["slack"] });
        expect(checkSlackPayload(fake.slack.payloads[0])).to.deep.equal([]);
        expect(JSON.stringify(fake.slack.payloads[0])).to.contain("Contained: i-0a1b2c3d4e5f60718");
    });

    it("names the findings that joined the incident meanwhile, and tells of the isolation all the same where the table cannot be read", async () => {
        process.env.INCIDENTS_TABLE = "incidents";
        try {
            const { incident } = input;
            await openRecord(newRecord(incident, 1, "automatic", incident.openedAt), null);
            const { incidentId } = (await standingIncident(incident.instance))!.incident;
            await updateIncident(incidentId, (record) =>
                withFinding(
                    record,
                    { ...incident.finding, id: "0ther", type: "Recon:EC2/Portscan" },
                    "automatic",
                    "2026-11-20T03:59:00.000Z",
                ),
            );
            await handler({ ...input, incident: { ...incident, incidentId } });
            expect(JSON.stringify(fake.slack.payloads[0])).to.contain("Recon:EC2/Portscan").and.contain("0ther");
            process.env.INCIDENTS_TABLE = "";
            expect(await handler(input)).to.deep.equal({ told: ["slack"] });
        } finally {
            delete process.env.INCIDENTS_TABLE;
        }
    });

    it("never says contained when containment was not verified", async () => {
        await handler({ ...input, containment: { ...input.containment, contained: false } });
        expect(JSON.stringify(fake.slack.payloads[0]))
            .to.contain("NOT contained")
            .and.not.match(/"Contained:|is contained/);
    });

    it("tells that the instance is not contained when containment failed altogether", async () => {
        await handler({ ...input, containment: null });
        expect(JSON.stringify(fake.slack.payloads[0])).to.contain("NOT contained").and.contain("Contain it by hand now");
    });

    it("tells nobody, and says so, when nothing is configured", async () => {
        process.env.SLACK_WEBHOOK_PARAMETER = "";
        expect(await handler(input)).to.deep.equal({ told: [] });
    });

    for (const status of [429, 500, 503]) {
        it(`throws Transient on ${status}`, async () => {
            fake.slack.answers.push({ status });
            expect((await failure(handler(input))).name).to.equal("Transient");
        });
    }

    it("throws Transient when Slack cannot be reached, without the URL", async () => {
        fake.ssm.parameters.set(process.env.SLACK_WEBHOOK_PARAMETER!, "http://127.0.0.1:1/services/secret-token");
        const error = await failure(handler(input));
        expect(error.name).to.equal("Transient");
        expect(error.message).to.contain("could not be reached").and.not.contain("secret-token");
    });

    for (const [what, status] of [
        ["a revoked webhook", 404],
        ["a payload that Slack refuses", 400],
        ["a redirect", 302],
    ] as const) {
        it(`throws StepFailed naming the parameter on ${what}`, async () => {
            fake.slack.answers.push({ status, headers: { location: `${fake.slack.url}/elsewhere` } });
            const error = await failure(handler(input));
            expect(error.name).to.equal("StepFailed");
            expect(error.message).to.contain(process.env.SLACK_WEBHOOK_PARAMETER!).and.not.contain("secret-token");
            expect(fake.slack.payloads).to.have.length(0);
        });
    }

    for (const [what, value] of [
        ["is missing", undefined],
        ["is no URL", "xoxb-token"],
        ["is not https", "http://hooks.slack.com/services/x"],
    ] as const) {
        it(`throws StepFailed when the parameter ${what}`, async () => {
            if (value === undefined) fake.ssm.parameters.clear();
            else fake.ssm.parameters.set(process.env.SLACK_WEBHOOK_PARAMETER!, value);
            const error = await failure(handler(input));
            expect(error.name).to.equal("StepFailed");
            expect(error.message).to.contain(process.env.SLACK_WEBHOOK_PARAMETER!);
            if (value) expect(error.message).to.not.contain(value);
        });
    }

    it("is done when the topic took the message although the webhook is gone", async () => {
        process.env.NOTIFICATION_TOPIC_ARN = "arn:aws:sns:eu-west-1:111111111111:people";
        fake.slack.answers.push({ status: 404 });
        expect(await handler(input)).to.deep.equal({ told: ["topic"] });
        expect(fake.sns.published[0].Message).to.contain("The instance is contained since 2026-11-20 03:31:10 UTC");
    });

    it("refuses an input that is no containment", async () => {
        expect((await failure(handler({ incident: custody.incident }))).name).to.equal("StepFailed");
    });
});
