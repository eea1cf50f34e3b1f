/** Enough of Amazon States Language to walk one of our machines through: choices, passes, tasks that are asked again, what is caught. Branches are passed over. */
type State = Record<string, unknown> & { Type: string; Next?: string };
type Data = Record<string, unknown>;

const at = (data: unknown, path: string): unknown =>
    path
        .slice(2)
        .split(".")
        .filter(Boolean)
        .reduce<unknown>((value, name) => (value as Data | undefined)?.[name], data);

function put(data: Data, path: unknown, value: unknown): Data {
    if (path === null) return data;
    if (typeof path !== "string" || path === "$") return value as Data;
    return { ...data, [path.slice(2)]: value };
}

function fill(template: unknown, data: Data, context: Data): unknown {
    if (typeof template !== "object" || template === null || Array.isArray(template)) return template;
    return Object.fromEntries(
        Object.entries(template).map(([name, value]) => {
            if (!name.endsWith(".$")) return [name, fill(value, data, context)];
            const text = value as string;
            const sum = /^States\.MathAdd\((\$[^,]*), (\$[^,]*|\d+)\)$/.exec(text);
            const filled = sum
                ? (at(data, sum[1]!) as number) + (sum[2]!.startsWith("$") ? (at(data, sum[2]!) as number) : Number(sum[2]))
                : text.startsWith("$$.")
                  ? at(context, text.slice(1))
                  : text.startsWith("States.")
                    ? text
                    : at(data, text);
            return [name.slice(0, -2), filled];
        }),
    );
}

interface Rule {
    And?: Rule[];
    Variable?: string;
    IsPresent?: boolean;
    NumericEquals?: number;
    NumericLessThanPath?: string;
    Next?: string;
}

function holds(rule: Rule, data: Data): boolean {
    if (rule.And) return rule.And.every((each) => holds(each, data));
    const value = at(data, rule.Variable!);
    if (rule.IsPresent !== undefined) return (value !== undefined) === rule.IsPresent;
    if (value === undefined) throw new Error(`${rule.Variable} is not there`);
    if (rule.NumericEquals !== undefined) return value === rule.NumericEquals;
    if (rule.NumericLessThanPath) return (value as number) < (at(data, rule.NumericLessThanPath) as number);
    throw new Error(`a rule that this machine does not know: ${JSON.stringify(rule)}`);
}

/**
 * Walks from a state to an end.
 *
 * @param call a task's function, by the name at the end of its ARN; a task of another service answers nothing
 * @param wait called before a task is asked again after NotYet
 * @returns the states in order, and the data at the end
 */
export async function walk(
    states: Record<string, State>,
    from: string,
    input: Data,
    call: (name: string, payload: Data) => Promise<unknown>,
    wait: () => void,
): Promise<{ path: string[]; data: Data }> {
    const path: string[] = [];
    let data = input;
    for (let name: string | undefined = from; name !== undefined;) {
        const state: State = states[name]!;
        path.push(name);
        if (path.length > 500) throw new Error(`no end after ${path.join(" > ")}`);
        if (state.Type === "Choice") {
            name = (state.Choices as Rule[]).find((rule) => holds(rule, data))?.Next ?? (state.Default as string);
            continue;
        }
        if (state.Type === "Pass") {
            const value =
                "Result" in state
                    ? state.Result
                    : "Parameters" in state
                      ? fill(state.Parameters, data, {})
                      : at(data, (state.InputPath as string | undefined) ?? "$");
            data = put(data, state.ResultPath, value);
        } else if (state.Type === "Task") {
            const { FunctionName, Payload } = fill(state.Parameters, data, { State: { EnteredTime: new Date().toISOString() } }) as {
                FunctionName?: string;
                Payload?: Data;
            };
            try {
                for (let calls = 1; FunctionName !== undefined; calls++) {
                    try {
                        const answer = { Payload: await call(FunctionName, Payload!) };
                        const selected = state.ResultSelector ? fill(state.ResultSelector, answer as Data, {}) : answer;
                        data = put(data, state.ResultPath, selected);
                        break;
                    } catch (error) {
                        if ((error as Error).name !== "NotYet" || calls === 60) throw error;
                        wait();
                    }
                }
            } catch (error) {
                const [caught] = state.Catch as { Next: string; ResultPath: string }[];
                data = put(data, caught!.ResultPath, { Error: (error as Error).name, Cause: (error as Error).message });
                name = caught!.Next;
                continue;
            }
        }
        name = state.Next;
    }
    return { path, data };
}
