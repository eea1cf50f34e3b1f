/**
 * What every command of this repository has in common: options by node:util's parseArgs, `--help` with examples and exit codes, and one
 * style of errors: the command, what happened, what to do.
 */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { whereAsked } from "./whereAsked";

export interface OptionSpec {
    type: "string" | "boolean";
    /** What it is for; --help shows it. */
    description: string;
    /** The command does not run without it. */
    required?: true;
    /** May come several times. */
    multiple?: true;
    /** Of a boolean that is on unless `--no-NAME` is given. */
    default?: boolean;
}
type Options = Record<string, OptionSpec>;

/** Values as the command reads them: required texts are there, booleans are true or false, lists may be empty. */
export type Values<O extends Options> = {
    [Name in keyof O]: O[Name] extends { multiple: true }
        ? string[]
        : O[Name]["type"] extends "boolean"
          ? boolean
          : O[Name] extends { required: true }
            ? string
            : string | undefined;
};

export interface CommandSpec<O extends Options> {
    /** As in `npm run NAME`. */
    name: string;
    /** Some sentences. */
    summary: string;
    /** What stands behind `--` in the usage line. */
    arguments: string;
    options: O;
    /** Names of what is given without an option, for messages; left out: nothing is. */
    positionals?: { what: string; least: number; most: number };
    examples: readonly string[];
    /** What each exit code means. */
    exitCodes: Readonly<Record<number, string>>;
    /** What the caller's credentials must be allowed, by what on; `--help` shows it, and so does a call that AWS refuses. Left out: AWS is not asked. */
    rights?: Readonly<Record<string, readonly string[]>>;
    /** What to do when the command itself failed. */
    advice?: string;
    /** Everything but `--help` goes on to another program, as positionals and unread. */
    passesOn?: true;
    run: (values: Values<O>, positionals: string[]) => Promise<number> | number;
}

/** What the caller has to mend in how the command was called. */
export class UsageError extends Error {}

export function helpOf<O extends Options>(spec: CommandSpec<O>): string {
    const options = Object.entries<OptionSpec>({ ...spec.options, help: { type: "boolean", description: "show this" } });
    const left = ([name, { type, default: isOn }]: [string, OptionSpec]) =>
        `--${isOn ? "no-" : ""}${name}${type === "string" ? " TEXT" : ""}`;
    const width = Math.max(...options.map((each) => left(each).length)) + 2;
    return [
        `Usage: npm run ${spec.name} -- ${spec.arguments}`,
        "",
        spec.summary,
        "",
        ...options.map(
            (each) =>
                `  ${left(each).padEnd(width)}${each[1].description}${each[1].required ? " (needed)" : ""}${each[1].multiple ? " (may come several times)" : ""}`,
        ),
        "",
        "Examples:",
        ...spec.examples.map((example) => `  ${example}`),
        "",
        "Exit codes:",
        ...Object.entries(spec.exitCodes).map(([code, meaning]) => `  ${code}  ${meaning}`),
        ...(spec.rights
            ? ["", "Rights (the default AWS credentials, or AWS_PROFILE; AWS_ENDPOINT_URL is honoured):", ...rightsOf(spec.rights)]
            : []),
    ].join("\n");
}

/** One line for each thing that rights are needed on. */
const rightsOf = (rights: Readonly<Record<string, readonly string[]>>): string[] =>
    Object.entries(rights).map(([on, actions]) => `  ${actions.join(", ")}: ${on}`);

/** @throws UsageError */
export function readArguments<O extends Options>(
    spec: CommandSpec<O>,
    argv: readonly string[],
): { values: Values<O>; positionals: string[] } {
    if (spec.passesOn) return { values: {} as Values<O>, positionals: [...argv] };
    const config: ParseArgsOptionsConfig = Object.fromEntries(
        Object.entries<OptionSpec>(spec.options).map(([name, { type, multiple, default: isOn }]) => [
            name,
            { type, ...(multiple ? { multiple: true, default: [] } : type === "boolean" ? { default: isOn ?? false } : {}) },
        ]),
    );
    let parsed;
    try {
        parsed = parseArgs({ args: [...argv], options: config, allowPositionals: true, allowNegative: true });
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
    const { values, positionals } = parsed;
    for (const [name, { required }] of Object.entries<OptionSpec>(spec.options))
        if (required && !values[name]) throw new UsageError(`--${name} is missing.`);
    const { what, least, most } = spec.positionals ?? { what: "argument", least: 0, most: 0 };
    if (positionals.length < least) throw new UsageError(`No ${what} given.`);
    if (positionals.length > most)
        throw new UsageError(
            most === 0 ? `"${positionals[0]}" is not understood.` : `One ${what} at a time: "${positionals[most]}" is one too many.`,
        );
    return { values: values as Values<O>, positionals };
}

/** Runs a command and sets the exit code. `--help` goes before everything else, and so does nothing. */
export async function runCommand<O extends Options>(spec: CommandSpec<O>, argv: readonly string[]): Promise<number> {
    const own = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
    if (own.includes("--help") || own.includes("-h")) {
        console.log(helpOf(spec));
        return 0;
    }
    try {
        const { values, positionals } = readArguments(spec, argv);
        return await spec.run(values, positionals);
    } catch (error) {
        const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
        const isUsage = error instanceof UsageError;
        console.error(`${spec.name}: ${isUsage || name === "Error" || name === "" ? "" : `${name}: `}${message}`);
        if (isUsage) console.error(`Usage: npm run ${spec.name} -- ${spec.arguments}    (--help says more)`);
        else {
            const asked = await whereAsked(error);
            for (const line of asked) console.error(line);
            if (asked.length > 0 && spec.rights) console.error(["It needs these rights:", ...rightsOf(spec.rights)].join("\n"));
            if (spec.advice) console.error(spec.advice);
        }
        return 2;
    }
}

/**
 * Runs a command with the process's own arguments, if its file is the one that was started: so that a spec can read what it says of itself.
 *
 * @param of the command's own `module`
 */
export function command<O extends Options>(spec: CommandSpec<O>, of: NodeJS.Module, argv = process.argv.slice(2)): CommandSpec<O> {
    if (require.main === of)
        void runCommand(spec, argv).then((code) => {
            process.exitCode = code;
        });
    return spec;
}
