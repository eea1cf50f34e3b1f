/** The metadata of the moment as the report uses it: both rounds put together. Pure; reading the objects is functions/aws/metadata/keptMoment.ts. */
import { z } from "zod";
import { untrustedText } from "../containers";
import type { MetadataIndex, MetadataPart } from "./metadataIndex";
import { siblingsSchema, type Siblings } from "./siblings";
import { trailEventsSchema, type TrailEvents } from "./trailEvents";

/** A GuardDuty finding, of which the object holds the whole. */
const findingSchema = z.looseObject({
    Id: z.string().max(512),
    Type: untrustedText(256),
    Severity: z.number(),
    Title: untrustedText(512).optional(),
    CreatedAt: z.string().max(64).optional(),
    UpdatedAt: z.string().max(64).optional(),
    Service: z.looseObject({ Count: z.number().optional(), EventFirstSeen: z.string().max(64).optional() }).optional(),
});
export type MomentFinding = z.infer<typeof findingSchema>;

const interfacesSchema = z.array(
    z.looseObject({
        PrivateIpAddresses: z
            .array(
                z.looseObject({
                    PrivateIpAddress: z.string().optional(),
                    Association: z.looseObject({ PublicIp: z.string().optional() }).optional(),
                }),
            )
            .optional(),
        Ipv6Addresses: z.array(z.looseObject({ Ipv6Address: z.string().optional() })).optional(),
    }),
);
const natGatewaysSchema = z.array(
    z.looseObject({
        NatGatewayAddresses: z.array(z.looseObject({ PublicIp: z.string().optional(), PrivateIp: z.string().optional() })).optional(),
    }),
);
const routeTablesSchema = z.array(
    z.looseObject({
        Routes: z
            .array(
                z.looseObject({
                    DestinationCidrBlock: z.string().optional(),
                    DestinationIpv6CidrBlock: z.string().optional(),
                    GatewayId: z.string().optional(),
                    NatGatewayId: z.string().optional(),
                    EgressOnlyInternetGatewayId: z.string().optional(),
                }),
            )
            .optional(),
    }),
);

export interface Moment {
    /** Null where CloudTrail's event history could not be read. */
    trail: TrailEvents | null;
    /** Null where GuardDuty could not be read. */
    findings: MomentFinding[] | null;
    /** Null where EC2 could not be read. */
    siblings: Siblings | null;
    /** Whether the instance had an instance profile; null where that is not known. */
    hasRole: boolean | null;
    /** Addresses that calls of the instance itself come from: its own, and those of its VPC's NAT gateways. */
    addresses: string[];
    /** False: traffic leaves the VPC by a way whose addresses are not known, such as a transit gateway. */
    egressKnown: boolean;
    /** What could not be read, as clauses with their part. */
    missing: string[];
}

/** One round: its index, and the bodies of its parts as far as they are what the index says. */
export interface KeptRound {
    index: MetadataIndex;
    bodies: ReadonlyMap<MetadataPart, string>;
    /** Parts whose object is not the one that the index names. */
    altered: readonly MetadataPart[];
}

/** Parts that a report reads. */
export const readParts = [
    "interfaces",
    "nat-gateways",
    "route-tables",
    "role",
    "trail-events",
    "guardduty-findings",
    "siblings",
] as const satisfies readonly MetadataPart[];

const publicWays = /^(igw|local|nat|eigw|vpce)/;

/** @param rounds the first one first; empty where nothing was kept @returns null then */
export function readMoment(rounds: readonly KeptRound[]): Moment | null {
    if (rounds.length === 0) return null;
    const missing: string[] = [];
    /** Of each round in which the part can be read. */
    function parsed<S extends z.ZodType>(part: MetadataPart, schema: S): z.infer<S>[] {
        return rounds.flatMap(({ bodies }) => {
            const body = bodies.get(part);
            if (body === undefined) return [];
            try {
                return [schema.parse(JSON.parse(body))];
            } catch {
                missing.push(`${part}: the object cannot be understood`);
                return [];
            }
        });
    }
    const outcome = (part: MetadataPart) => rounds.flatMap(({ index }) => index.parts.find(({ name }) => name === part)?.outcome ?? []);
    const isNone = (part: MetadataPart) => outcome(part).length > 0 && outcome(part).every((each) => each === "none");

    const trails = parsed("trail-events", trailEventsSchema);
    const findings = parsed("guardduty-findings", z.array(findingSchema)).flat();
    const interfaces = parsed("interfaces", interfacesSchema).flat();
    const gateways = parsed("nat-gateways", natGatewaysSchema).flat();
    const routes = parsed("route-tables", routeTablesSchema)
        .flat()
        .flatMap(({ Routes }) => Routes ?? []);
    const defaults = routes.filter(
        ({ DestinationCidrBlock, DestinationIpv6CidrBlock }) => DestinationCidrBlock === "0.0.0.0/0" || DestinationIpv6CidrBlock === "::/0",
    );
    for (const { index, altered } of rounds) {
        for (const part of index.parts)
            for (const each of part.missing) missing.push(`${part.name}${index.round === "later" ? ", second round" : ""}: ${each}`);
        for (const part of altered) missing.push(`${part}: the object is not the one that the index names, so it is left out`);
    }
    return {
        trail: mergeTrails(trails),
        findings:
            findings.length > 0 ? [...new Map(findings.map((each) => [each.Id, each])).values()] : isNone("guardduty-findings") ? [] : null,
        siblings: parsed("siblings", siblingsSchema).at(-1) ?? null,
        hasRole:
            rounds.some(({ bodies }) => bodies.has("role")) || outcome("role").some((each) => each !== "none")
                ? true
                : isNone("role")
                  ? false
                  : null,
        addresses: [
            ...new Set(
                [
                    ...interfaces.flatMap(({ PrivateIpAddresses, Ipv6Addresses }) => [
                        ...(PrivateIpAddresses ?? []).flatMap(({ PrivateIpAddress, Association }) => [
                            PrivateIpAddress,
                            Association?.PublicIp,
                        ]),
                        ...(Ipv6Addresses ?? []).map(({ Ipv6Address }) => Ipv6Address),
                    ]),
                    ...gateways.flatMap(({ NatGatewayAddresses }) => (NatGatewayAddresses ?? []).map(({ PublicIp }) => PublicIp)),
                ].filter((each): each is string => each !== undefined),
            ),
        ],
        egressKnown:
            !outcome("nat-gateways").includes("unread") &&
            routes.length > 0 &&
            defaults.every(({ GatewayId, NatGatewayId, EgressOnlyInternetGatewayId }) =>
                publicWays.test(NatGatewayId ?? EgressOnlyInternetGatewayId ?? GatewayId ?? ""),
            ),
        missing: [...new Set(missing)].slice(0, 100),
    };
}

/** Each event once; of two lookups of the same, the later one counts: CloudTrail knows more by then. */
function mergeTrails(trails: readonly TrailEvents[]): TrailEvents | null {
    const [first] = trails;
    if (first === undefined) return null;
    const events = new Map<string, TrailEvents["events"][number]>();
    for (const each of trails.flatMap((trail) => trail.events)) events.set(each.record.eventID ?? JSON.stringify(each.record), each);
    const lookups = new Map<string, TrailEvents["lookups"][number]>();
    for (const each of trails.flatMap((trail) => trail.lookups)) {
        const key = `${each.what} ${each.account ?? ""} ${each.region}`;
        // One that was not answered the second time stands as it was answered the first.
        if (each.error === null || !lookups.has(key)) lookups.set(key, each);
    }
    return {
        ...first,
        until: trails.at(-1)!.until,
        lookups: [...lookups.values()],
        events: [...events.values()].sort((left, right) => left.record.eventTime.localeCompare(right.record.eventTime)),
    };
}
