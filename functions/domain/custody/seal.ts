/**
 * A seal: the manifest of a case, signed. It is one object, a DSSE envelope (https://github.com/secure-systems-lab/dsse), so that there is never a
 * manifest without its signature. Seals are numbered; each holds the hash of the one before and covers everything that stands by then.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import { z } from "zod";
import { timestampSchema, untrustedText } from "../containers";
import { sha256Schema, type ChainHead } from "./custodyLog";

export const payloadType = "application/vnd.ec2-clean-room.case-manifest+json";
/** KMS's name of ECDSA over P-256 with SHA-256; OpenSSL verifies it by `dgst -sha256`. */
export const signatureAlgorithm = "ECDSA_SHA_256";

const retentionSchema = z.strictObject({ mode: z.enum(["GOVERNANCE", "COMPLIANCE"]), until: timestampSchema });
export type Retention = z.infer<typeof retentionSchema>;

const sealedObjectSchema = z.strictObject({
    /** Below the incident's prefix. */
    name: z.string().min(1),
    versionId: z.string().nullable(),
    /** Whether a reader of the key gets this version. */
    latest: z.boolean(),
    bytes: z.number().int().nonnegative(),
    sha256: sha256Schema,
    writtenAt: timestampSchema,
    /** Object Lock as it stood; null: nothing kept this version from being deleted. */
    retention: retentionSchema.nullable(),
});
export type SealedObject = z.infer<typeof sealedObjectSchema>;

const sealedSnapshotSchema = z.strictObject({
    snapshotId: z.string(),
    /** The victim's volume. */
    volumeId: z.string(),
    sourceSnapshotId: z.string(),
    sizeGiB: z.number().int().positive(),
    /** `missing` where EC2 did not know it when the case was sealed. */
    state: z.string(),
    lock: z.strictObject({ mode: z.enum(["governance", "compliance"]), expiresAt: timestampSchema }).nullable(),
    /** Of the whole volume made from it, as the analysis read it; null where it was not hashed. */
    sha256: sha256Schema.nullable(),
});
export type SealedSnapshot = z.infer<typeof sealedSnapshotSchema>;

export const caseManifestSchema = z.strictObject({
    schemaVersion: z.literal(1),
    kind: z.literal("case-manifest"),
    incidentId: z.string(),
    /** 1 for the first of the case. */
    seal: z.number().int().positive(),
    sealedAt: timestampSchema,
    /** ARN of who had it sealed. */
    sealedBy: z.string(),
    /** SHA-256 of the seal before it, as it lies in the bucket; null for the first. */
    previousSeal: sha256Schema.nullable(),
    bucket: z.string(),
    prefix: z.string(),
    key: z.strictObject({ arn: z.string(), algorithm: z.literal(signatureAlgorithm), fingerprint: z.string() }),
    /** The custody log's end. */
    log: z.strictObject({ segments: z.number().int(), entries: z.number().int(), sha256: sha256Schema }),
    objects: z.array(sealedObjectSchema),
    snapshots: z.array(sealedSnapshotSchema),
    /** What was not as it should be when the case was sealed, as sentences. */
    notes: z.array(untrustedText(1024)),
});
export type CaseManifest = z.infer<typeof caseManifestSchema> & { log: ChainHead };

const envelopeSchema = z.strictObject({
    payloadType: z.literal(payloadType),
    payload: z.base64(),
    signatures: z.tuple([z.strictObject({ keyid: z.string(), sig: z.base64() })]),
});

/** DSSE's pre-authentication encoding: the bytes that are signed. */
export function signedBytes(payload: Uint8Array): Buffer {
    return Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}

/** SHA-256 of what is signed: what KMS takes for MessageType DIGEST. */
export const digestToSign = (payload: Uint8Array): Buffer => createHash("sha256").update(signedBytes(payload)).digest();

/** @param der a public key as KMS gives it (SubjectPublicKeyInfo) */
export const fingerprintOf = (der: Uint8Array): string => `SHA256:${createHash("sha256").update(der).digest("hex")}`;

/** A public key in PEM. @throws when the text is none */
export function readPublicKey(pem: string): { pem: string; fingerprint: string } {
    const key = createPublicKey(pem);
    return {
        pem: key.export({ type: "spki", format: "pem" }).toString(),
        fingerprint: fingerprintOf(key.export({ type: "spki", format: "der" })),
    };
}

/** The object's text: one way to write it, so that not a byte of it can be changed unseen. */
export function sealText(payload: Uint8Array, fingerprint: string, signature: Uint8Array): string {
    const envelope = {
        payloadType,
        payload: Buffer.from(payload).toString("base64"),
        signatures: [{ keyid: fingerprint, sig: Buffer.from(signature).toString("base64") }],
    };
    return `${JSON.stringify(envelope)}\n`;
}

/** A seal whose form holds; its signature is checked by {@link signatureHolds}. */
export interface Seal {
    manifest: CaseManifest;
    payload: Buffer;
    signature: Buffer;
    fingerprint: string;
}

/** @throws Error that says what is wrong with the text */
export function parseSeal(text: string): Seal {
    let seal: Seal;
    try {
        const { payload, signatures } = envelopeSchema.parse(JSON.parse(text));
        const [{ keyid, sig }] = signatures;
        const bytes = Buffer.from(payload, "base64");
        seal = {
            manifest: caseManifestSchema.parse(JSON.parse(bytes.toString("utf8"))),
            payload: bytes,
            signature: Buffer.from(sig, "base64"),
            fingerprint: keyid,
        };
    } catch {
        throw new Error("it is no seal: not a DSSE envelope with a case manifest");
    }
    if (sealText(seal.payload, seal.fingerprint, seal.signature) !== text) throw new Error("its text is not as a seal is written");
    if (seal.manifest.key.fingerprint !== seal.fingerprint) throw new Error("it names two keys");
    return seal;
}

/** Whether the key signed the manifest. @param pem the public key */
export function signatureHolds({ payload, signature }: Seal, pem: string): boolean {
    try {
        return verify("sha256", signedBytes(payload), pem, signature);
    } catch {
        return false;
    }
}
