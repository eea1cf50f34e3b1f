/** One LocalEmu for all the specs of a mocha process, started by the first that asks, and clients for its accounts. */
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { copyFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { startLocalEmu, type LocalEmu } from "../../../rehearsal/localEmu";

export const FORENSICS = "111111111111";
export const MEMBER = "222222222222";
export const OUTSIDER = "333333333333";
export const REGION = "eu-west-1";

export interface Credentials {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
}

let started: Promise<LocalEmu> | undefined;

/** Starts LocalEmu once. The first call may have to make the Python environment. */
export function localEmu(): Promise<LocalEmu> {
    return (started ??= startLocalEmu({ log: () => undefined }));
}

after(async function () {
    this.timeout(30_000);
    const running = await started;
    // For whoever has to find out why a spec fails.
    if (running && process.env.LOCALEMU_LOG_COPY) {
        await copyFile(running.logFile, process.env.LOCALEMU_LOG_COPY);
    }
    await running?.stop();
});

/** Clients of one principal in one Region. */
export function clientsOf(endpoint: string, credentials: Credentials, region = REGION) {
    const config = { endpoint, region, credentials, maxAttempts: 1 };
    return {
        autoscaling: new AutoScalingClient(config),
        ec2: new EC2Client(config),
        elb: new ElasticLoadBalancingClient(config),
        elbv2: new ElasticLoadBalancingV2Client(config),
        events: new EventBridgeClient(config),
        iam: new IAMClient(config),
        kms: new KMSClient(config),
        lambda: new LambdaClient(config),
        logs: new CloudWatchLogsClient(config),
        s3: new S3Client({ ...config, forcePathStyle: true }),
        sfn: new SFNClient(config),
        sns: new SNSClient(config),
        sqs: new SQSClient(config),
        ssm: new SSMClient(config),
        sts: new STSClient(config),
    };
}
export type Clients = ReturnType<typeof clientsOf>;

/** Clients of an account's root. */
export async function rootOf(accountId: string, region = REGION): Promise<Clients> {
    return clientsOf((await localEmu()).endpoint, { accessKeyId: accountId, secretAccessKey: "rehearsal" }, region);
}

/** Asks until the answer is not undefined. @throws Error with the name when it takes too long. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = 8_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
        const answer = await ask();
        if (answer !== undefined) {
            return answer;
        }
        if (Date.now() > deadline) {
            throw new Error(`${what}: not within ${timeoutMs} ms`);
        }
        await delay(50);
    }
}

/** The AWS error code a call fails with. @throws when it succeeds. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
    const error = await call.then(
        () => undefined,
        (reason: Error) => reason,
    );
    if (error === undefined) {
        throw new Error("The call succeeded; an error was expected.");
    }
    return error.name;
}

let counter = 0;
/** A name no other resource of this run has. */
export const unique = (prefix: string): string => `${prefix}-${process.pid}-${(counter += 1)}`;
