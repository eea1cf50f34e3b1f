/** A case in the evidence bucket, read by the operator's own credentials: every version, its lock as it stands, and the snapshots' locks. */
import { EC2Client } from "@aws-sdk/client-ec2";
import { GetBucketLocationCommand, GetObjectCommand, GetObjectRetentionCommand, S3Client } from "@aws-sdk/client-s3";
import { GetPublicKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { createHash, createPublicKey } from "node:crypto";
import { listVersions } from "../../functions/aws/custody/caseObjects";
import { isAccessDenied } from "../../functions/aws/errors";
import { locksOf, snapshotsById } from "../../functions/aws/snapshots";
import { deleteMarker, type Anchor, type CaseObject, type CaseSource } from "../../functions/domain/custody/verifyCase";
import { fingerprintOf } from "../../functions/domain/custody/seal";
import { incidentPrefix } from "../../functions/domain/evidenceKeys";
import { custodyKeyAlias } from "../../infra/names";

export interface BucketCase {
    bucket: string;
    incidentId: string;
    region: string;
}

/** @returns the case that an address names; null when it is no address of S3 @throws when it names no case */
export function readAddress(address: string): { bucket: string; incidentId: string } | null {
    if (!address.startsWith("s3://")) return null;
    const match = /^s3:\/\/([^/]+)\/incidents\/([^/]+)\/?$/.exec(address);
    if (!match) throw new Error(`${address} is no case; it looks like s3://bucket/incidents/<incident>/.`);
    return { bucket: match[1]!, incidentId: match[2]! };
}

/** The Region that a bucket lies in. */
export async function regionOf(bucket: string): Promise<string> {
    const { LocationConstraint } = await new S3Client({ region: process.env.AWS_REGION ?? "us-east-1", followRegionRedirects: true }).send(
        new GetBucketLocationCommand({ Bucket: bucket }),
    );
    // Buckets of us-east-1 have none, and the oldest of Ireland say EU.
    return !LocationConstraint ? "us-east-1" : LocationConstraint === "EU" ? "eu-west-1" : LocationConstraint;
}

export function bucketSource({ bucket, incidentId, region }: BucketCase): CaseSource {
    const s3 = new S3Client({ region });
    const ec2 = new EC2Client({ region });
    const at = ({ name, versionId }: CaseObject) => ({
        Bucket: bucket,
        Key: `${incidentPrefix(incidentId)}${name}`,
        VersionId: versionId ?? undefined,
    });
    return {
        where: `s3://${bucket}/${incidentPrefix(incidentId)}`,
        allVersions: true,
        objects: async () => {
            const { versions, deleteMarkers } = await listVersions(s3, bucket, incidentId);
            return [...versions, ...deleteMarkers.map((name) => ({ name, versionId: deleteMarker, latest: true, bytes: 0 }))];
        },
        digest: async (object) => {
            const { Body } = await s3.send(new GetObjectCommand(at(object)));
            const hash = createHash("sha256");
            for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
            return hash.digest("hex");
        },
        text: async (object) => (await s3.send(new GetObjectCommand(at(object)))).Body!.transformToString("utf8"),
        retention: async (object) => {
            try {
                const { Retention } = await s3.send(new GetObjectRetentionCommand(at(object)));
                return Retention?.Mode && Retention.RetainUntilDate
                    ? { mode: Retention.Mode, until: Retention.RetainUntilDate.toISOString() }
                    : null;
            } catch (error) {
                if ((error as Error).name === "NoSuchObjectLockConfiguration") return null;
                throw error;
            }
        },
        snapshotLocks: async (ids) => {
            try {
                const standing = await snapshotsById(ec2, ids);
                const locks = await locksOf(
                    ec2,
                    standing.map(({ snapshotId }) => snapshotId),
                );
                return new Map(
                    standing.map(({ snapshotId, state }) => [snapshotId, { state, lockedUntil: locks.get(snapshotId)?.expiresAt ?? null }]),
                );
            } catch (error) {
                if (isAccessDenied(error)) return null;
                throw error;
            }
        },
    };
}

/** The custody key as KMS gives it: of the account whose credentials ask, so no folder can bring another. Null where KMS does not answer. */
export async function keyOfAccount(region: string): Promise<Anchor | null> {
    try {
        const { PublicKey, KeyId } = await new KMSClient({ region }).send(new GetPublicKeyCommand({ KeyId: custodyKeyAlias }));
        const der = Buffer.from(PublicKey!);
        const pem = createPublicKey({ key: der, format: "der", type: "spki" }).export({ type: "spki", format: "pem" }).toString();
        return { from: `${KeyId ?? custodyKeyAlias}, as KMS gave it to your credentials`, fingerprint: fingerprintOf(der), pem };
    } catch {
        return null;
    }
}
