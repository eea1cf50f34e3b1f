/**
 * `npm run verify`: checks a case against its seals. A folder is checked without a network; in the bucket the locks are read as they stand, by
 * the operator's own credentials, and the public key is asked of KMS unless one is given.
 */
import { verdictLines, verifyCase } from "../functions/domain/custody/verifyCase";
import { command, type Values } from "./command";
import { anchorOptions, readAnchor } from "./custody/anchor";
import { bucketSource, keyOfAccount, readAddress, regionOf } from "./custody/bucketSource";
import { folderSource } from "./custody/folderSource";
import { jsonOption } from "./operator";

const options = { ...anchorOptions, json: jsonOption } as const;

async function check({ key, fingerprint, json }: Values<typeof options>, [place = ""]: string[]): Promise<number> {
    const given = await readAnchor(key, fingerprint);
    const address = readAddress(place);
    const region = address ? await regionOf(address.bucket) : null;
    const source = address && region ? bucketSource({ ...address, region }) : await folderSource(place);
    const anchor = given ?? (region ? await keyOfAccount(region) : null);
    const verdict = await verifyCase(source, anchor, Date.now());
    const { manifest: _, entries: __, ...said } = verdict;
    if (json) console.log(JSON.stringify(said, null, 2));
    else for (const line of verdictLines(verdict, source.where)) console.log(line);
    return verdict.wrong ? 1 : 0;
}

export const verify = command(
    {
        name: "verify",
        summary:
            "Checks a case against its seals: every object, every entry of the custody log, every signature. A folder is checked without a network.",
        arguments: "DIR|s3://BUCKET/incidents/INCIDENT/ [--key FILE] [--fingerprint SHA256:…] [--json]",
        options,
        positionals: { what: "case", least: 1, most: 1 },
        examples: [
            "npm run verify -- ./case --key public-key.pem",
            "npm run verify -- s3://clean-room-evidence-111111111111-eu-west-1/incidents/i-0123456789abcdef0-0123456789abcdef/",
        ],
        exitCodes: {
            0: "the case is intact",
            1: "something is wrong or not covered by a seal: the first thing, and where",
            2: "it could not be checked",
        },
        rights: {
            "the evidence bucket, where the case lies there": [
                "s3:GetBucketLocation",
                "s3:ListBucketVersions",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:GetObjectRetention",
            ],
            "the evidence key, where the case lies there": ["kms:Decrypt"],
            "all snapshots, where the case lies in the bucket": ["ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots"],
            "the key alias/clean-room-custody, unless --key is given": ["kms:GetPublicKey"],
        },
        advice: "npm run verify -- --help says what a case is.",
        run: check,
    },
    module,
);
