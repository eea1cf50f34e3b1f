/** The forensics account as the functions that tell people meet it, with a Slack and a webhook beside it on the same server. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LoopbackAws } from "./loopback";

/** Clients are kept by Region for the life of the process: each server has a Region of its own, so that none is shared. */
let servers = 0;

export class NotifyingAws extends LoopbackAws {
    readonly bucket = "evidence-bucket";
    /** What the generic webhook got. */
    readonly hooks: { body: string; signature: string }[] = [];
    /** Status of its next answers; 200 when empty. */
    readonly hookAnswers: number[] = [];
    readonly slack = {
        url: "",
        payloads: [] as unknown[],
        /** Answers of the next posts; 200 when empty. */
        answers: [] as { status: number; headers?: Record<string, string> }[],
    };

    /** Keys of the bucket in the order of their writing, without the custody log, which every write of evidence adds to. */
    get written(): string[] {
        return this.s3.written.filter((key) => !key.includes("/custody/log/"));
    }

    /** S3's event that an object was written. */
    event(key: string): unknown {
        const object = { key: encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+") };
        return { Records: [{ eventName: "ObjectCreated:Put", s3: { bucket: { name: this.bucket }, object } }] };
    }

    protected override async serve(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
        const text = body.toString("utf8");
        if (request.url!.startsWith("/services/")) {
            this.record.push({ name: "slack", input: {}, depth: 0 });
            const { status, headers } = this.slack.answers.shift() ?? { status: 200 };
            if (status === 200) this.slack.payloads.push(JSON.parse(text));
            return void response.writeHead(status, headers).end(status === 200 ? "ok" : "no_service");
        }
        if (request.url!.startsWith("/hook/")) {
            this.record.push({ name: "webhook", input: {}, depth: 0 });
            this.hooks.push({ body: text, signature: String(request.headers["x-clean-room-signature"]) });
            return void response.writeHead(this.hookAnswers.shift() ?? 200).end();
        }
        return super.serve(request, body, response);
    }
}

/** Starts one and points this process' settings to it until `stop`. Slack is configured; the topic is not. */
export async function startNotifyingAws(): Promise<NotifyingAws> {
    const aws = new NotifyingAws();
    servers += 1;
    const parameter = `/clean-room/slack-webhook-${servers}`;
    await aws.start((endpoint) => {
        aws.slack.url = `${endpoint}/services/T000/B000/secret-token`;
        aws.ssm.parameters.set(parameter, aws.slack.url);
        return {
            AWS_REGION: `xx-fake-${servers}`,
            PARTITION: "aws",
            EVIDENCE_BUCKET: aws.bucket,
            SLACK_WEBHOOK_PARAMETER: parameter,
            NOTIFICATION_TOPIC_ARN: "",
            CHAT_TOPIC_ARN: "",
            CHAT_ACTIONS: "false",
            WEBHOOK_PARAMETER: "",
            RESULTS_TOPIC_ARN: "",
            REPORT_LINK_HOURS: "0",
            DOCS_URL: "",
            IDENTITY_CENTER: "",
            OWN_NETWORKS: "",
            RESPONDER_ROLE_NAME: "clean-room-responder",
            SECURITY_HUB: "false",
            FORENSICS_ACCOUNT_ID: "111111111111",
        };
    });
    return aws;
}
