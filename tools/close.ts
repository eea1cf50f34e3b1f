/**
 * `npm run close -- <incident> [--why WHY] [--region REGION]`: ends a case. The temporary goes (forensic instance and volumes), locked evidence
 * stays, and the end stands in the custody log under a seal of its own. With the operator's own credentials of the forensics account. An instance
 * that stands contained is released by `npm run release`, which this does not do. Exit 0 when closed, 2 when it could not be.
 */
import { parseArgs } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { markCaseClosed } from "../functions/aws/pinsTable";
import { listStanding } from "../functions/aws/standingContainments";
import { operator, readIncidentId, runCommand } from "./custody/operator";
import { callFunction, operatorAction, sealAgain } from "./custody/sealAgain";

const usage = "Use: npm run close -- <incident> [--why WHY] [--region REGION]";
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

async function main(args: string[]): Promise<number> {
    const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { why: { type: "string" }, region: { type: "string" } },
    });
    const incidentId = readIncidentId(positionals[0]);
    const who = await operator(values.region);
    const removed = await tearDown(who.region, incidentId);
    console.log(removed.length === 0 ? "Nothing temporary was left." : `Removed: ${removed.join(", ")}.`);
    const note = values.why?.slice(0, 1024) ?? null;
    console.log(await sealAgain(who, incidentId, [operatorAction(who, incidentId, "custody:CloseCase", { resources: removed, note })]));
    // The seal stands whatever comes of this: without it people are only told thirty days before the locks end.
    await markCaseClosed(incidentId).catch((error: Error) =>
        console.log(
            `The daily look at evidence goes on for this case: ${error.name} on the incidents table. Ask for dynamodb:UpdateItem and close it again.`,
        ),
    );
    const standing = (await listStanding()).filter(({ incidentIds }) => incidentIds.includes(incidentId));
    for (const { instance } of standing)
        console.log(`${instance.instanceId} stands contained still: npm run release -- ${incidentId} puts it back, or leave it so.`);
    console.log("Evidence stays locked until its locks end; npm run hold extends them.");
    return 0;
}

runCommand(main, usage);
