/**
 * Which condition keys one service sends to another. Each row of service_calls.json that can be tried here is tried with a policy that
 * asks for the source's ARN, for its account, and for KMS's encryption context: what the row sends lets the call through, what it does
 * not send refuses it.
 */
import { CloudWatchClient, GetMetricStatisticsCommand, PutMetricAlarmCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import {
    PutEventsCommand,
    PutPermissionCommand,
    PutRuleCommand,
    PutTargetsCommand,
    CreateEventBusCommand,
} from "@aws-sdk/client-eventbridge";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { AddPermissionCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { CreateStateMachineCommand } from "@aws-sdk/client-sfn";
import { CreateTopicCommand, PublishCommand, SetTopicAttributesCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { expect } from "chai";
import { readFile } from "node:fs/promises";
import calls from "../../../localemu-plugin/clean_room_localemu/iam/service_calls.json";
import { allow, document, makeFunction, makeRole, zipped, type Statement } from "../support/functions";
import { FORENSICS, localEmu, MEMBER, REGION, rootOf, unique, until, type Clients } from "../support/localAws";

type Condition = Statement["Condition"];
type Row = (typeof calls.calls)[number];
interface Queue {
    url: string;
    arn: string;
}

const EVENTS = { Service: "events.amazonaws.com" };
const LAMBDA = { Service: "lambda.amazonaws.com" };
const ROOT = { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${FORENSICS}:root` }, Action: "kms:*", Resource: "*" };
const USE_KEY = ["kms:GenerateDataKey", "kms:Decrypt"];

describe("LocalEmu: what one service sends to another", function () {
    this.timeout(60_000);
    let aws: Clients;
    let member: Clients;
    let cloudwatch: CloudWatchClient;
    let functionRole: string;

    before(async function () {
        this.timeout(600_000);
        [aws, member] = await Promise.all([rootOf(FORENSICS), rootOf(MEMBER)]);
        const { endpoint } = await localEmu();
        cloudwatch = new CloudWatchClient({
            endpoint,
            region: REGION,
            credentials: { accessKeyId: FORENSICS, secretAccessKey: "rehearsal" },
            maxAttempts: 1,
        });
        functionRole = await makeRole(aws, LAMBDA, [allow("sqs:SendMessage", "*")]);
    });

    const admit = (service: string, Action: string | string[], Resource: string, condition?: Condition) => ({
        Effect: "Allow",
        Principal: { Service: `${service}.amazonaws.com` },
        Action,
        Resource,
        ...(condition ? { Condition: condition } : {}),
    });
    const makeQueue = async (clients = aws): Promise<Queue> => {
        const url = (await clients.sqs.send(new CreateQueueCommand({ QueueName: unique("queue") }))).QueueUrl!;
        const { Attributes } = await clients.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
        return { url, arn: Attributes!.QueueArn! };
    };
    const setQueue = (queue: Queue, attributes: Record<string, string>, clients = aws) =>
        clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes: attributes }));
    /** A queue that takes what these services send, whatever it is for. */
    const openQueue = async (clients = aws) => {
        const queue = await makeQueue(clients);
        const services = ["events", "sns"].map((service) => admit(service, "sqs:SendMessage", queue.arn));
        await setQueue(queue, { Policy: document(...services) }, clients);
        return queue;
    };
    const makeKey = async (...statements: object[]) =>
        (await aws.kms.send(new CreateKeyCommand({ Policy: document(ROOT, ...statements) }))).KeyMetadata!.Arn!;
    const makeTopic = async (attributes: Record<string, string> = {}) => {
        const arn = (await aws.sns.send(new CreateTopicCommand({ Name: unique("topic"), Attributes: attributes }))).TopicArn!;
        return arn;
    };
    const setTopic = (TopicArn: string, AttributeName: string, AttributeValue: string) =>
        aws.sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }));
    const takesAll = async (clients: Clients, queue: Queue) =>
        (await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url, MessageAttributeNames: ["All"] }))).Messages?.[0];
    /** Whichever comes first. */
    const outcome = (good: () => Promise<unknown>, bad: () => Promise<unknown>) =>
        until("delivered or refused", async () => ((await good()) ? "delivered" : (await bad()) ? "refused" : undefined), 15_000);

    /** A topic with a queue behind it in which its messages arrive. */
    const topicWithSink = async (attributes: Record<string, string> = {}) => {
        const [topic, sink] = [await makeTopic(attributes), await openQueue()];
        await aws.sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: "sqs", Endpoint: sink.arn }));
        return { topic, sink };
    };
    /** A rule for events of a kind of its own. `send` gives the target what it needs to know of the rule. */
    const rule = async (clients = aws) => {
        const name = unique("rule");
        const arn = (await clients.events.send(new PutRuleCommand({ Name: name, EventPattern: JSON.stringify({ source: [name] }) })))
            .RuleArn!;
        const letters = await openQueue(clients);
        const send = async (target: string, role?: string) => {
            const DeadLetterConfig = { Arn: letters.arn };
            await clients.events.send(
                new PutTargetsCommand({ Rule: name, Targets: [{ Id: "target", Arn: target, RoleArn: role, DeadLetterConfig }] }),
            );
            await clients.events.send(new PutEventsCommand({ Entries: [{ Source: name, DetailType: "spec", Detail: "{}" }] }));
        };
        return { name, arn, send, letters, refused: () => takesAll(clients, letters) };
    };
    /** A function that puts what it gets into a queue. */
    const functionWithSink = async () => {
        const sink = await makeQueue();
        const arn = await makeFunction(
            aws,
            functionRole,
            zipped(
                `const { SQSClient, SendMessageCommand } = require("@aws-sdk/client-sqs");
                 exports.handler = (event) => new SQSClient({}).send(new SendMessageCommand({ QueueUrl: process.env.QUEUE, MessageBody: JSON.stringify(event) }));`,
                true,
            ),
            { environment: { QUEUE: sink.url } },
        );
        return { arn, sink };
    };
    const permit = (FunctionName: string, principal: string, condition: { SourceArn?: string; SourceAccount?: string }) =>
        aws.lambda.send(
            new AddPermissionCommand({
                FunctionName,
                StatementId: "spec",
                Action: "lambda:InvokeFunction",
                Principal: `${principal}.amazonaws.com`,
                ...condition,
            }),
        );
    /** What a function's permission can ask for: not an encryption context. */
    const permitted = (condition: Condition) => {
        const [key, value] = Object.entries(Object.values(condition!)[0]!)[0]!;
        return key === "aws:SourceArn" ? { SourceArn: String(value) } : { SourceAccount: String(value) };
    };

    /** A way to try a row: `ask` makes the condition, given the source's ARN and the ARN that KMS would be told. */
    type Try = (ask: (sourceArn: string, encrypted: string) => Condition) => Promise<string>;
    const publishing = async (ask: Parameters<Try>[0], where: "topic" | "key", from: "events" | "cloudwatch", start: Starter) => {
        const { topic, sink } = await topicWithSink();
        const source = await start();
        const condition = ask(source.arn, topic);
        await setTopic(topic, "Policy", document(admit(from, "sns:Publish", topic, where === "topic" ? condition : undefined)));
        if (where === "key") {
            await setTopic(topic, "KmsMasterKeyId", await makeKey(admit(from, USE_KEY, "*", condition)));
        }
        await source.send(topic);
        return outcome(() => takesAll(aws, sink), source.refused);
    };
    type Starter = () => Promise<{ arn: string; send(topic: string): Promise<void>; refused(): Promise<unknown> }>;
    const alarm: Starter = async () => {
        const AlarmName = unique("alarm");
        return {
            arn: `arn:aws:cloudwatch:${REGION}:${FORENSICS}:alarm:${AlarmName}`,
            send: async (topic) => {
                await cloudwatch.send(
                    new PutMetricAlarmCommand({
                        AlarmName,
                        AlarmActions: [topic],
                        MetricName: "m",
                        Namespace: "spec",
                        Statistic: "Sum",
                        Period: 60,
                        EvaluationPeriods: 1,
                        Threshold: 1,
                        ComparisonOperator: "GreaterThanThreshold",
                    }),
                );
                await cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: "ALARM", StateReason: "spec" }));
            },
            refused: async () => (await readFile((await localEmu()).logFile, "utf8")).includes(`${AlarmName} could not be published`),
        };
    };
    /** S3 tries a destination when it is configured. */
    const configured = async (Bucket: string, NotificationConfiguration: object) =>
        aws.s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration })).then(
            () => "delivered",
            (error: Error) => (error.name === "InvalidArgument" ? "refused" : Promise.reject(error)),
        );
    const makeBucket = async () => {
        const Bucket = unique("bucket");
        await aws.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }));
        return { Bucket, arn: `arn:aws:s3:::${Bucket}` };
    };
    const Events = ["s3:ObjectCreated:*"];

    const tries: Record<string, Try> = {
        "events-sns": (ask) => publishing(ask, "topic", "events", rule),
        "events-sns-kms": (ask) => publishing(ask, "key", "events", rule),
        "cloudwatch-sns": (ask) => publishing(ask, "topic", "cloudwatch", alarm),
        "cloudwatch-sns-kms": (ask) => publishing(ask, "key", "cloudwatch", alarm),
        "events-sns-role": async (ask) => {
            const [{ topic, sink }, source] = [await topicWithSink(), await rule()];
            // A topic's first policy lets every principal of its account publish.
            await setTopic(topic, "Policy", document(admit("cloudwatch", "sns:Publish", topic)));
            const role = await makeRole(aws, EVENTS, [allow("sns:Publish", topic, ask(source.arn, topic))]);
            await source.send(topic, role);
            return outcome(() => takesAll(aws, sink), source.refused);
        },
        "events-sqs": async (ask) => {
            const [queue, source] = [await makeQueue(), await rule()];
            await setQueue(queue, { Policy: document(admit("events", "sqs:SendMessage", queue.arn, ask(source.arn, queue.arn))) });
            await source.send(queue.arn);
            return outcome(() => takesAll(aws, queue), source.refused);
        },
        "events-sqs-kms": async (ask) => {
            const [queue, source] = [await openQueue(), await rule()];
            await setQueue(queue, { KmsMasterKeyId: await makeKey(admit("events", USE_KEY, "*", ask(source.arn, queue.arn))) });
            await source.send(queue.arn);
            return outcome(() => takesAll(aws, queue), source.refused);
        },
        "events-sqs-role": async (ask) => {
            const [queue, source] = [await makeQueue(), await rule()];
            await source.send(queue.arn, await makeRole(aws, EVENTS, [allow("sqs:SendMessage", queue.arn, ask(source.arn, queue.arn))]));
            return outcome(() => takesAll(aws, queue), source.refused);
        },
        "events-lambda": async (ask) => {
            const [target, source] = [await functionWithSink(), await rule()];
            await permit(target.arn, "events", permitted(ask(source.arn, target.arn)));
            await source.send(target.arn);
            return outcome(() => takesAll(aws, target.sink), source.refused);
        },
        "events-lambda-role": async (ask) => {
            const [target, source] = [await functionWithSink(), await rule()];
            const may = allow("lambda:InvokeFunction", target.arn, ask(source.arn, target.arn));
            await source.send(target.arn, await makeRole(aws, EVENTS, [may]));
            return outcome(() => takesAll(aws, target.sink), source.refused);
        },
        "events-states-role": async (ask) => {
            const [sink, source] = [await openQueue(), await rule()];
            const definition = {
                StartAt: "Tell",
                States: {
                    Tell: {
                        Type: "Task",
                        Resource: "arn:aws:states:::sqs:sendMessage",
                        Parameters: { QueueUrl: sink.url, MessageBody: "started" },
                        End: true,
                    },
                },
            };
            const { stateMachineArn } = await aws.sfn.send(
                new CreateStateMachineCommand({
                    name: unique("machine"),
                    roleArn: await makeRole(aws, { Service: "states.amazonaws.com" }, [allow("sqs:SendMessage", sink.arn)]),
                    definition: JSON.stringify(definition),
                }),
            );
            const may = allow("states:StartExecution", stateMachineArn!, ask(source.arn, stateMachineArn!));
            await source.send(stateMachineArn!, await makeRole(aws, EVENTS, [may]));
            return outcome(() => takesAll(aws, sink), source.refused);
        },
        "events-bus-role": async (ask) => {
            const name = unique("bus");
            const bus = (await aws.events.send(new CreateEventBusCommand({ Name: name }))).EventBusArn!;
            const [source, sink] = [await rule(member), await openQueue()];
            const admitted = {
                Effect: "Allow",
                Principal: { AWS: `arn:aws:iam::${MEMBER}:root` },
                Action: "events:PutEvents",
                Resource: bus,
                Condition: ask(source.arn, bus),
            };
            await aws.events.send(new PutPermissionCommand({ EventBusName: name, Policy: document(admitted) }));
            const onBus = { Rule: unique("rule"), EventBusName: name };
            const EventPattern = JSON.stringify({ source: [source.name] });
            await aws.events.send(new PutRuleCommand({ Name: onBus.Rule, EventBusName: name, EventPattern }));
            await aws.events.send(new PutTargetsCommand({ ...onBus, Targets: [{ Id: "sink", Arn: sink.arn }] }));
            await source.send(bus, await makeRole(member, EVENTS, [allow("events:PutEvents", bus)]));
            return outcome(() => takesAll(aws, sink), source.refused);
        },
        "events-assume-role": async (ask) => {
            const [queue, source] = [await makeQueue(), await rule()];
            const role = await makeRole(aws, EVENTS, [allow("sqs:SendMessage", queue.arn)], { trustCondition: ask(source.arn, "") });
            await source.send(queue.arn, role);
            return outcome(() => takesAll(aws, queue), source.refused);
        },
        "sns-sqs": async (ask) => {
            const [topic, queue, letters] = [await makeTopic(), await makeQueue(), await openQueue()];
            await setQueue(queue, { Policy: document(admit("sns", "sqs:SendMessage", queue.arn, ask(topic, queue.arn))) });
            return tellQueue(topic, queue, letters);
        },
        "sns-sqs-kms": async (ask) => {
            const [topic, queue, letters] = [await makeTopic(), await openQueue(), await openQueue()];
            await setQueue(queue, { KmsMasterKeyId: await makeKey(admit("sns", USE_KEY, "*", ask(topic, queue.arn))) });
            return tellQueue(topic, queue, letters);
        },
        "sns-lambda": async (ask) => {
            const [topic, target, letters] = [await makeTopic(), await functionWithSink(), await openQueue()];
            await permit(target.arn, "sns", permitted(ask(topic, target.arn)));
            const Attributes = { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: letters.arn }) };
            await aws.sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: "lambda", Endpoint: target.arn, Attributes }));
            await aws.sns.send(new PublishCommand({ TopicArn: topic, Message: "m" }));
            return outcome(
                () => takesAll(aws, target.sink),
                () => takesAll(aws, letters),
            );
        },
        "s3-sns": async (ask) => {
            const [{ Bucket, arn }, topic] = [await makeBucket(), await makeTopic()];
            await setTopic(topic, "Policy", document(admit("s3", "sns:Publish", topic, ask(arn, topic))));
            return configured(Bucket, { TopicConfigurations: [{ TopicArn: topic, Events }] });
        },
        "s3-sns-kms": async (ask) => {
            const [{ Bucket, arn }, topic] = [await makeBucket(), await makeTopic()];
            await setTopic(topic, "Policy", document(admit("s3", "sns:Publish", topic)));
            await setTopic(topic, "KmsMasterKeyId", await makeKey(admit("s3", USE_KEY, "*", ask(arn, topic))));
            return configured(Bucket, { TopicConfigurations: [{ TopicArn: topic, Events }] });
        },
        "s3-sqs": async (ask) => {
            const [{ Bucket, arn }, queue] = [await makeBucket(), await makeQueue()];
            await setQueue(queue, { Policy: document(admit("s3", "sqs:SendMessage", queue.arn, ask(arn, queue.arn))) });
            return configured(Bucket, { QueueConfigurations: [{ QueueArn: queue.arn, Events }] });
        },
        "s3-sqs-kms": async (ask) => {
            const [{ Bucket, arn }, queue] = [await makeBucket(), await makeQueue()];
            const KmsMasterKeyId = await makeKey(admit("s3", USE_KEY, "*", ask(arn, queue.arn)));
            await setQueue(queue, { Policy: document(admit("s3", "sqs:SendMessage", queue.arn)), KmsMasterKeyId });
            return configured(Bucket, { QueueConfigurations: [{ QueueArn: queue.arn, Events }] });
        },
        "s3-lambda": async (ask) => {
            const [{ Bucket, arn }, target] = [await makeBucket(), await functionWithSink()];
            await permit(target.arn, "s3", permitted(ask(arn, target.arn)));
            return configured(Bucket, { LambdaFunctionConfigurations: [{ LambdaFunctionArn: target.arn, Events }] });
        },
    };
    const tellQueue = async (topic: string, queue: Queue, letters: Queue) => {
        const Attributes = { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: letters.arn }) };
        await aws.sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: "sqs", Endpoint: queue.arn, Attributes }));
        await aws.sns.send(new PublishCommand({ TopicArn: topic, Message: "m" }));
        return outcome(
            () => takesAll(aws, queue),
            () => takesAll(aws, letters),
        );
    };

    const asked: Record<string, (row: Row) => (sourceArn: string, encrypted: string) => Condition> = {
        "aws:SourceArn": () => (sourceArn) => ({ ArnEquals: { "aws:SourceArn": sourceArn } }),
        "aws:SourceAccount": (row) => () => ({ StringEquals: { "aws:SourceAccount": row.id === "events-bus-role" ? MEMBER : FORENSICS } }),
    };
    for (const row of calls.calls.filter((each) => each.id in tries)) {
        const keys = row.to === "kms" ? [...Object.keys(asked), "context"] : Object.keys(asked);
        for (const key of keys) {
            const context = row.through ? calls.through.find((each) => each.service === row.through)!.context : "";
            const name = key === "context" ? `kms:EncryptionContext:${context}` : key;
            const sent = (row.keys as string[]).includes(name);
            it(`${row.id}: ${sent ? "sends" : "does not send"} ${name} (${row.proof})`, async () => {
                const ask =
                    key === "context" ? (_: string, encrypted: string) => ({ StringEquals: { [name]: encrypted } }) : asked[key]!(row);
                expect(await tries[row.id]!(ask)).to.equal(sent ? "delivered" : "refused");
            });
        }
    }

    it("an execution role publishes by its own permissions, on the topic and on the key", async () => {
        const key = await makeKey();
        const [{ topic, sink }, source] = [await topicWithSink({ KmsMasterKeyId: key }), await rule()];
        await setTopic(topic, "Policy", document(admit("cloudwatch", "sns:Publish", topic)));
        const publish = allow("sns:Publish", topic);
        await source.send(topic, await makeRole(aws, EVENTS, [publish]));
        const letter = await until("the dead letter", async () => (await source.refused()) ?? undefined);
        expect(
            (letter as { MessageAttributes: Record<string, { StringValue: string }> }).MessageAttributes.ERROR_CODE!.StringValue,
        ).to.equal("NO_PERMISSIONS");
        await source.send(topic, await makeRole(aws, EVENTS, [publish, allow(USE_KEY, key)]));
        await until("the message", async () => (await takesAll(aws, sink)) ?? undefined);
    });

    it("an unconditional topic policy and a key bound by the encryption context let EventBridge publish", async () => {
        const { topic, sink } = await topicWithSink();
        const source = await rule();
        await setTopic(topic, "Policy", document(admit("events", "sns:Publish", topic)));
        const bound = admit("events", USE_KEY, "*", { StringEquals: { "kms:EncryptionContext:aws:sns:topicArn": topic } });
        await setTopic(topic, "KmsMasterKeyId", await makeKey(bound));
        await source.send(topic);
        await until("the message", async () => (await takesAll(aws, sink)) ?? undefined);
    });

    it("a rule's refused deliveries are counted, and those that its queue refuses too", async () => {
        const sums = async (name: string) => {
            const metric = async (MetricName: string) => {
                const { Datapoints } = await cloudwatch.send(
                    new GetMetricStatisticsCommand({
                        Namespace: "AWS/Events",
                        MetricName,
                        Dimensions: [{ Name: "RuleName", Value: name }],
                        StartTime: new Date(Date.now() - 600_000),
                        EndTime: new Date(Date.now() + 60_000),
                        Period: 3600,
                        Statistics: ["Sum"],
                    }),
                );
                return Datapoints!.reduce((sum, each) => sum + each.Sum!, 0);
            };
            return [
                await metric("FailedInvocations"),
                await metric("InvocationsSentToDlq"),
                await metric("InvocationsFailedToBeSentToDlq"),
            ];
        };
        const closed = await makeTopic();
        await setTopic(closed, "Policy", document(admit("cloudwatch", "sns:Publish", closed)));
        const source = await rule();
        await source.send(closed);
        await until("it is counted", async () => ((await sums(source.name)).join() === "1,1,0" ? true : undefined));
        const lost = await rule();
        await setQueue(lost.letters, { Policy: document(admit("sns", "sqs:SendMessage", lost.letters.arn)) });
        await lost.send(closed);
        await until("it is counted", async () => ((await sums(lost.name)).join() === "1,0,1" ? true : undefined));
    });

    it("no service uses a key of AWS's own, which has no policy that could let it", async () => {
        const { topic } = await topicWithSink({ KmsMasterKeyId: "alias/aws/sns" });
        const source = await rule();
        await setTopic(topic, "Policy", document(admit("events", "sns:Publish", topic)));
        await source.send(topic);
        await until("the dead letter", async () => (await source.refused()) ?? undefined);
        await aws.sns.send(new PublishCommand({ TopicArn: topic, Message: "the account itself may" }));
    });

    it("a role's call through S3 carries the object's ARN to KMS, and no other", async () => {
        const key = await makeKey();
        const { Bucket, arn } = await makeBucket();
        const bound = allow("kms:GenerateDataKey", key, {
            StringEquals: { "kms:EncryptionContext:aws:s3:arn": `${arn}/mine`, "kms:ViaService": `s3.${REGION}.amazonaws.com` },
        });
        const role = await makeRole(aws, LAMBDA, [allow("s3:PutObject", `${arn}/*`), bound, allow("sqs:SendMessage", "*")]);
        const sink = await makeQueue();
        const writer = await makeFunction(
            aws,
            role,
            zipped(
                `const { S3Client, PutObjectCommand } = require("@aws-sdk/client-s3");
                 exports.handler = async ({ Bucket, Key, SSEKMSKeyId }) => new S3Client({ forcePathStyle: true }).send(
                     new PutObjectCommand({ Bucket, Key, Body: "x", ServerSideEncryption: "aws:kms", SSEKMSKeyId })).then(() => "written", (error) => error.name);`,
                true,
            ),
            { environment: { QUEUE: sink.url } },
        );
        const { InvokeCommand } = await import("@aws-sdk/client-lambda");
        const write = async (Key: string) => {
            const Payload = JSON.stringify({ Bucket, Key, SSEKMSKeyId: key });
            return JSON.parse(
                Buffer.from((await aws.lambda.send(new InvokeCommand({ FunctionName: writer, Payload }))).Payload!).toString(),
            ) as string;
        };
        expect(await write("mine")).to.equal("written");
        expect(await write("other")).to.equal("AccessDenied");
        expect((await aws.s3.send(new PutObjectCommand({ Bucket, Key: "root", Body: "x" }))).ETag).to.be.a("string");
    });

    it("every row of the table has a source and is tried here, or in serviceRoles.spec.ts where LocalEmu never makes the call", () => {
        const untried = calls.calls.filter((row) => !(row.id in tries)).map((row) => row.id);
        expect(untried).to.deep.equal([
            "states-assume-role",
            "lambda-assume-role",
            "ec2-assume-role",
            "vpc-flow-logs-assume-role",
            "stacksets-assume-role",
            "logs-kms",
        ]);
        for (const row of [...calls.calls, ...calls.through]) {
            expect(row.source, row.id).to.match(/^https:\/\//);
            expect(row.proof, row.id).to.be.oneOf(["documented", "reported", "unproven"]);
        }
        for (const row of calls.calls.filter((each) => each.proof === "unproven")) {
            expect(
                row.keys.filter((key) => key.startsWith("aws:")),
                `${row.id} is unproven`,
            ).to.deep.equal([]);
        }
    });
});
