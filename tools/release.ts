/**
 * `npm run release -- <incident> [--force] [--accept-risk WHY] [--network-only] [--region REGION] [--no-watch]`: puts back what the containment of
 * an incident changed. `npm run retire -- <incident> --reason WHY`: closes its case instead, and the instance stays isolated.
 *
 * Starts the state machine of the forensics account with the operator's own AWS credentials (the default chain; AWS_ENDPOINT_URL
 * is honoured) and follows it. Exit 0 when released or when nothing was left to do, 1 when the release was refused or is not
 * complete, 2 when it could not be asked for.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { proveCaller } from "../functions/aws/callerIdentity";
import { releaseStatement } from "../functions/domain/callerProof";
import { releaseRequestSchema } from "../functions/domain/containers";
import { releaseStateMachineName } from "../infra/names";
import { releaseOutcome } from "./releaseOutcome";
import { endWith, UsageError } from "./command";

const usage =
    "Use: npm run release -- <incident> [--force] [--accept-risk WHY] [--network-only] [--region REGION] [--no-watch], or npm run retire -- <incident> --reason WHY";
const pollMilliseconds = 1000;

interface Wanted {
    incidentId: string;
    force: boolean;
    acceptRisk: string | null;
    networkOnly: boolean;
    retire: string | null;
    region: string;
    watch: boolean;
}

function read(argv: string[]): Wanted {
    let parsed;
    try {
        parsed = parseArgs({
            args: argv,
            allowPositionals: true,
            allowNegative: true,
            options: {
                "accept-risk": { type: "string" },
                "network-only": { type: "boolean", default: false },
                reason: { type: "string" },
                retire: { type: "boolean", default: false },
                force: { type: "boolean", default: false },
                region: { type: "string" },
                watch: { type: "boolean", default: true },
            },
        });
    } catch (error) {
        throw new UsageError((error as Error).message);
    }
    const { values, positionals } = parsed;
    if (positionals.length !== 1) throw new UsageError(positionals.length === 0 ? "No incident given." : "One incident at a time.");
    const request = releaseRequestSchema.safeParse({
        incidentId: positionals[0],
        force: values.force,
        acceptRisk: values["accept-risk"] ?? null,
        networkOnly: values["network-only"],
        retire: values.retire ? (values.reason ?? "") : null,
    });
    if (values.retire && !values.reason) throw new UsageError('Say why it stays isolated: --reason "why".');
    if (!request.success)
        throw new UsageError(
            `"${positionals[0]}" is no incident id; it looks like i-0123456789abcdef0-0123456789abcdef and stands in every message about the incident.`,
        );
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new UsageError("No Region given. Use --region or AWS_REGION: the Region of the instance.");
    return { ...request.data, region, watch: values.watch };
}

/** Starts the release. @returns the ARN of its execution */
async function start(sfn: SFNClient, { region, watch: _, ...request }: Wanted): Promise<string> {
    const { incidentId, force, acceptRisk, networkOnly, retire } = request;
    const statement = { incidentId, force, acceptRisk, networkOnly, retire };
    const { Account, Arn } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    const partition = Arn!.split(":")[1];
    const { executionArn } = await sfn.send(
        new StartExecutionCommand({
            stateMachineArn: `arn:${partition}:states:${region}:${Account}:stateMachine:${releaseStateMachineName}`,
            // Each release is one of its own: it may be asked for again, and then goes on with what is left.
            name: `${incidentId}-${new Date().toISOString().replace(/[^0-9TZ]/g, "")}`,
            input: JSON.stringify({ ...statement, proof: await proveCaller(region, releaseStatement(statement)) }),
        }),
    );
    return executionArn!;
}

/** Waits for the end of an execution; the state machine itself ends after an hour at most. */
async function follow(sfn: SFNClient, executionArn: string) {
    for (;;) {
        const execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        if (execution.status !== "RUNNING") return execution;
        await delay(pollMilliseconds);
    }
}

async function main(argv: string[]): Promise<number> {
    const wanted = read(argv);
    const sfn = new SFNClient({ region: wanted.region });
    const executionArn = await start(sfn, wanted);
    console.log(`${wanted.retire === null ? "Release" : "Retirement"} started: ${executionArn}`);
    if (!wanted.watch) return 0;
    const { lines, exitCode } = releaseOutcome(await follow(sfn, executionArn));
    for (const line of lines) console.log(line);
    return exitCode;
}

endWith(
    main(process.argv.slice(2)),
    usage,
    "Check the credentials: they must be of the forensics account, may start the release state machine, and the Region must have a clean room.",
);
