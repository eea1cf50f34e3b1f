/** The command line of `npm run rehearse`. */
import { parseArgs } from "node:util";
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

export const usage = `Usage: npm run rehearse -- [options]

Deploys the whole program onto a local AWS, gives it one GuardDuty finding and checks what comes out.

  --finding FILE     any GuardDuty event (JSON); it is rewritten to the victim's ids, the original is kept
  --disk FILE        raw disk image to use as the victim's root volume; it is never written
  --estate           two members, two Regions, four findings at the same moment
  --out DIR          where the results go (default: rehearsal/out)
  --json             print incident.json on one line as the last line
  --keep             leave the local AWS running and print its endpoint
  --fault FAULT      what goes wrong in AWS from the finding on, many times over: SERVICE:OPERATION[@PRINCIPAL][#CALLS]=KIND[:SECONDS],
                     such as ec2:CreateSnapshots#1=lost-reply; kinds: ${faultKinds.join(", ")}
  --throttling       EC2 and load balancing throttle by AWS's documented token buckets
  --timeout SECONDS  how long to wait for the report, 10 to 3600 (default: 300)
  --help

Exit: 0 all checks hold, 1 a check is false or the incident did not finish, 2 the input cannot be used.`;

/** The input cannot be used: nothing was started. The message is for people. */
export class InputError extends Error {
    override readonly name = "InputError";
}

/** Parses arguments. @param defaultOut results folder when --out is not given. @throws InputError naming the option, its value and what is allowed. */
export function parseOptions(args: string[], defaultOut: string): Options {
    let values;
    try {
        ({ values } = parseArgs({
            args,
            strict: true,
            allowPositionals: false,
            options: {
                finding: { type: "string" },
                disk: { type: "string" },
                estate: { type: "boolean", default: false },
                out: { type: "string" },
                json: { type: "boolean", default: false },
                keep: { type: "boolean", default: false },
                fault: { type: "string", multiple: true, default: [] },
                throttling: { type: "boolean", default: false },
                timeout: { type: "string", default: "300" },
                help: { type: "boolean", default: false },
            },
        }));
    } catch (error) {
        throw new InputError(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`, { cause: error });
    }
    try {
        values.fault.forEach(checkFault);
    } catch (error) {
        throw new InputError(`--fault: ${(error as Error).message}`, { cause: error });
    }
    const timeoutSeconds = Number(values.timeout);
    if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 10 || timeoutSeconds > 3600) {
        throw new InputError(`--timeout is ${values.timeout}; give whole seconds from 10 to 3600.`);
    }
    return {
        finding: values.finding ?? null,
        disk: values.disk ?? null,
        estate: values.estate,
        out: values.out ?? defaultOut,
        json: values.json,
        keep: values.keep,
        faults: values.fault,
        throttling: values.throttling,
        timeoutSeconds,
        help: values.help,
    };
}
