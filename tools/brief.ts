/** `npm run brief`: one page about a case for counsel, read from the evidence bucket. */
import { getJson, listKeys } from "../functions/aws/evidenceBucket";
import { analysisSummarySchema } from "../functions/domain/analysisOutputs";
import { readReports } from "../functions/aws/reports";
import { custodySchema } from "../functions/domain/containers";
import { verifyCase } from "../functions/domain/custody/verifyCase";
import { errorEnding, incidentPrefix, objectNames, objectPrefixes, resultNames } from "../functions/domain/evidenceKeys";
import { joinSummaries } from "../functions/domain/joinSummaries";
import { analysesOf } from "../functions/domain/planRounds";
import { command, type Values } from "./command";
import { anchorOptions, readAnchor } from "./custody/anchor";
import { bucketSource, keyOfAccount } from "./custody/bucketSource";
import { caseBrief } from "./custody/caseBrief";
import { operator, readIncidentId, regionOption } from "./operator";

const options = { region: regionOption, ...anchorOptions } as const;

async function print(values: Values<typeof options>, [incident]: string[]): Promise<number> {
    const incidentId = readIncidentId(incident);
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
        reports: await readReports(prefix),
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

export const brief = command(
    {
        name: "brief",
        summary:
            "Prints one page about a case for counsel: what happened, what was kept, how it is proved. For machines: npm run verify -- … --json.",
        arguments: "INCIDENT [--region REGION] [--key FILE] [--fingerprint SHA256:…]",
        options,
        positionals: { what: "incident", least: 1, most: 1 },
        examples: ["npm run --silent brief -- i-0123456789abcdef0-0123456789abcdef > brief.txt"],
        exitCodes: { 0: "it was printed", 2: "the case could not be read" },
        rights: {
            "the evidence bucket": [
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:GetObjectRetention",
            ],
            "the evidence key": ["kms:Decrypt"],
            "all snapshots": ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"],
            "the key alias/clean-room-custody, unless --key is given": ["kms:GetPublicKey"],
        },
        run: print,
    },
    module,
);
