/** A whole case in memory, sealed with a key of its own, and a source that reads it: what a copied folder or the bucket would give. */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { emptyChain, nextSegment, sha256Of, type ChainHead, type CustodyAction } from "../../functions/domain/custody/custodyLog";
import { custodyText } from "../../functions/domain/custody/custodyText";
import { readPublicKey, sealText, signedBytes, type CaseManifest, type Retention } from "../../functions/domain/custody/seal";
import type { Anchor, CaseObject, CaseSource } from "../../functions/domain/custody/verifyCase";
import { custodyKey, custodyReadme, custodySeal, custodySegment } from "../../functions/domain/evidenceKeys";

const until = "2099-01-01T00:00:00.000Z";

type Keys = { privateKey: KeyObject; publicKey: KeyObject };
/** A custody key. */
export const newKeys = (): Keys => generateKeyPairSync("ec", { namedCurve: "P-256" });
const ours = newKeys();

export class SealedCase {
    /** Newest version of each object, as a copied folder has it. */
    readonly files = new Map<string, Buffer>();
    readonly versions = new Map<string, string>();
    readonly anchor: Anchor;
    private head: ChainHead = emptyChain;
    private seals = 0;
    private writes = 0;
    readonly snapshots: CaseManifest["snapshots"] = [
        {
            snapshotId: "snap-0eeeeeeeeeeeeeeee",
            volumeId: "vol-0aaaaaaaaaaaaaaaa",
            sourceSnapshotId: "snap-0bbbbbbbbbbbbbbbb",
            sizeGiB: 8,
            state: "completed",
            lock: { mode: "governance", expiresAt: until },
            sha256: "5".repeat(64),
        },
    ];

    constructor(
        readonly incidentId = "i-0123456789abcdef0-0123456789abcdef",
        private readonly keys: Keys = ours,
    ) {
        const read = readPublicKey(this.keys.publicKey.export({ type: "spki", format: "pem" }).toString());
        this.anchor = { from: "the test's key", ...read };
        this.write({ [custodyKey(read.fingerprint)]: read.pem, [custodyReadme]: custodyText });
    }

    get prefix(): string {
        return `incidents/${this.incidentId}/`;
    }

    put(name: string, body: string): void {
        this.files.set(name, Buffer.from(body));
        this.versions.set(name, `v${++this.writes}`);
    }

    /** Writes objects as one step does, which enters them in the log at its end. */
    write(objects: Record<string, string>): void {
        for (const [name, body] of Object.entries(objects)) this.put(name, body);
        this.append(
            Object.entries(objects).map(([name, body]) => ({
                what: "s3:PutObject",
                object: {
                    key: `${this.prefix}${name}`,
                    versionId: this.versions.get(name)!,
                    sha256: sha256Of(body),
                    bytes: Buffer.byteLength(body),
                },
            })),
        );
    }

    append(actions: Partial<CustodyAction>[]): void {
        const whole = actions.map((action): CustodyAction => ({
            incidentId: this.incidentId,
            at: "2026-11-24T10:00:00.000Z",
            who: "arn:aws:sts::111111111111:assumed-role/clean-room-createSnapshots-eu-west-1/clean-room-createSnapshots",
            step: "CreateSnapshots",
            what: "ec2:CreateSnapshots",
            requestId: "0f3a",
            object: null,
            resources: [],
            error: null,
            note: null,
            ...action,
        }));
        const { text, head } = nextSegment(this.head, whole);
        this.head = head;
        this.put(custodySegment(head.segments), text);
    }

    /** The manifest of what stands now. */
    manifest(): CaseManifest {
        const before = this.files.get(custodySeal(this.seals));
        return {
            schemaVersion: 1,
            kind: "case-manifest",
            incidentId: this.incidentId,
            seal: this.seals + 1,
            sealedAt: "2026-11-24T12:00:00.000Z",
            sealedBy: "arn:aws:sts::111111111111:assumed-role/clean-room-sealCustody-eu-west-1/clean-room-sealCustody",
            previousSeal: before ? sha256Of(before) : null,
            bucket: "evidence",
            prefix: this.prefix,
            key: {
                arn: "arn:aws:kms:eu-west-1:111111111111:key/custody",
                algorithm: "ECDSA_SHA_256",
                fingerprint: this.anchor.fingerprint,
            },
            log: this.head,
            objects: [...this.files].map(([name, body]) => ({
                name,
                versionId: this.versions.get(name)!,
                latest: true,
                bytes: body.length,
                sha256: sha256Of(body),
                writtenAt: "2026-11-24T10:00:00.000Z",
                retention: { mode: "GOVERNANCE", until },
            })),
            snapshots: this.snapshots,
            notes: [],
        };
    }

    /** Signs the manifest that stands now, or the one given. */
    seal(manifest: CaseManifest = this.manifest()): string {
        const payload = Buffer.from(JSON.stringify(manifest));
        const text = sealText(payload, this.anchor.fingerprint, sign("sha256", signedBytes(payload), this.keys.privateKey));
        this.put(custodySeal(++this.seals), text);
        return text;
    }

    /** As a copied folder. */
    folder(): CaseSource {
        return {
            where: "a folder",
            allVersions: false,
            objects: () =>
                Promise.resolve([...this.files].map(([name, body]) => ({ name, versionId: null, latest: true, bytes: body.length }))),
            digest: ({ name }) => Promise.resolve(sha256Of(this.files.get(name)!)),
            text: ({ name }) => Promise.resolve(this.files.get(name)!.toString("utf8")),
        };
    }

    /** As the bucket: versions, and locks as they stand. @param live changes of what stands */
    bucket(
        live: {
            retention?: (object: CaseObject) => Retention | null;
            lockedUntil?: string | null;
            gone?: boolean;
            others?: CaseObject[];
        } = {},
    ): CaseSource {
        const folder = this.folder();
        return {
            ...folder,
            where: "s3://evidence",
            allVersions: true,
            objects: async () => [
                ...(await folder.objects()).map((each) => ({ ...each, versionId: this.versions.get(each.name)! })),
                ...(live.others ?? []),
            ],
            retention: (object) => Promise.resolve(live.retention ? live.retention(object) : { mode: "GOVERNANCE", until }),
            snapshotLocks: (ids) =>
                Promise.resolve(
                    new Map(
                        live.gone
                            ? []
                            : ids.map((id) => [
                                  id,
                                  { state: "completed", lockedUntil: live.lockedUntil === undefined ? until : live.lockedUntil },
                              ]),
                    ),
                ),
        };
    }
}
