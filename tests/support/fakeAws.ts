/**
 * A loopback HTTP server that speaks as much of S3, SSM, SNS, DynamoDB and a Slack webhook as the notifying functions use, so that
 * their tests go over the real SDK and a real connection.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { FakeDynamoDb } from "./aws/dynamoDb";
import { perform } from "./aws/operations";
import { overHttp } from "./aws/overHttp";
import { InMemorySns } from "./aws/sns";
import { answerSts } from "./aws/sts";
import { InMemorySystemsManager } from "./aws/systemsManager";

/** Clients are kept by Region for the life of the process: each server has a Region of its own, so that none is shared. */
let servers = 0;

export interface FakeAws {
    bucket: string;
    region: string;
    /** Objects of the bucket by key. */
    objects: Map<string, Buffer>;
    /** Keys in the order of their writing. */
    writes: string[];
    /** `GET key`, `PUT key`, `GetParameter`, `Publish`, `slack`, in order. */
    calls: string[];
    /** AWS error code with which reading a key is refused. */
    refusals: Map<string, string>;
    ssm: InMemorySystemsManager;
    sns: InMemorySns;
    /** The incidents table. */
    table: FakeDynamoDb;
    /** What the generic webhook got. */
    hooks: { body: string; signature: string }[];
    /** Status of its next answers; 200 when empty. */
    hookAnswers: number[];
    /** Findings that Security Hub took. */
    imported: unknown[];
    /** What Security Hub was asked to note, and ids of findings that it refuses. */
    updates: unknown[];
    unknownFindings: string[];
    /** What was added to support cases. */
    communications: { caseId: string; communicationBody: string }[];
    slack: {
        url: string;
        payloads: unknown[];
        /** Answers of the next posts; 200 when empty. */ answers: { status: number; headers?: Record<string, string> }[];
    };
    event: (key: string) => unknown;
    stop: () => Promise<void>;
}

function refuse(response: ServerResponse, status: number, code: string, head = false): void {
    response.writeHead(status, { "content-type": "application/xml", "x-amzn-errortype": code });
    response.end(head ? undefined : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function s3(fake: FakeAws, method: string, key: string, body: Buffer, ifNoneMatch: boolean, response: ServerResponse): void {
    fake.calls.push(`${method} ${key}`);
    const standing = fake.objects.get(key);
    const refusal = fake.refusals.get(key);
    if (refusal && method !== "PUT") return refuse(response, 403, refusal, method === "HEAD");
    if (method === "PUT") {
        if (ifNoneMatch && standing) return refuse(response, 412, "PreconditionFailed");
        fake.objects.set(key, body);
        fake.writes.push(key);
        response.writeHead(200, { etag: '"etag"' }).end();
        return;
    }
    if (!standing) return refuse(response, 404, method === "HEAD" ? "NotFound" : "NoSuchKey", method === "HEAD");
    response.writeHead(200, { "content-length": standing.length, "content-type": "application/octet-stream" });
    response.end(method === "HEAD" ? undefined : standing);
}

/** Answers a call of a JSON service, or refuses it as AWS does. */
function json(answer: () => unknown, response: ServerResponse): void {
    try {
        const body = answer();
        response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
    } catch (error) {
        const { name, message } = error as Error;
        response.writeHead(400, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify({ __type: name, message }));
    }
}

/** SNS speaks forms and XML. */
function sns(fake: FakeAws, body: Buffer, response: ServerResponse): void {
    const form = new URLSearchParams(body.toString("utf8"));
    const action = form.get("Action")!;
    fake.calls.push(action);
    const answered = perform([fake.sns], action, Object.fromEntries(form)) as { Attributes?: Record<string, string> };
    const entries = Object.entries(answered.Attributes ?? {}).map(
        ([key, value]) => `<entry><key>${key}</key><value>${value}</value></entry>`,
    );
    const result = answered.Attributes ? `<Attributes>${entries.join("")}</Attributes>` : "<MessageId>1</MessageId>";
    response
        .writeHead(200, { "content-type": "text/xml" })
        .end(
            `<${action}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><${action}Result>${result}</${action}Result></${action}Response>`,
        );
}

function slack(fake: FakeAws, body: Buffer, response: ServerResponse): void {
    fake.calls.push("slack");
    const { status, headers } = fake.slack.answers.shift() ?? { status: 200 };
    if (status === 200) fake.slack.payloads.push(JSON.parse(body.toString("utf8")));
    response.writeHead(status, headers).end(status === 200 ? "ok" : "no_service");
}

function answer(fake: FakeAws, request: IncomingMessage, body: Buffer, response: ServerResponse): void | Promise<void> {
    const url = new URL(request.url!, "http://fake");
    if (url.pathname.startsWith("/services/")) return slack(fake, body, response);
    if (url.pathname === "/findings/import") {
        fake.imported.push(...(JSON.parse(body.toString("utf8")) as { Findings: unknown[] }).Findings);
        return void response
            .writeHead(200, { "content-type": "application/json" })
            .end('{"FailedCount":0,"SuccessCount":1,"FailedFindings":[]}');
    }
    if (url.pathname === "/findings/batchupdate") {
        const update = JSON.parse(body.toString("utf8")) as { FindingIdentifiers: { Id: string; ProductArn: string }[] };
        fake.updates.push(update);
        const isKnown = ({ Id }: { Id: string }) => !fake.unknownFindings.includes(Id);
        return void response.writeHead(200, { "content-type": "application/json" }).end(
            JSON.stringify({
                ProcessedFindings: update.FindingIdentifiers.filter(isKnown),
                UnprocessedFindings: update.FindingIdentifiers.filter((each) => !isKnown(each)).map((FindingIdentifier) => ({
                    FindingIdentifier,
                    ErrorCode: "InvalidInput",
                    ErrorMessage: "unknown",
                })),
            }),
        );
    }
    if (url.pathname.startsWith("/hook/")) {
        fake.hooks.push({ body: body.toString("utf8"), signature: String(request.headers["x-clean-room-signature"]) });
        return void response.writeHead(fake.hookAnswers.shift() ?? 200).end();
    }
    if (String(request.headers["x-amz-target"]).startsWith("AWSSupport_")) {
        fake.communications.push(JSON.parse(body.toString("utf8")) as { caseId: string; communicationBody: string });
        return void response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end('{"result":true}');
    }
    const [service, action] = String(request.headers["x-amz-target"]).split(".");
    if (service === "AmazonSSM") {
        fake.calls.push(action);
        return json(() => perform([fake.ssm], action, JSON.parse(body.toString("utf8")) as Record<string, unknown>), response);
    }
    if (service.startsWith("DynamoDB_")) {
        const { status, body: answered } = fake.table.answer(action, JSON.parse(body.toString("utf8")) as Record<string, unknown>);
        return void response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(answered));
    }
    if (url.pathname.startsWith(`/${fake.bucket}/`)) {
        return s3(
            fake,
            request.method!,
            decodeURIComponent(url.pathname.slice(fake.bucket.length + 2)),
            body,
            request.headers["if-none-match"] === "*",
            response,
        );
    }
    if (answerSts(body.toString("utf8"), response)) return;
    return sns(fake, body, response);
}

/** Starts the server and points this process' AWS settings to it until `stop`. Slack is configured; the topic is not. */
export async function startFakeAws(): Promise<FakeAws> {
    servers += 1;
    const fake: FakeAws = {
        bucket: "evidence-bucket",
        region: `xx-fake-${servers}`,
        objects: new Map(),
        writes: [],
        calls: [],
        refusals: new Map(),
        ssm: new InMemorySystemsManager(),
        sns: new InMemorySns(),
        table: new FakeDynamoDb(),
        hooks: [],
        hookAnswers: [],
        imported: [],
        updates: [],
        unknownFindings: [],
        communications: [],
        slack: { url: "", payloads: [], answers: [] },
        event: (key) => ({
            Records: [
                {
                    eventName: "ObjectCreated:Put",
                    s3: {
                        bucket: { name: "evidence-bucket" },
                        object: { key: encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+") },
                    },
                },
            ],
        }),
        stop: async () => undefined,
    };
    const { endpoint, stop } = await overHttp((request, body, response) => answer(fake, request, body, response));
    fake.slack.url = `${endpoint}/services/T000/B000/secret-token`;
    const parameter = `/clean-room/slack-webhook-${servers}`;
    fake.ssm.parameters.set(parameter, fake.slack.url);
    const settings: Record<string, string> = {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: fake.region,
        AWS_ACCESS_KEY_ID: "fake",
        AWS_SECRET_ACCESS_KEY: "fake",
        AWS_EC2_METADATA_DISABLED: "true",
        PARTITION: "aws",
        EVIDENCE_BUCKET: fake.bucket,
        SLACK_WEBHOOK_PARAMETER: parameter,
        NOTIFICATION_TOPIC_ARN: "",
        CHAT_TOPIC_ARN: "",
        WEBHOOK_PARAMETER: "",
        OWN_NETWORKS: "",
        RESPONDER_ROLE_NAME: "clean-room-responder",
        SECURITY_HUB: "false",
        FORENSICS_ACCOUNT_ID: "111111111111",
    };
    const before = Object.fromEntries(Object.keys(settings).map((name) => [name, process.env[name]]));
    Object.assign(process.env, settings);
    fake.stop = async () => {
        for (const [name, value] of Object.entries(before)) {
            if (value === undefined) delete process.env[name];
            else process.env[name] = value;
        }
        await stop();
    };
    return fake;
}
