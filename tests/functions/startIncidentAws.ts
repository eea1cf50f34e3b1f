import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { FakeDynamoDb } from "../support/aws/dynamoDb";
import { perform } from "../support/aws/operations";
import { overHttp } from "../support/aws/overHttp";
import { InMemoryStepFunctions } from "../support/aws/stepFunctions";
import { answerSts } from "../support/aws/sts";

interface Call {
    action: string;
    path: string;
    body: Record<string, unknown>;
    headers: IncomingMessage["headers"];
}

/** Answers as Step Functions, DynamoDB, SQS and S3 do, over HTTP and to the real SDK, and remembers what it was asked. */
export class FakeAws {
    readonly calls: Call[] = [];
    readonly stepFunctions = new InMemoryStepFunctions();
    /** Status by the execution's name. */
    readonly executions = this.stepFunctions.executions;
    readonly table = new FakeDynamoDb();
    readonly objects = new Map<string, string>();
    /** Segments of custody logs by their path. */
    readonly log = new Map<string, string>();
    /** The actions that answer 500. */
    broken = new Set<string>();
    private server: Awaited<ReturnType<typeof overHttp>> | undefined;

    async start(): Promise<string> {
        this.server = await overHttp((request, body, response) => this.answer(request, body, response));
        return this.server.endpoint;
    }

    async stop(): Promise<void> {
        await this.server?.stop();
    }

    of(action: string): Call[] {
        return this.calls.filter((call) => call.action === action);
    }

    private answer(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
        const text = body.toString("utf8");
        const target = request.headers["x-amz-target"];
        const path = (request.url ?? "").split("?")[0];
        const listed = new URL(request.url ?? "", "http://fake").searchParams.get("prefix");
        if (path.includes("/custody/log/") || listed?.includes("/custody/log/"))
            return this.custody(request.method!, path, listed, text, response);
        if (answerSts(text, response)) return;
        const other = path.endsWith("/invocations") ? "Invoke" : request.method === "PUT" ? "PutObject" : "GetObject";
        const action = typeof target === "string" ? target.split(".")[1] : other;
        this.calls.push({
            action,
            path,
            body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {},
            headers: request.headers,
        });
        if (this.broken.has(action))
            return void response
                .writeHead(400, { "content-type": "application/x-amz-json-1.0", "x-amzn-errortype": "AccessDeniedException" })
                .end('{"__type":"AccessDeniedException","message":"no"}');
        if (typeof target === "string" && target.startsWith("DynamoDB_")) {
            const answer = this.table.answer(action, JSON.parse(text) as Record<string, unknown>);
            return json(response, answer.status, answer.body);
        }
        if (target?.toString().startsWith("AWSStepFunctions.")) return this.workflow(action, text, response);
        if (action === "SendMessage") {
            const { MessageBody } = JSON.parse(text) as { MessageBody: string };
            return void json(response, 200, { MessageId: "1", MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex") });
        }
        if (path.endsWith("/invocations")) return void response.writeHead(202).end();
        if (action === "PutObject" && request.headers["if-none-match"] === "*" && this.objects.has(path)) {
            return void response
                .writeHead(412, { "content-type": "application/xml" })
                .end("<Error><Code>PreconditionFailed</Code><Message>taken</Message></Error>");
        }
        if (action === "PutObject") this.objects.set(path, text);
        response.writeHead(200, { "content-type": "application/json" }).end(action === "GetObject" ? this.objects.get(path) : "");
    }

    /** The custody log, which is kept beside the evidence that specs look at. */
    private custody(method: string, path: string, prefix: string | null, text: string, response: ServerResponse): void {
        const xml = (status: number, body: string) => void response.writeHead(status, { "content-type": "application/xml" }).end(body);
        if (prefix !== null) {
            const keys = [...this.log.keys()]
                .filter((key) => key.includes(prefix))
                .map((key) => `<Contents><Key>${key.slice(key.indexOf(prefix))}</Key></Contents>`);
            return xml(200, `<ListBucketResult><IsTruncated>false</IsTruncated>${keys.join("")}</ListBucketResult>`);
        }
        if (method === "GET") return xml(200, this.log.get(path) ?? "");
        if (this.log.has(path)) return xml(412, "<Error><Code>PreconditionFailed</Code><Message>taken</Message></Error>");
        this.log.set(path, text);
        return xml(200, "");
    }

    private workflow(action: string, text: string, response: ServerResponse): void {
        try {
            json(response, 200, perform([this.stepFunctions], action, JSON.parse(text) as Record<string, unknown>) as object);
        } catch (error) {
            const { name, message } = error as Error;
            json(response, 400, { __type: name, message });
        }
    }
}

function json(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
}
