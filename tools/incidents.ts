/** `npm run incidents`: every incident with its state, containment, evidence, who decided, and what it costs a day. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { evidenceBucketName } from "../infra/names";
import { analysisProgress } from "./analysisProgress";
import { command, type Values } from "./command";
import { incidentLines, incidentRows } from "./incidents/incidentList";
import { readIncidents } from "./incidents/readIncidents";
import { regionOption, readRegion } from "./operator";
import { heldLines, standingLines } from "./standingLines";

const options = {
    region: { ...regionOption, description: "Region of the instances; AWS_REGION when left out" },
    json: { type: "boolean", description: "the incidents alone, as tools/incidents/incidentList.ts describes them" },
} as const;

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

async function list(values: Values<typeof options>): Promise<number> {
    const region = readRegion(values.region);
    const found = await readIncidents(region);
    const rows = incidentRows(found);
    if (values.json) {
        console.log(JSON.stringify({ schemaVersion: 1, region, readAt: new Date().toISOString(), incidents: rows }, null, 2));
        if (found.problem) console.error(found.problem);
        return 0;
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
    return 0;
}

export const incidents = command(
    {
        name: "incidents",
        summary:
            "Lists every incident of a Region with its state, its containment and when that was last looked at, its evidence, who decided, and what it costs\na day: those that wait for an answer first, then what drifted, and how far analyses are that have not ended.",
        arguments: "[--region REGION] [--json]",
        options,
        examples: ["npm run incidents -- --region eu-west-1", "npm run --silent incidents -- --json | jq '.incidents[]'"],
        exitCodes: { 0: "the list was read", 2: "it could not be" },
        rights: {
            "the table clean-room-incidents and its index": ["dynamodb:Scan", "dynamodb:Query"],
            "the key of that table": ["kms:Decrypt"],
            "all resources, for locks and what lives (without them the list is shorter)": [
                "ec2:DescribeSnapshots",
                "ec2:DescribeLockedSnapshots",
                "ec2:DescribeInstances",
            ],
            "the evidence bucket, for how far analyses are": ["s3:GetObject", "s3:ListBucket"],
            "the log group /clean-room/analysis, for how far analyses are": ["logs:FilterLogEvents"],
        },
        run: list,
    },
    module,
);
