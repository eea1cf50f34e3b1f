/**
 * `npm run release`: puts back what the containment of an incident changed. `npm run retire` closes its case instead, and the instance stays isolated.
 *
 * Starts the state machine of the forensics account with the operator's own AWS credentials and follows it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { proveCaller } from "../functions/aws/callerIdentity";
import { releaseStatement } from "../functions/domain/callerProof";
import { releaseRequestSchema } from "../functions/domain/containers";
import { releaseStateMachineName } from "../infra/names";
import { releaseOutcome } from "./releaseOutcome";
import { command, type CommandSpec } from "./command";
import { jsonOption, readIncidentId, readRegion, regionOption } from "./operator";

const pollMilliseconds = 1000;

interface Wanted {
    incidentId: string;
    force: boolean;
    acceptRisk: string | null;
    networkOnly: boolean;
    retire: string | null;
    region: string;
    watch: boolean;
    json: boolean;
}

/** Starts the release. @returns the ARN of its execution */
async function start(sfn: SFNClient, { region, ...request }: Wanted): Promise<string> {
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

async function ask({ watch, json, ...request }: Wanted): Promise<number> {
    const wanted = { ...request, ...releaseRequestSchema.parse(request), watch, json };
    const sfn = new SFNClient({ region: wanted.region });
    const executionArn = await start(sfn, wanted);
    if (!json) console.log(`${wanted.retire === null ? "Release" : "Retirement"} started: ${executionArn}`);
    const { lines, exitCode } = watch ? releaseOutcome(await follow(sfn, executionArn)) : { lines: [], exitCode: 0 };
    if (json)
        console.log(JSON.stringify({ schemaVersion: 1, incidentId: wanted.incidentId, executionArn, followed: watch, exitCode, lines }));
    else for (const line of lines) console.log(line);
    return exitCode;
}

const common = {
    region: regionOption,
    watch: { type: "boolean", description: "start it and do not wait for its end", default: true },
    json: jsonOption,
} as const;
const rights = {
    "the state machine clean-room-release": ["states:StartExecution"],
    "its executions, to follow them": ["states:DescribeExecution"],
};
const advice = "npm run incidents shows what stands contained.";
const positionals = { what: "incident", least: 1, most: 1 };

const releaseOptions = {
    force: { type: "boolean", description: "leave alone what somebody changed since, and put back the rest" },
    "accept-risk": { type: "string", description: "why it goes back although the report does not say that it may" },
    "network-only": { type: "boolean", description: "give it its network back, and nothing else" },
    ...common,
} as const;
const retireOptions = {
    // How package.json starts this file.
    retire: { type: "boolean", description: "given by npm run retire" },
    reason: { type: "string", description: "why it stays isolated", required: true },
    ...common,
} as const;

export const release: CommandSpec<typeof releaseOptions> = {
    name: "release",
    summary:
        "Puts back what the containment of an incident changed, in the reverse order, and reads it back. Evidence stays. Refused where somebody changed\nsomething since, and while the report is missing, grave, incomplete or not intact.",
    arguments: "INCIDENT [--force] [--accept-risk WHY] [--network-only] [--region REGION] [--no-watch] [--json]",
    options: releaseOptions,
    positionals,
    examples: [
        "npm run release -- i-0123456789abcdef0-0123456789abcdef",
        'npm run release -- i-0123456789abcdef0-0123456789abcdef --force --accept-risk "rebuilt from the image"',
    ],
    exitCodes: { 0: "released, or nothing was left to do", 1: "refused, or not complete", 2: "it could not be asked for" },
    rights,
    advice,
    run: ({ force, "accept-risk": acceptRisk = null, "network-only": networkOnly, region, watch, json }, [incident]) =>
        ask({
            incidentId: readIncidentId(incident),
            force,
            acceptRisk,
            networkOnly,
            retire: null,
            region: readRegion(region),
            watch,
            json,
        }),
};

export const retire: CommandSpec<typeof retireOptions> = {
    name: "retire",
    summary: "Closes the case of an incident whose instance is not put back: it stays isolated and watched, and nothing is undone.",
    arguments: "INCIDENT --reason WHY [--region REGION] [--no-watch] [--json]",
    options: retireOptions,
    positionals,
    examples: ['npm run retire -- i-0123456789abcdef0-0123456789abcdef --reason "replaced, to be terminated"'],
    exitCodes: { 0: "retired", 1: "refused", 2: "it could not be asked for" },
    rights,
    advice,
    run: ({ reason, region, watch, json }, [incident]) =>
        ask({
            incidentId: readIncidentId(incident),
            force: false,
            acceptRisk: null,
            networkOnly: false,
            retire: reason,
            region: readRegion(region),
            watch,
            json,
        }),
};

if (process.argv.includes("--retire")) command(retire, module);
else command(release, module);
