/**
 * What somebody on call looks at: one CloudWatch dashboard a Region (`operations.dashboard`), as data.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 *
 * Only metrics that AWS or our functions make anyway; at most fifty, which CloudWatch's free tier takes in a dashboard. awsx has typed dashboards in its
 * deprecated `classic` part, which know neither log queries nor variables; no schema of the body is published, so tests/infra/dashboard.spec.ts has AWS's page as one.
 */
import { messagesLeftAside, measureNamespace, notContained, secondsToContained } from "../functions/domain/measures";
import { alarmName, type AlarmPlan } from "./alarms";

/** Namespace, name, then pairs of a dimension and its value, and how it is shown. */
export type DashboardMetric = readonly (string | { readonly stat?: string; readonly label?: string })[];
interface Place {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
}
export type Widget = Place &
    (
        | { readonly type: "text"; readonly properties: { readonly markdown: string } }
        | {
              readonly type: "alarm";
              readonly properties: { readonly title: string; readonly alarms: readonly string[]; readonly sortBy: string };
          }
        | {
              readonly type: "metric";
              readonly properties: {
                  readonly title: string;
                  readonly region: string;
                  readonly view: "timeSeries" | "singleValue";
                  readonly stat: string;
                  readonly period: number;
                  readonly metrics: readonly DashboardMetric[];
                  /** Of single values: one over the time that the dashboard shows, not the last period's. */
                  readonly setPeriodToTimeRange?: boolean;
              };
          }
        | {
              readonly type: "log";
              readonly properties: { readonly title: string; readonly region: string; readonly view: "table"; readonly query: string };
          }
    );
/** What somebody chooses or types above the dashboard: it takes the place of a pattern in the body. */
interface Variable {
    readonly type: "pattern";
    readonly pattern: string;
    readonly inputType: "input" | "select";
    readonly id: string;
    readonly label: string;
    readonly defaultValue: string;
    readonly visible: true;
    readonly values?: readonly { readonly label: string; readonly value: string }[];
}
export interface DashboardBody {
    /** As ISO 8601: the dashboard opens with the time since then. */
    readonly start: string;
    readonly periodOverride: "inherit";
    readonly variables: readonly Variable[];
    readonly widgets: readonly Widget[];
}

export interface DashboardArgs {
    readonly partition: string;
    readonly region: string;
    readonly accountId: string;
    /** Where the repository's files can be read; undefined: messages name them by their path. */
    readonly docsUrl?: string;
    readonly stateMachineArn: string;
    readonly releaseStateMachineArn: string;
    /** Every queue that something may lie in which was not followed. */
    readonly deadLetterQueueNames: readonly string[];
    readonly functionNames: readonly string[];
    readonly alarms: readonly AlarmPlan[];
}

/** Stand in the body for what somebody chooses. */
const [anyFunction, anyIncident] = ["FUNCTION_TO_LOOK_AT", "INCIDENT_TO_LOOK_AT"];
/** Lines of a function are about an incident where they name one. */
const everyIncident = "incidentId";
/** Logs Insights takes so many log groups in a query. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html */
const mostLogGroups = 50;

/** The lines of log that name an incident, newest first. @throws when AWS would refuse the query */
function logQuery(functionNames: readonly string[]): string {
    if (functionNames.length > mostLogGroups)
        throw new Error(
            `A query takes ${mostLogGroups} log groups and there are ${functionNames.length} functions; part the dashboard's query.`,
        );
    return [
        ...functionNames.map((name) => `SOURCE '/aws/lambda/${name}'`),
        "fields @timestamp, step, message, error, cause, incidentId",
        `filter @message like "${anyIncident}"`,
        "sort @timestamp desc",
        "limit 200",
    ].join(" | ");
}

const page = (docsUrl: string | undefined, file: string, label: string) =>
    docsUrl === undefined ? `\`${file}\`` : `[${label}](${docsUrl.replace(/\/$/, "")}/${file})`;

/** The dashboard of a Region. */
export function dashboardBody(args: DashboardArgs): DashboardBody {
    const { region, functionNames } = args;
    const ofWorkflow = (name: string, label: string, StateMachineArn = args.stateMachineArn): DashboardMetric => [
        "AWS/States",
        name,
        "StateMachineArn",
        StateMachineArn,
        { label },
    ];
    const ofChosen = (name: string, stat: string, label: string): DashboardMetric => [
        "AWS/Lambda",
        name,
        "FunctionName",
        anyFunction,
        { stat, label },
    ];
    const graph = (title: string, place: Place, metrics: DashboardMetric[], stat = "Sum"): Widget => ({
        ...place,
        type: "metric",
        properties: { title, region, view: "timeSeries", stat, period: 300, metrics },
    });
    const runbook = page(args.docsUrl, "docs/runbook.md", "the runbook");
    return {
        start: "-PT12H",
        periodOverride: "inherit",
        variables: [
            {
                type: "pattern",
                pattern: anyIncident,
                inputType: "input",
                id: "incident",
                label: "Incident",
                defaultValue: everyIncident,
                visible: true,
            },
            {
                type: "pattern",
                pattern: anyFunction,
                inputType: "select",
                id: "function",
                label: "Function",
                defaultValue: functionNames[0]!,
                visible: true,
                values: functionNames.map((value) => ({ label: value, value })),
            },
        ],
        widgets: [
            {
                ...{ x: 0, y: 0, width: 24, height: 3 },
                type: "text",
                properties: {
                    markdown: [
                        `# EC2 clean room, ${region}`,
                        `Woken by a message or an alarm? Its page is in ${runbook}. What stands contained, and what waits for you: \`npm run incidents -- --region ${region}\`. Put an incident's id above to see its lines of log.`,
                        "**An empty graph is not a good sign by itself**: metrics begin with the first incident. That the response would work is looked at every day (Readiness changed), and the watch's alarm tells of its silence.",
                    ].join("\n\n"),
                },
            },
            {
                ...{ x: 0, y: 3, width: 24, height: 4 },
                type: "alarm",
                properties: {
                    title: "Alarms: each has a page in the runbook",
                    alarms: args.alarms.map(
                        ({ what }) => `arn:${args.partition}:cloudwatch:${region}:${args.accountId}:alarm:${alarmName(what)}`,
                    ),
                    sortBy: "stateUpdatedTimestamp",
                },
            },
            {
                ...{ x: 0, y: 7, width: 12, height: 6 },
                type: "metric",
                properties: {
                    title: "Incidents in this time",
                    region,
                    view: "singleValue",
                    stat: "Sum",
                    period: 300,
                    setPeriodToTimeRange: true,
                    metrics: [
                        ofWorkflow("ExecutionsStarted", "begun"),
                        [measureNamespace, secondsToContained.name, { stat: "SampleCount", label: "contained" }],
                        [measureNamespace, notContained.name, { label: "tries that did NOT contain" }],
                        ofWorkflow("ExecutionsSucceeded", "response ended"),
                        ofWorkflow("ExecutionsFailed", "response failed"),
                        ofWorkflow("ExecutionsTimedOut", "response timed out"),
                        ofWorkflow("ExecutionsAborted", "response stopped by somebody"),
                        ofWorkflow("ExecutionsFailed", "release failed", args.releaseStateMachineArn),
                        [measureNamespace, messagesLeftAside.name, { label: "findings left aside by rule" }],
                    ],
                },
            },
            graph(
                "Seconds from a finding's arrival to contained (with people's time, where people are asked)",
                { x: 12, y: 7, width: 12, height: 6 },
                [
                    [measureNamespace, secondsToContained.name, { stat: "p50", label: "half of them" }],
                    [measureNamespace, secondsToContained.name, { stat: "Maximum", label: "longest" }],
                ],
            ),
            graph(
                "Not followed: messages in dead-letter queues, and seconds that the oldest lies there",
                { x: 0, y: 13, width: 8, height: 6 },
                args.deadLetterQueueNames.flatMap((name): DashboardMetric[] => [
                    ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { label: `${name}: messages` }],
                    ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, { label: `${name}: age of the oldest, s` }],
                ]),
                "Maximum",
            ),
            graph(
                "Errors of each function",
                { x: 8, y: 13, width: 8, height: 6 },
                functionNames.map((name): DashboardMetric => ["AWS/Lambda", "Errors", "FunctionName", name, { label: name }]),
            ),
            graph("Lambda in this account and Region: what runs at once, and calls turned away", { x: 16, y: 13, width: 8, height: 6 }, [
                ["AWS/Lambda", "ConcurrentExecutions", { stat: "Maximum", label: "run at once" }],
                ["AWS/Lambda", "Throttles", { label: "turned away" }],
            ]),
            graph("The function chosen above: calls, errors, calls turned away", { x: 0, y: 19, width: 12, height: 6 }, [
                ofChosen("Invocations", "Sum", "calls"),
                ofChosen("Errors", "Sum", "errors"),
                ofChosen("Throttles", "Sum", "turned away"),
            ]),
            graph("The function chosen above: milliseconds that it takes", { x: 12, y: 19, width: 12, height: 6 }, [
                ofChosen("Duration", "p50", "half of them"),
                ofChosen("Duration", "Maximum", "longest"),
            ]),
            {
                ...{ x: 0, y: 25, width: 24, height: 9 },
                type: "log",
                properties: { title: "Lines of log about the incident above", region, view: "table", query: logQuery(functionNames) },
            },
        ],
    };
}
