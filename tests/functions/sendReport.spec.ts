import { createHash } from "node:crypto";
import { expect } from "chai";
import { handler, permissions } from "../../functions/sendReport";
import { openRecord, updateIncident } from "../../functions/aws/incidentsTable";
import { newRecord, withFinding } from "../../functions/domain/incidentRecord";
import { reportSchema } from "../../functions/domain/containers";
import { checkSlackPayload } from "../../functions/domain/channels/slack/limits";
import * as plain from "../fixtures/analysis/plain";
import { deployedNames } from "../fixtures/analysis/deployedNames";
import { SecurityIRClient } from "../../functions/aws/securityIncidentResponse";
import { underClient } from "../support/aws/underClients";
import { startNotifyingAws, type NotifyingAws } from "../support/aws/notifyingAws";

const sha256 = (body: Buffer | string): string => createHash("sha256").update(body).digest("hex");
const at = (name: string): string => `${plain.prefix}${name}`;
const manifestKey = at(`${plain.custody.resultsPrefix}manifest.sha256`);

/** Puts a whole analysis into the bucket, as the forensic instance and the workflow leave it. */
function putAnalysis(fake: NotifyingAws, change: Record<string, string> = {}): void {
    const outputs: Record<string, string> = {
        "findings.jsonl": plain.lines(plain.findings),
        "bodyfile.gz": plain.packed("0|vol:/etc/passwd|1\n"),
        "timeline.csv.gz": plain.packed("datetime\r\n"),
        "timesketch.jsonl.gz": plain.packed(plain.lines(plain.timesketch)),
        "summary.json": JSON.stringify(plain.summary),
        ...change,
    };
    for (const [name, text] of Object.entries(outputs)) fake.objects.set(at(`${plain.custody.resultsPrefix}${name}`), text);
    fake.objects.set(manifestKey, plain.manifestOf(outputs));
    fake.objects.set(at("custody.json"), JSON.stringify(plain.custody));
}

/** What a report writes, in this order. */
const written = [
    "report/report.html",
    "report/report.md",
    "report/indicators.json",
    "report/finding.ocsf.json",
    "report/indicators.stix.json",
    "report/report.json",
];

async function failure(promise: Promise<unknown>): Promise<Error> {
    try {
        await promise;
    } catch (error) {
        return error as Error;
    }
    throw new Error("It was expected to fail and did not.");
}

describe("sendReport", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
        putAnalysis(fake);
    });
    afterEach(() => fake.stop());

    const page = () => fake.objects.get(at("report/report.html"))!;
    const report = () => reportSchema.parse(JSON.parse(fake.objects.get(at("report/report.json"))!));

    it("names the findings that joined after the custody record was written, in the page and the message", async () => {
        process.env.INCIDENTS_TABLE = "incidents";
        try {
            const { incident } = plain.custody;
            const record = { ...newRecord(incident, 1, "automatic", incident.openedAt), incident };
            await openRecord(record, null);
            await updateIncident(incident.incidentId, (read) =>
                withFinding(
                    read,
                    { ...incident.finding, id: "0ther", type: "Recon:EC2/Portscan" },
                    "automatic",
                    "2026-11-20T03:59:00.000Z",
                ),
            );
            await handler(fake.event(manifestKey));
            expect(page()).to.contain("Recon:EC2/Portscan").and.contain("0ther");
            expect(JSON.stringify(fake.slack.payloads)).to.contain("Recon:EC2/Portscan");
        } finally {
            delete process.env.INCIDENTS_TABLE;
        }
    });

    it("writes the page, tells Slack, and writes report.json last", async () => {
        await handler(fake.event(manifestKey));
        expect(fake.written).to.deep.equal(written.map(at));
        const order = fake.record.map(({ name, input }) => (name === "PutObject" ? (input.Key as string) : name));
        const [html, told, json] = [at("report/report.html"), "slack", at("report/report.json")].map((each) => order.indexOf(each));
        expect(html).to.be.within(0, told! - 1);
        expect(told).to.be.below(json!);
        expect(report()).to.deep.include({
            incidentId: plain.incidentId,
            complete: true,
            intact: true,
            findingsBySeverity: { critical: 1, high: 4, medium: 2, low: 1, informational: 0 },
        });
        expect(report().page).to.deep.equal({
            bucket: fake.bucket,
            key: at("report/report.html"),
            sha256: sha256(fake.objects.get(at("report/report.html"))!),
        });
        expect(page()).to.contain("/etc/ld.so.preload");
        expect(fake.securityHub.imported).to.deep.equal([]);
        expect(fake.securityHub.updates).to.deep.equal([]);
        expect(fake.slack.payloads).to.have.length(1);
        expect(checkSlackPayload(fake.slack.payloads[0])).to.deep.equal([]);
        expect(JSON.stringify(fake.slack.payloads[0])).to.contain(`s3://${fake.bucket}/${at("report/report.html")}`);
    });

    it("publishes the result as an OCSF event on its own topic, with what subscriptions filter by, and people's mail is not in it", async () => {
        process.env.NOTIFICATION_TOPIC_ARN = "arn:aws:sns:eu-west-1:111111111111:people";
        process.env.RESULTS_TOPIC_ARN = "arn:aws:sns:eu-west-1:111111111111:results";
        await handler(fake.event(manifestKey));
        const [event] = fake.sns.published.filter(({ TopicArn }) => TopicArn.endsWith(":results"));
        expect(JSON.parse(event!.Message)).to.deep.equal(JSON.parse(fake.objects.get(at("report/finding.ocsf.json"))!));
        expect(fake.sns.published.map(({ TopicArn }) => TopicArn.split(":").at(-1)).sort()).to.deep.equal(["people", "results"]);
        expect(
            permissions({ ...deployedNames, resultsTopicArn: "arn:aws:sns:eu-west-1:111111111111:results" }).map(({ Sid }) => Sid),
        ).to.contain("PublishResult");
    });

    it("shares a link only where that is asked for, says until when, and puts it into nothing that goes to tickets", async () => {
        await handler(fake.event(manifestKey));
        expect(JSON.stringify(fake.slack.payloads)).to.not.contain("X-Amz-Signature");
        fake.objects.delete(at("report/report.json"));
        fake.slack.payloads.length = 0;
        process.env.REPORT_LINK_HOURS = "12";
        await handler(fake.event(manifestKey));
        const said = JSON.stringify(fake.slack.payloads);
        expect(said)
            .to.match(/X-Amz-Expires=43[12]\d\d/)
            .and.match(/without signing in, until \d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC at the latest/);
        expect(said).to.contain("report.html");
        expect(fake.objects.get(at("report/report.md"))).to.not.contain("X-Amz-Signature");
    });

    it("tells who shares the weakness and where credentials were used, by objects that are what their index says", async () => {
        const put = (name: string, value: unknown) => {
            const body = Buffer.from(JSON.stringify(value));
            fake.objects.set(at(name), body.toString("utf8"));
            return { bucket: fake.bucket, key: at(name), sha256: sha256(body) };
        };
        const sibling = {
            instanceId: "i-5151",
            state: "running",
            launchedAt: null,
            shares: ["image"],
            publicAddresses: ["203.0.113.5"],
            privateAddresses: [],
            replacement: true,
        };
        const object = put("metadata/siblings.json", {
            schemaVersion: 1,
            instanceId: "i",
            compared: 3,
            traits: [],
            siblings: [sibling],
            leftOut: 0,
        });
        const forged = put("metadata/guardduty-findings.json", [{ Id: "x", Type: "Forged:EC2/Finding", Severity: 1 }]);
        put("metadata/index.json", {
            schemaVersion: 1,
            incidentId: plain.incidentId,
            instance: plain.custody.incident.instance,
            round: "now",
            startedAt: "2026-11-20T03:20:00.000Z",
            endedAt: "2026-11-20T03:20:09.000Z",
            parts: [
                { name: "siblings", outcome: "read", object, missing: [] },
                { name: "guardduty-findings", outcome: "read", object: { ...forged, sha256: "0".repeat(64) }, missing: [] },
                { name: "trail-events", outcome: "unread", object: null, missing: ["trail-events (AccessDeniedException)"] },
            ],
        });
        await handler(fake.event(manifestKey));
        expect(page()).to.contain("i-5151").and.contain("203.0.113.5").and.contain("AccessDeniedException");
        expect(page()).to.contain("is not the one that the index names").and.not.contain("Forged:EC2/Finding");
        expect(JSON.stringify(fake.slack.payloads)).to.contain("i-5151");
    });

    const anomalies = () =>
        fake.written
            .filter((key) => /errors\/SendReport\.[0-9a-f]{16}\.error\.json$/.test(key))
            .map((key) => JSON.parse(fake.objects.get(key)!) as { cause: string });

    it("takes no results of a host that this incident's analysis was not sent to, and tells of them", async () => {
        const foreign = at("analysis/AROAEXAMPLEID:i-0bad0bad0bad0bad0/manifest.sha256");
        fake.objects.set(foreign, fake.objects.get(manifestKey)!);
        await handler(fake.event(foreign));
        expect(fake.slack.payloads, "no report").to.have.length(0);
        expect(
            anomalies()
                .map(({ cause }) => cause)
                .join(),
        )
            .to.include("i-0bad0bad0bad0bad0")
            .and.include("forged");
        await handler(fake.event(manifestKey));
        expect(report().complete, "the real results are reported all the same").to.equal(true);
    });

    it("takes results that come before any analysis was sent for what they are, forged", async () => {
        fake.objects.delete(at("custody.json"));
        await handler(fake.event(manifestKey));
        expect(fake.slack.payloads, "no report").to.have.length(0);
        expect(anomalies().map(({ cause }) => cause)).to.have.length(1);
        expect(anomalies()[0]!.cause).to.include("none was sent yet").and.include("forged");
        expect(fake.objects.has(at("errors/SendReport.error.json")), "the record of a failed report stays free").to.equal(false);
    });

    it("reads nothing that lies outside every host's own prefix", async () => {
        fake.objects.set(at("analysis/manifest.sha256"), fake.objects.get(manifestKey)!);
        await handler(fake.event(at("analysis/manifest.sha256")));
        expect(fake.written).to.deep.equal([]);
    });

    it("keeps its report and tells people when the results change after it", async () => {
        await handler(fake.event(manifestKey));
        const first = report();
        fake.objects.set(manifestKey, `${fake.objects.get(manifestKey)!}# and more\n`);
        await handler(fake.event(manifestKey));
        expect(report()).to.deep.equal(first);
        expect(
            anomalies()
                .map(({ cause }) => cause)
                .join(),
        )
            .to.include("written again")
            .and.include(first.manifestSha256);
    });

    it("sends nothing twice for a repeated event", async () => {
        await handler(fake.event(manifestKey));
        await handler(fake.event(manifestKey));
        expect(fake.slack.payloads).to.have.length(1);
        expect(fake.written).to.have.length(written.length);
    });

    it("adds the report in short to the support case, and reports all the same where Support refuses", async () => {
        const ticket = { schemaVersion: 1, incidentId: plain.incidentId, outcome: "opened", caseId: "case-1", reason: null };
        fake.objects.set(at("ticket.json"), JSON.stringify(ticket));
        await handler(fake.event(manifestKey));
        expect(fake.support.communications).to.have.length(1);
        expect(fake.support.communications[0]!.caseId).to.equal("case-1");
        expect(fake.support.communications[0]!.communicationBody)
            .to.match(/^# Signs of compromise/)
            .and.contain("## What it means");
        expect(fake.support.communications[0]!.communicationBody.length).to.be.at.most(8000);
        expect(report().complete).to.equal(true);
    });

    it("comments on the case of AWS Security Incident Response where that is the one, and reports all the same where it refuses", async () => {
        process.env.SUPPORT_REGION = "eu-central-1";
        const comments: Record<string, unknown>[] = [];
        const undo = underClient(SecurityIRClient, (_, name, input) => {
            comments.push({ name, ...input });
            return Promise.reject(Object.assign(new Error("no"), { name: "AccessDeniedException" }));
        });
        try {
            const ticket = { schemaVersion: 1, incidentId: plain.incidentId, outcome: "opened", caseId: "1000000001", reason: null };
            fake.objects.set(at("ticket.json"), JSON.stringify({ ...ticket, kind: "security-incident-response" }));
            await handler(fake.event(manifestKey));
        } finally {
            undo();
            delete process.env.SUPPORT_REGION;
        }
        expect(fake.support.communications).to.have.length(0);
        expect(comments).to.have.length(1);
        expect(comments[0]).to.deep.include({ name: "CreateCaseComment", caseId: "1000000001" });
        expect(comments[0]!.body).to.match(/^# Signs of compromise/);
        expect((comments[0]!.body as string).length).to.be.at.most(12_000);
        expect(report().complete).to.equal(true);
        expect(JSON.stringify(fake.slack.payloads)).to.contain("AWS Security Incident Response case");
    });

    it("brings the result to Security Hub where that is asked for, and only there", async () => {
        process.env.SECURITY_HUB = "true";
        await handler(fake.event(manifestKey));
        expect(fake.securityHub.imported).to.have.length(1);
        expect(fake.securityHub.imported[0]).to.deep.include({
            ProductArn: `arn:aws:securityhub:eu-west-1:111111111111:product/111111111111/default`,
            AwsAccountId: "111111111111",
            Severity: { Label: "CRITICAL" },
            Title: "Signs of compromise: i-0a1b2c3d4e5f60718",
        });
        const { Id, ProductArn } = fake.securityHub.imported[0] as { Id: string; ProductArn: string };
        expect(fake.securityHub.updates).to.have.length(1);
        expect(fake.securityHub.updates[0]).to.deep.include({ FindingIdentifiers: [{ Id, ProductArn }], Workflow: { Status: "NOTIFIED" } });
        expect(JSON.stringify(fake.securityHub.updates[0])).to.contain(`s3://${fake.bucket}/${at("report/report.html")}`);
        fake.securityHub.unknown.push(Id);
        fake.objects.delete(at("report/report.json"));
        await handler(fake.event(manifestKey));
        expect(report().complete, "the report stands whatever Security Hub answers").to.equal(true);
    });

    it("says which object was altered and which is missing", async () => {
        fake.objects.set(at(`${plain.custody.resultsPrefix}bodyfile.gz`), "something else");
        fake.objects.delete(at(`${plain.custody.resultsPrefix}timeline.csv.gz`));
        await handler(fake.event(manifestKey));
        expect(report()).to.include({ intact: false, complete: true });
        expect(page())
            .to.match(/bodyfile\.gz was altered/)
            .and.match(/timeline\.csv\.gz is listed in the manifest and missing/);
        expect(JSON.stringify(fake.slack.payloads[0])).to.contain("bodyfile.gz was altered");
    });

    it("reads the timeline of an analysis that wrote it unpacked", async () => {
        const outputs = {
            "findings.jsonl": plain.lines(plain.findings),
            bodyfile: "0|vol:/etc/passwd|1\n",
            "timeline.csv": "datetime\r\n",
            "timesketch.jsonl": plain.lines(plain.timesketch),
            "summary.json": JSON.stringify(plain.summary),
        };
        fake.objects.clear();
        putAnalysis(fake);
        for (const name of ["bodyfile.gz", "timeline.csv.gz", "timesketch.jsonl.gz"])
            fake.objects.delete(at(`${plain.custody.resultsPrefix}${name}`));
        for (const [name, text] of Object.entries(outputs)) fake.objects.set(at(`${plain.custody.resultsPrefix}${name}`), text);
        fake.objects.set(manifestKey, plain.manifestOf(outputs));
        await handler(fake.event(manifestKey));
        expect(report()).to.include({ intact: true, complete: true });
        expect(page()).to.match(new RegExp(`has all ${plain.timesketch.length} events`));
    });

    it("says which object could not be read, with the AWS error", async () => {
        fake.s3.refusals.set(at(`${plain.custody.resultsPrefix}timesketch.jsonl.gz`), "AccessDenied");
        await handler(fake.event(manifestKey));
        expect(report()).to.include({ intact: false, complete: false });
        expect(page()).to.contain("timesketch.jsonl.gz could not be read: AccessDenied");
    });

    it("is neither complete nor intact without a summary, and still reports the findings", async () => {
        putAnalysis(fake, { "summary.json": '{"schemaVersion":1' });
        await handler(fake.event(manifestKey));
        expect(report()).to.include({ intact: false, complete: false });
        expect(page()).to.contain("/etc/ld.so.preload").and.contain("summary.json could not be read");
    });

    it("refuses the summary of another incident as evidence of this one", async () => {
        putAnalysis(fake, { "summary.json": JSON.stringify({ ...plain.summary, incidentId: "i-0ffffffffffffffff-0000000000000000" }) });
        await handler(fake.event(manifestKey));
        expect(report().intact).to.equal(false);
        expect(page()).to.contain("belongs to another incident");
    });

    it("counts and states malformed findings, and has the gravest of many on paper", async () => {
        const many = Array.from({ length: 700 }, (_, index) =>
            plain.finding({ check: "suid", severity: "low", title: `file ${index}`, path: `/f${index}` }),
        );
        putAnalysis(fake, { "findings.jsonl": `${plain.lines([...many, ...plain.findings])}not json\n{"schemaVersion":1}\n` });
        await handler(fake.event(manifestKey));
        expect(report().findingsBySeverity).to.deep.equal({ critical: 1, high: 4, medium: 2, low: 701, informational: 0 });
        expect(report().complete).to.equal(false);
        expect(page()).to.contain("2 lines of findings.jsonl could not be understood").and.contain("more facts");
        expect(page().split("<article").length - 1).to.equal(60);
    });

    it("throws Transient when Slack is down, keeps the page, and a retry tells and completes", async () => {
        fake.slack.answers.push({ status: 429, headers: { "retry-after": "30" } });
        const error = await failure(handler(fake.event(manifestKey)));
        expect(error.name).to.equal("Transient");
        expect(error.message).to.contain("429").and.contain("retry after 30 s").and.not.contain("secret-token");
        expect(fake.written).to.deep.equal(written.slice(0, -1).map(at));

        await handler(fake.event(manifestKey));
        expect(fake.slack.payloads).to.have.length(1);
        expect(fake.written).to.deep.equal(written.map(at));
        expect(report().page.sha256).to.equal(sha256(fake.objects.get(at("report/report.html"))!));
    });

    it("records a permanent failure as an error record, which tells people", async () => {
        const custody = JSON.parse(fake.objects.get(at("custody.json"))!) as { incident: object };
        const other = { ...custody, incident: { ...custody.incident, incidentId: "i-0bad0bad0bad0bad0-0123456789abcdef" } };
        fake.objects.set(at("custody.json"), JSON.stringify(other));
        const error = await failure(handler(fake.event(manifestKey)));
        expect(error.name).to.equal("StepFailed");
        expect(fake.written).to.deep.equal([at("errors/SendReport.error.json")]);
        expect(fake.objects.get(at("errors/SendReport.error.json"))!).to.contain("The custody record belongs to incident i-0bad");
        expect(fake.slack.payloads).to.have.length(0);
    });

    it("does its work when neither Slack nor a topic is configured", async () => {
        process.env.SLACK_WEBHOOK_PARAMETER = "";
        await handler(fake.event(manifestKey));
        expect(report().complete).to.equal(true);
        expect(fake.calls).to.not.include("GetParameter");
    });

    it("sends the topic a plain text of the same, too", async () => {
        process.env.NOTIFICATION_TOPIC_ARN = "arn:aws:sns:eu-west-1:111111111111:people";
        await handler(fake.event(manifestKey));
        expect(fake.sns.published).to.have.length(1);
        expect(fake.sns.published[0].Subject).to.equal(
            "Report: Signs of compromise - i-0a1b2c3d4e5f60718 in account 222222222222, eu-west-1",
        );
        expect(fake.sns.published[0].Message).to.contain("/etc/ld.so.preload");
    });

    it("ignores keys that are no manifest of an incident", async () => {
        await handler(fake.event("incidents/x/analysis/host/partial/manifest.sha256"));
        expect(fake.calls).to.deep.equal([]);
    });

    it("may write reports and its error record, and nothing else", () => {
        const writes = permissions(deployedNames)
            .filter(({ Action }) => Action.includes("s3:PutObject"))
            .flatMap(({ Resource }) => Resource);
        expect(writes).to.deep.equal([
            "arn:aws:s3:::evidence/incidents/*/custody/log/*",
            "arn:aws:s3:::evidence/incidents/*/report/*",
            "arn:aws:s3:::evidence/incidents/*/errors/SendReport.error.json",
            "arn:aws:s3:::evidence/incidents/*/errors/SendReport.*.error.json",
        ]);
        // AWS Support knows no resources.
        const others = permissions(deployedNames).filter(({ Sid }) => Sid !== "AddToCase");
        expect(others.flatMap(({ Resource }) => Resource)).to.not.include("*");
    });
});
