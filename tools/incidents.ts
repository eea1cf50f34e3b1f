/**
 * `npm run incidents -- [--region REGION]`: the instances that wait for an answer before anything is done, those that stand contained, with the
 * incidents that share each containment, and how far the analyses are that have not ended.
 *
 * With the operator's own AWS credentials of the forensics account (the default chain; AWS_ENDPOINT_URL is honoured), who needs
 * dynamodb:Query on the incidents table's index and kms:Decrypt on its key; for the progress of analyses s3:GetObject on the evidence
 * bucket and logs:FilterLogEvents on /clean-room/analysis, without which the list is shorter. Exit 0 when the list was read, 2 when it could not be.
 */
import { parseArgs } from "node:util";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { listHeld, listStanding } from "../functions/aws/standingContainments";
import { evidenceBucketName, incidentsTableName } from "../infra/names";
import { analysisProgress } from "./analysisProgress";
import { heldLines, standingLines } from "./standingLines";

/** What runs now. The list above stands whatever comes of this. */
async function printProgress(incidentIds: readonly string[], region: string): Promise<void> {
    try {
        const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
        process.env.EVIDENCE_BUCKET = evidenceBucketName(Account!, region);
        for (const incidentId of incidentIds) {
            const lines = await analysisProgress(incidentId, region);
            if (lines) console.log([`analysis of ${incidentId}`, ...lines.map((line) => `  ${line}`)].join("\n"));
        }
    } catch (error) {
        console.log(`How far analyses are could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
}

async function main(args: string[]): Promise<void> {
    const { values } = parseArgs({ args, options: { region: { type: "string" } } });
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new Error("No Region given. Use --region or AWS_REGION: the Region of the instances.");
    // What the functions read from their environment; the names are the program's.
    Object.assign(process.env, { AWS_REGION: region, INCIDENTS_TABLE: incidentsTableName });
    const standing = await listStanding();
    for (const line of [...heldLines(await listHeld()), ...standingLines(standing)]) console.log(line);
    await printProgress(
        standing.flatMap(({ incidentIds }) => incidentIds),
        region,
    );
}

main(process.argv.slice(2)).catch((error: Error) => {
    console.error(
        `${error.name === "Error" ? "" : `${error.name}: `}${error.message}\nCheck the credentials: they must be of the forensics account, and the Region must have a clean room.`,
    );
    process.exitCode = 2;
});
