/** What S3 and SNS tell other services, and what S3 promises about objects. */
import { AddPermissionCommand, RemovePermissionCommand } from "@aws-sdk/client-lambda";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import {
    CreateBucketCommand,
    DeleteObjectCommand,
    GetObjectRetentionCommand,
    HeadObjectCommand,
    PutBucketNotificationConfigurationCommand,
    PutObjectCommand,
    PutObjectLockConfigurationCommand,
} from "@aws-sdk/client-s3";
import { CreateTopicCommand, PublishCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { expect } from "chai";
import { allow, document, makeFunction, makeRole, zipped } from "./support/functions";
import { errorOf, FORENSICS, REGION, rootOf, unique, until, type Clients } from "./support/localAws";

const LAMBDA = { Service: "lambda.amazonaws.com" };
const fromSource = (service: string, action: string, resource: string, source: string) =>
    document({
        Effect: "Allow",
        Principal: { Service: service },
        Action: action,
        Resource: resource,
        Condition: { ArnEquals: { "aws:SourceArn": source } },
    });

describe("LocalEmu: notifications and objects", function () {
    this.timeout(30_000);
    let aws: Clients;
    const makeBucket = async (more: { ObjectLockEnabledForBucket?: boolean } = {}) => {
        const Bucket = unique("bucket");
        await aws.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: REGION }, ...more }));
        return Bucket;
    };
    const makeQueue = async () => {
        const url = (await aws.sqs.send(new CreateQueueCommand({ QueueName: unique("queue") }))).QueueUrl!;
        return {
            url,
            arn: (await aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }))).Attributes!.QueueArn!,
        };
    };
    const setPolicy = (url: string, Policy: string) =>
        aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy } }));
    const received = (url: string) =>
        until("a message", async () =>
            (await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl: url }))).Messages?.map((each) => each.Body!),
        );
    /** A function that sends what it gets on to a queue. */
    const forwarder = async (queue: { url: string; arn: string }) =>
        makeFunction(
            aws,
            await makeRole(aws, LAMBDA, [allow("sqs:SendMessage", queue.arn)]),
            zipped(
                `
        const { SQSClient, SendMessageCommand } = require("@aws-sdk/client-sqs");
        exports.handler = (event) => new SQSClient({}).send(new SendMessageCommand({ QueueUrl: process.env.QUEUE, MessageBody: JSON.stringify(event) }));`,
                true,
            ),
            { environment: { QUEUE: queue.url } },
        );

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(FORENSICS);
    });

    it("S3 tells a function only with its permission, about matching keys, encoded as forms are", async () => {
        const [Bucket, queue] = [await makeBucket(), await makeQueue()];
        const LambdaFunctionArn = await forwarder(queue);
        const Filter = {
            Key: {
                FilterRules: [
                    { Name: "prefix" as const, Value: "incidents/" },
                    { Name: "suffix" as const, Value: ".error.json" },
                ],
            },
        };
        const configure = () =>
            aws.s3.send(
                new PutBucketNotificationConfigurationCommand({
                    Bucket,
                    NotificationConfiguration: {
                        LambdaFunctionConfigurations: [{ LambdaFunctionArn, Events: ["s3:ObjectCreated:*"], Filter }],
                    },
                }),
            );
        const permit = (SourceArn: string) =>
            aws.lambda.send(
                new AddPermissionCommand({
                    FunctionName: LambdaFunctionArn,
                    StatementId: "s3",
                    Action: "lambda:InvokeFunction",
                    Principal: "s3.amazonaws.com",
                    SourceArn,
                    SourceAccount: FORENSICS,
                }),
            );
        expect(await errorOf(configure())).to.equal("InvalidArgument");
        await permit("arn:aws:s3:::another-bucket");
        expect(await errorOf(configure())).to.equal("InvalidArgument");
        await aws.lambda.send(new RemovePermissionCommand({ FunctionName: LambdaFunctionArn, StatementId: "s3" }));
        await permit(`arn:aws:s3:::${Bucket}`);
        await configure();
        for (const Key of ["other/a.error.json", "incidents/a.json", "incidents/a b/é+.error.json"]) {
            await aws.s3.send(new PutObjectCommand({ Bucket, Key, Body: "{}" }));
        }
        const { Records } = JSON.parse((await received(queue.url))[0]!) as {
            Records: { eventName: string; s3: { bucket: { name: string }; object: { key: string } } }[];
        };
        expect(Records.map((each) => each.s3.object.key)).to.deep.equal(["incidents/a+b/%C3%A9%2B.error.json"]);
        expect(Records[0]!.s3.bucket.name).to.equal(Bucket);
    });

    it("SNS tells a queue by the queue's policy, and leaves what it may not deliver in the subscription's dead-letter queue", async () => {
        const topic = (await aws.sns.send(new CreateTopicCommand({ Name: unique("topic") }))).TopicArn!;
        const [queue, letters] = [await makeQueue(), await makeQueue()];
        await setPolicy(letters.url, fromSource("sns.amazonaws.com", "sqs:SendMessage", letters.arn, topic));
        await aws.sns.send(
            new SubscribeCommand({
                TopicArn: topic,
                Protocol: "sqs",
                Endpoint: queue.arn,
                Attributes: { RawMessageDelivery: "true", RedrivePolicy: JSON.stringify({ deadLetterTargetArn: letters.arn }) },
            }),
        );
        await aws.sns.send(new PublishCommand({ TopicArn: topic, Message: "refused" }));
        expect((await received(letters.url)).join()).to.contain("refused");
        await setPolicy(queue.url, fromSource("sns.amazonaws.com", "sqs:SendMessage", queue.arn, topic));
        await aws.sns.send(new PublishCommand({ TopicArn: topic, Message: "delivered" }));
        expect(await received(queue.url)).to.deep.equal(["delivered"]);
    });

    it("a service reaches an encrypted queue only when the key's policy lets it", async () => {
        const topic = (await aws.sns.send(new CreateTopicCommand({ Name: unique("topic") }))).TopicArn!;
        const own = { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${FORENSICS}:root` }, Action: "kms:*", Resource: "*" };
        const service = {
            Effect: "Allow",
            Principal: { Service: "sns.amazonaws.com" },
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            Resource: "*",
            Condition: { StringEquals: { "aws:SourceAccount": FORENSICS } },
        };
        const [closed, open] = [await makeQueue(), await makeQueue()];
        for (const [queue, statements] of [
            [closed, [own]],
            [open, [own, service]],
        ] as const) {
            const key = (await aws.kms.send(new CreateKeyCommand({ Policy: document(...statements) }))).KeyMetadata!.Arn!;
            const Policy = fromSource("sns.amazonaws.com", "sqs:SendMessage", queue.arn, topic);
            await aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes: { Policy, KmsMasterKeyId: key } }));
            await aws.sns.send(
                new SubscribeCommand({ TopicArn: topic, Protocol: "sqs", Endpoint: queue.arn, Attributes: { RawMessageDelivery: "true" } }),
            );
        }
        await aws.sns.send(new PublishCommand({ TopicArn: topic, Message: "m" }));
        expect(await received(open.url)).to.deep.equal(["m"]);
        expect((await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl: closed.url }))).Messages ?? []).to.deep.equal([]);
    });

    it("S3 writes an object once with If-None-Match, and keeps locked versions", async () => {
        const Bucket = await makeBucket({ ObjectLockEnabledForBucket: true });
        await aws.s3.send(
            new PutObjectLockConfigurationCommand({
                Bucket,
                ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 30 } } },
            }),
        );
        const put = (Body: string) =>
            aws.s3.send(new PutObjectCommand({ Bucket, Key: "restore-record.json", Body, IfNoneMatch: "*", ChecksumAlgorithm: "SHA256" }));
        const { VersionId } = await put("first");
        expect(await errorOf(put("second"))).to.equal("PreconditionFailed");
        const { ContentLength, ChecksumSHA256 } = await aws.s3.send(
            new HeadObjectCommand({ Bucket, Key: "restore-record.json", ChecksumMode: "ENABLED" }),
        );
        expect({ ContentLength, sha256: ChecksumSHA256?.length }).to.deep.equal({ ContentLength: 5, sha256: 44 });
        const { Retention } = await aws.s3.send(new GetObjectRetentionCommand({ Bucket, Key: "restore-record.json" }));
        expect(Retention!.Mode).to.equal("GOVERNANCE");
        expect((Retention!.RetainUntilDate!.getTime() - Date.now()) / 86_400_000).to.be.closeTo(30, 0.1);
        expect(await errorOf(aws.s3.send(new DeleteObjectCommand({ Bucket, Key: "restore-record.json", VersionId })))).to.equal(
            "AccessDenied",
        );
    });
});
