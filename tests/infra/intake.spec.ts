import { expect } from "chai";
import { parseSettings } from "../../infra/config";
import { findingPattern } from "../../infra/findingPattern";
import { deadLetterPolicy, deadLetterStatements } from "../../infra/findingsBus";
import { declare, type Declared } from "./support/declared";

const forensics = { accountId: "111111111111" };
const regions = ["eu-west-1", "us-east-1"];
const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] };

async function inForensics(settings: object): Promise<Declared[]> {
    const { resources, problems } = await declare(
        { forensics, regions, ...settings },
        // Ours, whether a stack looks them up or made them.
        {
            detectors: Object.fromEntries(
                regions.map((region) => [`111111111111/${region}`, { status: "ENABLED", tags: { "clean-room:managed-by": "pulumi" } }]),
            ),
        },
    );
    expect(problems).to.deep.equal([]);
    return resources.filter(({ accountId }) => accountId === forensics.accountId);
}
interface Statement {
    Sid: string;
    Effect: string;
    Principal: unknown;
    Action: unknown;
    Resource: unknown;
    Condition?: Record<string, Record<string, unknown>>;
}
const statementsOf = (resource: Declared, property = "policy") =>
    (JSON.parse(resource.inputs[property] as string) as { Statement: Statement[] }).Statement;
/** Policies of the bus that members forward to, by Region. */
const busPolicies = (resources: Declared[]) =>
    Object.fromEntries(
        resources
            .filter(({ type }) => type === "aws:cloudwatch/eventBusPolicy:EventBusPolicy")
            .map((each) => [each.region!, statementsOf(each)]),
    );
const forwardRule = (region: string) => ({ "aws:SourceArn": `arn:aws:events:${region}:*:rule/clean-room-forward-findings` });

describe("the way of a finding into the forensics account", function () {
    this.timeout(240_000);
    let resources: Declared[];
    const of = (type: string, region: string) => resources.filter((each) => each.type === type && each.region === region);

    before(async () => {
        resources = await inForensics({
            findings: { minimumSeverity: 7 },
            members: [
                { accountId: "222222222222" },
                { accountId: "333333333333", regions: ["us-east-1"] },
                { accountId: "444444444444", forwardFindings: false },
            ],
        });
    });

    for (const region of regions) {
        it(`can be replayed in ${region}: the archive keeps what the rule lets through, from the same bus`, () => {
            const archives = of("aws:cloudwatch/eventArchive:EventArchive", region);
            expect(archives.map(({ inputs }) => [inputs.name, inputs.eventSourceArn, inputs.retentionDays])).to.deep.equal([
                ["clean-room-findings", `arn:aws:events:${region}:111111111111:event-bus/default`, 365],
                ["clean-room-forwarded-findings", `arn:aws:cloudwatch:${region}:111111111111:clean-room-${region}-intake-bus`, 365],
            ]);
            const rules = of("aws:cloudwatch/eventRule:EventRule", region).filter(({ inputs }) => inputs.scheduleExpression === undefined);
            expect(rules.map(({ inputs }) => [inputs.name, inputs.eventBusName])).to.deep.equal([
                ["clean-room-findings", "default"],
                ["clean-room-forwarded-findings", "clean-room"],
            ]);
            for (const { inputs } of [...archives, ...rules])
                expect(JSON.parse(inputs.eventPattern as string)).to.deep.equal(findingPattern(7, ["guardduty"]));
        });

        it(`is published in ${region} by a role that may do that alone`, () => {
            const topicArn = `arn:aws:sns:${region}:111111111111:clean-room-${region}-intake`;
            const targets = of("aws:cloudwatch/eventTarget:EventTarget", region).filter(({ inputs }) => inputs.arn === topicArn);
            expect(targets.map(({ inputs }) => inputs.eventBusName)).to.deep.equal(["default", "clean-room"]);
            const name = `clean-room-publish-findings-${region}`;
            const role = resources.find(({ type, inputs }) => type === "aws:iam/role:Role" && inputs.name === name)!;
            for (const { inputs } of targets) expect(inputs.roleArn).to.equal(`arn:aws:iam::111111111111:${role.name}`);
            const policy = resources.find(({ type, inputs }) => type === "aws:iam/rolePolicy:RolePolicy" && inputs.role === name)!;
            expect(statementsOf(policy).map(({ Action }) => Action)).to.deep.equal([
                ["sns:Publish"],
                ["kms:GenerateDataKey", "kms:Decrypt"],
            ]);
            expect(statementsOf(policy)[0]!.Resource).to.deep.equal([topicArn]);
        });

        it(`is taken in ${region} from that role and operators, and from no service: its rules could be anybody's`, () => {
            const policy = of("aws:sns/topicPolicy:TopicPolicy", region).find(({ name }) => name === `clean-room-${region}-intake`)!;
            for (const { Principal } of statementsOf(policy)) expect(Principal).to.have.property("AWS");
        });

        it(`is encrypted in ${region} for whichever identity EventBridge takes, and never by whom a service says it acts for`, () => {
            const key = of("aws:kms/key:Key", region).find(({ name }) => name === `clean-room-${region}-message-key`)!;
            const services = statementsOf(key).filter(
                ({ Principal }) => typeof Principal === "object" && "Service" in (Principal as object),
            );
            const used = services.flatMap(({ Principal, Condition }) =>
                [(Principal as { Service: string | string[] }).Service].flat().map((service) => {
                    const [[keyName, values]] = Object.entries(Object.values(Condition!)[0]!) as [[string, unknown]];
                    expect(Object.keys(Condition!)).to.have.length(1);
                    return `${service} ${keyName} ${JSON.stringify(values)}`;
                }),
            );
            const arn = (service: string, name: string) => `arn:aws:${service}:${region}:111111111111:${name}`;
            expect(used).to.deep.equal([
                `events.amazonaws.com kms:EncryptionContext:aws:sns:topicArn ["${arn("sns", "clean-room-findings")}"]`,
                `cloudwatch.amazonaws.com kms:EncryptionContext:aws:sns:topicArn ["${arn("sns", "clean-room-alarms")}","${arn("sns", "clean-room-notifications")}"]`,
                `events.amazonaws.com kms:EncryptionContext:aws:sqs:arn ["${arn("sqs", "clean-room-dead-letters")}"]`,
                `sns.amazonaws.com kms:EncryptionContext:aws:sqs:arn ["${arn("sqs", "clean-room-dead-letters")}"]`,
                `logs.${region}.amazonaws.com kms:EncryptionContext:aws:logs:arn ${JSON.stringify(["/aws/lambda/clean-room-*", "/aws/vendedlogs/states/clean-room-*", "/clean-room/*"].map((name) => arn("logs", `log-group:${name}`)))}`,
            ]);
        });

        it(`ends in the dead-letter queue of ${region} when topic or function cannot be reached`, () => {
            const queueArn = `arn:aws:sqs:${region}:111111111111:clean-room-${region}-intake-dead-letters`;
            const topicArn = `arn:aws:sns:${region}:111111111111:clean-room-${region}-intake`;
            for (const { inputs } of of("aws:cloudwatch/eventTarget:EventTarget", region))
                expect(inputs.deadLetterConfig).to.deep.equal({ arn: queueArn });
            const subscription = of("aws:sns/topicSubscription:TopicSubscription", region).find(
                ({ inputs }) => inputs.protocol === "lambda" && inputs.topic === topicArn,
            )!;
            expect(JSON.parse(subscription.inputs.redrivePolicy as string)).to.deep.equal({ deadLetterTargetArn: queueArn });
            // And the queue takes from both, and from nobody else.
            const policy = of("aws:sqs/queuePolicy:QueuePolicy", region).find(({ name }) => name === `clean-room-${region}-intake`);
            const { Statement } = JSON.parse(policy!.inputs.policy as string) as { Statement: object[] };
            expect(Statement).to.have.length(1);
            expect(Statement[0]).to.deep.include({
                Action: "sqs:SendMessage",
                Resource: queueArn,
                Condition: {
                    ArnLike: {
                        "aws:SourceArn": [
                            ...["intake", "intake-forwarded"].map(
                                (rule) => `arn:aws:cloudwatch:${region}:111111111111:clean-room-${region}-${rule}`,
                            ),
                            `arn:aws:events:${region}:111111111111:rule/clean-room-watch`,
                            topicArn,
                            `arn:aws:events:${region}:111111111111:rule/clean-room-*-daily`,
                        ],
                    },
                },
            });
        });
    }

    it("is open to the members that forward, each in its own Regions, through their forwarding rule alone", () => {
        const statement = (region: string, accounts: string[]) => [
            {
                Sid: "ListedMembers",
                Effect: "Allow",
                Principal: { AWS: accounts.map((account) => `arn:aws:iam::${account}:root`) },
                Action: "events:PutEvents",
                Resource: `arn:aws:cloudwatch:${region}:111111111111:clean-room-${region}-intake-bus`,
                Condition: { ArnLike: forwardRule(region) },
            },
        ];
        expect(busPolicies(resources)).to.deep.equal({
            "eu-west-1": statement("eu-west-1", ["222222222222"]),
            "us-east-1": statement("us-east-1", ["222222222222", "333333333333"]),
        });
    });

    it("is open to the whole organisation, and no further, where its accounts forward", async () => {
        const policies = busPolicies(await inForensics({ organization, coverage: { mode: "existing" } }));
        for (const region of regions) {
            expect(policies[region]).to.have.length(1);
            expect(policies[region]![0]).to.deep.include({
                Principal: "*",
                Condition: {
                    StringEquals: { "aws:PrincipalOrgID": "o-a1b2c3d4e5" },
                    "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/*/ou-a1b2-c3d4e5f6/*"] },
                    ArnLike: forwardRule(region),
                },
            });
        }
    });

    it("leaves the default bus as others left it", () => {
        expect(resources.filter(({ type }) => type === "aws:cloudwatch/eventPermission:EventPermission")).to.deep.equal([]);
        expect(resources.filter(({ type, inputs }) => type.includes("eventBusPolicy") && inputs.eventBusName === "default")).to.deep.equal(
            [],
        );
    });

    it("needs no bus of its own where a delegated administrator has the findings", async () => {
        const alone = await inForensics({ organization });
        expect(alone.filter(({ type }) => type === "aws:cloudwatch/eventBus:EventBus")).to.deep.equal([]);
        expect(alone.filter(({ inputs }) => inputs.name === "clean-room-findings" && "eventPattern" in inputs)).to.have.length(4);
    });

    it("is watched at each hop, and the alarms reach Slack and e-mail by a topic of their own", () => {
        const region = "eu-west-1";
        const alarms = of("aws:cloudwatch/metricAlarm:MetricAlarm", region);
        const topic = `arn:aws:sns:${region}:111111111111:clean-room-${region}-notifications-alarms`;
        for (const { inputs } of alarms) expect(inputs.alarmActions).to.deep.equal([topic]);
        // An alarm that counts silence as bad goes off before the first run of what it watches: at each first deployment.
        expect(alarms.filter(({ inputs }) => inputs.treatMissingData === "breaching")).to.deep.equal([]);
        const ofSilence = alarms.filter(({ inputs }) => inputs.insufficientDataActions !== undefined);
        expect(
            ofSilence.map(({ inputs: { name, treatMissingData, insufficientDataActions } }) => [
                name,
                treatMissingData,
                insufficientDataActions,
            ]),
        ).to.deep.equal([["clean-room watch-silent", "missing", [topic]]]);
        const watched = alarms.map(({ inputs }) => `${inputs.metricName as string} ${JSON.stringify(inputs.dimensions)}`);
        for (const metric of ["FailedInvocations", "InvocationsFailedToBeSentToDlq"]) {
            expect(watched).to.include(`${metric} {"RuleName":"clean-room-findings"}`);
            expect(watched).to.include(`${metric} {"EventBusName":"clean-room","RuleName":"clean-room-forwarded-findings"}`);
        }
        expect(watched).to.include('Throttles {"FunctionName":"clean-room-startIncident"}');
        const [subscription] = of("aws:sns/topicSubscription:TopicSubscription", region).filter(
            ({ inputs }) => inputs.topic === topic && inputs.protocol === "lambda",
        );
        expect(subscription!.inputs.endpoint).to.include("sendAlarm");
    });
});

describe("what members leave behind when their findings cannot be forwarded", function () {
    this.timeout(240_000);
    const ruleOf = (accountId: string) => `arn:aws:events:eu-west-1:${accountId}:rule/clean-room-forward-findings`;

    it("lies in one queue of the forensics account, which somebody hears of, as of what could not be left even there", async () => {
        const members = [
            { accountId: "222222222222" },
            { accountId: "333333333333" },
            { accountId: "444444444444", forwardFindings: false },
        ];
        const { resources, problems } = await declare({ forensics, regions: ["eu-west-1"], members });
        expect(problems).to.deep.equal([]);
        const inAccount = (accountId: string, type: string) =>
            resources.filter((resource) => resource.accountId === accountId && resource.type === type);
        const queueArn = "arn:aws:sqs:eu-west-1:111111111111:clean-room-forward-dead-letters";
        const [target] = inAccount("222222222222", "aws:cloudwatch/eventTarget:EventTarget");
        expect(target!.inputs).to.deep.include({
            arn: "arn:aws:events:eu-west-1:111111111111:event-bus/clean-room",
            deadLetterConfig: { arn: queueArn },
        });
        const queues = inAccount("111111111111", "aws:sqs/queue:Queue");
        const queue = queues.find(({ inputs }) => inputs.name === "clean-room-forward-dead-letters")!;
        const policy = inAccount("111111111111", "aws:sqs/queuePolicy:QueuePolicy").find(({ name }) => name === queue.name)!;
        expect(statementsOf(policy).map(({ Principal, Action, Condition }) => ({ Principal, Action, Condition }))).to.deep.equal([
            {
                Principal: { Service: "events.amazonaws.com" },
                Action: "sqs:SendMessage",
                // By account, since EventBridge names no account to a queue but in the rule's ARN.
                Condition: { ArnEquals: { "aws:SourceArn": [ruleOf("222222222222"), ruleOf("333333333333")] } },
            },
        ]);
        const topicArn = "arn:aws:sns:eu-west-1:111111111111:clean-room-alarms";
        const ofMember = inAccount("222222222222", "aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs);
        expect(ofMember.map(({ name, metricName, alarmActions }) => [name, metricName, alarmActions])).to.deep.equal([
            ["clean-room forwarding-lost", "InvocationsFailedToBeSentToDlq", [topicArn]],
        ]);
        const ofQueue = inAccount("111111111111", "aws:cloudwatch/metricAlarm:MetricAlarm").filter(
            ({ inputs }) => (inputs.dimensions as { QueueName?: string }).QueueName === "clean-room-forward-dead-letters",
        );
        expect(ofQueue.map(({ inputs }) => [inputs.name, inputs.metricName])).to.deep.equal([
            ["clean-room forwarding-dead-letters", "ApproximateNumberOfMessagesVisible"],
        ]);
        // The topic takes the members' alarms.
        const topic = resources.find(({ type, name }) => type === "aws:sns/topicPolicy:TopicPolicy" && name.endsWith("-alarms"))!;
        expect(statementsOf(topic).map(({ Condition }) => Condition)).to.deep.equal([
            {
                StringEquals: { "aws:SourceAccount": ["111111111111", "222222222222", "333333333333"] },
                ArnLike: { "aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:*:alarm:clean-room *" },
            },
        ]);
    });

    it("is let in from a whole organisation by its id, and from no rule of another name", () => {
        const settings = parseSettings({
            forensics,
            regions: ["eu-west-1"],
            organization: { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] },
            coverage: { mode: "existing" },
        });
        const statements = deadLetterStatements(
            { settings, partition: "aws", region: "eu-west-1" },
            "arn:aws:sqs:eu-west-1:111111111111:q",
        );
        expect(statements.map(({ Condition }) => Condition)).to.deep.equal([
            { ArnLike: { "aws:SourceArn": ruleOf("*") }, StringEquals: { "aws:SourceOrgID": "o-a1b2c3d4e5" } },
        ]);
    });

    it("refuses more listed accounts than the policy of a queue holds, and says what to do", () => {
        const policyOf = (count: number) => {
            const members = Array.from({ length: count }, (_, index) => ({ accountId: String(222_222_222_000 + index) }));
            const settings = parseSettings({ forensics, regions: ["eu-west-1"], members });
            return deadLetterPolicy({ settings, partition: "aws", region: "eu-west-1" }, "arn:aws:sqs:eu-west-1:111111111111:q");
        };
        expect(policyOf(90)).to.have.length.below(8192);
        expect(() => policyOf(120)).to.throw(/^120 listed members forward findings in eu-west-1, .*by organization/);
    });
});
