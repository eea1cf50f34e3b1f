import { expect } from "chai";
import { measureNamespace, messagesLeftAside, notContained, secondsToContained } from "../../functions/domain/measures";
import { parseSettings } from "../../infra/config";
import { dashboardBody, type DashboardBody, type DashboardMetric } from "../../infra/dashboard";
import { functionNameOf } from "../../infra/names";
import { deployedSteps } from "../../infra/steps";
import { dashboardSchema } from "./support/dashboardBody";
import { declare, type Declared } from "./support/declared";

const base = { forensics: { accountId: "111111111111" }, regions: ["eu-west-1", "us-east-1"], members: [{ accountId: "222222222222" }] };
/** Everything that makes a function of its own. */
const everything = {
    ...base,
    operations: { dashboard: true },
    memory: { mode: "volatile" },
    notifications: { chat: true, chatActions: true },
    report: { docsUrl: "https://github.com/OWNER/REPOSITORY/blob/main/" },
};
/** Metrics that AWS/States, AWS/SQS and AWS/Lambda have. https://docs.aws.amazon.com/{step-functions,AWSSimpleQueueService,lambda} */
const ofAws: Record<string, string[]> = {
    "AWS/States": ["ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"],
    "AWS/SQS": ["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"],
    "AWS/Lambda": ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"],
    [measureNamespace]: [secondsToContained, notContained, messagesLeftAside].map(({ name }) => name),
};

const metricsOf = (body: DashboardBody): DashboardMetric[] =>
    body.widgets.flatMap((each) => (each.type === "metric" ? each.properties.metrics : []));

describe("the dashboard of a Region", function () {
    this.timeout(120_000);
    let resources: Declared[];
    let dashboards: Declared[];
    const bodyOf = ({ inputs }: Declared) => JSON.parse(inputs.dashboardBody as string) as DashboardBody;

    before(async () => {
        const declared = await declare(everything);
        expect(declared.problems).to.deep.equal([]);
        resources = declared.resources;
        dashboards = resources.filter(({ type }) => type === "aws:cloudwatch/dashboard:Dashboard");
    });

    it("is one a Region, by a name that no other Region has, since an account's dashboards share their names", () =>
        expect(dashboards.map(({ region, inputs }) => [region, inputs.dashboardName])).to.have.deep.members([
            ["eu-west-1", "clean-room-eu-west-1"],
            ["us-east-1", "clean-room-us-east-1"],
        ]));

    it("is off unless it is asked for", () => expect(parseSettings(base).operations).to.deep.equal({ dashboard: false }));

    it("has a body as AWS describes it", () => {
        for (const each of dashboards) expect(dashboardSchema.safeParse(bodyOf(each)).error?.issues ?? []).to.deep.equal([]);
    });

    it("shows nothing that the deployment does not have", () => {
        for (const each of dashboards) {
            const here = resources.filter(({ region, accountId }) => region === each.region && accountId === "111111111111");
            const named = (type: string, key = "name") =>
                here.filter((one) => one.type === type).map(({ inputs }) => inputs[key] as string);
            const there: Record<string, string[]> = {
                FunctionName: named("aws:lambda/function:Function"),
                QueueName: named("aws:sqs/queue:Queue"),
                StateMachineArn: named("aws:sfn/stateMachine:StateMachine").map(
                    (name) => `arn:aws:states:${each.region}:111111111111:stateMachine:${name}`,
                ),
            };
            const body = bodyOf(each);
            const chosen = Object.fromEntries(body.variables.map(({ pattern, defaultValue }) => [pattern, defaultValue]));
            for (const [namespace, name, dimension, value] of metricsOf(body) as [string, string, string?, string?][]) {
                expect(ofAws[namespace], namespace).to.include(name);
                if (typeof dimension === "string") expect(there[dimension], dimension).to.include(chosen[value!] ?? value);
            }
            // No function is left out of the errors, and none of the deployment's alarms out of their states.
            const withErrors = metricsOf(body)
                .filter(([, name]) => name === "Errors")
                .map(([, , , value]) => value);
            expect(withErrors).to.include.members(there.FunctionName!);
            const alarms = body.widgets.flatMap((one) => (one.type === "alarm" ? one.properties.alarms : []));
            expect(alarms.map((arn) => arn.slice(arn.indexOf(":alarm:") + 7))).to.have.members(
                named("aws:cloudwatch/metricAlarm:MetricAlarm"),
            );
            const query = body.widgets.flatMap((one) => (one.type === "log" ? one.properties.query : [])).join();
            const sources = [...query.matchAll(/SOURCE '([^']+)'/g)].map(([, group]) => group!);
            expect(named("aws:cloudwatch/logGroup:LogGroup")).to.include.members(sources);
            expect(sources).to.have.length(there.FunctionName!.length);
        }
    });

    it("has its variables where somebody's choice is to change something, and nowhere else", () => {
        const body = bodyOf(dashboards[0]!);
        const text = JSON.stringify(body.widgets);
        for (const { pattern } of body.variables) expect(text).to.include(pattern);
        expect(body.variables.map(({ id }) => id)).to.deep.equal(["incident", "function"]);
    });

    it("leads to the runbook, as a link where its files can be read", () => {
        expect(JSON.stringify(bodyOf(dashboards[0]!))).to.include(
            "[the runbook](https://github.com/OWNER/REPOSITORY/blob/main/docs/runbook.md)",
        );
    });

    it("has at most the fifty metrics that CloudWatch's free tier takes, with every function that there can be", () => {
        const functionNames = Object.keys(deployedSteps(parseSettings(everything))).map(functionNameOf);
        const body = dashboardBody({
            ...{ partition: "aws", region: "eu-west-1", accountId: "111111111111", stateMachineArn: "a", releaseStateMachineArn: "b" },
            ...{ deadLetterQueueNames: ["one", "two"], functionNames, alarms: [] },
        });
        expect(metricsOf(body).length).to.be.at.most(50);
    });
});
