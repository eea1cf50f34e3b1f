/** One rehearsal: set the stage, send the finding, follow the incident, check, write it all down. */
import { createHash } from "node:crypto";
import { incidentSchema, reportSchema } from "../functions/domain/containers";
import { callsToContainment, readCallLog } from "./callLog";
import { runChecks } from "./checks";
import type { CleanUp } from "./cleanUp";
import { collectFacts, readEvidence } from "./collectFacts";
import { builtInFinding, deliveryOf, loadFinding, pointAtVictim, send, type LoadedFinding } from "./finding";
import type { Options } from "./options";
import { printable, type Progress } from "./progress";
import { writeResult } from "./record";
import { checkDisk, setUp } from "./setUp";
import { deployed, forensics, member, setStage, type Stage } from "./stage";
import { engineVersions } from "./versions";
import { describeChain, findExecution, followExecution, until } from "./watch";

export interface Outcome {
    passed: boolean;
    /** incident.json. */
    record: Record<string, unknown>;
}

const seconds = (milliseconds: number) => Math.round(milliseconds / 100) / 10;

/** The message as it will be sent, and by which door. A refused one is sent as it is. */
function prepareDelivery(finding: LoadedFinding, stage: Stage) {
    if (finding.refusal !== null) return deliveryOf(finding.text, true);
    return deliveryOf(pointAtVictim(JSON.parse(finding.text), finding.findings, stage.victim.instance), false);
}

/** Follows a message that starts no incident: people have to be told why. */
async function rehearseRefusal(stage: Stage, finding: LoadedFinding, reason: string, options: Options, progress: Progress): Promise<Outcome> {
    progress.line(`This message starts no incident: ${printable(reason, 2000)}`);
    await send(prepareDelivery(finding, stage), stage.clients, member, forensics, deployed.findingsTopicArn);
    const told = await until("people to be told that the message was refused", async () => stage.slack.messages[0], Date.now() + options.timeoutSeconds * 1000,
        () => describeChain(stage.clients, forensics));
    progress.line("People were told, and the message lies in the dead-letter queue.");
    const record = { schemaVersion: 1, outcome: "refused", finding: { file: finding.file, original: finding.text }, reason, told };
    const name = `refused-${createHash("sha256").update(finding.text).digest("hex").slice(0, 16)}`;
    const folder = await writeResult(options.out, { name, record, originalMessage: finding.text, reportHtml: null, findingsJsonl: null, slack: stage.slack.messages });
    progress.line(`Result: ${folder}`);
    return { passed: false, record };
}

/** Follows an incident from the finding to the report. */
async function followIncident(stage: Stage, finding: LoadedFinding, options: Options, progress: Progress) {
    const { clients, victim, slack } = stage;
    const delivery = prepareDelivery(finding, stage);
    const sentAt = await send(delivery, clients, member, forensics, deployed.findingsTopicArn);
    const deadline = sentAt + options.timeoutSeconds * 1000;
    progress.start(sentAt);
    progress.line(`Finding sent: ${printable(finding.findings[0]?.type ?? "", 120)} on the ${delivery.door === "event-bus" ? `default event bus of ${member.accountId}` : "findings topic"}`);

    const chain = () => describeChain(clients, forensics);
    // The hops before the workflow take a second or two: a longer silence is a broken hop, worth a report of its own.
    const executionArn = await until("the workflow to start", () => findExecution(clients, forensics, deployed.stateMachineArn, victim.instance.instanceId), Math.min(deadline, sentAt + 30_000), chain);
    const execution = await followExecution(clients, forensics, executionArn, progress, deadline);
    if (execution.status !== "SUCCEEDED") progress.line(`The workflow ended as ${execution.status}: ${printable(`${execution.error ?? ""} ${execution.cause ?? ""}`)}`);
    const incident = incidentSchema.parse(JSON.parse(execution.input));

    const readReport = async () => {
        const body = await readEvidence(clients, forensics, deployed.evidenceBucket, `${incident.prefix}report/report.json`);
        return body && reportSchema.parse(JSON.parse(body.toString("utf8")));
    };
    // report.json is written after people were told, so it stands for both.
    const report = execution.status === "SUCCEEDED" ? await until("the report in the evidence bucket", readReport, deadline, chain) : await readReport();
    return { sentAt, endedAt: Date.now(), delivery, execution, incident, report, slack: [...slack.messages] };
}

/** Runs a rehearsal. @throws InputError before anything is started, WaitError when the incident gets stuck. */
export async function rehearse(options: Options, progress: Progress, cleanUp: CleanUp): Promise<Outcome> {
    const startedAt = Date.now();
    const finding = await loadFinding(options.finding ?? builtInFinding);
    if (options.disk) await checkDisk(options.disk);

    const prepared = await setUp(options.disk, cleanUp);
    const preparedAt = Date.now();
    progress.line(`Set up in ${seconds(preparedAt - startedAt)} s`);
    const stage = await setStage(prepared, progress, cleanUp, options.keep);
    if (options.keep) progress.line(`The local AWS stays up: AWS_ENDPOINT_URL=${stage.localEmu.endpoint} AWS_ACCESS_KEY_ID=${forensics.accountId} AWS_SECRET_ACCESS_KEY=rehearsal AWS_REGION=${forensics.region}`);
    if (finding.refusal !== null) return rehearseRefusal(stage, finding, finding.refusal, options, progress);

    const followed = await followIncident(stage, finding, options, progress);
    const { incident, execution } = followed;
    const facts = await collectFacts({
        clients: stage.clients, forensics, victim: stage.victim, incident, evidenceBucket: deployed.evidenceBucket, slack: followed.slack, artefacts: prepared.artefacts,
    });
    const checks = runChecks(facts);
    for (const check of checks) progress.line(`${check.passed ? "  ok     " : "  FALSE  "}${check.name}\n           ${printable(check.lookedAt, 1200)}`);
    const passed = checks.every((check) => check.passed) && execution.status === "SUCCEEDED";

    const containedBy = execution.visits.find((visit) => visit.exitedAt !== null)?.exitedAt;
    const containment = containedBy ? callsToContainment(await readCallLog(stage.localEmu.callLogFile), followed.sentAt, Date.parse(containedBy)) : null;
    const timings = {
        setUpSeconds: seconds(preparedAt - startedAt),
        localAwsSeconds: seconds(stage.milliseconds.localAws),
        victimSeconds: seconds(stage.milliseconds.victim),
        deploySeconds: seconds(stage.milliseconds.deploy),
        incidentSeconds: seconds(followed.endedAt - followed.sentAt),
        totalSeconds: seconds(Date.now() - startedAt),
    };
    const record = {
        schemaVersion: 1,
        outcome: passed ? "passed" : "failed",
        finding: { file: finding.file, original: finding.text, sent: followed.delivery },
        incident,
        victim: stage.victim,
        execution: { arn: execution.executionArn, status: execution.status, error: execution.error, cause: execution.cause },
        states: execution.visits,
        checks,
        facts,
        report: followed.report,
        callsToContainment: containment,
        functions: stage.deployment.functions,
        resources: stage.deployment.resources.length,
        timings,
        engine: await engineVersions(),
    };
    const read = (key: string) => readEvidence(stage.clients, forensics, deployed.evidenceBucket, `${incident.prefix}${key}`);
    const folder = await writeResult(options.out, {
        name: incident.incidentId, record, originalMessage: finding.text,
        reportHtml: await read("report/report.html"), findingsJsonl: await read("analysis/findings.jsonl"), slack: followed.slack,
    });
    if (containment) progress.line(`Contained ${seconds(containment.millisecondsToLastChange)} s after the finding, by ${containment.calls.length} AWS calls, ${containment.sequentialCalls} of them one after another`);
    progress.line(`Set up ${timings.setUpSeconds} s, local AWS ${timings.localAwsSeconds} s, victim ${timings.victimSeconds} s, deploy ${timings.deploySeconds} s, incident ${timings.incidentSeconds} s, total ${timings.totalSeconds} s`);
    progress.line(`Result: ${folder}`);
    progress.line(passed ? `Passed: ${checks.length} checks hold.` : `FAILED: ${checks.filter((check) => !check.passed).length} of ${checks.length} checks are false${execution.status === "SUCCEEDED" ? "" : `, and the workflow ended as ${execution.status}`}.`);
    return { passed, record };
}
