/** What a finding says besides its type: what happened, with whom, how often, and what it knew of the instance. Bounded, so that it travels with the incident. */
import { z } from "zod";
import { shortened } from "./visibleText";

/** Text of unknown origin, bounded so that no container outgrows its payload; what is cut says by how much. */
export const untrustedText = (maximum: number) => z.string().transform((text) => shortened(text, maximum));

const texts = (each: number, most: number) =>
    z
        .array(untrustedText(each))
        .transform((list) => list.slice(0, most))
        .default([]);
const text = (most: number) => untrustedText(most).nullable().default(null);
const ports = z
    .array(z.number().int().min(0).max(65_535))
    .transform((list) => list.slice(0, 10))
    .default([]);

/** The instance as GuardDuty knew it. What EC2 says now is read at containment. */
export const instanceFactsSchema = z.object({
    publicAddresses: texts(64, 5),
    privateAddresses: texts(64, 5),
    /** As written; ISO 8601 in real findings. */
    launchTime: text(64),
    imageId: text(64),
    instanceType: text(64),
    platform: text(64),
    vpcId: text(64),
    /** ARN of the instance profile, which has the role. */
    profileArn: text(256),
    tags: z
        .array(z.object({ key: untrustedText(128), value: untrustedText(256) }))
        .transform((list) => list.slice(0, 15))
        .default([]),
});
export type InstanceFacts = z.infer<typeof instanceFactsSchema>;

/** Everything in it is untrusted: names, domains, paths and tags are often the attacker's. Lists keep the first entries. */
export const findingFactsSchema = z.object({
    /** GuardDuty's action type, such as `NETWORK_CONNECTION`; null where the finding has none, as runtime and malware findings. */
    action: text(64),
    /** `INBOUND` or `OUTBOUND`, of a connection. */
    direction: text(32),
    protocol: text(32),
    /** GuardDuty saw that it was blocked. */
    blocked: z.boolean().nullable().default(null),
    remoteAddresses: texts(64, 10),
    /** Network and country of the remote addresses, such as `AS64500 Example, Netherlands`. */
    remoteOwners: texts(160, 5),
    /** Domains that were asked for or called from. */
    domains: texts(253, 10),
    localPorts: ports,
    remotePorts: ports,
    /** AWS or Kubernetes API calls, such as `s3.amazonaws.com ListBuckets`. */
    apiCalls: texts(160, 5),
    /** Programs that acted, by path and SHA-256. */
    processes: texts(512, 5),
    /** Names of malware and of the threat lists that knew an address. */
    threats: texts(160, 10),
    /** Files that a scan or the runtime agent named. */
    files: texts(512, 10),
    /** Access key, principal and user or role of the credentials that acted. */
    identities: texts(160, 5),
    /** Containers, clusters, buckets and groups that are named. */
    resources: texts(256, 10),
    /** How often it was seen. */
    count: z.number().int().nonnegative().nullable().default(null),
    firstSeen: text(64),
    lastSeen: text(64),
    /** Null where the finding describes no instance. */
    instance: instanceFactsSchema.nullable().default(null),
});
export type FindingFacts = z.infer<typeof findingFactsSchema>;
