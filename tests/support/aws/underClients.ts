/** The way into an AWS of the tests from under the SDK's clients: their `send` is the test's, until it is put back. */
export interface Command {
    constructor: { name: string };
    input: Record<string, unknown>;
}

/** Puts an answer under every client of a class. @returns what puts the SDK's own `send` back */
export function underClient(
    Client: { prototype: object },
    send: (client: unknown, name: string, input: Record<string, unknown>) => Promise<unknown>,
): () => void {
    const prototype = Client.prototype as { send?: unknown };
    const own = Object.hasOwn(prototype, "send") ? prototype.send : undefined;
    prototype.send = function (this: unknown, command: Command) {
        return send(this, command.constructor.name.replace(/Command$/, ""), command.input);
    };
    return () => {
        if (own) prototype.send = own;
        else delete prototype.send;
    };
}

/** Sets variables of the environment. @returns what restores all that stood before */
export function withEnvironment(variables: Record<string, string>): () => void {
    const saved = { ...process.env };
    Object.assign(process.env, variables);
    return () => {
        for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
        Object.assign(process.env, saved);
    };
}

/** Keeps log lines off the terminal. @returns what prints again */
export function withoutLog(): () => void {
    const print = console.log;
    console.log = () => undefined;
    return () => {
        console.log = print;
    };
}
