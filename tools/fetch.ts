/**
 * `npm run fetch -- <incident> DIR [--region REGION] [--key FILE] [--fingerprint SHA256:…]`: copies a case out of the evidence bucket, and checks the
 * copy. With the operator's own credentials of the forensics account. Exit 0 when the copy is whole and intact, 1 when it is not, 2 when nothing
 * could be copied.
 */
import { S3Client } from "@aws-sdk/client-s3";
import { mkdir, readdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { verdictLines, verifyCase } from "../functions/domain/custody/verifyCase";
import { keyOfAccount } from "./custody/bucketSource";
import { copyCase } from "./custody/copyCase";
import { folderSource } from "./custody/folderSource";
import { operator, readIncidentId, runCommand, UsageError } from "./custody/operator";
import { readAnchor } from "./verify";

const usage = "Use: npm run fetch -- <incident> DIR [--region REGION] [--key FILE] [--fingerprint SHA256:...]";

async function main(args: string[]): Promise<number> {
    const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { region: { type: "string" }, key: { type: "string" }, fingerprint: { type: "string" } },
    });
    const incidentId = readIncidentId(positionals[0]);
    const folder = positionals[1];
    if (!folder || positionals.length > 2) throw new UsageError("Give the folder that the case is copied to.");
    const anchor = await readAnchor(values.key, values.fingerprint);
    const { bucket, region } = await operator(values.region);
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty: a copy holds one case and nothing else.`);
    const { copied, bytes, failed } = await copyCase(new S3Client({ region }), bucket, incidentId, folder);
    console.log(`Copied ${copied} versions, ${bytes} bytes, to ${folder}.`);
    for (const each of failed) console.log(`NOT copied: ${each}`);
    const verdict = await verifyCase(await folderSource(folder), anchor ?? (await keyOfAccount(region)), Date.now());
    for (const line of verdictLines(verdict, folder)) console.log(line);
    return verdict.wrong === null && failed.length === 0 ? 0 : 1;
}

runCommand(main, usage);
