/** How requests of the SDK read on the wire, and how AWS answers them: JSON, REST and Query, as far as the services of the tests' AWS speak them. */
import type { IncomingMessage, ServerResponse } from "node:http";

type Protocol = "json" | "query" | "s3" | "lambda";

export interface Asked {
    protocol: Protocol;
    /** The operation, as `PutObject`. */
    name: string;
    input: Record<string, unknown>;
}

const rest: Record<string, string> = { "/findings/import": "BatchImportFindings", "/findings/batchupdate": "BatchUpdateFindings" };

/** Reads a request. @throws when it is none of a known service */
export function decode(request: IncomingMessage, body: Buffer): Asked {
    const url = new URL(request.url!, "http://aws");
    const { headers } = request;
    const text = () => body.toString("utf8");
    const parsed = () => JSON.parse(text()) as Record<string, unknown>;
    const target = headers["x-amz-target"];
    if (typeof target === "string") return { protocol: "json", name: target.split(".")[1]!, input: parsed() };
    if (url.pathname in rest) return { protocol: "json", name: rest[url.pathname]!, input: parsed() };
    const invoked = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url.pathname);
    if (invoked)
        return {
            protocol: "lambda",
            name: "Invoke",
            input: {
                FunctionName: decodeURIComponent(invoked[1]!),
                InvocationType: headers["x-amz-invocation-type"],
                Payload: text(),
            },
        };
    if (headers["content-type"]?.startsWith("application/x-www-form-urlencoded")) {
        const form = Object.fromEntries(new URLSearchParams(text()));
        return { protocol: "query", name: form.Action!, input: form };
    }
    return decodeS3(request.method!, url, headers, body);
}

function decodeS3(method: string, url: URL, headers: IncomingMessage["headers"], body: Buffer): Asked {
    const [, Bucket, ...rest] = url.pathname.split("/");
    const Key = decodeURIComponent(rest.join("/"));
    if (method === "GET" && Key === "")
        return { protocol: "s3", name: "ListObjectsV2", input: { Bucket, Prefix: url.searchParams.get("prefix") ?? "" } };
    const name = { GET: "GetObject", HEAD: "HeadObject", PUT: "PutObject" }[method];
    if (name === undefined || Key === "") throw new Error(`${method} ${url.pathname} is no request that the AWS of the tests knows`);
    const input = {
        Bucket,
        Key,
        ...(url.searchParams.has("versionId") ? { VersionId: url.searchParams.get("versionId") } : {}),
        ...(name === "PutObject"
            ? { Body: body, IfNoneMatch: headers["if-none-match"], ChecksumSHA256: headers["x-amz-checksum-sha256"] }
            : {}),
    };
    return { protocol: "s3", name, input };
}

/** Writes a result as the service's protocol has it. */
export async function encode({ protocol, name }: Asked, result: unknown, response: ServerResponse): Promise<void> {
    const fields = result as Record<string, unknown>;
    if (protocol === "json") return json(response, 200, fields);
    if (protocol === "lambda") {
        if (fields.FunctionError !== undefined) response.setHeader("x-amz-function-error", fields.FunctionError as string);
        return void response.writeHead(fields.StatusCode as number).end(fields.Payload);
    }
    if (protocol === "query")
        return void response
            .writeHead(200, { "content-type": "text/xml" })
            .end(`<${name}Response><${name}Result>${xml(fields)}</${name}Result></${name}Response>`);
    if (name === "ListObjectsV2")
        return void response
            .writeHead(200, { "content-type": "application/xml" })
            .end(`<ListBucketResult>${xml(fields)}</ListBucketResult>`);
    const headers = {
        etag: '"etag"',
        "content-length": fields.ContentLength as number | undefined,
        "x-amz-version-id": fields.VersionId as string | undefined,
        "x-amz-checksum-sha256": fields.ChecksumSHA256 as string | undefined,
        "x-amz-object-lock-mode": fields.ObjectLockMode as string | undefined,
        "x-amz-object-lock-retain-until-date": (fields.ObjectLockRetainUntilDate as Date | undefined)?.toISOString(),
    };
    const { Body, BreaksOff } = fields as { Body?: { transformToByteArray: () => Promise<Uint8Array> }; BreaksOff?: boolean };
    for (const [header, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(header, value);
    const bytes = await Body?.transformToByteArray();
    if (BreaksOff) response.write(bytes!.subarray(0, bytes!.length / 2), () => response.destroy());
    else response.end(bytes);
}

/** Writes an AWS error. @throws what is none, such as an operation that the AWS of the tests does not know */
export function encodeError({ protocol, name }: Asked, error: Error, response: ServerResponse): void {
    if (!Object.hasOwn(error, "name")) throw error;
    if (protocol !== "s3") {
        response.setHeader("x-amzn-errortype", error.name);
        return json(response, 400, { ...error, __type: error.name, message: error.message });
    }
    const status = { NoSuchKey: 404, NotFound: 404, PreconditionFailed: 412, BadDigest: 400 }[error.name] ?? 403;
    response
        .writeHead(status, { "content-type": "application/xml" })
        .end(name === "HeadObject" ? undefined : `<Error><Code>${error.name}</Code><Message>${error.message}</Message></Error>`);
}

function json(response: ServerResponse, status: number, body: object): void {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
}

/** Fields as XML: lists repeat their element, the map `Attributes` has an entry a key. */
function xml(fields: Record<string, unknown>): string {
    const element = (name: string, value: unknown): string => {
        if (Array.isArray(value)) return value.map((each) => element(name, each)).join("");
        if (name === "Attributes")
            return `<Attributes>${Object.entries(value as object)
                .map(([key, each]) => `<entry><key>${key}</key><value>${String(each)}</value></entry>`)
                .join("")}</Attributes>`;
        return `<${name}>${typeof value === "object" ? xml(value as Record<string, unknown>) : String(value as string | number | boolean)}</${name}>`;
    };
    return Object.entries(fields)
        .map(([name, value]) => element(name, value))
        .join("");
}
