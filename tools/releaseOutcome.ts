/** What an operator reads when a release has ended. Pure: the execution in, lines and an exit code out. */
import { releaseSchema } from "../functions/domain/containers";
import { unwrapCause } from "../functions/domain/stepFailure";
import { visible } from "../functions/domain/visibleText";

/** The end of an execution, as Step Functions describes it. */
export interface EndedExecution {
    status?: string;
    output?: string;
    error?: string;
    cause?: string;
}

export interface ReleaseOutcome {
    /** What was done or stands in the way. Names of AWS resources are of other people's making, so made visible. */
    lines: string[];
    /** 0 released, or nothing was left to do; 1 refused or not complete. */
    exitCode: 0 | 1;
}

/** @throws ZodError when a succeeded execution has an output that is no release: the tool and the deployment differ */
export function releaseOutcome({ status, output, error, cause }: EndedExecution): ReleaseOutcome {
    if (status !== "SUCCEEDED") {
        const { message } = unwrapCause(cause ?? error ?? `the execution ended as ${status}`);
        return { exitCode: 1, lines: [`Not released: ${visible(message)}`] };
    }
    const {
        incidentId,
        ended,
        instance,
        steps,
        conflicts,
        retired = null,
        leftInPlace = [],
        unknownBefore = [],
    } = releaseSchema.parse(JSON.parse(output ?? "null"));
    const where = `${instance.instanceId} in ${instance.accountId}/${instance.region}`;
    const putBack = steps.filter((step) => step.outcome === "done");
    const failed = steps.filter((step) => step.outcome === "failed");
    if (retired !== null)
        return {
            exitCode: 0,
            lines: [
                `Retired ${where}: it stays isolated, and nothing was put back.`,
                ...failed.map(({ name, detail }) => `  failed      ${visible(`${name}: ${detail}`)}`),
            ],
        };
    return {
        exitCode: 0,
        lines: [
            putBack.length === 0 ? `Nothing was left to do: ${where} is released already.` : `Released ${where}:`,
            ...putBack.map(({ name, detail }) => `  put back    ${visible(`${name}: ${detail}`)}`),
            ...conflicts.map((conflict) => `  left alone  ${visible(conflict)}`),
            ...[...leftInPlace, ...unknownBefore].map((each) => `  stays       ${visible(each)}`),
            ...failed.map(({ name, detail }) => `  failed      ${visible(`${name}: ${detail}`)}`),
            ...ended.filter((each) => each !== incidentId).map((each) => `  ends too    ${each}, which shared the containment`),
        ],
    };
}
