/** `npm run fetch`: copies a case out of the evidence bucket, and checks the copy. */
import { S3Client } from "@aws-sdk/client-s3";
import { mkdir, readdir } from "node:fs/promises";
import { verdictLines, verifyCase } from "../functions/domain/custody/verifyCase";
import { command, UsageError, type Values } from "./command";
import { anchorOptions, readAnchor } from "./custody/anchor";
import { keyOfAccount } from "./custody/bucketSource";
import { copyCase } from "./custody/copyCase";
import { folderSource } from "./custody/folderSource";
import { jsonOption, operator, readIncidentId, regionOption } from "./operator";

const options = { region: regionOption, ...anchorOptions, json: jsonOption } as const;

async function copy({ json, ...values }: Values<typeof options>, [incident, folder = ""]: string[]): Promise<number> {
    const incidentId = readIncidentId(incident);
    const anchor = await readAnchor(values.key, values.fingerprint);
    const { bucket, region } = await operator(values.region);
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty: a copy holds one case and nothing else.`);
    const { copied, bytes, failed } = await copyCase(new S3Client({ region }), bucket, incidentId, folder);
    if (!json) console.log(`Copied ${copied} versions, ${bytes} bytes, to ${folder}.`);
    for (const each of json ? [] : failed) console.log(`NOT copied: ${each}`);
    const verdict = await verifyCase(await folderSource(folder), anchor ?? (await keyOfAccount(region)), Date.now());
    const { manifest: _, entries: __, ...said } = verdict;
    if (json) console.log(JSON.stringify({ schemaVersion: 1, incidentId, folder, copied, bytes, failed, verdict: said }, null, 2));
    else for (const line of verdictLines(verdict, folder)) console.log(line);
    return verdict.wrong === null && failed.length === 0 ? 0 : 1;
}

export const fetch = command(
    {
        name: "fetch",
        summary:
            "Copies a case, every version of every object, out of the evidence bucket into an empty folder, and checks the copy against its seals.",
        arguments: "INCIDENT DIR [--region REGION] [--key FILE] [--fingerprint SHA256:…] [--json]",
        options,
        positionals: { what: "incident and folder that the case is copied to", least: 2, most: 2 },
        examples: ["npm run fetch -- i-0123456789abcdef0-0123456789abcdef ./case"],
        exitCodes: { 0: "the copy is whole and intact", 1: "it is not", 2: "nothing could be copied" },
        rights: {
            "the evidence bucket": ["s3:ListBucketVersions", "s3:GetObject", "s3:GetObjectVersion"],
            "the evidence key": ["kms:Decrypt"],
            "the key alias/clean-room-custody, unless --key is given": ["kms:GetPublicKey"],
        },
        run: copy,
    },
    module,
);
