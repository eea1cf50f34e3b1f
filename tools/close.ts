/**
 * `npm run close`: ends a case. The temporary goes (forensic instance and volumes), locked evidence stays, and the end stands in the custody log
 * under a seal of its own. An instance that stands contained is released by `npm run release`, which this does not do.
 */
import { setTimeout as delay } from "node:timers/promises";
import { SFNClient } from "@aws-sdk/client-sfn";
import { listKeys } from "../functions/aws/evidenceBucket";
import { newestExecution } from "../functions/aws/executions";
import { markCaseClosed } from "../functions/aws/pinsTable";
import { listStanding } from "../functions/aws/standingContainments";
import { incidentPrefix } from "../functions/domain/evidenceKeys";
import { stateMachineName } from "../infra/names";
import { command, UsageError, type Values } from "./command";
import { callFunction, operatorAction, sealAgain } from "./custody/sealAgain";
import { jsonOption, operator, readIncidentId, regionOption, type Operator } from "./operator";

const options = {
    why: { type: "string", description: "it stands in the custody log" },
    force: { type: "boolean", description: "also while the workflow runs, whose analysis then ends" },
    region: regionOption,
    json: jsonOption,
} as const;
/** Times the tear-down is asked again, a few seconds apart: an instance takes minutes to end. */
const mostTries = 60;

async function tearDown(region: string, incidentId: string): Promise<string[]> {
    for (let attempt = 1; ; attempt++) {
        try {
            return (await callFunction(region, "clean-room-tearDown", { incidentId })).removed as string[];
        } catch (error) {
            if (!["NotYet", "Transient"].includes((error as Error).name) || attempt === mostTries) throw error;
            await delay(5000);
        }
    }
}

/**
 * A name that nobody's case has would get a log and a seal under Object Lock, and a workflow that runs would lose its forensic instance.
 *
 * @throws UsageError where that would be so
 */
async function mustBeClosable({ region, accountId, partition, bucket }: Operator, incidentId: string, force: boolean): Promise<void> {
    if ((await listKeys(incidentPrefix(incidentId))).length === 0)
        throw new UsageError(
            `There is no case ${incidentId} in s3://${bucket}: copy the id from a message, and give the instance's Region.`,
        );
    if (force) return;
    const arnOf = (name: string) => `arn:${partition}:states:${region}:${accountId}:execution:${stateMachineName}:${name}`;
    const newest = await newestExecution(new SFNClient({ region }), arnOf, incidentId);
    if (newest && ["RUNNING", "PENDING_REDRIVE"].includes(newest.described.status ?? ""))
        throw new UsageError(
            `The workflow of ${incidentId} runs (${newest.name}): closing the case now would end its analysis. Wait for the report, or give --force.`,
        );
}

async function end({ why, region, json, force }: Values<typeof options>, [incident]: string[]): Promise<number> {
    const incidentId = readIncidentId(incident);
    const lines: string[] = [];
    const say = (line: string) => (json ? void lines.push(line) : console.log(line));
    const who = await operator(region);
    await mustBeClosable(who, incidentId, force);
    const removed = await tearDown(who.region, incidentId);
    say(removed.length === 0 ? "Nothing temporary was left." : `Removed: ${removed.join(", ")}.`);
    const note = why?.slice(0, 1024) ?? null;
    say(await sealAgain(who, incidentId, [operatorAction(who, incidentId, "custody:CloseCase", { resources: removed, note })]));
    // The seal stands whatever comes of this: without it people are only told thirty days before the locks end.
    await markCaseClosed(incidentId).catch((error: Error) =>
        say(
            `The daily look at evidence goes on for this case: ${error.name} on the incidents table. Ask for dynamodb:UpdateItem and close it again.`,
        ),
    );
    const standing = (await listStanding()).filter(({ incidentIds }) => incidentIds.includes(incidentId));
    for (const { instance } of standing)
        say(`${instance.instanceId} stands contained still: npm run release -- ${incidentId} puts it back, or leave it so.`);
    say("Evidence stays locked until its locks end; npm run hold extends them.");
    if (json)
        console.log(
            JSON.stringify({ schemaVersion: 1, incidentId, removed, standing: standing.map(({ instance }) => instance.instanceId), lines }),
        );
    return 0;
}

export const close = command(
    {
        name: "close",
        summary:
            "Ends a case: the temporary goes (forensic instance and volumes), locked evidence stays, and the end is sealed. It releases no instance.",
        arguments: "INCIDENT [--why WHY] [--force] [--region REGION] [--json]",
        options,
        positionals: { what: "incident", least: 1, most: 1 },
        examples: ['npm run close -- i-0123456789abcdef0-0123456789abcdef --why "ticket 4711 closed"'],
        exitCodes: { 0: "closed", 2: "it could not be" },
        rights: {
            "the functions clean-room-tearDown and clean-room-sealCustody": ["lambda:InvokeFunction"],
            "the evidence bucket": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            "the evidence key": ["kms:Decrypt", "kms:GenerateDataKey"],
            "the table clean-room-incidents and its index": ["dynamodb:Query", "dynamodb:UpdateItem"],
            "the key of that table": ["kms:Decrypt"],
            "executions of the state machine clean-room-incident": ["states:DescribeExecution"],
        },
        run: end,
    },
    module,
);
