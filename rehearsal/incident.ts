/** Sends the finding and follows its incident to the report. */
import { incidentSchema, reportSchema, type Incident, type Report } from "../functions/domain/containers";
import { readEvidence } from "./collectFacts";
import { deliveryOf, pointAtVictim, send, type Delivery, type LoadedFinding } from "./finding";
import { printable, type Progress } from "./progress";
import type { SlackMessage } from "./slackServer";
import { deployedIn, forensicsIn, type Stage } from "./stage";
import { describeChain, findExecution, followExecution, until, type ExecutionEnd } from "./watch";

/** The hops before the workflow take a second or two: a longer silence is a broken hop, worth a report of its own. */
const longestSilenceMilliseconds = 30_000;

export interface FollowedIncident {
    delivery: Delivery;
    /** Milliseconds since 1970. */
    sentAt: number;
    endedAt: number;
    execution: ExecutionEnd;
    incident: Incident;
    /** Null when the workflow failed before there was one. */
    report: Report | null;
    slack: SlackMessage[];
}

/** Sends the finding about the victim and follows its incident. @throws WaitError when a hop is stuck or the time is up, with what was seen of the chain. */
export async function followIncident(
    stage: Pick<Stage, "clients" | "victim" | "slack">,
    finding: LoadedFinding,
    timeoutSeconds: number,
    progress: Progress,
): Promise<FollowedIncident> {
    const { clients, victim, slack } = stage;
    const { accountId, region } = victim.instance;
    const [member, forensics, deployed] = [{ accountId, region }, forensicsIn(region), deployedIn(region)];
    const delivery = deliveryOf(pointAtVictim(JSON.parse(finding.text), finding.findings, victim.instance), false);
    const sentAt = await send(delivery, clients, member, forensics, deployed.findingsTopicArn);
    const deadline = sentAt + timeoutSeconds * 1000;
    progress.start(sentAt);
    progress.line(
        `Finding sent: ${printable(finding.findings[0]?.type ?? "", 120)} on the ${delivery.door === "event-bus" ? `default event bus of ${member.accountId}` : "findings topic"}`,
    );

    const chain = () => describeChain(clients, forensics);
    const executionArn = await until(
        "the workflow to start",
        () => findExecution(clients, forensics, deployed.stateMachineArn, victim.instance.instanceId),
        Math.min(deadline, sentAt + longestSilenceMilliseconds),
        chain,
    );
    const execution = await followExecution(clients, forensics, executionArn, progress, deadline);
    const incident = incidentSchema.parse(JSON.parse(execution.input));
    const succeeded = execution.status === "SUCCEEDED";
    if (!succeeded)
        progress.line(`The workflow ended as ${execution.status}: ${printable(`${execution.error ?? ""} ${execution.cause ?? ""}`)}`);

    const readReport = async () => {
        const body = await readEvidence(clients, forensics, deployed.evidenceBucket, `${incident.prefix}report/report.json`);
        return body && reportSchema.parse(JSON.parse(body.toString("utf8")));
    };
    // report.json is written after people were told, so it stands for both.
    const report = succeeded ? await until("the report in the evidence bucket", readReport, deadline, chain) : await readReport();
    return { delivery, sentAt, endedAt: Date.now(), execution, incident, report, slack: [...slack.messages] };
}
