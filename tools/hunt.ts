/**
 * `npm run hunt`: prints statements that look for an incident's indicators elsewhere: CloudWatch Logs Insights, Athena over CloudTrail and flow
 * logs, osquery; and what the instance's siblings are. It runs nothing.
 */
import { getJson } from "../functions/aws/evidenceBucket";
import { newestNames } from "../functions/aws/reports";
import { custodySchema } from "../functions/domain/containers";
import { incidentPrefix, objectNames } from "../functions/domain/evidenceKeys";
import { huntStatements, siblingLines, siblingStatements, type Statement as HuntStatement } from "../functions/domain/hunt";
import { instanceStateSchema } from "../functions/domain/instanceState";
import { metadataObject } from "../functions/domain/metadata/metadataIndex";
import { siblingsSchema } from "../functions/domain/metadata/siblings";
import { indicatorsFileSchema } from "../functions/domain/report/indicators";
import { command, UsageError, type Values } from "./command";
import { jsonOption, operator, readIncidentId, regionOption } from "./operator";

const options = {
    siblings: {
        type: "boolean",
        description: "also the replacement, and who shares group, image, role, key pair, security groups or subnet",
    },
    since: { type: "string", description: "a date such as 2026-11-20; the report's first event when left out" },
    region: regionOption,
    json: jsonOption,
} as const;

/** Who shared its weakness when it was contained: from the metadata of the moment, the later reading before the first. */
async function keptSiblings(prefix: string): Promise<string[]> {
    for (const round of ["later", "now"] as const) {
        const kept = (await getJson(`${prefix}${metadataObject(round, "siblings")}.json`, siblingsSchema))?.value;
        if (kept) return siblingLines(kept);
    }
    return ["-- Siblings: none were kept when the instance was contained; the commands below list them as they are now."];
}

async function siblingsOf(incidentId: string): Promise<{ kept: string[]; statements: HuntStatement[] }> {
    const prefix = incidentPrefix(incidentId);
    const kept = await keptSiblings(prefix);
    const state =
        (await getJson(`${prefix}${objectNames.restoreRecord}`, instanceStateSchema)) ??
        (await getJson(`${prefix}${objectNames.observedInstance}`, instanceStateSchema));
    const unknown = "-- Siblings: the instance as it was is not on record, so nothing tells what others share with it.";
    if (!state) return { kept: [...kept, unknown], statements: [] };
    const custody = await getJson(`${prefix}${objectNames.custody}`, custodySchema);
    return { kept, statements: siblingStatements(state.value, custody?.value.incident.finding.facts?.instance?.imageId ?? null) };
}

async function hunts({ siblings, since, region, json }: Values<typeof options>, [incident]: string[]): Promise<number> {
    const incidentId = readIncidentId(incident);
    if (since !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(since)) throw new UsageError("--since takes a date such as 2026-11-20.");
    const { bucket } = await operator(region);
    // Where there was an attempt at a report alone, its indicators stand under the first edition's name.
    const { indicators } = (await newestNames(incidentPrefix(incidentId))) ?? objectNames;
    const key = `${incidentPrefix(incidentId)}${indicators}`;
    const file = (await getJson(key, indicatorsFileSchema))?.value;
    if (!file) throw new Error(`${key} is not in ${bucket}: the incident has no report yet, or lies in another Region.`);
    const { statements, leftOut } = huntStatements(file.indicators, since ?? file.since, file.accessKeys);
    const beside = siblings ? await siblingsOf(incidentId) : { kept: [], statements: [] };
    if (json) {
        console.log(JSON.stringify({ schemaVersion: 1, incidentId, statements, leftOut, siblings: siblings ? beside : null }, null, 2));
        return 0;
    }
    const print = (each: HuntStatement) => console.log(`-- ${each.where}: ${each.what}\n${each.text}\n`);
    statements.forEach(print);
    if (beside.kept.length > 0) console.log(`${beside.kept.join("\n")}\n`);
    beside.statements.forEach(print);
    if (statements.length === 0) console.log("-- The report names no indicator to look for.");
    if (leftOut > 0) console.log(`-- ${leftOut} more indicators do not fit a statement: see report/indicators.stix.json of the incident.`);
    return 0;
}

export const hunt = command(
    {
        name: "hunt",
        summary:
            "Prints statements that look for the incident's indicators elsewhere: CloudWatch Logs Insights, Athena over CloudTrail and flow logs, osquery.\nWith --siblings also who shares something with the instance, as it was kept, and commands of the AWS CLI that list them now. It runs nothing.",
        arguments: "INCIDENT [--siblings] [--since DATE] [--region REGION] [--json]",
        options,
        positionals: { what: "incident", least: 1, most: 1 },
        examples: [
            "npm run hunt -- i-0123456789abcdef0-0123456789abcdef --siblings",
            "npm run hunt -- i-0123456789abcdef0-0123456789abcdef --since 2026-11-20 --region eu-west-1",
        ],
        exitCodes: { 0: "they were printed", 2: "they could not be" },
        rights: { "the evidence bucket": ["s3:GetObject", "s3:ListBucket"], "the evidence key": ["kms:Decrypt"] },
        run: hunts,
    },
    module,
);
