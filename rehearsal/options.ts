/** The command line of `npm run rehearse`. */
import { helpOf, readArguments, type CommandSpec } from "../tools/command";
import { checkFault, faultKinds } from "./faults";

export interface Options {
    /** GuardDuty event to use instead of the built-in one. */
    finding: string | null;
    /** Raw disk image to use as the victim's root volume. It is copied, never written. */
    disk: string | null;
    /** Rehearse an incident in each of two members and two Regions, in place of one. */
    estate: boolean;
    /** Folder the results go to, one folder an incident. */
    out: string;
    /** Print incident.json's content on one line as the last line of stdout. */
    json: boolean;
    /** Take what lives only in the victim's memory before the last cut; null: memory.mode is off. */
    memory: "volatile" | "full" | null;
    /** Leave the local AWS up at the end. */
    keep: boolean;
    /** Seconds to wait for the report after the finding was sent. */
    timeoutSeconds: number;
    /** What goes wrong in AWS from the finding on, such as ec2:CreateSnapshots#1=lost-reply. */
    faults: string[];
    /** Throttle by AWS's documented token buckets from the finding on. */
    throttling: boolean;
    help: boolean;
}

const options = {
    finding: {
        type: "string",
        description: "file with any GuardDuty event (JSON); it is rewritten to the victim's ids, the original is kept",
    },
    disk: { type: "string", description: "raw disk image to use as the victim's root volume; it is never written" },
    estate: { type: "boolean", description: "two members, two Regions, four findings at the same moment" },
    out: { type: "string", description: "folder where the results go; rehearsal/out when left out" },
    json: { type: "boolean", description: "print incident.json on one line as the last line" },
    memory: {
        type: "string",
        description:
            "take what lives only in memory before the last cut: volatile, or full for an image of the memory too; needs root on Linux",
    },
    keep: { type: "boolean", description: "leave the local AWS running and print its endpoint" },
    fault: {
        type: "string",
        multiple: true,
        description: `what goes wrong in AWS from the finding on: SERVICE:OPERATION[@PRINCIPAL][#CALLS]=KIND[:SECONDS]; kinds: ${faultKinds.join(", ")}`,
    },
    throttling: { type: "boolean", description: "EC2 and load balancing throttle by AWS's documented token buckets" },
    timeout: { type: "string", description: "seconds to wait for the report, 10 to 3600; 300 when left out" },
} as const;

/** What `--help` says, and how arguments are read; main.ts runs it. */
export const rehearseSpec: Omit<CommandSpec<typeof options>, "run"> = {
    name: "rehearse",
    summary:
        "Deploys the whole program onto a local AWS on this machine, gives it one GuardDuty finding and checks what comes out. Nothing is asked of AWS.",
    arguments:
        "[--finding FILE] [--disk FILE] [--estate] [--memory MODE] [--out DIR] [--json] [--keep] [--fault FAULT] [--throttling] [--timeout SECONDS]",
    options,
    examples: [
        "npm run rehearse",
        "npm run rehearse -- --finding finding.json --disk victim.img --out /tmp/rehearsal",
        "npm run rehearse -- --memory volatile",
        "npm run rehearse -- --fault ec2:CreateSnapshots#1=lost-reply",
    ],
    exitCodes: { 0: "all checks hold", 1: "a check is false, or the incident did not finish", 2: "the input cannot be used" },
};

export const usage = helpOf({ ...rehearseSpec, run: () => 0 });

/** The input cannot be used: nothing was started. The message is for people. */
export class InputError extends Error {
    override readonly name = "InputError";
}

/** Parses arguments. @param defaultOut results folder when --out is not given. @throws InputError naming the option, its value and what is allowed. */
export function parseOptions(args: string[], defaultOut: string): Options {
    const help = args.includes("--help") || args.includes("-h");
    let values;
    try {
        ({ values } = readArguments({ ...rehearseSpec, run: () => 0 }, help ? [] : args));
    } catch (error) {
        throw new InputError(`rehearse: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`, { cause: error });
    }
    try {
        values.fault.forEach(checkFault);
    } catch (error) {
        throw new InputError(`--fault: ${(error as Error).message}`, { cause: error });
    }
    const { memory = null } = values;
    if (memory !== null && memory !== "volatile" && memory !== "full")
        throw new InputError(`--memory is ${memory}; give volatile or full.`);
    const timeoutSeconds = Number(values.timeout ?? "300");
    if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 10 || timeoutSeconds > 3600) {
        throw new InputError(`--timeout is ${values.timeout ?? ""}; give whole seconds from 10 to 3600.`);
    }
    return {
        finding: values.finding ?? null,
        disk: values.disk ?? null,
        estate: values.estate,
        out: values.out ?? defaultOut,
        json: values.json,
        memory,
        keep: values.keep,
        faults: values.fault,
        throttling: values.throttling,
        timeoutSeconds,
        help,
    };
}
