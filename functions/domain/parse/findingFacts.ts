/** Reads a finding's facts out of GuardDuty's `resource` and `service`, however they are spelt. Total: what is out of shape is left out. */
import { findingFactsSchema, type FindingFacts, type InstanceFacts } from "../findingFacts";
import { asObject, at, field, isTrue, listAt, textAt } from "./json";
import type { JsonObject } from "./json";

/** Depth and breadth in which facts are looked for. A real finding is six levels deep. */
const deepest = 10;
const widest = 100;

/** Every value under a key, wherever it stands below. @param inside only below a key that this matches */
function everywhere(value: unknown, key: RegExp, inside: RegExp | null = null, depth = deepest): unknown[] {
    if (depth === 0) return [];
    if (Array.isArray(value)) return value.slice(0, widest).flatMap((each) => everywhere(each, key, inside, depth - 1));
    const object = asObject(value);
    if (!object) return [];
    return Object.entries(object)
        .slice(0, widest)
        .flatMap(([name, inner]) => [
            ...(inside === null && key.test(name) ? [inner] : []),
            ...everywhere(inner, key, inside?.test(name) ? null : inside, depth - 1),
        ]);
}

const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];
const textsOf = (values: readonly unknown[]) =>
    unique(values.filter((value): value is string => typeof value === "string" && value !== ""));
/** Numbers, and numbers as ASFF and some tools write them. */
function numberOf(value: unknown): number | null {
    const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
    return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}
const portsOf = (values: readonly unknown[]) =>
    unique(values.map(numberOf).filter((port): port is number => port !== null && port <= 65_535));

function owners(action: unknown): string[] {
    return everywhere(action, /^remoteIpDetails$/i).map((details) => {
        const asn = field(field(details, "organization"), "asn");
        const organization = textAt(details, "organization", "asnOrg") ?? textAt(details, "organization", "org");
        const country = textAt(details, "country", "countryName") ?? textAt(details, "country");
        const number = typeof asn === "string" || typeof asn === "number" ? `AS${asn} ` : "";
        return [`${number}${organization ?? ""}`.trim(), country ?? ""].filter((part) => part !== "").join(", ");
    });
}

function apiCalls(action: unknown): string[] {
    const calls = everywhere(action, /^awsApiCallAction$/i).map((call) => [textAt(call, "serviceName"), textAt(call, "api")]);
    const kubernetes = everywhere(action, /^kubernetesApiCallAction$/i).map((call) => [textAt(call, "verb"), textAt(call, "requestUri")]);
    return [...calls, ...kubernetes].map((parts) => parts.filter((part) => part !== null).join(" ")).filter((call) => call !== "");
}

function processes(service: unknown): string[] {
    const named = [
        at(service, "runtimeDetails", "process"),
        ...listAt(service, "detection", "sequence", "actors").map((actor) => field(actor, "process")),
    ];
    return named.flatMap((process) => {
        const path = textAt(process, "executablePath") ?? textAt(process, "path") ?? textAt(process, "name");
        const sha256 = textAt(process, "executableSha256") ?? textAt(process, "sha256");
        return path === null ? [] : [sha256 === null ? path : `${path} (SHA-256 ${sha256})`];
    });
}

/** Tags as GuardDuty lists them, `{key, value}`, or as ASFF has them, an object. */
function tagsOf(value: unknown): { key: string; value: string }[] {
    const listed = (Array.isArray(value) ? (value as unknown[]) : []).map((tag) => [
        textAt(tag, "key") ?? textAt(tag, "name"),
        field(tag, "value"),
    ]);
    const named = Object.entries(asObject(value) ?? {});
    return [...listed, ...named].flatMap(([key, text]) =>
        typeof key === "string" && typeof text === "string" ? [{ key, value: text }] : [],
    );
}

/** The instance as GuardDuty describes it in `instanceDetails`; null without any. */
export function readInstanceDetails(details: unknown): InstanceFacts | null {
    if (!asObject(details)) return null;
    const interfaces = field(details, "networkInterfaces");
    const addresses = (key: RegExp) => textsOf(everywhere(interfaces, key));
    const launched = field(details, "launchTime");
    return {
        publicAddresses: addresses(/^publicIp$/i),
        privateAddresses: addresses(/^privateIp(Address)?$/i),
        launchTime: typeof launched === "number" ? momentOf(launched) : textAt(details, "launchTime"),
        imageId: textAt(details, "imageId"),
        instanceType: textAt(details, "instanceType"),
        platform: textAt(details, "platform"),
        vpcId: addresses(/^vpcId$/i)[0] ?? null,
        profileArn: textAt(details, "iamInstanceProfile", "arn"),
        tags: tagsOf(field(details, "tags")),
    };
}

const isPrivate = (address: string) => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);

/** ASFF's `Details.AwsEc2Instance`, with the resource's own tags. */
export function readAsffInstance(resource: unknown): InstanceFacts | null {
    const details = at(resource, "details", "awsEc2Instance") ?? at(resource, "data", "awsEc2Instance") ?? field(resource, "data");
    if (!asObject(details) && !asObject(field(resource, "tags"))) return null;
    const addresses = [...listAt(details, "ipV4Addresses"), ...listAt(details, "ipV6Addresses")];
    const all = textsOf(addresses);
    return {
        publicAddresses: all.filter((address) => !isPrivate(address)),
        privateAddresses: all.filter(isPrivate),
        launchTime: textAt(details, "launchedAt"),
        imageId: textAt(details, "imageId"),
        instanceType: textAt(details, "type"),
        platform: null,
        vpcId: textAt(details, "vpcId"),
        profileArn: textAt(details, "iamInstanceProfileArn"),
        tags: tagsOf(field(resource, "tags")),
    };
}

/** Seconds or milliseconds since 1970, as a moment; null for what is none. */
function momentOf(value: number): string | null {
    const date = new Date(value < 1e11 ? value * 1000 : value);
    return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/**
 * What `service` says of what happened.
 *
 * @param service GuardDuty's own, or what {@link unflatten} made of ASFF's `ProductFields`
 * @param resource GuardDuty's `resource`; null where the format has none
 */
export function readFacts(service: unknown, resource: unknown, instance: InstanceFacts | null): FindingFacts {
    const action = field(service, "action");
    const scans = [field(service, "ebsVolumeScanDetails"), field(service, "malwareScanDetails")];
    const evidence = field(service, "evidence");
    const blocked = everywhere(action, /^blocked$/i)[0];
    const key = field(resource, "accessKeyDetails");
    const sequence = at(service, "detection", "sequence");
    return clipped({
        action: textAt(action, "actionType"),
        direction: textsOf(everywhere(action, /^connectionDirection$/i))[0] ?? null,
        protocol: textsOf(everywhere(action, /^protocol$/i))[0] ?? null,
        blocked: blocked === undefined || blocked === null ? null : isTrue(blocked),
        remoteAddresses: textsOf([
            ...everywhere(action, /^ipAddressV[46]$/i, /^remoteIpDetails$/i),
            ...everywhere(field(sequence, "endpoints"), /^ip$/i),
        ]),
        remoteOwners: unique(owners(action)).filter((owner) => owner !== ""),
        domains: textsOf([...everywhere(action, /^domain$/i), ...everywhere(field(sequence, "endpoints"), /^domain$/i)]),
        localPorts: portsOf([...everywhere(action, /^port$/i, /^localPortDetails$/i), ...everywhere(action, /^localPort$/i)]),
        remotePorts: portsOf([
            ...everywhere(action, /^port$/i, /^remotePortDetails$/i),
            ...everywhere(action, /^remotePort$/i),
            ...everywhere(field(sequence, "endpoints"), /^port$/i),
        ]),
        apiCalls: unique(apiCalls(action)),
        processes: unique(processes(service)),
        threats: textsOf([
            ...everywhere(scans, /^(name|threatName)$/i, /^(threats|threatNames|highestSeverityThreatDetails)$/i),
            ...everywhere(evidence, /^(threatListName|threatNames)$/i).flat(),
            ...everywhere(field(service, "additionalInfo"), /^(threatListName|threatName)$/i),
        ]),
        files: textsOf([
            ...everywhere(scans, /^(filePath|itemPath|nestedItemPath)$/i),
            ...everywhere(
                at(service, "runtimeDetails", "context"),
                /^(filePath|scriptPath|libraryPath|moduleFilePath|threatFilePath|ldPreloadValue)$/i,
            ),
        ]),
        identities: textsOf([field(key, "accessKeyId"), field(key, "principalId"), field(key, "userName")]),
        resources: textsOf([
            at(resource, "containerDetails", "name"),
            at(resource, "containerDetails", "image"),
            at(resource, "ecsClusterDetails", "name"),
            at(resource, "eksClusterDetails", "name"),
            ...listAt(resource, "s3BucketDetails").map((bucket) => field(bucket, "name")),
            ...listAt(sequence, "resources")
                .slice(0, 20)
                .map((each) => field(each, "name")),
        ]),
        count: numberOf(field(service, "count")),
        firstSeen: textAt(service, "eventFirstSeen"),
        lastSeen: textAt(service, "eventLastSeen"),
        instance,
    });
}

/** OCSF's evidences: endpoints, queries, processes and files. https://schema.ocsf.io/objects/evidences */
export function readOcsfFacts(document: JsonObject, instance: InstanceFacts | null): FindingFacts {
    const evidences = field(document, "evidences");
    const info = field(document, "finding_info");
    const endpoint = (name: string, key: RegExp) => everywhere(evidences, key, new RegExp(`^${name}$`, "i"));
    return clipped({
        action: null,
        direction: textsOf(everywhere(evidences, /^direction$/i))[0] ?? null,
        protocol: textsOf(everywhere(evidences, /^protocol_name$/i))[0] ?? null,
        blocked: null,
        // Which end is the instance's is not said: its own and private addresses are left out.
        remoteAddresses: textsOf([...endpoint("src_endpoint", /^ip$/i), ...endpoint("dst_endpoint", /^ip$/i)]).filter(
            (address) => !isPrivate(address) && !instance?.publicAddresses.includes(address),
        ),
        remoteOwners: [],
        domains: textsOf([...endpoint("query", /^hostname$/i), ...endpoint("dst_endpoint", /^(hostname|domain)$/i)]),
        localPorts: [],
        remotePorts: portsOf(endpoint("dst_endpoint", /^port$/i)),
        apiCalls: textsOf(endpoint("api", /^operation$/i)),
        processes: textsOf(endpoint("process", /^path$/i)),
        threats: textsOf(everywhere(field(document, "malware"), /^name$/i)),
        files: textsOf(endpoint("file", /^path$/i)),
        identities: textsOf([...endpoint("actor", /^(uid|credential_uid)$/i)]),
        resources: textsOf(listAt(document, "resources").map((each) => field(each, "name"))),
        count: numberOf(field(document, "count")),
        firstSeen: textAt(info, "first_seen_time_dt"),
        lastSeen: textAt(info, "last_seen_time_dt"),
        instance,
    });
}

/** ASFF flattens GuardDuty's `service` into texts: `aws/guardduty/service/action/…/portProbeDetails.0_/localPortDetails/port`. @returns it nested again */
export function unflatten(productFields: unknown): JsonObject {
    const root: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(asObject(productFields) ?? {}).slice(0, 500)) {
        const path = /^aws\/guardduty\/service\/(.+)$/i.exec(name)?.[1]?.split("/");
        if (!path || path.length > deepest || path.some((part) => part === "__proto__")) continue;
        let parent = root;
        for (const part of path.slice(0, -1)) {
            const next = Object.hasOwn(parent, part) ? asObject(parent[part]) : null;
            parent = (next ?? (parent[part] = {})) as Record<string, unknown>;
        }
        // `threatNames.0_` and `threatNames.1_` are entries of one list.
        const last = path.at(-1)!;
        const list = /^(.+)\.(\d+)_$/.exec(last)?.[1];
        if (list === undefined) parent[last] = value;
        else parent[list] = [...(Array.isArray(parent[list]) ? (parent[list] as unknown[]) : []), value];
    }
    return root;
}

/** Cuts everything to its bounds: the schema's own transforms. */
function clipped(facts: FindingFacts): FindingFacts {
    return findingFactsSchema.parse(facts);
}
