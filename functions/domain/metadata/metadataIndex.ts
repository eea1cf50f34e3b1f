/**
 * The metadata of the moment: what AWS says of an instance beside its disks, read once right after containment and, for what AWS itself
 * knows only minutes later, once more before the analysis. Each part is an object of its own, and an index says what became of each.
 */
import { z } from "zod";
import { instanceRefSchema, objectRefSchema, timestampSchema, untrustedText } from "../containers";
import { objectPrefixes } from "../evidenceKeys";

/** Every part, in the order in which people look. What each holds stands in docs/evidence.md. */
export const metadataParts = [
    "instance",
    "interfaces",
    "security-groups",
    "route-tables",
    "network-acls",
    "nat-gateways",
    "volumes",
    "tags",
    "role",
    "user-data",
    "console-output",
    "console-screenshot",
    "flow-logs",
    "trails",
    "trail-events",
    "guardduty-findings",
    "ssm-inventory",
    "siblings",
] as const;
export type MetadataPart = (typeof metadataParts)[number];

/** Parts of which AWS knows more some minutes later: CloudTrail and GuardDuty are late, and a replacement takes time to start. */
export const laterParts = ["trail-events", "guardduty-findings", "siblings"] as const satisfies readonly MetadataPart[];

/** `now`: right after containment. `later`: once the evidence is locked, before the analysis. */
export const metadataRounds = ["now", "later"] as const;
export type MetadataRound = (typeof metadataRounds)[number];

export const metadataIndexSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    instance: instanceRefSchema,
    round: z.enum(metadataRounds),
    startedAt: timestampSchema,
    endedAt: timestampSchema,
    parts: z
        .array(
            z.object({
                name: z.enum(metadataParts),
                /**
                 * - `read`: all of it
                 * - `partly`: the object holds what could be read, `missing` what could not
                 * - `none`: AWS answers that there is none
                 * - `unread`: nothing could be read, and `missing` says why
                 */
                outcome: z.enum(["read", "partly", "none", "unread"]),
                object: objectRefSchema.nullable(),
                /** What could not be read, and why, as clauses. */
                missing: z.array(untrustedText(512)).max(64),
            }),
        )
        .max(metadataParts.length),
});
export type MetadataIndex = z.infer<typeof metadataIndexSchema>;

/** Name of a part's object without its ending, below the incident's prefix. */
export const metadataObject = (round: MetadataRound, part: MetadataPart | "index"): string =>
    `${objectPrefixes.metadata}${round === "later" ? "later/" : ""}${part}`;
