/** One rehearsal: set the stage, send the finding, follow the incident, check, write it all down. */
import { ringAlarm } from "./alarm";
import { callsToContainment, readCallLog, readExchangeLog } from "./callLog";
import type { Check } from "./check";
import { runChecks } from "./checks";
import type { CleanUp } from "./cleanUp";
import { collectFacts, readEvidence } from "./collectFacts";
import type { Facts } from "./facts";
import { withFaults } from "./faults";
import type { LoadedFinding } from "./finding";
import { followIncident, type FollowedIncident } from "./incident";
import type { Options } from "./options";
import { seconds, type Outcome } from "./outcome";
import { printable, type Progress } from "./progress";
import { writeResult, writeTranscript } from "./record";
import { watchQuarantine, type QuarantineSeen } from "./memory/watchQuarantine";
import { preflight } from "./readiness";
import { rehearseRefusal } from "./refusal";
import { setUp, type Prepared } from "./setUp";
import { deployed, forensics, setStage, type Stage } from "./stage";
import { engineVersions } from "./versions";
import { custodySchema } from "../functions/domain/containers";
import { objectNames } from "../functions/domain/evidenceKeys";

/** Reads back what happened, checks it, and prints each check with what it looked at. */
async function judge(
    stage: Stage,
    followed: FollowedIncident,
    prepared: Prepared,
    before: Pick<Facts, "readiness" | "alarm">,
    progress: Progress,
    mode: Options["memory"],
    quarantine: QuarantineSeen | null,
) {
    const facts = await collectFacts({
        clients: stage.clients,
        endpoint: stage.localEmu.endpoint,
        forensics,
        victim: stage.victim,
        sharedRole: stage.sharedRole,
        incident: followed.incident,
        evidenceBucket: deployed.evidenceBucket,
        slack: followed.slack,
        ...before,
        artefacts: prepared.artefacts,
        memory: mode && stage.memory && { mode, quarantine, endpointGroup: stage.memory.endpointGroup, sentAt: followed.sentAt },
    });
    const checks = runChecks(facts);
    for (const { passed, name, lookedAt } of checks)
        progress.line(`  ${passed ? "ok   " : "FALSE"}  ${name}\n           ${printable(lookedAt, 1200)}`);
    return { facts, checks };
}

/** The calls on the way to containment, from the local AWS's own log. */
async function containmentCalls(stage: Stage, { execution, sentAt }: FollowedIncident) {
    const contained = execution.visits.find((visit) => visit.name === "IsolateInstance" && visit.exitedAt !== null);
    if (!contained) return null;
    const { callLogFile, exchangeLogFile } = stage.localEmu;
    return callsToContainment(
        await readCallLog(callLogFile),
        await readExchangeLog(exchangeLogFile),
        sentAt,
        Date.parse(contained.exitedAt!),
    );
}

/** How long the instance was open, and how long it stood in quarantine. */
function memoryTimes({ sentAt, told, containedAt }: NonNullable<Facts["memory"]>): string {
    const after = (time: string | null | undefined) => (time ? `${seconds(Date.parse(time) - sentAt)} s` : "never");
    return `After the finding: quarantined ${after(told?.quarantinedAt)}, collecting began ${after(told?.commandSentAt)}, collecting ended ${after(told?.endedAt)}, contained ${after(containedAt)}`;
}

function verdictLine(checks: Check[], { execution }: FollowedIncident): string {
    const wrong = checks.filter((check) => !check.passed).length;
    if (wrong === 0 && execution.status === "SUCCEEDED") return `Passed: all ${checks.length} checks hold.`;
    return `FAILED: ${wrong} of ${checks.length} checks are false; the workflow ended as ${execution.status}.`;
}

async function rehearseIncident(
    stage: Stage,
    finding: LoadedFinding,
    prepared: Prepared,
    options: Options,
    progress: Progress,
    times: { startedAt: number; preparedAt: number },
): Promise<Outcome> {
    const { faults, throttling } = options;
    const readiness = await preflight(stage.clients, forensics, progress);
    const alarm = await ringAlarm(stage, progress);
    const watching = stage.memory === null ? null : watchQuarantine(stage);
    const followed = await withFaults(
        stage.localEmu.endpoint,
        { faults, throttling },
        (line) => progress.line(line),
        () => followIncident(stage, finding, options.timeoutSeconds, progress),
    );
    const quarantine = (await watching?.stop()) ?? null;
    const { incident, execution } = followed;
    const { facts, checks } = await judge(stage, followed, prepared, { readiness, alarm }, progress, options.memory, quarantine);
    const passed = checks.every((check) => check.passed) && execution.status === "SUCCEEDED";
    const calls = await containmentCalls(stage, followed);
    const timings = {
        setUpSeconds: seconds(times.preparedAt - times.startedAt),
        localAwsSeconds: seconds(stage.milliseconds.localAws),
        victimSeconds: seconds(stage.milliseconds.victim),
        deploySeconds: seconds(stage.milliseconds.deploy),
        incidentSeconds: seconds(followed.endedAt - followed.sentAt),
        totalSeconds: seconds(Date.now() - times.startedAt),
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
        callsToContainment: calls,
        faults,
        throttling,
        functions: stage.deployment.functions,
        resources: stage.deployment.resources.length,
        timings,
        engine: await engineVersions(),
    };
    const read = (key: string) => readEvidence(stage.clients, forensics, deployed.evidenceBucket, `${incident.prefix}${key}`);
    const custody = await read(objectNames.custody);
    const results = custody ? custodySchema.parse(JSON.parse(custody.toString("utf8"))).resultsPrefix : "analysis/none/";
    const folder = await writeResult(options.out, {
        name: incident.incidentId,
        record,
        originalMessage: finding.text,
        reportHtml: await read("report/report.html"),
        findingsJsonl: await read(`${results}findings.jsonl`),
        slack: followed.slack,
    });
    if (facts.memory) progress.line(memoryTimes(facts.memory));
    if (calls)
        progress.line(
            `Contained ${seconds(calls.millisecondsToLastChange)} s after the finding, with ${calls.calls.length} AWS calls, ${calls.criticalPath.length} of them one after another: ${calls.criticalPath.join(", ")}`,
        );
    progress.line(
        `Times: set up ${timings.setUpSeconds} s, local AWS ${timings.localAwsSeconds} s, victim ${timings.victimSeconds} s, deploy ${timings.deploySeconds} s, incident ${timings.incidentSeconds} s, total ${timings.totalSeconds} s`,
    );
    progress.line(`Result: ${folder}`);
    progress.line(verdictLine(checks, followed));
    await writeTranscript(folder, progress.transcript());
    return { passed, record };
}

/** Runs a rehearsal. @throws WaitError when the incident gets stuck. */
export async function rehearse(finding: LoadedFinding, options: Options, progress: Progress, cleanUp: CleanUp): Promise<Outcome> {
    const startedAt = Date.now();
    const prepared = await setUp(options.disk, cleanUp, options.keep);
    const preparedAt = Date.now();
    progress.line(`Set up in ${seconds(preparedAt - startedAt)} s`);
    const stage = await setStage(prepared, progress, cleanUp, options);
    if (options.keep)
        progress.line(
            `The local AWS stays up: AWS_ENDPOINT_URL=${stage.localEmu.endpoint} AWS_ACCESS_KEY_ID=${forensics.accountId} AWS_SECRET_ACCESS_KEY=rehearsal AWS_REGION=${forensics.region}`,
        );
    if (finding.refusal !== null) return rehearseRefusal(stage, finding, finding.refusal, options, progress);
    return rehearseIncident(stage, finding, prepared, options, progress, { startedAt, preparedAt });
}
