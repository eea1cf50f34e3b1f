import { expect } from "chai";
import fc from "fast-check";
import {
    evidenceAnomalies,
    custodySchema,
    problemSchema,
    seenFindingSchema,
    type Containment,
} from "../../../../functions/domain/containers";
import { neverLookedAtWords } from "../../../../functions/domain/report/neverLookedAt";
import { read } from "../../../../functions/domain/report/reading";
import type { Message, MessageSection } from "../../../../functions/domain/messages/message";
import { runbookHeadings } from "../../../../functions/domain/messages/runbook";
import { mailsOf, toPlainText } from "../../../../functions/domain/channels/plainText";
import { checkSlackPayload } from "../../../../functions/domain/channels/slack/limits";
import { toSlack } from "../../../../functions/domain/channels/slack/toSlack";
import { findingFactsSchema } from "../../../../functions/domain/findingFacts";
import { approvalMessage } from "../../../../functions/domain/messages/approval";
import { failureMessage } from "../../../../functions/domain/messages/failure";
import { isolationMessage } from "../../../../functions/domain/messages/isolation";
import { reportMessage } from "../../../../functions/domain/messages/report";
import { ticketMessage } from "../../../../functions/domain/messages/ticket";
import { StepError } from "../../../../functions/aws/errors";
import { reportedSteps } from "../../../../functions/domain/steps";
import { readProblem } from "../../../../functions/domain/stepFailure";
import * as hostile from "../../../fixtures/analysis/hostile";
import { reportInput } from "../../../fixtures/analysis/input";
import * as plain from "../../../fixtures/analysis/plain";

const { incident, containment } = plain.custody;
const page = { bucket: plain.bucket, key: `${plain.prefix}report/report.html`, sha256: plain.sha256("page") };
const known = { restoreRecorded: true, observed: false, awaitingApproval: false, containmentFailed: false, custodyRecorded: true };
const record = { partition: "aws", region: "eu-west-1", bucket: plain.bucket, key: `${plain.prefix}errors/RunAnalysis.error.json` };

function reportOf(input = reportInput()): Message {
    const reading = read(input);
    const { assessment } = reading;
    return reportMessage({
        incident: input.custody.incident,
        containment: input.custody.containment,
        findings: input.custody.findings,
        reading,
        neverLookedAt: neverLookedAtWords(input),
        report: {
            schemaVersion: 1,
            incidentId: plain.incidentId,
            page,
            complete: assessment.complete,
            intact: assessment.intact,
            findingsBySeverity: input.findings?.counts ?? {},
            manifestSha256: plain.sha256("manifest"),
            at: input.generatedAt,
        },
        edition: input.edition ?? null,
        ticket: null,
        shared: null,
    });
}

/** Text that tries to break out: everything hostile, and arbitrary strings of any length. */
const nasty = fc.oneof(
    fc.constantFrom(...hostile.payloads),
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.constantFrom("&", "<", "`", "@here", "https://x.example/").map((text) => text.repeat(2000)),
);
const message = fc.record<Message>({
    tone: fc.constantFrom("danger", "warning", "neutral"),
    title: nasty.map((text) => `Report: ${text}`),
    summary: nasty,
    whatWeDid: nasty,
    whatNow: fc.array(nasty, { maxLength: 5 }),
    runbook: fc.constantFrom(...Object.values(runbookHeadings)),
    facts: fc.array(fc.record({ label: fc.constant("Label"), value: nasty }), { maxLength: 30 }),
    sections: fc.array(
        fc.record<MessageSection>(
            { heading: fc.constant("Heading"), items: fc.array(nasty, { maxLength: 60 }), detail: fc.constantFrom(true, undefined) },
            { requiredKeys: ["heading", "items"] },
        ),
        { maxLength: 12 },
    ),
    whole: fc.constant("in whole.json"),
    links: fc.constant([]),
});

describe("Slack messages", () => {
    it("tells of the isolation by sub-step, with what could not be cut and links to the console", () => {
        const text = JSON.stringify(toSlack(isolationMessage(incident, containment!)));
        expect(text).to.contain("Contained: i-0a1b2c3d4e5f60718 in account 222222222222, eu-west-1");
        for (const each of [
            "detach auto scaling",
            "CryptoCurrency:EC2/BitcoinTool.B!DNS",
            "high (8)",
            "vpce-0123456789abcdef0",
            "eni-0aa11bb22cc33dd55",
            "https://eu-west-1.console.aws.amazon.com/ec2/home",
            "guardduty/home",
        ])
            expect(text).to.contain(each);
        expect(toSlack(isolationMessage(incident, containment!))[0]!.attachments[0].color).to.equal("#9a1b1e");
    });

    it("says contained only when containment is", () => {
        const text = toPlainText(isolationMessage(incident, { ...containment!, contained: false })).text;
        expect(text)
            .to.match(/^NOT contained: i-/)
            .and.contain("Contain it by hand now")
            .and.not.match(/is contained/);
    });

    it("names what failed before everything else, however long the list of what was done", () => {
        const [step] = containment!.steps;
        const steps = [
            ...Array<typeof step>(20).fill({ ...step, outcome: "done" }),
            { ...step, name: "disableMetadata", outcome: "failed" as const, detail: "AccessDenied" },
        ];
        const { text } = toPlainText(isolationMessage(incident, { ...containment!, steps }));
        expect(text)
            .to.match(/^Contained: i-/)
            .and.contain("Not everything was done (failed: disable metadata)")
            .and.contain("FAILED: disable metadata – AccessDenied");
        expect(text.indexOf("FAILED: disable metadata")).to.be.below(text.indexOf("What was done"));
        expect(toPlainText(isolationMessage(incident, containment!)).text).to.not.contain("failed");
    });

    it("says of a step after observing that the instance is still connected", () => {
        const problem = problemSchema.parse({
            schemaVersion: 1,
            incidentId: plain.incidentId,
            instance: incident.instance,
            step: "CheckSsm",
            error: "NotYet",
            cause: "x",
            at: "2026-11-20T03:50:00.000Z",
        });
        expect(toPlainText(failureMessage(problem, { ...known, restoreRecorded: false, observed: true }, record)).text).to.contain(
            "Observed, not contained",
        );
        expect(toPlainText(failureMessage(problem, { ...known, observed: true }, record)).text).to.contain("Isolated before this step");
    });

    it("marks a drill as one", () => {
        const drill = { ...incident, finding: { ...incident.finding, sample: true } };
        expect(toPlainText(isolationMessage(drill, containment!)).text).to.match(/^\[Drill\] Contained/);
    });

    it("says nothing of a support case before there is one, and names it then", () => {
        expect(toPlainText(isolationMessage(incident, containment!)).text).to.not.match(/support case/i);
        const opened = ticketMessage(incident, { outcome: "opened", caseId: "case-222-2026-1", displayId: "1234567890", reason: null })!;
        expect(toPlainText(opened).text)
            .to.contain("Support case: case-222-2026-1")
            .and.contain("https://support.console.aws.amazon.com/support/home#/case/?displayId=1234567890");
        for (const outcome of ["off", "already-open"] as const)
            expect(ticketMessage(incident, { outcome, caseId: null, displayId: null, reason: null })).to.equal(null);
    });

    it("says of a failure beside a pending approval that the answer is awaited", () => {
        const problem = problemSchema.parse({
            schemaVersion: 1,
            incidentId: plain.incidentId,
            instance: incident.instance,
            step: "OpenTicket",
            error: "x",
            cause: "x",
            at: "2026-11-20T03:50:00.000Z",
        });
        const text = (awaitingApproval: boolean | null) =>
            toPlainText(failureMessage(problem, { ...known, restoreRecorded: false, observed: true, awaitingApproval }, record)).text;
        expect(text(true)).to.contain("their answer is awaited").and.not.contain("Observed");
        expect(text(null)).to.contain("could not be read");
        expect(text(false)).to.contain("Observed, not contained");
    });

    it("shows instructions first and cuts neither them nor failures, uncut paths and other instances, however many there are", () => {
        const [step] = containment!.steps;
        const many = (what: string) => Array.from({ length: 60 }, (_, index) => `${what}-${index} ${"x".repeat(200)}`);
        const grave: Containment = {
            ...containment!,
            contained: false,
            uncut: many("uncut"),
            steps: [
                ...many("failed").map((detail) => ({ ...step, outcome: "failed" as const, detail })),
                ...many("done").map((detail) => ({ ...step, outcome: "done" as const, detail })),
            ],
        };
        const others = Array.from({ length: 60 }, (_, index) => ({
            ...incident.instance,
            instanceId: `i-${index.toString(16).padStart(17, "0")}`,
        }));
        const all = isolationMessage({ ...incident, finding: { ...incident.finding, instances: [incident.instance, ...others] } }, grave);
        const payloads = toSlack(all);
        expect(payloads.flatMap(checkSlackPayload)).to.deep.equal([]);
        const slack = JSON.stringify(payloads);
        for (const text of [slack, toPlainText(all).text]) {
            for (const each of [...many("uncut"), ...many("failed"), ...others.map(({ instanceId }) => instanceId)])
                expect(text).to.contain(each.split(" ")[0]);
            expect(text)
                .to.contain("Contain it by hand now")
                .and.match(/and \d+ more/);
            expect(text.indexOf("Contain it by hand now")).to.be.below(text.indexOf("failed-0"));
        }
    });

    it("tells of the report: verdict, counts, the five worst findings, where it is", () => {
        const { text } = toPlainText(reportOf());
        expect(text).to.match(/^Report: Signs of compromise – i-0a1b2c3d4e5f60718/);
        for (const each of [
            "1 critical, 4 high, 2 medium, 1 low, 0 informational",
            "critical: A library is loaded into every program – /etc/ld.so.preload (T1574.006)",
            `s3://${plain.bucket}/${page.key}`,
        ])
            expect(text).to.contain(each);
        expect(text).to.not.contain("Set-uid file outside").and.not.contain("Planned checks not done");
    });

    it("says in red or amber, never in grey, that a report is not complete", () => {
        const input = reportInput({ summary: { ...plain.summary, complete: false, findingsBySeverity: {} }, findings: "" });
        expect(reportOf(input).tone).to.equal("warning");
        expect(toPlainText(reportOf(input)).text)
            .to.contain("Planned checks done: NO")
            .and.contain("Planned checks not done");
    });

    it("says of a newer report that it is one, what is new in it, and where the one before is", () => {
        const before = { number: 1, at: "2026-11-20T05:00:00.000Z", page: `s3://${plain.bucket}/${plain.prefix}report/report.html` };
        const told = toPlainText(
            reportOf(reportInput({ edition: { number: 2, before, news: ["Analysed since, on i-0c: 1 volume (vol-0d)."] } })),
        );
        expect(told.subject).to.match(/^Newer report \(edition 2\)/);
        expect(told.text)
            .to.include("takes the place of edition 1 of 2026-11-20 05:00")
            .and.include(before.page)
            .and.include("What is new in it")
            .and.include("Analysed since, on i-0c");
        expect(toPlainText(reportOf()).text).to.not.include("edition");
    });

    it("gives advice by step, and right advice for a step it does not know", () => {
        const problem = problemSchema.parse({
            schemaVersion: 1,
            incidentId: plain.incidentId,
            instance: incident.instance,
            step: "CheckSsm",
            error: "NotYet",
            cause: "i-0f is not registered",
            at: "2026-11-20T03:50:00.000Z",
        });
        expect(toPlainText(failureMessage(problem, known, record)).text)
            .to.contain("Check SSM: i-0f is not registered")
            .and.contain("ssmmessages")
            .and.contain("locked in the forensics account");
        for (const step of ["constructor", "toString", "SomethingNew"]) {
            expect(toPlainText(failureMessage({ ...problem, step }, known, record)).text).to.contain(
                "Look at the execution of the state machine",
            );
        }
    });

    it("calls results that somebody touched no failed step, and offers nothing that would not cure it", () => {
        const problem = (error: string) =>
            problemSchema.parse({
                schemaVersion: 1,
                incidentId: plain.incidentId,
                instance: null,
                step: "SendFirstLook",
                error,
                cause: "analysis/A:i-0bad/first-look.json was written by a stranger.",
                advice: "Look in CloudTrail.",
                at: "2026-11-20T03:50:00.000Z",
            });
        for (const error of evidenceAnomalies) {
            const told = failureMessage(problem(error), known, record);
            expect(told.title).to.match(/^Results of the analysis are not as they must be/);
            expect(told.whatNow).to.deep.equal(["Look in CloudTrail."]);
            expect(told.offers).to.equal(undefined);
        }
        expect(failureMessage({ ...problem("StepFailed"), step: "RunAnalysis" }, known, record).offers).to.deep.equal(["resume"]);
    });

    it("names steps in words, and begins what to do with what the error itself says", () => {
        for (const step of reportedSteps) {
            const cause = new StepError("It could not be done", "vol-0a", "Raise the quota.").message;
            const problem = readProblem(JSON.stringify({ step, cause, incidentId: plain.incidentId }), {
                incidentId: null,
                step,
                at: "2026-11-20T03:50:00.000Z",
            });
            const told = failureMessage(problem, known, record);
            expect(told.whatNow[0]).to.equal("Raise the quota.");
            expect(told.summary).to.match(/: It could not be done: vol-0a\.$/);
            for (const text of [
                told.title,
                told.summary,
                told.runbook,
                ...told.facts.filter(({ label }) => label === "Step").map(({ value }) => value),
            ])
                expect(text).to.not.match(/[a-z][A-Z]/);
        }
    });

    it("links to the console of the incident's partition", () => {
        const china = {
            ...incident,
            instance: { ...incident.instance, region: "cn-north-1" },
            finding: { ...incident.finding, partition: "aws-cn" },
        };
        expect(isolationMessage(china, containment!).links[0].url).to.match(/^https:\/\/cn-north-1\.console\.amazonaws\.cn\/ec2\//);
    });

    it("breaks no limit and lets nothing ping or link, whatever the containers hold", () => {
        const input = reportInput({
            custody: hostile.custody,
            summary: hostile.summary,
            findings: plain.lines(hostile.findings),
            timesketch: plain.lines(hostile.timesketch),
        });
        for (const each of [reportOf(input), isolationMessage(hostile.custody.incident, hostile.custody.containment!)]) {
            expect(toSlack(each).flatMap(checkSlackPayload)).to.deep.equal([]);
        }
        fc.assert(
            fc.property(nasty, nasty, nasty, fc.array(nasty, { maxLength: 100 }), (one, two, three, many) => {
                const custody = custodySchema.parse({
                    ...plain.custody,
                    incident: {
                        ...incident,
                        finding: { ...incident.finding, id: (two || "x").slice(0, 512), type: one, title: two, description: three },
                    },
                    containment: {
                        ...containment!,
                        vpcId: one,
                        isolationGroupId: two,
                        uncut: many,
                        targetGroups: many,
                        steps: many.map((detail) => ({
                            name: detail.slice(0, 64),
                            outcome: "failed",
                            at: "2026-11-20T03:31:09.020Z",
                            detail,
                        })),
                        interfaces: many.map((id) => ({ networkInterfaceId: id, groupsBefore: many.slice(0, 5), groupsAfter: [id] })),
                    },
                });
                expect(toSlack(isolationMessage(custody.incident, custody.containment!)).flatMap(checkSlackPayload)).to.deep.equal([]);
                expect(
                    toSlack(
                        failureMessage(
                            readProblem(JSON.stringify({ step: one, cause: two }), { incidentId: three, step: two, at: one }),
                            known,
                            { ...record, key: three },
                        ),
                    ).flatMap(checkSlackPayload),
                ).to.deep.equal([]);
            }),
            { numRuns: 60 },
        );
    });

    it("renders any message within the limits", () => {
        fc.assert(
            fc.property(message, (each) => {
                expect(toSlack(each).flatMap(checkSlackPayload)).to.deep.equal([]);
                const { subject, text } = toPlainText(each);
                expect(subject).to.match(/^[\x20-\x7e]{1,100}$/);
                expect(mailsOf({ subject, text }).every((mail) => Buffer.byteLength(mail.text) <= 256 * 1024)).to.equal(true);
            }),
            { numRuns: 150 },
        );
    });
});

describe("what the messages say of an incident's findings", () => {
    const joined = seenFindingSchema.parse({
        id: "0ther",
        type: "Recon:EC2/Portscan",
        severity: 5,
        sample: false,
        origin: "securityhub",
        updatedAt: null,
        mode: "observe",
        seenAt: "2026-11-20T04:00:00.000Z",
    });
    const opener = seenFindingSchema.parse({ ...joined, id: incident.finding.id, type: incident.finding.type });
    const facts = findingFactsSchema.parse({
        action: "NETWORK_CONNECTION",
        direction: "OUTBOUND",
        remoteAddresses: ["198.51.100.23"],
        domains: ["c2.example.net"],
        count: 3,
        firstSeen: "2026-11-20T03:00:00.000Z",
        instance: { publicAddresses: ["203.0.113.17"], launchTime: "2026-11-02T08:14:09.000Z" },
    });
    const seen = { ...incident, finding: { ...incident.finding, facts } };

    it("names all of them, and each once", () => {
        const findings = [opener, joined];
        for (const message of [
            isolationMessage(incident, containment!, findings),
            approvalMessage(incident, containment!, "2026-11-20T05:00:00.000Z", "contain", findings),
            reportOf(reportInput({ custody: { ...plain.custody, findings } })),
        ]) {
            const others = message.sections.find(({ heading }) => heading === "Other findings about the instance")!.items;
            expect(others).to.deep.equal(["Recon:EC2/Portscan, medium (5), by Security Hub at 2026-11-20 04:00:00 UTC: 0ther"]);
        }
    });

    it("says what was seen, with whom, how often and since when", () => {
        for (const message of [
            isolationMessage(seen, containment!),
            approvalMessage(seen, containment!, "2026-11-20T05:00:00.000Z", "contain"),
        ])
            expect(message.sections.find(({ heading }) => heading === "What was seen")!.items).to.deep.equal([
                "Action: NETWORK_CONNECTION, outbound",
                "Remote addresses: 198.51.100.23",
                "Domains: c2.example.net",
                "Seen: 3 times",
                "First seen: 2026-11-20 03:00:00 UTC",
                "Public address: 203.0.113.17",
                "Launched: 2026-11-02 08:14:09 UTC",
            ]);
    });
});

describe("checkSlackPayload", () => {
    const block = (text: unknown) => ({ text: "fallback", blocks: [{ type: "section", text }] });
    const mrkdwn = (text: string) => block({ type: "mrkdwn", text, verbatim: true });
    const broken: readonly (readonly [what: string, payload: unknown, violation: RegExp])[] = [
        ["no object", "text", /not an object/],
        ["no fallback text", { blocks: [{ type: "divider" }] }, /text is missing/],
        ["no blocks", { text: "x" }, /neither blocks nor attachments/],
        ["51 blocks", { text: "x", blocks: Array.from({ length: 51 }, () => ({ type: "divider" })) }, /51 elements, the limit is 50/],
        [
            "a long header",
            { text: "x", blocks: [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }] },
            /151 characters, the limit is 150/,
        ],
        [
            "a header in mrkdwn",
            { text: "x", blocks: [{ type: "header", text: { type: "mrkdwn", text: "x", verbatim: true } }] },
            /is mrkdwn, allowed: plain_text/,
        ],
        ["a long section", mrkdwn("x".repeat(3001)), /3001 characters, the limit is 3000/],
        ["an empty section", mrkdwn(""), /is empty/],
        [
            "11 fields",
            { text: "x", blocks: [{ type: "section", fields: Array.from({ length: 11 }, () => ({ type: "plain_text", text: "x" })) }] },
            /11 elements, the limit is 10/,
        ],
        [
            "a long field",
            { text: "x", blocks: [{ type: "section", fields: [{ type: "plain_text", text: "x".repeat(2001) }] }] },
            /the limit is 2000/,
        ],
        ["a channel mention", mrkdwn("hello <!channel>"), /mentions people/],
        ["a user mention", mrkdwn("<@U123>"), /mentions people/],
        ["@here", mrkdwn("@here"), /@here/],
        ["a link elsewhere", mrkdwn("<https://evil.example/|console>"), /not the AWS console/],
        [
            "a link to a host that only looks like the console",
            mrkdwn("<https://console.aws.amazon.com.evil.example/x|c>"),
            /not the AWS console/,
        ],
        ["a bare address", mrkdwn("see https://evil.example"), /make a link/],
        ["an unescaped character", mrkdwn("a < b"), /unescaped/],
        ["a bidirectional override", mrkdwn("a\u202Eb"), /bidirectional/],
        ["mrkdwn that is not verbatim", block({ type: "mrkdwn", text: "x" }), /not verbatim/],
        ["an unknown block", { text: "x", blocks: [{ type: "image" }] }, /type image/],
        ["an attachment without colour", { text: "x", attachments: [{ blocks: [{ type: "divider" }] }] }, /color/],
        [
            "too much text in all",
            {
                text: "x",
                blocks: Array.from({ length: 5 }, () => ({ type: "section", text: { type: "plain_text", text: "x".repeat(2900) } })),
            },
            /together/,
        ],
    ];
    for (const [what, payload, violation] of broken) {
        it(`finds ${what}`, () => expect(checkSlackPayload(payload).join("\n")).to.match(violation));
    }
});
