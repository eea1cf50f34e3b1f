/** A bucket of S3 in memory: conditional writes, checksums, versions and their locks. */
import { createHash } from "node:crypto";
import { awsError } from "./errors";

export class InMemoryS3 {
    /** Objects by key, in the order they were written: text, and of those that end in .gz one character a byte. */
    readonly objects = new Map<string, string>();
    /** Versions of the objects, newest last; a key has the last of `objects` too. */
    readonly versions = new Map<string, { id: string; body: string; at: Date; locked: boolean }[]>();
    /** Keys in the order of their writing. */
    readonly written: string[] = [];
    /** AWS error with which reading a key is refused. */
    readonly refusals = new Map<string, string>();
    /** Keys whose reading ends in the middle. */
    readonly breaksOff = new Set<string>();
    private writes = 0;
    /** Called before each write, for what another step does at that moment. */
    beforePut: ((key: string) => void) | null = null;

    /** Writes an object as somebody else does, past every condition. */
    overwrite(key: string, body: string, at = new Date()): string {
        const id = `v${++this.writes}`;
        this.written.push(key);
        this.objects.set(key, body);
        this.versions.set(key, [...(this.versions.get(key) ?? []), { id, body, at, locked: true }]);
        return id;
    }

    knows(name: string): boolean {
        return ["PutObject", "GetObject", "HeadObject", "ListObjectVersions", "ListObjectsV2"].includes(name);
    }

    /** Answers one call. @throws the AWS error when it is refused */
    send(name: string, input: Record<string, unknown>): unknown {
        const key = input.Key as string;
        if (name === "PutObject") {
            const body = Buffer.from(input.Body as Uint8Array);
            if (input.ChecksumSHA256 !== createHash("sha256").update(body).digest("base64")) throw awsError("BadDigest");
            this.beforePut?.(key);
            if (input.IfNoneMatch === "*" && this.objects.has(key)) throw awsError("PreconditionFailed");
            return { VersionId: this.overwrite(key, body.toString("utf8")) };
        }
        if (name === "ListObjectVersions") {
            const found = [...this.versions].filter(([each]) => each.startsWith(input.Prefix as string));
            return {
                Versions: found.flatMap(([Key, all]) =>
                    all.map(({ id, body, at }, index) => ({
                        Key,
                        VersionId: id,
                        IsLatest: index === all.length - 1,
                        Size: Buffer.byteLength(body),
                        LastModified: at,
                    })),
                ),
            };
        }
        if (name === "ListObjectsV2") {
            const prefix = input.Prefix as string;
            const keys = [...this.objects.keys()].filter((each) => each.startsWith(prefix)).sort();
            if (input.Delimiter === "/") {
                const folders = new Set(keys.flatMap((each) => /^[^/]*\//.exec(each.slice(prefix.length))?.[0] ?? []));
                return { CommonPrefixes: [...folders].map((folder) => ({ Prefix: `${prefix}${folder}` })), IsTruncated: false };
            }
            return { Contents: keys.map((Key) => ({ Key })), IsTruncated: false };
        }
        const refusal = this.refusals.get(key);
        if (refusal) throw awsError(refusal);
        const all = this.versions.get(key);
        const version = input.VersionId === undefined ? all?.at(-1) : all?.find(({ id }) => id === input.VersionId);
        const text = input.VersionId === undefined ? this.objects.get(key) : version?.body;
        const bytes = Buffer.from(text ?? "", key.endsWith(".gz") ? "latin1" : "utf8");
        if (name === "HeadObject" && text !== undefined)
            return {
                ContentLength: bytes.length,
                ChecksumSHA256: createHash("sha256").update(bytes).digest("base64"),
                ...(version?.locked ? { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: new Date("2099-01-01") } : {}),
            };
        if (text === undefined) throw awsError(name === "HeadObject" ? "NotFound" : "NoSuchKey");
        // A stream of the SDK's is read whole or piece by piece.
        const Body = {
            transformToByteArray: () => Promise.resolve(bytes),
            async *[Symbol.asyncIterator]() {
                yield await Promise.resolve(bytes);
            },
        };
        return { ContentLength: bytes.length, Body, BreaksOff: this.breaksOff.has(key) };
    }
}
