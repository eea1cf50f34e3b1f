/** The forensics account behind a server on the loopback, so that what speaks to it goes over the real SDK and a real connection. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { InMemoryAccounts } from "./accounts";
import { InMemoryLambda } from "./lambda";
import { perform } from "./operations";
import { overHttp } from "./overHttp";
import { decode, encode, encodeError } from "./protocols";
import { InMemorySecurityHub } from "./securityHub";
import { InMemorySns } from "./sns";
import { InMemorySqs } from "./sqs";
import { InMemoryStepFunctions } from "./stepFunctions";
import { InMemorySts } from "./sts";
import { InMemorySupport } from "./support";
import { InMemorySystemsManager } from "./systemsManager";
import { withEnvironment } from "./underClients";

export class LoopbackAws extends InMemoryAccounts {
    readonly ssm = new InMemorySystemsManager();
    readonly sns = new InMemorySns();
    readonly securityHub = new InMemorySecurityHub();
    readonly support = new InMemorySupport();
    readonly stepFunctions = new InMemoryStepFunctions();
    readonly sts = new InMemorySts();
    private readonly others = [new InMemoryLambda(), new InMemorySqs(), this.sts];
    private undo: (() => Promise<void>) | undefined;

    /** Starts the server and sets the environment until {@link stop}. @param environment what a spec needs beside the endpoint and credentials */
    async start(environment: (endpoint: string) => Record<string, string>): Promise<void> {
        const { endpoint, stop } = await overHttp((request, body, response) => this.serve(request, body, response));
        const restore = withEnvironment({
            AWS_ENDPOINT_URL: endpoint,
            AWS_ACCESS_KEY_ID: "test",
            AWS_SECRET_ACCESS_KEY: "test",
            AWS_EC2_METADATA_DISABLED: "true",
            ...environment(endpoint),
        });
        this.undo = async () => {
            restore();
            await stop();
        };
    }

    async stop(): Promise<void> {
        await this.undo?.();
    }

    perform(name: string, input: Record<string, unknown>): unknown {
        const services = [this.s3, this.table, this.ssm, this.sns, this.securityHub, this.support, this.stepFunctions, ...this.others];
        return perform(services, name, input);
    }

    /** Answers one request of the SDK; a fixture answers what else comes to the server first. */
    protected async serve(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
        const asked = decode(request, body);
        try {
            await encode(asked, await this.take(asked.name, asked.input), response);
        } catch (error) {
            encodeError(asked, error as Error, response);
        }
    }
}
