/**
 * `npm run brief -- <incident> [--region REGION] [--key FILE] [--fingerprint SHA256:…]`: one page about a case for counsel, read from the evidence
 * bucket with the operator's own credentials of the forensics account. Exit 0 when it was printed, 2 when the case could not be read.
 */
import { parseArgs } from "node:util";
import { getJson, listKeys } from "../functions/aws/evidenceBucket";
import { analysisSummarySchema } from "../functions/domain/analysisOutputs";
import { custodySchema, reportSchema } from "../functions/domain/containers";
import { verifyCase } from "../functions/domain/custody/verifyCase";
import { errorEnding, incidentPrefix, objectNames, objectPrefixes, resultNames } from "../functions/domain/evidenceKeys";
import { joinSummaries } from "../functions/domain/joinSummaries";
import { analysesOf } from "../functions/domain/planRounds";
import { bucketSource, keyOfAccount } from "./custody/bucketSource";
import { caseBrief } from "./custody/caseBrief";
import { operator, readIncidentId, runCommand } from "./custody/operator";
import { readAnchor } from "./verify";

const usage = "Use: npm run brief -- <incident> [--region REGION] [--key FILE] [--fingerprint SHA256:...]";

async function main(args: string[]): Promise<number> {
    const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { region: { type: "string" }, key: { type: "string" }, fingerprint: { type: "string" } },
    });
    const incidentId = readIncidentId(positionals[0]);
    const given = await readAnchor(values.key, values.fingerprint);
    const { bucket, region } = await operator(values.region);
    const prefix = incidentPrefix(incidentId);
    const keys = await listKeys(prefix);
    if (keys.length === 0) throw new Error(`There is no case ${incidentId} in s3://${bucket}.`);
    const custody = (await getJson(`${prefix}${objectNames.custody}`, custodySchema))?.value ?? null;
    const summaries = await Promise.all(
        (custody === null ? [] : analysesOf(custody)).map(({ resultsPrefix }) =>
            getJson(`${prefix}${resultsPrefix}${resultNames.summary}`, analysisSummarySchema).catch(() => null),
        ),
    );
    const [first, ...further] = summaries.flatMap((summary) => (summary ? [summary.value] : []));
    const verdict = await verifyCase(bucketSource({ bucket, incidentId, region }), given ?? (await keyOfAccount(region)), Date.now());
    const lines = caseBrief({
        incidentId,
        custody,
        report: (await getJson(`${prefix}${objectNames.report}`, reportSchema))?.value ?? null,
        summary: first ? joinSummaries([first, ...further]) : null,
        verdict,
        errors: keys
            .filter((key) => key.startsWith(`${prefix}${objectPrefixes.errors}`) && key.endsWith(errorEnding))
            .map((key) => key.slice(prefix.length)),
        at: new Date().toISOString(),
    });
    for (const line of lines) console.log(line);
    return 0;
}

runCommand(main, usage);
