import { expect } from "chai";
import { handler } from "../../functions/sendErrorNotification";
import { openRecord, updateIncident } from "../../functions/aws/incidentsTable";
import { newRecord } from "../../functions/domain/incidentRecord";
import { checkSlackPayload } from "../../functions/domain/channels/slack/limits";
import { custody, incidentId, prefix } from "../fixtures/analysis/plain";
import { startNotifyingAws, type NotifyingAws } from "../support/aws/notifyingAws";

const problem = (fields: Record<string, unknown> = {}) => ({
    schemaVersion: 1,
    incidentId,
    instance: custody.incident.instance,
    step: "AttachEvidenceVolumes",
    error: "States.TaskFailed",
    cause: JSON.stringify({
        errorMessage: "The volume could not be attached: vol-0abc. Check the Availability Zone.",
        errorType: "StepFailed",
        trace: ["at x"],
    }),
    at: "2026-11-20T03:50:00.000Z",
    ...fields,
});

describe("sendErrorNotification", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
    });
    afterEach(() => fake.stop());

    async function notify(key: string, record: unknown): Promise<string> {
        fake.objects.set(key, typeof record === "string" ? record : JSON.stringify(record));
        await handler(fake.event(key));
        expect(fake.slack.payloads).to.have.length(1);
        expect(checkSlackPayload(fake.slack.payloads[0])).to.deep.equal([]);
        return JSON.stringify(fake.slack.payloads[0]);
    }

    it("tells a failure while people are asked as not contained yet, and as observed only once that is decided", async () => {
        process.env.INCIDENTS_TABLE = "incidents";
        const { incident } = custody;
        await openRecord({ ...newRecord(incident, 1, "approval", incident.openedAt), incident }, null);
        fake.objects.set(`${prefix}observed-instance.json`, "{}");
        const key = `${prefix}errors/CreateSnapshots.error.json`;
        const asked = await notify(key, problem({ step: "CreateSnapshots" }));
        expect(asked).to.contain("NOT contained yet: people are asked").and.not.contain("Observed, not contained");
        fake.slack.payloads.length = 0;
        await updateIncident(incidentId, (record) => ({ ...record, status: "observed" }));
        expect(await notify(key, problem({ step: "CreateSnapshots" }))).to.contain("Observed, not contained");
    });

    it("says what happened, to what, what to do and how things stand", async () => {
        fake.objects.set(`${prefix}restore-record.json`, "{}");
        fake.objects.set(`${prefix}custody.json`, "{}");
        const text = await notify(`${prefix}errors/AttachEvidenceVolumes.error.json`, problem());
        expect(text).to.contain("The volume could not be attached: vol-0abc. Check the Availability Zone.").and.not.contain("errorMessage");
        expect(text)
            .to.contain("StepFailed")
            .and.contain("Check the volume quota")
            .and.contain("Isolated before this step")
            .and.contain("Snapshots are locked");
    });

    it("never calls an instance isolated whose isolation failed, whatever failed later", async () => {
        fake.objects.set(`${prefix}errors/IsolateInstance.error.json`, "{}");
        const text = await notify(`${prefix}errors/RunAnalysis.error.json`, problem({ step: "RunAnalysis" }));
        expect(text).to.contain("NOT known to be contained").and.not.contain("Isolated before this step");
    });

    it("tells of a message that started no incident", async () => {
        const key = "incidents/refused/0123456789abcdef/errors/StartIncident.error.json";
        const text = await notify(
            key,
            problem({
                incidentId: null,
                instance: null,
                step: "StartIncident",
                error: "Refused",
                cause: "The finding is about an S3 bucket.",
            }),
        );
        expect(text)
            .to.contain("A message started no incident")
            .and.contain("The finding is about an S3 bucket.")
            .and.contain("Not touched.");
    });

    for (const [what, record] of [
        ["is not JSON", "<<<not json>>> <!channel> @here"],
        ["is empty", ""],
        ["lacks fields", { step: "RunAnalysis" }],
        ["is a list", [1, 2]],
        ["is huge", "x".repeat(900_000)],
        ["is larger than what is read", "x".repeat(1_100_000)],
    ] as const) {
        it(`still tells people, bounded, when the record ${what}`, async () => {
            const text = await notify(`${prefix}errors/RunAnalysis.error.json`, record);
            expect(text).to.contain("RunAnalysis").and.contain(incidentId);
            expect(text.length).to.be.below(20_000);
        });
    }

    it("takes the error out of what a Catch of the state machine leaves", async () => {
        const failure = {
            Error: "StepFailed",
            Cause: JSON.stringify({ errorMessage: "The volume is gone: vol-0abc. Start again.", errorType: "StepFailed", trace: [] }),
        };
        const text = await notify(
            `${prefix}errors/RunAnalysis.error.json`,
            problem({ step: "RunAnalysis", cause: JSON.stringify(failure) }),
        );
        expect(text).to.contain("Run analysis: The volume is gone: vol-0abc. Start again.").and.not.contain("errorMessage");
    });

    it("says of a time-out, which has no cause, that none was given", async () => {
        const text = await notify(
            `${prefix}errors/CheckSsm.error.json`,
            problem({ step: "CheckSsm", error: "States.Timeout", cause: JSON.stringify({ Error: "States.Timeout" }) }),
        );
        expect(text).to.contain("States.Timeout").and.contain("Check SSM: No cause was given.");
    });

    it("reads a record that was written as a JSON string", async () => {
        expect(
            await notify(`${prefix}errors/CheckSsm.error.json`, JSON.stringify(JSON.stringify(problem({ step: "CheckSsm" })))),
        ).to.contain("Check SSM: The volume could not be attached");
    });

    it("takes a cause as an object and a record longer than a cause may be", async () => {
        const text = await notify(
            `${prefix}errors/CheckSsm.error.json`,
            problem({ step: "CheckSsm", cause: { errorMessage: "not registered", trace: ["x".repeat(50_000)] } }),
        );
        expect(text).to.contain("Check SSM: not registered").and.contain("ssmmessages");
    });

    it("throws, and writes no error record of its own, when Slack is down", async () => {
        const key = `${prefix}errors/RunAnalysis.error.json`;
        fake.objects.set(key, JSON.stringify(problem()));
        fake.slack.answers.push({ status: 503 });
        const error = await handler(fake.event(key)).then(
            () => null,
            (thrown: Error) => thrown,
        );
        expect(error?.name).to.equal("Transient");
        expect(fake.written).to.deep.equal([]);
    });

    it("leaves other objects and other buckets alone", async () => {
        await handler(fake.event(`${prefix}analysis/summary.json`));
        await handler({ Records: [{ s3: { bucket: { name: "another" }, object: { key: `${prefix}errors/RunAnalysis.error.json` } } }] });
        expect(fake.calls).to.deep.equal([]);
    });
});
