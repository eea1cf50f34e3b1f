/** Follows an incident from the finding to its report, and says where it is stuck when it is. */
import { CloudWatchLogsClient, DescribeLogGroupsCommand, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
    DescribeExecutionCommand,
    GetExecutionHistoryCommand,
    ListExecutionsCommand,
    SFNClient,
    type ExecutionStatus,
    type HistoryEvent,
} from "@aws-sdk/client-sfn";
import { ListQueuesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { stepTitle } from "../functions/domain/stepWords";
import { analysisLogGroup, progressLines } from "../tools/analysisProgress";
import type { LocalClients, Target } from "./deploy/localClients";
import { stateVisits, type StateVisit } from "./executionHistory";
import { printable, type Progress } from "./progress";
import { WaitError } from "./waitError";

const pollMilliseconds = 200;
/** Of each function, this many of its last lines are shown. */
const lastLines = 4;

/**
 * Asks again and again until the answer is neither null nor undefined.
 *
 * @param deadline milliseconds since 1970.
 * @throws WaitError with what `explain` finds out when the deadline has passed.
 */
export async function until<T>(
    what: string,
    ask: () => Promise<T | null | undefined>,
    deadline: number,
    explain: () => Promise<string> = async () => "",
): Promise<T> {
    for (;;) {
        const answer = await ask();
        if (answer !== null && answer !== undefined) return answer;
        if (Date.now() >= deadline) throw new WaitError(`Waited in vain for ${what}. ${await explain()}`.trim());
        await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
    }
}

async function queueContents(clients: LocalClients, target: Target): Promise<string[]> {
    const sqs = clients(SQSClient, target);
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
    const contents = await Promise.all(
        QueueUrls.map(async (QueueUrl) => {
            const { Messages = [] } = await sqs.send(
                new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0, MessageAttributeNames: ["All"] }),
            );
            return Messages.map(
                (message) =>
                    `queue ${QueueUrl.slice(QueueUrl.lastIndexOf("/") + 1)} holds: ${printable(`${JSON.stringify(message.MessageAttributes ?? {})} ${message.Body ?? ""}`)}`,
            );
        }),
    );
    return contents.flat();
}

async function functionLogs(clients: LocalClients, target: Target): Promise<string[]> {
    const logs = clients(CloudWatchLogsClient, target);
    const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: "/aws/lambda/" }));
    const lines = await Promise.all(
        logGroups.map(async ({ logGroupName }) => {
            const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
            return events
                .filter((event) => event.message && !/^(START|END|REPORT|INIT_START) /.test(event.message))
                .slice(-lastLines)
                .map((event) => `${logGroupName}: ${printable(event.message!)}`);
        }),
    );
    return lines.flat();
}

/** What dead-letter queues hold and functions logged in the forensics account: which hop of the chain is stuck. */
export async function describeChain(clients: LocalClients, forensics: Target): Promise<string> {
    const seen = [...(await queueContents(clients, forensics)), ...(await functionLogs(clients, forensics))];
    if (seen.length === 0)
        return "No function has logged anything and no dead-letter queue holds a message: the event did not reach the findings topic, or the topic did not reach its subscriber. Look at the event rules, the bus policy and the topic policy.";
    return `Seen in the forensics account:\n${seen.map((line) => `    ${line}`).join("\n")}`;
}

export interface ExecutionEnd {
    executionArn: string;
    status: ExecutionStatus;
    /** Of a failed execution. */
    error: string | null;
    cause: string | null;
    /** JSON text. */
    input: string;
    visits: StateVisit[];
}

/** Milliseconds between two looks at what the analysis says. */
const analysisPollMilliseconds = 2000;

/** Asks now and then what the analysis under way says of itself. What cannot be read is left out: the workflow is followed all the same. */
function analysisWatch(clients: LocalClients, forensics: Target): () => Promise<string[]> {
    const logs = clients(CloudWatchLogsClient, forensics);
    const begun = Date.now();
    let last = 0;
    return async () => {
        if (Date.now() - last < analysisPollMilliseconds) return [];
        last = Date.now();
        try {
            // What was said before is an earlier incident's.
            const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: analysisLogGroup, startTime: begun }));
            return progressLines(
                events.map(({ message = "", timestamp = 0 }) => ({ message, timestamp })),
                Date.now(),
            );
        } catch {
            return [];
        }
    };
}

/** The execution of an incident of this instance. */
export async function findExecution(
    clients: LocalClients,
    forensics: Target,
    stateMachineArn: string,
    instanceId: string,
): Promise<string | undefined> {
    const { executions = [] } = await clients(SFNClient, forensics).send(new ListExecutionsCommand({ stateMachineArn }));
    return executions.find((one) => one.name?.startsWith(`${instanceId}-`))?.executionArn;
}

/** The whole history, page by page. */
async function history(sfn: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
    const events: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
        const page = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, nextToken }));
        events.push(...(page.events ?? []));
        nextToken = page.nextToken;
    } while (nextToken);
    return events;
}

/** Shows the states of an execution as they end, until the execution does. @throws WaitError naming the states still running. */
export async function followExecution(
    clients: LocalClients,
    forensics: Target,
    executionArn: string,
    progress: Progress,
    deadline: number,
): Promise<ExecutionEnd> {
    const sfn = clients(SFNClient, forensics);
    let visits: StateVisit[] = [];
    const analysis = analysisWatch(clients, forensics);
    const ask = async () => {
        // Asked in this order: an execution that has ended has its last state in the history.
        const execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        visits = stateVisits(await history(sfn, executionArn));
        progress.states(visits);
        // Under way, or just over: its last words come with its end.
        if (visits.some(({ name }) => name === "RunAnalysis")) progress.analysing(await analysis());
        return execution.status === "RUNNING" ? null : execution;
    };
    const explain = async () =>
        `States still running: ${
            visits
                .filter((one) => one.exitedAt === null)
                .map((one) => stepTitle(one.name))
                .join(", ") || "none"
        }. ${await describeChain(clients, forensics)}`;
    const ended = await until("the workflow to end", ask, deadline, explain);
    return {
        executionArn,
        status: ended.status!,
        error: ended.error ?? null,
        cause: ended.cause ?? null,
        input: ended.input ?? "{}",
        visits,
    };
}
