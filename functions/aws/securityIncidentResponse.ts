/**
 * Three calls of AWS Security Incident Response, shaped as a client of the SDK's: @aws-sdk/client-security-ir could take its place, and is not
 * worth its size for them. https://docs.aws.amazon.com/security-ir/latest/APIReference/
 */
import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { SignatureV4 } from "@smithy/signature-v4";
import type { ClientSettings } from "./clients";
import type { DeployedNames } from "./permissions";

/** Every case of the account, in whichever Region it has its membership. */
export const incidentCaseArn = ({ partition, accountId }: DeployedNames): string => `arn:${partition}:security-ir:*:${accountId}:case/*`;

/** What the service says of a case in a list. */
export interface ListedCase {
    caseId: string;
    title?: string;
    /** `Submitted`, `Acknowledged`, … `Ready to Close`, `Closed`. */
    caseStatus?: string;
}

export class CreateCaseCommand {
    readonly name = "CreateCase";
    readonly path = "/v1/create-case";
    declare readonly answer: { caseId: string };
    constructor(
        readonly input: {
            clientToken: string;
            /** Who works on it: the engineers of AWS, or the account's own people. */
            resolverType: "AWS" | "Self";
            /** 300 characters at most. */
            title: string;
            /** 8,000 characters at most. */
            description: string;
            engagementType: "Security Incident" | "Investigation";
            /** Seconds since 1970. */
            reportedIncidentStartDate: number;
            impactedAccounts: string[];
            impactedAwsRegions: { region: string }[];
            impactedServices: string[];
            /** People who get mail about it. */
            watchers: { email: string }[];
        },
    ) {}
}

export class CreateCaseCommentCommand {
    readonly name = "CreateCaseComment";
    readonly path: string;
    declare readonly answer: { commentId: string };
    /** @param input its body takes 12,000 characters */
    constructor(readonly input: { caseId: string; clientToken: string; body: string }) {
        this.path = `/v1/cases/${encodeURIComponent(input.caseId)}/create-comment`;
    }
}

export class ListCasesCommand {
    readonly name = "ListCases";
    readonly path = "/v1/list-cases";
    declare readonly answer: { items?: ListedCase[]; nextToken?: string };
    /** @param input 25 cases a page at most */
    constructor(readonly input: { maxResults: number; nextToken?: string }) {}
}

type Command = CreateCaseCommand | CreateCaseCommentCommand | ListCasesCommand;
type Next = (args: { input: object }) => Promise<{ output: object }>;
type Middleware = (next: Next, context: { clientName: string; commandName: string }) => Next;

/** SHA-256 as the signer takes it. */
class Sha256 {
    private readonly hash: Hash | Hmac;
    constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
        this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as string);
    }
    update(data: Uint8Array): void {
        this.hash.update(data);
    }
    digest(): Promise<Uint8Array> {
        return Promise.resolve(this.hash.digest());
    }
    reset(): void {
        throw new Error("the signer makes a new one each time");
    }
}

/** Milliseconds for one call. */
const patience = 10_000;

export class SecurityIRClient {
    private readonly signer: SignatureV4;
    private readonly endpoint: URL;
    private readonly middlewares: Middleware[] = [];
    /** What notes calls in the custody log is added as to a client of the SDK. */
    readonly middlewareStack = { add: (middleware: Middleware) => void this.middlewares.push(middleware) };

    constructor({ region }: Pick<ClientSettings, "region">) {
        this.endpoint = new URL(process.env.AWS_ENDPOINT_URL ?? `https://security-ir.${region}.api.aws`);
        this.signer = new SignatureV4({ service: "security-ir", region, credentials: fromNodeProviderChain(), sha256: Sha256 });
    }

    /** @throws an error whose name is the service's, as a client of the SDK does */
    async send<C extends Command>(command: C): Promise<C["answer"]> {
        const call: Next = async () => ({ output: await this.post(command) });
        const context = { clientName: "SecurityIRClient", commandName: `${command.name}Command` };
        const whole = this.middlewares.reduce((next, middleware) => middleware(next, context), call);
        return (await whole({ input: command.input })).output as C["answer"];
    }

    private async post({ path, input }: Command): Promise<object> {
        const { protocol, hostname, port } = this.endpoint;
        const body = JSON.stringify(input);
        const { headers } = await this.signer.sign({
            method: "POST",
            protocol,
            hostname,
            port: port === "" ? undefined : Number(port),
            path,
            headers: { host: this.endpoint.host, "content-type": "application/json" },
            body,
        });
        const response = await fetch(new URL(path, this.endpoint), {
            method: "POST",
            headers,
            body,
            signal: AbortSignal.timeout(patience),
        });
        const text = await response.text();
        const $metadata = { httpStatusCode: response.status, requestId: response.headers.get("x-amzn-requestid") ?? undefined };
        const answer = (text.startsWith("{") ? JSON.parse(text) : {}) as { message?: string };
        if (response.ok) return { ...answer, $metadata };
        const [name = ""] = (response.headers.get("x-amzn-errortype") ?? "").split(":");
        throw Object.assign(new Error(answer.message ?? `AWS Security Incident Response answered ${response.status}`), {
            name: name === "" ? `Status${response.status}` : name,
            $metadata,
        });
    }
}
