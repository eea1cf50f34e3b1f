/**
 * `npm run incidents -- [--region REGION] [--json]`: every incident with its state, its containment and when that was last looked at, its evidence, who
 * decided, and what it costs a day; those that wait for an answer first, what drifted, and how far analyses are that have not ended. `--json` prints
 * the incidents alone, as tools/incidents/incidentList.ts describes them.
 *
 * With the operator's own AWS credentials of the forensics account (the default chain; AWS_ENDPOINT_URL is honoured), who needs
 * dynamodb:Scan and dynamodb:Query on the incidents table and its index and kms:Decrypt on its key; for the locks of evidence and the forensic
 * instances ec2:DescribeSnapshots, DescribeLockedSnapshots and DescribeInstances; for the progress of analyses s3:GetObject on the evidence
 * bucket and logs:FilterLogEvents on /clean-room/analysis. Without the latter the list is shorter. Exit 0 when the list was read, 2 when it could not be.
 */
import { parseArgs } from "node:util";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { evidenceBucketName, incidentsTableName } from "../infra/names";
import { analysisProgress } from "./analysisProgress";
import { incidentLines, incidentRows } from "./incidents/incidentList";
import { readIncidents } from "./incidents/readIncidents";
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
    const { values } = parseArgs({ args, options: { region: { type: "string" }, json: { type: "boolean", default: false } } });
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new Error("No Region given. Use --region or AWS_REGION: the Region of the instances.");
    // What the functions read from their environment; the names are the program's.
    Object.assign(process.env, { AWS_REGION: region, INCIDENTS_TABLE: incidentsTableName });
    const found = await readIncidents(region);
    const rows = incidentRows(found);
    if (values.json) {
        console.log(JSON.stringify({ schemaVersion: 1, region, readAt: new Date().toISOString(), incidents: rows }, null, 2));
        if (found.problem) console.error(found.problem);
        return;
    }
    const { standing } = found;
    for (const line of [
        ...heldLines(found.records.filter(({ heldSince }) => heldSince)),
        ...incidentLines(rows),
        ...standingLines(standing),
    ])
        console.log(line);
    if (found.problem) console.log(found.problem);
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
