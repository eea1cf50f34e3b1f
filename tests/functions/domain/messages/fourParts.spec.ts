/** Every kind of message, through every channel: what happened, what we did, what you do now, and where the runbook says more, in the same words. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { toChat } from "../../../../functions/domain/channels/chat";
import { toPlainText } from "../../../../functions/domain/channels/plainText";
import { toSlack } from "../../../../functions/domain/channels/slack/toSlack";
import { toWebhook } from "../../../../functions/domain/channels/webhook";
import { followedInPart, problemSchema, releaseSchema, type Containment } from "../../../../functions/domain/containers";
import { readFirstLook } from "../../../../functions/domain/firstLook";
import { alarmMessage, readAlarm } from "../../../../functions/domain/messages/alarm";
import { approvalMessage } from "../../../../functions/domain/messages/approval";
import { brakeMessage } from "../../../../functions/domain/messages/brake";
import { driftMessage } from "../../../../functions/domain/messages/drift";
import { upkeepMessage, type Upkeep } from "../../../../functions/domain/messages/evidenceUpkeep";
import { failureMessage } from "../../../../functions/domain/messages/failure";
import { firstLookMessage } from "../../../../functions/domain/messages/firstLook";
import { isolationMessage } from "../../../../functions/domain/messages/isolation";
import { lateArrivalsMessage } from "../../../../functions/domain/messages/lateArrivals";
import type { Message } from "../../../../functions/domain/messages/message";
import { readinessMessage } from "../../../../functions/domain/messages/readiness";
import { releaseMessage } from "../../../../functions/domain/messages/release";
import { reportMessage } from "../../../../functions/domain/messages/report";
import { anchorOf, runbookHeadings, runbookPlace, type MessageKind } from "../../../../functions/domain/messages/runbook";
import { ticketMessage } from "../../../../functions/domain/messages/ticket";
import { neverLookedAtWords } from "../../../../functions/domain/report/neverLookedAt";
import { read } from "../../../../functions/domain/report/reading";
import { renderReport } from "../../../../functions/domain/report/reportPage";
import type { StandingContainment, StandingDrift } from "../../../../functions/domain/standingContainment";
import { reportedSteps } from "../../../../functions/domain/steps";
import { reportInput } from "../../../fixtures/analysis/input";
import * as plain from "../../../fixtures/analysis/plain";

const { incident } = plain.custody;
const containment = plain.custody.containment!;
const { instance, incidentId } = incident;
const at = "2026-11-20T03:50:00.000Z";
const failedStep = (name: string) => ({ ...containment.steps[0]!, name, outcome: "failed" as const });
const isolation = (over: Partial<Containment> = {}) => isolationMessage(incident, { ...containment, ...over });

const reading = read(reportInput());
const report = reportMessage({
    incident,
    containment,
    findings: [],
    reading,
    neverLookedAt: neverLookedAtWords(reportInput()),
    report: {
        schemaVersion: 1,
        ...{ incidentId, at, complete: true, intact: true, findingsBySeverity: { critical: 1 }, manifestSha256: plain.sha256("manifest") },
        page: { bucket: plain.bucket, key: `${plain.prefix}report/report.html`, sha256: plain.sha256("page") },
    },
    edition: null,
    ticket: null,
    shared: null,
});
const failure = (step: string, error = "x") =>
    failureMessage(
        problemSchema.parse({ schemaVersion: 1, incidentId, instance, step, error, cause: "It could not be done.", at }),
        { restoreRecorded: true, observed: false, awaitingApproval: false, containmentFailed: false, custodyRecorded: true },
        { partition: "aws", region: "eu-west-1", bucket: plain.bucket, key: `${plain.prefix}errors/${step}.error.json` },
    );
const drift = (outcome: "stands" | "put-back", automatic: boolean) =>
    driftMessage(
        {
            // What the message reads of it.
            standing: {
                ...{ instance, incidentIds: [incidentId], begunAt: at, check: null },
                groups: { isolation: "sg-0150a710900000001", untrack: null, networkAcl: null },
            } as unknown as StandingContainment,
            drifts: [{ key: "groups eni-0a", what: "eni-0a has the group sg-0a", by: null, outcome } as StandingDrift],
            opens: new Set(["groups eni-0a"]),
            automatic,
            failed: [],
        },
        "aws",
    );
const release = (over: Record<string, unknown>) =>
    releaseMessage(
        releaseSchema.parse({
            schemaVersion: 1,
            ...{
                incidentId,
                instance,
                forced: false,
                released: true,
                conflicts: [],
                releasedAt: at,
                by: "arn:aws:iam::111111111111:user/a",
                ended: [incidentId],
            },
            steps: [{ ...containment.steps[0]!, outcome: "done" }],
            ...over,
        }),
        "aws",
    );
const upkeep: Upkeep[] = [
    { kind: "expires", at },
    { kind: "late", preserved: ["vol-0a"], missing: ["vol-0b"] },
    { kind: "stuck", why: "The key is disabled." },
    { kind: "unprotected", what: ["snap-0a is not locked any more"] },
    { kind: "left-over", what: ["snap-0a is still shared"] },
    { kind: "left-volume", what: ["vol-0a holds memory"] },
];
const look = readFirstLook(
    JSON.stringify({
        schemaVersion: 1,
        ...{ stage: "first-look", incidentId, startedAt: at, at, seconds: 42, operatingSystem: null, notLookedAt: [] },
        ...{ findingsBySeverity: { critical: 1 }, findings: plain.findings.slice(0, 1) },
    }),
)!;

/** At least one message of every kind that has a page of the runbook. A new kind is asked for here by the compiler. */
const messages: Record<MessageKind, Message[]> = {
    contained: [isolation()],
    credentialsLeft: [isolation({ steps: [failedStep("denyCredentials")] })],
    notContained: [isolation({ contained: false }), isolationMessage(incident, null)],
    observed: [isolation({ contained: false, outcome: "observed" })],
    approval: [approvalMessage(incident, containment, at, "contain"), approvalMessage(incident, containment, at, "observe")],
    brake: [
        brakeMessage(
            {
                instances: [{ incidentId, instanceId: instance.instanceId, accountId: instance.accountId, type: "x", severity: 8 }],
                ...{ schemaVersion: 1, unnamed: 0, total: 1, since: at, at, limit: { count: 20, minutes: 60 } },
            },
            "eu-west-1",
        ),
    ],
    released: [release({}), release({ steps: [] }), release({ forced: true, conflicts: ["x"] })],
    retired: [release({ retired: "It is not needed." })],
    drift: [drift("stands", true), drift("stands", false), drift("put-back", true)],
    ticket: [
        ticketMessage(incident, { outcome: "opened", caseId: "case-1", displayId: "1", reason: null })!,
        ticketMessage(incident, { kind: "security-incident-response", outcome: "opened", caseId: "1", displayId: null, reason: null })!,
        ticketMessage(incident, { outcome: "failed" as never, caseId: null, displayId: null, reason: null })!,
    ],
    firstLook: [firstLookMessage({ incident, containment, findings: [], ticket: null, look, bucket: plain.bucket })],
    report: [report],
    sealedAgain: [
        lateArrivalsMessage(
            {
                ...{ incidentId, seal: 2, sealedAt: at, sealedBy: "x" },
                ...{ key: { fingerprint: "f" } as never, log: { entries: 3 } as never },
            },
            ["report/report.html"],
        ),
    ],
    evidenceUpkeep: upkeep.map((each) => upkeepMessage(each, incidentId, at)),
    refused: [failure("StartIncident")],
    followedInPart: [failure("StartIncident", followedInPart)],
    stepFailed: [failure("SomethingElse"), ...reportedSteps.map((step) => failure(step))],
    readiness: [
        readinessMessage([{ id: "a", lookedAt: "the role", state: "broken", said: "cannot be assumed", toDo: "Deploy again." }], instance),
        readinessMessage([{ id: "a", lookedAt: "the role", state: "ok", said: "can be assumed", toDo: null }], instance),
    ],
};
const every: [kind: string, message: Message][] = [
    ...Object.entries(messages).flatMap(([kind, all]) => all.map((each): [string, Message] => [kind, each])),
    ["alarm", alarmMessage(readAlarm(JSON.stringify({ AlarmName: "clean-room-dead-letters", NewStateValue: "ALARM" })))],
    ["alarm", alarmMessage(readAlarm("no alarm at all"))],
];

/** What a reader gets, escapes undone as the reader's program does. */
const channels: Record<string, (message: Message) => string> = {
    Slack: (message) =>
        toSlack(message)
            .map((payload) => JSON.stringify(payload.attachments))
            .join("\n"),
    mail: (message) => toPlainText(message).text,
    chat: (message) =>
        toChat(message, String)
            .map(({ content }) => [content.title, ...content.nextSteps, content.description].join("\n"))
            .join("\n"),
    webhook: (message) => JSON.stringify(toWebhook(message, at)),
};
/** Words alone: channels escape and mark what stands between them, each in its own way. */
const words = (text: string) =>
    text
        .replace(/\\[nt"\\]/g, " ")
        .replace(/&(amp|lt|gt);/g, " ")
        .replace(/[^A-Za-z0-9]+/g, " ");

const runbook = readFileSync(path.resolve(__dirname, "../../../../docs/runbook.md"), "utf8");
const anchors = new Set([...runbook.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!.trim())));

describe("every message, through every channel", () => {
    it("says what happened, what we did, what you do now, and where the runbook has more", () => {
        for (const [kind, message] of every) {
            const { title, summary, whatWeDid, whatNow, runbook: heading } = message;
            for (const part of [title, summary, whatWeDid, ...whatNow])
                expect(part.trim(), `${kind}: ${title}`).to.match(/\w.*[.?:)\w}'"]$/s);
            expect(whatNow, kind).to.not.be.empty;
            // Channels take addresses in texts apart, as they take a disk's: ours stand among the links.
            expect([title, summary, whatWeDid, ...whatNow].join(" "), kind).to.not.match(/https?:\/\//);
            expect(anchors.has(anchorOf(heading)), `${kind}: docs/runbook.md has no "${heading}"`).to.equal(true);
            for (const [channel, render] of Object.entries(channels)) {
                const read = words(render(message));
                for (const part of [title, summary, whatWeDid, ...whatNow, runbookPlace(heading)])
                    expect(read, `${kind} through ${channel}`).to.contain(words(part).trim());
                const place = (part: string) => read.indexOf(words(part).trim());
                if (channel === "Slack" || channel === "mail")
                    expect([summary, whatWeDid, whatNow[0]!].map(place), `${kind} through ${channel}`).to.deep.equal(
                        [summary, whatWeDid, whatNow[0]!].map(place).sort((left, right) => left - right),
                    );
            }
        }
    });

    it("leads each kind to its own page", () => {
        for (const kind of Object.keys(messages) as MessageKind[]) expect(messages[kind][0]!.runbook, kind).to.equal(runbookHeadings[kind]);
    });

    it("says of containment and reliability what the page says", () => {
        const page = words(renderReport(reportInput(), reading, null));
        for (const sentence of [
            reading.verdict.findings,
            reading.agreement.sentence,
            reading.verdict.containment,
            reading.verdict.reliability,
        ]) {
            expect(page).to.contain(words(sentence).trim());
            expect(`${report.summary} ${report.whatWeDid}`).to.contain(sentence);
        }
        expect(isolation().whatWeDid).to.equal(reading.verdict.containment);
    });

    it("names what could not be cut in each that tells of containment", () => {
        expect(containment.uncut).to.not.be.empty;
        for (const message of [messages.contained[0]!, messages.firstLook[0]!, report])
            expect(message.sections.find(({ heading }) => heading === "What could not be cut")).to.deep.equal({
                ...{ heading: "What could not be cut", items: containment.uncut },
            });
    });

    it("offers to go on only after steps that end the response, with the command beside it", () => {
        for (const message of messages.stepFailed) {
            const resumes = message.offers?.includes("resume") ?? false;
            expect(
                message.whatNow.some((each) => each.includes(`npm run resume -- ${incidentId} --region eu-west-1`)),
                message.summary,
            ).to.equal(resumes);
        }
        expect(failure("RunAnalysis").offers).to.deep.equal(["resume"]);
        for (const step of ["TearDown", "OpenTicket", "ReleaseInstance", "StartIncident"])
            expect(failure(step).offers, step).to.equal(undefined);
    });
});
