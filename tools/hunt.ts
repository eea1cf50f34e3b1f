/**
 * `npm run hunt -- <incident> [--siblings] [--region REGION] [--since DATE]`: prints statements that look for the incident's indicators elsewhere: CloudWatch
 * Logs Insights, Athena over CloudTrail and flow logs, osquery. With --siblings, the replacement and who shares
 * group, image, role, key pair, security groups or subnet, as they were kept at the incident, and commands of the AWS CLI that list them as they are now. It runs nothing.
 *
 * Reads report/indicators.json, and for the siblings metadata/siblings.json, restore-record.json and custody.json, from the evidence bucket with the operator's own AWS credentials of the forensics account (the default
 * chain; AWS_ENDPOINT_URL is honoured), who needs s3:GetObject on it and kms:Decrypt on the evidence key. Exit 0 when printed, 2 when not.
 */
import { parseArgs } from "node:util";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { getJson } from "../functions/aws/evidenceBucket";
import { custodySchema, incidentSchema } from "../functions/domain/containers";
import { incidentPrefix, objectNames } from "../functions/domain/evidenceKeys";
import { huntStatements, siblingLines, siblingStatements } from "../functions/domain/hunt";
import { instanceStateSchema } from "../functions/domain/instanceState";
import { metadataObject } from "../functions/domain/metadata/metadataIndex";
import { siblingsSchema } from "../functions/domain/metadata/siblings";
import { indicatorsFileSchema } from "../functions/domain/report/indicators";
import { evidenceBucketName } from "../infra/names";

const usage = "Use: npm run hunt -- <incident> [--siblings] [--region REGION] [--since DATE]";

/** Who shared its weakness when it was contained: from the metadata of the moment, the later reading before the first. */
async function printKeptSiblings(prefix: string): Promise<void> {
    for (const round of ["later", "now"] as const) {
        const kept = (await getJson(`${prefix}${metadataObject(round, "siblings")}.json`, siblingsSchema))?.value;
        if (kept) return console.log(`${siblingLines(kept).join("\n")}\n`);
    }
    console.log("-- Siblings: none were kept when the instance was contained; the commands below list them as they are now.\n");
}

async function printSiblings(incidentId: string): Promise<void> {
    const prefix = incidentPrefix(incidentId);
    await printKeptSiblings(prefix);
    const state =
        (await getJson(`${prefix}${objectNames.restoreRecord}`, instanceStateSchema)) ??
        (await getJson(`${prefix}${objectNames.observedInstance}`, instanceStateSchema));
    if (!state) return console.log("-- Siblings: the instance as it was is not on record, so nothing tells what others share with it.");
    const custody = await getJson(`${prefix}${objectNames.custody}`, custodySchema);
    const image = custody?.value.incident.finding.facts?.instance?.imageId ?? null;
    for (const { where, what, text } of siblingStatements(state.value, image)) console.log(`-- ${where}: ${what}\n${text}\n`);
}

async function main(args: string[]): Promise<void> {
    const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { siblings: { type: "boolean", default: false }, region: { type: "string" }, since: { type: "string" } },
    });
    const incident = incidentSchema.shape.incidentId.safeParse(positionals[0]);
    if (!incident.success || positionals.length !== 1) throw new Error(`No incident id given. ${usage}`);
    const region = values.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new Error("No Region given. Use --region or AWS_REGION: the Region of the instance.");
    if (values.since !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(values.since))
        throw new Error(`--since takes a date such as 2026-11-20. ${usage}`);
    const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    Object.assign(process.env, { AWS_REGION: region, EVIDENCE_BUCKET: evidenceBucketName(Account!, region) });
    const key = `${incidentPrefix(incident.data)}${objectNames.indicators}`;
    const file = (await getJson(key, indicatorsFileSchema))?.value;
    if (!file)
        throw new Error(`${key} is not in ${process.env.EVIDENCE_BUCKET}: the incident has no report yet, or lies in another Region.`);
    const { statements, leftOut } = huntStatements(file.indicators, values.since ?? file.since, file.accessKeys);
    for (const { where, what, text } of statements) console.log(`-- ${where}: ${what}\n${text}\n`);
    if (values.siblings) await printSiblings(incident.data);
    if (statements.length === 0) console.log("-- The report names no indicator to look for.");
    if (leftOut > 0) console.log(`-- ${leftOut} more indicators do not fit a statement: see report/indicators.stix.json of the incident.`);
}

main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.name === "Error" ? error.message : `${error.name}: ${error.message}`);
    process.exitCode = 2;
});
