/** The accounts of an incident: one record of what was called, one way to refuse a call, whichever way the calls come in. */
import { FakeDynamoDb } from "./dynamoDb";
import { awsError } from "./errors";
import { InMemoryS3 } from "./s3";
import { underClient, withEnvironment, withoutLog } from "./underClients";

/** One call of AWS, or of a webhook. */
export interface Call {
    /** The operation, as `DescribeInstances`. */
    name: string;
    input: Record<string, unknown>;
    /** How many calls, this one among them, were made one after another up to it; those at the same time count once. */
    depth: number;
    /** The account's part of AWS that was asked, where a fixture has several. */
    account?: object;
}

export abstract class InMemoryAccounts {
    /** The evidence bucket. */
    readonly s3 = new InMemoryS3();
    readonly objects = this.s3.objects;
    readonly versions = this.s3.versions;
    /** The incidents table. */
    readonly table = new FakeDynamoDb();
    /** Every call, in order. */
    readonly record: Call[] = [];
    private answered = 0;
    /** Operations that AWS refuses, with its error's name. `Operation:argument` refuses that argument alone. */
    readonly refusals = new Map<string, string>();
    /** Called after each call; a test ends the process or changes the world here. */
    after: (operation: string) => void = () => undefined;
    private readonly restore: (() => void)[] = [];

    /** Sets the environment and stands under the clients until {@link remove}. */
    protected stand(environment: Record<string, string>, clients: readonly { prototype: object }[]): void {
        this.restore.push(withEnvironment(environment), withoutLog());
        for (const Client of clients) this.restore.push(underClient(Client, (client, name, input) => this.take(name, input, client)));
    }

    /** Records one call and answers it. @throws the AWS error when it is refused */
    protected async take(name: string, input: Record<string, unknown>, client?: unknown): Promise<unknown> {
        const depth = this.answered + 1;
        this.record.push({ name, input, depth, account: this.accountOf(client) });
        // Like a call over a network: answered in a later turn, when all that were made with it are on their way.
        await new Promise((resolve) => setImmediate(resolve));
        this.answered = Math.max(this.answered, depth);
        return this.answer(name, input, client);
    }

    /** The names of all calls, in order. */
    get calls(): string[] {
        return this.record.map(({ name }) => name);
    }

    /** The inputs of an operation's calls, in order. @param account only those of one account's */
    of(operation: string, account?: object): Record<string, unknown>[] {
        const asked = this.record.filter((call) => call.name === operation && (account === undefined || call.account === account));
        return asked.map(({ input }) => input);
    }

    /** Whose account a client asks. A fixture that has several says so. */
    protected accountOf(_client: unknown): object | undefined {
        return undefined;
    }

    remove(): void {
        for (const undo of this.restore.splice(0)) undo();
    }

    /** Answers one call. @throws the AWS error when it is refused */
    answer(name: string, input: Record<string, unknown>, client?: unknown): unknown {
        const variant = `${name}:${Object.keys(input).filter((key) => key !== "InstanceId" && key !== "NetworkInterfaceId")[0] ?? ""}`;
        const refusal = this.refusals.get(name) ?? this.refusals.get(variant);
        if (refusal) throw awsError(refusal);
        const result = this.perform(name, input, client);
        this.after(name);
        return result;
    }

    /** As {@link answer}, whatever a test refuses. @param client which asked, for services that several accounts have */
    abstract perform(name: string, input: Record<string, unknown>, client?: unknown): unknown;
}
