/** What of an incident lies in the evidence bucket: every version, with its hash and its lock. */
import {
    GetObjectCommand,
    HeadObjectCommand,
    ListObjectVersionsCommand,
    S3Client,
    type ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { incidentPrefix } from "../../domain/evidenceKeys";
import type { SealedObject } from "../../domain/custody/seal";
import { forensicsClient } from "../clients";
import { environment } from "../environment";
import { mapConcurrently } from "../mapConcurrently";

/** A version as S3 lists it. */
export interface ListedVersion {
    /** Below the incident's prefix. */
    name: string;
    versionId: string | null;
    latest: boolean;
    bytes: number;
    writtenAt: string;
}

/** Every version of every object of the incident, and the delete markers, which hide an object and delete nothing. */
export async function listVersions(
    s3: S3Client,
    bucket: string,
    incidentId: string,
): Promise<{ versions: ListedVersion[]; deleteMarkers: string[] }> {
    const Prefix = incidentPrefix(incidentId);
    const versions: ListedVersion[] = [];
    const deleteMarkers: string[] = [];
    let from: { KeyMarker?: string; VersionIdMarker?: string } | null = {};
    while (from) {
        const page: ListObjectVersionsCommandOutput = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...from }));
        for (const { Key, VersionId, IsLatest, Size, LastModified } of page.Versions ?? [])
            versions.push({
                name: Key!.slice(Prefix.length),
                versionId: VersionId === undefined || VersionId === "null" ? null : VersionId,
                latest: IsLatest === true,
                bytes: Size ?? 0,
                writtenAt: (LastModified ?? new Date(0)).toISOString(),
            });
        for (const { Key } of page.DeleteMarkers ?? []) deleteMarkers.push(Key!.slice(Prefix.length));
        from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
    }
    return { versions, deleteMarkers };
}

/** The SHA-256 that S3 computed of the whole object when it came; null where it keeps none, or one of parts. */
const storedHash = (checksum: string | undefined): string | null =>
    checksum !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(checksum) ? Buffer.from(checksum, "base64").toString("hex") : null;

/** Streams a version through SHA-256. */
async function hashVersion(Key: string, VersionId: string | undefined): Promise<string> {
    const { Body } = await forensicsClient(S3Client).send(new GetObjectCommand({ Bucket: environment("EVIDENCE_BUCKET"), Key, VersionId }));
    const hash = createHash("sha256");
    for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
    return hash.digest("hex");
}

/** Versions with their hashes and locks, as a manifest lists them. @param known hashes that need not be asked for again, by version */
export function describeVersions(
    incidentId: string,
    versions: readonly ListedVersion[],
    known: ReadonlyMap<string, string> = new Map(),
): Promise<SealedObject[]> {
    return mapConcurrently(versions, 20, async ({ name, versionId, latest, bytes, writtenAt }): Promise<SealedObject> => {
        const Key = `${incidentPrefix(incidentId)}${name}`;
        const VersionId = versionId ?? undefined;
        const head = await forensicsClient(S3Client).send(
            new HeadObjectCommand({ Bucket: environment("EVIDENCE_BUCKET"), Key, VersionId, ChecksumMode: "ENABLED" }),
        );
        return {
            name,
            versionId,
            latest,
            bytes,
            sha256: known.get(`${name}\0${versionId}`) ?? storedHash(head.ChecksumSHA256) ?? (await hashVersion(Key, VersionId)),
            writtenAt,
            retention:
                head.ObjectLockMode && head.ObjectLockRetainUntilDate
                    ? { mode: head.ObjectLockMode as "GOVERNANCE" | "COMPLIANCE", until: head.ObjectLockRetainUntilDate.toISOString() }
                    : null,
        };
    });
}
