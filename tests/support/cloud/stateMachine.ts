/**
 * Runs a state machine of ours (Amazon States Language with JSONPath) in this process: what our two definitions use of it, and an error for
 * anything else. https://states-language.net and https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
import { randomUUID } from "node:crypto";
import { virtualWait } from "./clock";

type Json = unknown;
type Named = Record<string, Json>;
interface Retrier {
    ErrorEquals: string[];
    IntervalSeconds?: number;
    BackoffRate?: number;
    MaxDelaySeconds?: number;
    MaxAttempts?: number;
    JitterStrategy?: string;
}
interface State extends Named {
    Type: string;
    Next?: string;
    Retry?: Retrier[];
    Catch?: { ErrorEquals: string[]; ResultPath?: string | null; Next: string }[];
}
interface Machine {
    StartAt: string;
    States: Record<string, State>;
}

/** What a state fails of. */
export class StatesError extends Error {
    constructor(
        override readonly name: string,
        cause: string,
    ) {
        super(cause);
    }
}

/** Why an execution ends whose machine is gone: no retrier and no catcher of its own hears of it. */
export class BrokenOff extends Error {
    override readonly name = "BrokenOff";
}

/** Does what a task's Resource says. @throws StatesError under the name that retriers and catchers match */
export type TaskRunner = (state: string, resource: string, parameters: Named, timeoutSeconds: number) => Promise<Json>;

function at(path: string, input: Json, context: Named): Json {
    const [root, names] = path.startsWith("$$") ? [context as Json, path.slice(2)] : [input, path.slice(1)];
    let value = root;
    for (const [, name, index] of names.matchAll(/\.([A-Za-z]\w*)|\[(\d+)\]/g)) {
        value = (value as Named | null | undefined)?.[(name ?? index)!];
        if (value === undefined) throw new StatesError("States.Runtime", `The JSONPath '${path}' could not be found`);
    }
    return value;
}

function intrinsic(text: string, input: Json, context: Named): Json {
    const value = (each: string) =>
        each.startsWith("'") ? each.slice(1, -1) : each.startsWith("$") ? at(each, input, context) : Number(each);
    const [, name, list] = /^States\.(\w+)\((.*)\)$/.exec(text) ?? [];
    const given = (list ?? "").match(/'[^']*'|\$[^,\s]*|\d+/g)?.map(value) ?? [];
    if (name === "MathAdd") return (given[0] as number) + (given[1] as number);
    if (name === "JsonToString") return JSON.stringify(given[0]);
    if (name === "Format") {
        let index = 0;
        return (given[0] as string).replaceAll("{}", () => String(given[++index]));
    }
    throw new Error(`The interpreter does not know ${text}`);
}

function template(value: Json, input: Json, context: Named): Json {
    if (Array.isArray(value)) return value.map((each) => template(each, input, context));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
        Object.entries(value).map(([name, each]) => {
            if (!name.endsWith(".$")) return [name, template(each, input, context)];
            const text = each as string;
            return [name.slice(0, -2), text.startsWith("$") ? at(text, input, context) : intrinsic(text, input, context)];
        }),
    );
}

function place(input: Json, path: string | null | undefined, result: Json): Json {
    if (path === null) return input;
    if (path === undefined || path === "$") return result;
    const names = path.slice(2).split(".");
    const copy = structuredClone(input) as Named;
    let inner = copy;
    for (const name of names.slice(0, -1)) inner = (inner[name] ??= {}) as Named;
    inner[names.at(-1)!] = result;
    return copy;
}

interface Rule {
    Variable?: string;
    IsPresent?: boolean;
    StringEquals?: string;
    StringEqualsPath?: string;
    NumericEquals?: number;
    NumericLessThanPath?: string;
    And?: Rule[];
    Next?: string;
}
function holds(rule: Rule, input: Json): boolean {
    if (rule.And) return rule.And.every((each) => holds(each, input));
    let value: Json;
    try {
        value = at(rule.Variable!, input, {});
    } catch {
        value = undefined;
    }
    if (rule.IsPresent !== undefined) return (value !== undefined) === rule.IsPresent;
    // A path that leads nowhere ends the execution: only IsPresent may ask.
    if (value === undefined)
        throw new StatesError(
            "States.Runtime",
            `Invalid path '${rule.Variable}': the choice state's condition path references an invalid value`,
        );
    if (rule.StringEquals !== undefined) return value === rule.StringEquals;
    if (rule.StringEqualsPath !== undefined) return value === at(rule.StringEqualsPath, input, {});
    if (rule.NumericEquals !== undefined) return value === rule.NumericEquals;
    if (rule.NumericLessThanPath !== undefined) return (value as number) < (at(rule.NumericLessThanPath, input, {}) as number);
    throw new Error(`The interpreter does not know the rule ${JSON.stringify(rule)}`);
}

const matches = (names: string[], error: StatesError) =>
    names.some(
        (each) =>
            each === error.name ||
            (each === "States.ALL" && error.name !== "States.Runtime" && error.name !== "States.DataLimitExceeded") ||
            (each === "States.TaskFailed" && error.name !== "States.Timeout" && !error.name.startsWith("States.")),
    );

/** Bytes of JSON that a state may take or give. */
const mostBytes = 256 * 1024;

export class StateMachineRun {
    /** Errors that states met, retried ones too. */
    readonly errors: { state: string; error: string; cause: string }[] = [];

    private broken = false;

    constructor(private readonly runTask: TaskRunner) {}

    /** Ends the execution where it is: {@link run} throws {@link BrokenOff} once what it waits for has ended. */
    breakOff(): void {
        this.broken = true;
    }

    private mustGoOn(): void {
        if (this.broken) throw new BrokenOff("the execution was broken off");
    }

    /** Runs it to its end. @param execution its name @throws StatesError when it ends as failed */
    async run(machine: Machine, input: Json, execution = ""): Promise<Json> {
        let [name, value] = [machine.StartAt, input];
        for (;;) {
            this.mustGoOn();
            const state = machine.States[name];
            if (!state) throw new Error(`There is no state ${name}`);
            const enteredAt = new Date().toISOString();
            const entered = { Execution: { Name: execution }, State: { Name: name, EnteredTime: enteredAt } };
            const next = await this.state(name, state, value, entered);
            if (Buffer.byteLength(JSON.stringify(next.output)) > mostBytes)
                throw new StatesError("States.DataLimitExceeded", `The output of ${name} is larger than 256 KiB`);
            value = next.output;
            if (next.to === null) return value;
            name = next.to;
        }
    }

    private async state(name: string, state: State, input: Json, context: Named): Promise<{ output: Json; to: string | null }> {
        const to = state.Next ?? null;
        switch (state.Type) {
            case "Pass": {
                const read = state.InputPath === undefined ? input : at(state.InputPath as string, input, context);
                const result = "Result" in state ? state.Result : state.Parameters ? template(state.Parameters, read, context) : read;
                return { output: place(input, state.ResultPath as string | null | undefined, result), to };
            }
            case "Choice": {
                const rule = (state.Choices as Rule[]).find((each) => holds(each, input));
                return { output: input, to: rule?.Next ?? (state.Default as string) };
            }
            case "Succeed":
                return { output: input, to: null };
            case "Fail":
                throw new StatesError(
                    String(at(state.ErrorPath as string, input, context)),
                    String(at(state.CausePath as string, input, context)),
                );
            case "Task":
            case "Parallel":
                return this.withRetries(name, state, input, context);
            default:
                throw new Error(`The interpreter does not know states of type ${state.Type}`);
        }
    }

    private async withRetries(name: string, state: State, input: Json, context: Named): Promise<{ output: Json; to: string | null }> {
        const used = new Map<Retrier, number>();
        for (;;) {
            this.mustGoOn();
            try {
                // Each try of a task has a token of its own.
                const tried = { ...context, Task: { Token: randomUUID() } };
                const result =
                    state.Type === "Task" ? await this.task(name, state, input, tried) : await this.parallel(state, input, context);
                const selected = state.ResultSelector ? template(state.ResultSelector, result, context) : result;
                return { output: place(input, state.ResultPath as string | null | undefined, selected), to: state.Next ?? null };
            } catch (error) {
                this.mustGoOn();
                if (!(error instanceof StatesError)) throw error;
                this.errors.push({ state: name, error: error.name, cause: error.message });
                const retrier = state.Retry?.find(({ ErrorEquals }) => matches(ErrorEquals, error));
                const before = retrier ? (used.get(retrier) ?? 0) : 0;
                if (retrier && before < (retrier.MaxAttempts ?? 3)) {
                    used.set(retrier, before + 1);
                    const delay = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** before;
                    const bounded = Math.min(delay, retrier.MaxDelaySeconds ?? Infinity);
                    await virtualWait(retrier.JitterStrategy === "FULL" ? Math.random() * bounded : bounded);
                    continue;
                }
                const catcher = state.Catch?.find(({ ErrorEquals }) => matches(ErrorEquals, error));
                if (!catcher) throw error;
                return { output: place(input, catcher.ResultPath, { Error: error.name, Cause: error.message }), to: catcher.Next };
            }
        }
    }

    private async parallel(state: State, input: Json, { Execution }: Named): Promise<Json> {
        const { Name } = Execution as { Name: string };
        return Promise.all((state.Branches as Machine[]).map((branch) => this.run(branch, structuredClone(input), Name)));
    }

    private task(name: string, state: State, input: Json, context: Named): Promise<Json> {
        const parameters = template(state.Parameters, input, context) as Named;
        return this.runTask(name, state.Resource as string, parameters, state.TimeoutSeconds as number);
    }
}
