/**
 * Writes an acquisition image into a snapshot, with EBS direct APIs; called by the deployment, once an image. Blocks that are all zero are left
 * out: EBS shows them so. The snapshot is the evidence key's, since only what is under such a key can be given to another account for a call.
 */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { CompleteSnapshotCommand, EBSClient, PutSnapshotBlockCommand, StartSnapshotCommand } from "@aws-sdk/client-ebs";
import { DescribeSnapshotsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { forensicsClient } from "./aws/clients";
import { snapshotArn } from "./aws/ec2Permissions";
import { environment, needs } from "./aws/environment";
import { NotYetError, StepError } from "./aws/errors";
import { mapConcurrently } from "./aws/mapConcurrently";
import type { DeployedNames, Permissions, Statement } from "./aws/permissions";
import { acquisitionImageSchema } from "./domain/memory";
import { incidentTag, purposeTag } from "./domain/tags";

/** Given by the deployment. */
export const variables = needs("TOOL_BUCKET", "EVIDENCE_KEY_ARN");

const grantToEbs = (names: DeployedNames): Statement => ({
    Sid: "GrantEvidenceKeyToEbs",
    Effect: "Allow",
    Action: ["kms:CreateGrant"],
    Resource: [names.evidenceKeyArn],
    Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
});

/** Read the image, write a snapshot of it, and no other snapshot; EBS uses the evidence key for it. */
export const permissions: Permissions = (names) => [
    { Sid: "ReadImage", Effect: "Allow", Action: ["s3:GetObject"], Resource: [`${names.toolBucketArn}/acquisition/*`] },
    {
        Sid: "WriteImage",
        Effect: "Allow",
        Action: ["ebs:StartSnapshot", "ebs:PutSnapshotBlock", "ebs:CompleteSnapshot"],
        Resource: [snapshotArn(names)],
    },
    {
        Sid: "TagImage",
        Effect: "Allow",
        Action: ["ec2:CreateTags"],
        Resource: [snapshotArn(names)],
        // Never evidence: what carries this purpose may be shared.
        Condition: {
            StringEquals: { [`aws:RequestTag/${purposeTag}`]: "acquisition" },
            Null: { [`aws:ResourceTag/${incidentTag}`]: "true" },
        },
    },
    { Sid: "SeeImage", Effect: "Allow", Action: ["ec2:DescribeSnapshots"], Resource: ["*"] },
    {
        Sid: "UseEvidenceKeyForImage",
        Effect: "Allow",
        Action: [
            "kms:DescribeKey",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
        ],
        Resource: [names.evidenceKeyArn],
    },
    grantToEbs(names),
];

/** Bytes of a block, as EBS direct APIs have them. */
const blockSize = 512 * 1024;
/** Minutes after which EBS gives a snapshot up that nothing is written to; 10 is the least. */
const timeoutMinutes = 10;
/** Bytes that an image may have unpacked: a few tens of MiB are meant. */
const largestImage = 512 * 1024 * 1024;
const looks = { every: 1000, atMost: 100 };

async function readImage(Key: string, sha256: string): Promise<Buffer> {
    const Bucket = environment("TOOL_BUCKET");
    const { Body } = await forensicsClient(S3Client).send(new GetObjectCommand({ Bucket, Key }));
    const image = gunzipSync(await Body!.transformToByteArray(), { maxOutputLength: largestImage });
    const found = createHash("sha256").update(image).digest("hex");
    if (found !== sha256)
        throw new StepError(
            `The acquisition image has the SHA-256 ${found} instead of ${sha256}`,
            `s3://${Bucket}/${Key}`,
            "Deploy again with pulumi up.",
        );
    return image;
}

/** Blocks of which a byte is not zero. */
function blocksOf(image: Buffer): { index: number; data: Buffer }[] {
    const zero = Buffer.alloc(blockSize);
    return Array.from({ length: Math.ceil(image.length / blockSize) }, (_, index) => {
        const data = Buffer.alloc(blockSize);
        image.copy(data, 0, index * blockSize, (index + 1) * blockSize);
        return { index, data };
    }).filter(({ data }) => !data.equals(zero));
}

async function stateOf(snapshotId: string): Promise<string> {
    const { Snapshots } = await forensicsClient(EC2Client).send(
        new DescribeSnapshotsCommand({ Filters: [{ Name: "snapshot-id", Values: [snapshotId] }] }),
    );
    return Snapshots?.[0]?.State ?? "unseen";
}

async function start(ClientToken: string, VolumeSize: number, sha256: string): Promise<string> {
    const { SnapshotId } = await forensicsClient(EBSClient).send(
        new StartSnapshotCommand({
            VolumeSize,
            Description: `Acquisition tools ${sha256}`,
            Encrypted: true,
            KmsKeyArn: environment("EVIDENCE_KEY_ARN"),
            ClientToken,
            Timeout: timeoutMinutes,
            Tags: [
                { Key: "Name", Value: "clean-room-acquisition" },
                { Key: purposeTag, Value: "acquisition" },
            ],
        }),
    );
    return SnapshotId!;
}

const inputSchema = z.object({
    key: z.string(),
    sha256: acquisitionImageSchema.shape.toolsSha256,
    toolsSha256: acquisitionImageSchema.shape.toolsSha256,
});

/**
 * It belongs to no incident, so there is no custody to keep. The deployment reads what it answers.
 *
 * @throws StepError where the image is another one; NotYetError where EBS is not done, which the next deployment finds done
 */
export const handler = async (event: unknown): Promise<z.infer<typeof acquisitionImageSchema>> => {
    const { key, sha256, toolsSha256 } = inputSchema.parse(event);
    const ebs = forensicsClient(EBSClient);
    const image = await readImage(key, sha256);
    const sizeGiB = Math.max(1, Math.ceil(image.length / 2 ** 30));
    // Asked again for the same image, EBS answers with the same snapshot.
    const token = `acquisition-${sha256}`;
    let snapshotId = await start(token, sizeGiB, sha256);
    // One that was begun and not completed in time stays an error for ever, and its token would give it again.
    if ((await stateOf(snapshotId)) === "error") snapshotId = await start(`${token}-${Date.now()}`, sizeGiB, sha256);
    if ((await stateOf(snapshotId)) !== "completed") {
        const blocks = blocksOf(image);
        await mapConcurrently(blocks, 8, ({ index, data }) =>
            ebs.send(
                new PutSnapshotBlockCommand({
                    SnapshotId: snapshotId,
                    BlockIndex: index,
                    BlockData: data,
                    DataLength: blockSize,
                    Checksum: createHash("sha256").update(data).digest("base64"),
                    ChecksumAlgorithm: "SHA256",
                }),
            ),
        );
        await ebs.send(new CompleteSnapshotCommand({ SnapshotId: snapshotId, ChangedBlocksCount: blocks.length }));
    }
    for (let look = 0; (await stateOf(snapshotId)) !== "completed"; look++) {
        if (look === looks.atMost) throw new NotYetError(`${snapshotId} is not completed yet: run pulumi up again.`);
        await setTimeout(looks.every);
    }
    return { snapshotId, sizeGiB, toolsSha256 };
};
