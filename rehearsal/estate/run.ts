/** A rehearsal of an estate: two members, two Regions, four findings at the same moment. */
import { readCallLog } from "../callLog";
import type { CleanUp } from "../cleanUp";
import { localClients, type Target } from "../deploy/localClients";
import { deployProgram } from "../deploy/program";
import { withFaults } from "../faults";
import type { LoadedFinding } from "../finding";
import { followIncident } from "../incident";
import { startLocalEmu } from "../localEmu";
import type { Options } from "../options";
import { seconds, type Outcome } from "../outcome";
import { printable, Progress } from "../progress";
import { writeResult } from "../record";
import { setUp } from "../setUp";
import { startSlackServer, titleOf } from "../slackServer";
import { preflight } from "../readiness";
import { configuration, forensics, forensicsIn, member } from "../stage";
import { engineVersions } from "../versions";
import { createVictim, type Victim } from "../victim";
import { countCalls } from "./callOrigins";
import { runEstateChecks } from "./checks";
import { collectVictim } from "./collect";
import type { EstateFacts } from "./facts";

export const estateRegions = [member.region, "eu-central-1"];
export const estateMembers = [member.accountId, "333333333333"];
const places: Target[] = estateMembers.flatMap((accountId) => estateRegions.map((region) => ({ accountId, region })));

/** Rehearses one incident in each account and Region. @throws WaitError when one of them gets stuck */
export async function rehearseEstate(finding: LoadedFinding, options: Options, progress: Progress, cleanUp: CleanUp): Promise<Outcome> {
    const startedAt = Date.now();
    const prepared = await setUp(options.disk, cleanUp, options.keep);
    const slack = await startSlackServer();
    cleanUp.add("Slack's stand-in", () => slack.stop());
    const localEmu = await startLocalEmu({ keep: options.keep });
    if (!options.keep) cleanUp.add("the local AWS", () => localEmu.stop());
    progress.line(`Local AWS up at ${localEmu.endpoint}`);

    const clients = localClients(localEmu.endpoint);
    const victims: Victim[] = [];
    for (const place of places) victims.push(await createVictim(clients, place, prepared.images));
    progress.line(
        `${victims.length} victims: ${victims.map(({ instance }) => `${instance.instanceId} in ${instance.accountId}/${instance.region}`).join(", ")}`,
    );
    const deployment = await deployProgram({
        clients,
        defaults: forensics,
        config: configuration(victims, slack.url, prepared.pythonVersion),
        secretKeys: ["slackWebhookUrl"],
    });
    const deployedAt = Date.now();
    progress.line(
        `Program deployed in ${seconds(deployedAt - startedAt)} s: ${deployment.resources.length} resources in ${estateMembers.length} members and ${estateRegions.length} Regions`,
    );

    const readiness: EstateFacts["readiness"] = [];
    // One after the other: a sample is told by its account and Region alone.
    for (const region of estateRegions) readiness.push({ region, checks: await preflight(clients, forensicsIn(region), progress) });

    const quiet = () => new Progress({ write: () => true });
    const follow = async (victim: Victim) => {
        const one = await followIncident({ clients, victim, slack }, finding, options.timeoutSeconds, quiet());
        progress.line(
            `  ${`${seconds(one.endedAt - one.sentAt)} s`.padStart(8)}  ${victim.instance.accountId}/${victim.instance.region}  ${one.execution.status}  ${one.incident.incidentId}`,
        );
        return one;
    };
    const { faults, throttling } = options;
    const followed = await withFaults(
        localEmu.endpoint,
        { faults, throttling },
        (line) => progress.line(line),
        () => Promise.all(victims.map(follow)),
    );
    const collected = await Promise.all(
        victims.map((victim, index) => collectVictim(clients, estateRegions, victim, followed[index]!.incident)),
    );
    const log = await readCallLog(localEmu.callLogFile);
    const facts: EstateFacts = {
        regions: estateRegions,
        readiness,
        victims: collected,
        calls: countCalls(log, estateRegions, collected),
        slack: slack.messages.map(({ payload, violations }) => ({ title: titleOf(payload), violations })),
    };
    const checks = runEstateChecks(facts);
    for (const { passed, name, lookedAt } of checks)
        progress.line(`  ${passed ? "ok   " : "FALSE"}  ${name}\n           ${printable(lookedAt, 2000)}`);

    const passed = checks.every((check) => check.passed);
    // A run that failed elsewhere (in continuous integration) has left nothing but what it printed.
    const problems = slack.messages.filter(({ payload }) => /NOT contained|failed/i.test(titleOf(payload)));
    for (const { payload } of passed ? [] : problems) progress.line(`  told: ${printable(JSON.stringify(payload), 6000)}`);
    const timings = {
        deployedSeconds: seconds(deployedAt - startedAt),
        incidentsSeconds: seconds(Math.max(...followed.map((one) => one.endedAt)) - deployedAt),
        totalSeconds: seconds(Date.now() - startedAt),
    };
    const record = {
        schemaVersion: 1,
        outcome: passed ? "passed" : "failed",
        finding: { file: finding.file, original: finding.text },
        incidents: followed.map((one) => one.incident),
        checks,
        faults,
        throttling,
        facts,
        timings,
        engine: await engineVersions(),
    };
    const folder = await writeResult(options.out, {
        name: `estate-${collected[0]!.incidentId}`,
        record,
        originalMessage: finding.text,
        reportHtml: null,
        findingsJsonl: null,
        slack: slack.messages,
    });
    progress.line(
        `Times: deployed after ${timings.deployedSeconds} s, ${victims.length} incidents ${timings.incidentsSeconds} s, total ${timings.totalSeconds} s`,
    );
    progress.line(`Result: ${folder}`);
    progress.line(
        passed
            ? `Passed: all ${checks.length} checks hold.`
            : `FAILED: ${checks.filter((check) => !check.passed).length} of ${checks.length} checks are false.`,
    );
    return { passed, record };
}
