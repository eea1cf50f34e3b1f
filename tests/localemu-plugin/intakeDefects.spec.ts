/**
 * Each defect of the intake that was mended, put back into what the program declares: the local AWS of the rehearsals must refuse it, for the
 * reason that AWS has. The program's own intake is deployed once, as a rehearsal deploys it; a defect changes one thing of it and is undone.
 */
import { CloudWatchClient, GetMetricStatisticsCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import {
    DescribeEventBusCommand,
    ListTargetsByRuleCommand,
    PutEventsCommand,
    PutPermissionCommand,
    PutRuleCommand,
    PutTargetsCommand,
    type Target,
} from "@aws-sdk/client-eventbridge";
import { GetRolePolicyCommand, ListRolePoliciesCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetKeyPolicyCommand, PutKeyPolicyCommand } from "@aws-sdk/client-kms";
import { GetTopicAttributesCommand, SetTopicAttributesCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { alarmName } from "../../infra/alarms";
import { findingsBusName, forwardedRuleName, forwardRuleName, publisherRoleName } from "../../infra/names";
import { allow, document, makeRole } from "./support/functions";
import { clientsOf, errorOf, FORENSICS, localEmu, MEMBER, OUTSIDER, rootOf, unique, until, type Clients } from "./support/localAws";

/** A Region of its own: names of the program are fixed. */
const REGION = "eu-central-1";
const EVENTS = { Service: "events.amazonaws.com" };

interface Statement {
    Sid?: string;
    Effect: string;
    Principal?: { Service?: string | string[]; AWS?: string | string[] } | string;
    Action: string | string[];
    Resource: string | string[];
    Condition?: Record<string, Record<string, string | string[]>>;
}
interface Policy {
    Statement: Statement[];
}
/** A change of one thing, and its way back. */
type Defect = () => Promise<() => Promise<unknown>>;

describe("LocalEmu: mended defects of the intake, put back", function () {
    this.timeout(60_000);
    let forensics: Clients;
    let member: Clients;
    let outsider: Clients;
    let cloudwatch: CloudWatchClient;
    let deployed: { keyId: string; topicArn: string; alarmTopicArn: string; deadLettersUrl: string; forwardDeadLettersUrl: string };
    let arrivals: string;
    let alarms: string;

    before(async function () {
        this.timeout(600_000);
        const { endpoint } = await localEmu();
        [forensics, member, outsider] = (await Promise.all([FORENSICS, MEMBER, OUTSIDER].map((account) => rootOf(account, REGION)))) as [
            Clients,
            Clients,
            Clients,
        ];
        cloudwatch = new CloudWatchClient({
            endpoint,
            region: REGION,
            credentials: { accessKeyId: FORENSICS, secretAccessKey: "rehearsal" },
        });
        const script = path.join(__dirname, "support/deployIntake.ts");
        const { stdout } = await promisify(execFile)(process.execPath, ["-r", "tsx/cjs", script, endpoint, FORENSICS, MEMBER, REGION]);
        deployed = JSON.parse(stdout.trim().split("\n").at(-1)!) as typeof deployed;
        arrivals = await listener(deployed.topicArn);
        alarms = await listener(deployed.alarmTopicArn);
    });

    /** A queue that hears what a topic carries. @returns its URL */
    const listener = async (TopicArn: string): Promise<string> => {
        const QueueUrl = (await forensics.sqs.send(new CreateQueueCommand({ QueueName: unique("hears") }))).QueueUrl!;
        const { Attributes } = await forensics.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
        const Policy = document({ Effect: "Allow", Principal: { Service: "sns.amazonaws.com" }, Action: "sqs:SendMessage", Resource: "*" });
        await forensics.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
        await forensics.sns.send(
            new SubscribeCommand({
                TopicArn,
                Protocol: "sqs",
                Endpoint: Attributes!.QueueArn!,
                Attributes: { RawMessageDelivery: "true" },
            }),
        );
        return QueueUrl;
    };
    /** The message of a finding in a queue, which is then gone from it. */
    const taken = async (QueueUrl: string, id: string) => {
        const { Messages = [] } = await forensics.sqs.send(
            new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0, MessageAttributeNames: ["All"] }),
        );
        return Messages.find(({ Body }) => Body!.includes(id));
    };
    const finding = (id: string) => ({
        Source: "aws.guardduty",
        DetailType: "GuardDuty Finding",
        Detail: JSON.stringify({
            id,
            severity: 8,
            resource: { resourceType: "Instance", instanceDetails: { instanceId: "i-0123456789abcdef0" } },
        }),
    });
    /** Puts a finding on a default bus. @returns the finding's id */
    const arrives = async (from: Clients = member): Promise<string> => {
        const id = unique("finding");
        expect((await from.events.send(new PutEventsCommand({ Entries: [finding(id)] }))).FailedEntryCount).to.equal(0);
        return id;
    };
    /** Where a finding ends up: "followed", or why EventBridge left it among dead letters. */
    const endOf = (id: string) =>
        until(
            `the end of ${id}`,
            async () => {
                if (await taken(arrivals, id)) return "followed";
                const letter = (await taken(deployed.deadLettersUrl, id)) ?? (await taken(deployed.forwardDeadLettersUrl, id));
                return letter?.MessageAttributes!.ERROR_MESSAGE!.StringValue;
            },
            15_000,
        );
    const logSays = async (text: string) => ((await readFile((await localEmu()).logFile, "utf8")).includes(text) ? true : undefined);

    // One thing of what is deployed, read and written back changed.
    const changed = async (read: () => Promise<string>, write: (text: string) => Promise<unknown>, change: (policy: Policy) => void) => {
        const before = await read();
        const policy = JSON.parse(before) as Policy;
        change(policy);
        expect(JSON.stringify(policy), "the defect changes something").to.not.equal(JSON.stringify(JSON.parse(before)));
        await write(JSON.stringify(policy));
        return () => write(before);
    };
    const key = (change: (policy: Policy) => void): Promise<() => Promise<unknown>> =>
        changed(
            async () => (await forensics.kms.send(new GetKeyPolicyCommand({ KeyId: deployed.keyId, PolicyName: "default" }))).Policy!,
            (Policy) => forensics.kms.send(new PutKeyPolicyCommand({ KeyId: deployed.keyId, PolicyName: "default", Policy })),
            change,
        );
    const topic = (change: (policy: Policy) => void): Promise<() => Promise<unknown>> =>
        changed(
            async () => (await forensics.sns.send(new GetTopicAttributesCommand({ TopicArn: deployed.topicArn }))).Attributes!.Policy!,
            (AttributeValue) =>
                forensics.sns.send(new SetTopicAttributesCommand({ TopicArn: deployed.topicArn, AttributeName: "Policy", AttributeValue })),
            change,
        );
    const queue = (QueueUrl: string, change: (policy: Policy) => void): Promise<() => Promise<unknown>> =>
        changed(
            async () =>
                (await forensics.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["Policy"] }))).Attributes!.Policy!,
            (Policy) => forensics.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } })),
            change,
        );
    const bus = (change: (policy: Policy) => void): Promise<() => Promise<unknown>> =>
        changed(
            async () => (await forensics.events.send(new DescribeEventBusCommand({ Name: findingsBusName }))).Policy!,
            (Policy) => forensics.events.send(new PutPermissionCommand({ EventBusName: findingsBusName, Policy })),
            change,
        );
    const publisher = async (change: (policy: Policy) => void): Promise<() => Promise<unknown>> => {
        const RoleName = publisherRoleName(REGION);
        const PolicyName = (await forensics.iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames![0]!;
        return changed(
            async () => decodeURIComponent((await forensics.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))).PolicyDocument!),
            (PolicyDocument) => forensics.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument })),
            change,
        );
    };
    const target = async (
        rule: { Rule: string; EventBusName?: string },
        change: (target: Target) => void,
        of = forensics,
    ): Promise<() => Promise<unknown>> => {
        const before = (await of.events.send(new ListTargetsByRuleCommand(rule))).Targets![0]!;
        const after = { ...before };
        change(after);
        const put = (one: Target) => of.events.send(new PutTargetsCommand({ ...rule, Targets: [one] }));
        await put(after);
        return () => put(before);
    };
    const forwarded = { Rule: forwardedRuleName, EventBusName: findingsBusName };
    const withoutRole = () => target(forwarded, (one) => delete one.RoleArn);
    const both =
        (...defects: Defect[]): Defect =>
        async () => {
            const undo: (() => Promise<unknown>)[] = [];
            for (const defect of defects) undo.unshift(await defect());
            return async () => {
                for (const each of undo) await each();
            };
        };
    const statement = (policy: Policy, sid: string) => policy.Statement.find(({ Sid }) => Sid === sid)!;
    const ruleArn = `arn:aws:events:${REGION}:${FORENSICS}:rule/${findingsBusName}/${forwardedRuleName}`;
    const admitEvents = (Condition?: Statement["Condition"]) =>
        topic((policy) => {
            policy.Statement.push({
                Effect: "Allow",
                Principal: EVENTS,
                Action: "sns:Publish",
                Resource: deployed.topicArn,
                ...(Condition ? { Condition } : {}),
            });
        });
    const bindKeyBySource = (Condition: Statement["Condition"]) =>
        key((policy) => {
            statement(policy, "FindingsReachTheTopic").Condition = Condition;
        });

    /** Runs with a defect, and without it again whatever happens. */
    const having = async <T>(defect: Defect, run: () => Promise<T>): Promise<T> => {
        const undo = await defect();
        try {
            return await run();
        } finally {
            await undo();
        }
    };

    it("a finding of a member is followed as the program is declared", async () => {
        expect(await endOf(await arrives())).to.equal("followed");
        expect(await endOf(await arrives(forensics))).to.equal("followed");
    });

    const refusals: { defect: string; put: Defect; says: RegExp }[] = [
        {
            defect: "the rule publishes as a service, which the topic's policy admits by the rule's ARN",
            put: both(withoutRole, () => admitEvents({ ArnEquals: { "aws:SourceArn": ruleArn } })),
            says: /events\.amazonaws\.com is not authorized to perform: sns:Publish/,
        },
        {
            defect: "the rule publishes as a service, which the topic's policy admits by its account",
            put: both(withoutRole, () => admitEvents({ StringEquals: { "aws:SourceAccount": FORENSICS } })),
            says: /events\.amazonaws\.com is not authorized to perform: sns:Publish/,
        },
        {
            defect: "the rule has no execution role, and the topic admits no service",
            put: withoutRole,
            says: /events\.amazonaws\.com is not authorized to perform: sns:Publish/,
        },
        {
            defect: "the key asks EventBridge for the rule's ARN",
            put: both(
                withoutRole,
                () => admitEvents(),
                () => bindKeyBySource({ ArnLike: { "aws:SourceArn": ruleArn } }),
            ),
            says: /events\.amazonaws\.com is not authorized to perform: kms:GenerateDataKey/,
        },
        {
            defect: "the key asks EventBridge for its account",
            put: both(
                withoutRole,
                () => admitEvents(),
                () => bindKeyBySource({ StringEquals: { "aws:SourceAccount": FORENSICS } }),
            ),
            says: /events\.amazonaws\.com is not authorized to perform: kms:GenerateDataKey/,
        },
        {
            defect: "the execution role may publish and may not use the key",
            put: () => publisher((policy) => (policy.Statement = policy.Statement.filter(({ Sid }) => Sid !== "UseMessageKey"))),
            says: /clean-room-publish-findings-.* is not authorized to perform: kms:GenerateDataKey/,
        },
        {
            defect: "the execution role may use the key and may not publish",
            put: both(
                () => publisher((policy) => (policy.Statement = policy.Statement.filter(({ Sid }) => Sid !== "PublishFindings"))),
                () => topic((policy) => (policy.Statement = policy.Statement.filter(({ Sid }) => Sid !== "FindingsRules"))),
            ),
            says: /clean-room-publish-findings-.* is not authorized to perform: sns:Publish/,
        },
        {
            defect: "the bus asks for a rule of another name than the members have",
            put: () =>
                bus((policy) => {
                    statement(policy, "ListedMembers").Condition = {
                        ArnLike: { "aws:SourceArn": `arn:aws:events:${REGION}:*:rule/other` },
                    };
                }),
            says: /is not authorized to perform: events:PutEvents/,
        },
        {
            defect: "a member forwards to the forensics account's default bus, which stays as others left it",
            put: () =>
                target({ Rule: forwardRuleName }, (one) => (one.Arn = `arn:aws:events:${REGION}:${FORENSICS}:event-bus/default`), member),
            says: /is not authorized to perform: events:PutEvents/,
        },
    ];
    for (const { defect, put, says } of refusals)
        it(`is refused, and lies among dead letters: ${defect}`, async () => {
            expect(await having(put, async () => endOf(await arrives()))).to.match(says);
        });

    it("whichever identity EventBridge took, the key lets it: bound by what is encrypted, not by whom it acts for", async () => {
        expect(
            await having(
                both(withoutRole, () => admitEvents()),
                async () => endOf(await arrives()),
            ),
        ).to.equal("followed");
    });

    it("permissions of the bus made in parallel: members are lost though every call answered", async () => {
        const accounts = [MEMBER, OUTSIDER, "444444444444", "555555555555", "666666666666"];
        const put: Defect = async () => {
            const undo = await bus((policy) => (policy.Statement = []));
            const permit = (Principal: string) =>
                forensics.events.send(
                    new PutPermissionCommand({
                        EventBusName: findingsBusName,
                        StatementId: `a${Principal}`,
                        Principal,
                        Action: "events:PutEvents",
                    }),
                );
            await Promise.all(accounts.map(permit));
            return undo;
        };
        const kept = await having(
            put,
            async () =>
                (JSON.parse((await forensics.events.send(new DescribeEventBusCommand({ Name: findingsBusName }))).Policy!) as Policy)
                    .Statement.length,
        );
        expect(kept).to.be.below(accounts.length);
    });

    it("a bus that does not ask for the rule takes what anybody in a member forges; the declared one does not", async () => {
        const RoleArn = await makeRole(member, { AWS: `arn:aws:iam::${MEMBER}:root` }, [allow("events:PutEvents", "*")]);
        const { Credentials } = await member.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "somebody" }));
        const somebody = clientsOf(
            (await localEmu()).endpoint,
            {
                accessKeyId: Credentials!.AccessKeyId!,
                secretAccessKey: Credentials!.SecretAccessKey!,
                sessionToken: Credentials!.SessionToken!,
            },
            REGION,
        );
        const EventBusName = `arn:aws:events:${REGION}:${FORENSICS}:event-bus/${findingsBusName}`;
        const forge = (id: string) => somebody.events.send(new PutEventsCommand({ Entries: [{ ...finding(id), EventBusName }] }));
        const [taken, refused] = [unique("forged"), unique("forged")];
        const open = () => bus((policy) => delete statement(policy, "ListedMembers").Condition);
        await having(open, async () => {
            await forge(taken);
            expect(await endOf(taken)).to.equal("followed");
        });
        expect(await errorOf(forge(refused))).to.match(/AccessDenied/);
    });

    it("a topic that admits the service without a condition takes a stranger's rule; the declared one does not", async () => {
        const Rule = unique("stranger");
        await outsider.events.send(new PutRuleCommand({ Name: Rule, EventPattern: JSON.stringify({ source: [Rule] }) }));
        await outsider.events.send(new PutTargetsCommand({ Rule, Targets: [{ Id: "topic", Arn: deployed.topicArn }] }));
        const forge = async () => {
            const id = unique("forged");
            await outsider.events.send(
                new PutEventsCommand({ Entries: [{ Source: Rule, DetailType: "x", Detail: JSON.stringify({ id }) }] }),
            );
            return id;
        };
        expect(
            await having(
                () => admitEvents(),
                async () => endOf(await forge()),
            ),
        ).to.equal("followed");
        const forged = await forge();
        await until("it is refused", () => logSays(`for arn:aws:events:${REGION}:${OUTSIDER}:rule/${Rule}`));
        expect(await taken(arrivals, forged)).to.equal(undefined);
    });

    const sum = async (MetricName: string) => {
        const { Datapoints } = await cloudwatch.send(
            new GetMetricStatisticsCommand({
                Namespace: "AWS/Events",
                MetricName,
                Dimensions: [
                    { Name: "EventBusName", Value: findingsBusName },
                    { Name: "RuleName", Value: forwardedRuleName },
                ],
                StartTime: new Date(Date.now() - 600_000),
                EndTime: new Date(Date.now() + 60_000),
                Period: 3600,
                Statistics: ["Sum"],
            }),
        );
        return Datapoints!.reduce((total, each) => total + each.Sum!, 0);
    };
    const counted = async (metric: string, defect: Defect) => {
        const before = await sum(metric);
        return having(defect, async () => {
            const id = await arrives();
            await until(`${metric} is counted`, async () => ((await sum(metric)) > before ? true : undefined), 15_000);
            return [await taken(arrivals, id), await taken(deployed.deadLettersUrl, id)];
        });
    };

    it("without a dead-letter queue a finding that is refused is lost, and only a metric tells", async () => {
        const defect = () =>
            target(forwarded, (one) => {
                delete one.RoleArn;
                delete one.DeadLetterConfig;
            });
        expect(await counted("FailedInvocations", defect)).to.deep.equal([undefined, undefined]);
    });

    const closedQueues: Record<string, Defect> = {
        "the queue asks EventBridge for its account, which it does not send": () =>
            queue(deployed.deadLettersUrl, (policy) => {
                policy.Statement[0]!.Condition = { StringEquals: { "aws:SourceAccount": FORENSICS } };
            }),
        "the queue's key does not know EventBridge": () =>
            key((policy) => {
                statement(policy, "UndeliverableReachesTheQueue").Principal = { Service: "sns.amazonaws.com" };
            }),
    };
    for (const [defect, put] of Object.entries(closedQueues))
        it(`a refused finding is lost where ${defect}; the alarm's metric tells`, async () => {
            expect(await counted("InvocationsFailedToBeSentToDlq", both(withoutRole, put))).to.deep.equal([undefined, undefined]);
        });

    it("an alarm reaches nobody where the key asks CloudWatch for its account; as declared it does", async () => {
        const AlarmName = alarmName("findings-lost");
        const ring = async (reason: string) => {
            await cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: "OK", StateReason: "spec" }));
            await cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: "ALARM", StateReason: reason }));
        };
        const bound = () =>
            key((policy) => {
                statement(policy, "AlarmsReachTheTopics").Condition = { StringEquals: { "aws:SourceAccount": FORENSICS } };
            });
        await having(bound, async () => {
            await ring("unheard");
            await until("it is refused", () => logSays(`${AlarmName} could not be published`));
        });
        await ring("heard");
        await until("it is heard", async () => ((await taken(alarms, "heard")) ? true : undefined));
    });
});
