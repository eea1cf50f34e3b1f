/**
 * The typed containers that travel between the steps of an incident, one zod schema each.
 *
 *     message --parse--> Finding --open--> Incident --contain--> Containment --preserve--> Evidence
 *             --start, attach--> ForensicHost --analyse--> Analysis --report--> Report
 *
 * Every container is versioned and small: the state of one execution must fit a Step Functions payload
 * (256 KiB), so anything larger is an object in the evidence bucket and the container holds its `ObjectRef`.
 */
import { z } from "zod";
import { callerProofSchema } from "./callerProof";
import { containmentStepSchema } from "./containmentStep";
import { findingFactsSchema, untrustedText } from "./findingFacts";
import { memorySchema } from "./memory";

export { containmentStepSchema, untrustedText };
export type { ContainmentStep } from "./containmentStep";
export type { Memory } from "./memory";

/** 12 digits, as in an ARN. */
export const accountIdSchema = z.string().regex(/^\d{12}$/, "an AWS account id has 12 digits");
/** `eu-west-1`, `us-gov-east-1`, `ap-southeast-5`. */
export const regionSchema = z.string().regex(/^[a-z]{2,3}(-[a-z]+){1,3}-\d{1,2}$/, "an AWS Region looks like eu-west-1");
/** `i-` and 8 or 17 hexadecimal digits. */
export const instanceIdSchema = z.string().regex(/^i-([0-9a-f]{8}|[0-9a-f]{17})$/, "an instance id looks like i-0123456789abcdef0");
/** ISO 8601 in UTC, as `Date.prototype.toISOString` writes it. */
export const timestampSchema = z.iso.datetime();
/** An object in the evidence bucket: where it lies and what it must contain. */
export const objectRefSchema = z.object({
    bucket: z.string().min(3),
    key: z.string().min(1),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ObjectRef = z.infer<typeof objectRefSchema>;

/** The instance a finding is about. */
export const instanceRefSchema = z.object({
    instanceId: instanceIdSchema,
    accountId: accountIdSchema,
    region: regionSchema,
});
export type InstanceRef = z.infer<typeof instanceRefSchema>;

/** What a detector said, whatever form it came in. Field meanings as in GuardDuty's finding format. */
export const findingSchema = z.object({
    schemaVersion: z.literal(1),
    /** GuardDuty finding id; for a manual message one derived from its content. */
    id: z.string().min(1).max(512),
    type: untrustedText(256),
    accountId: accountIdSchema,
    region: regionSchema,
    partition: z
        .string()
        .regex(/^aws(-[a-z]+)*$/)
        .default("aws"),
    /** 0 to 10; GuardDuty: 1-3.9 low, 4-6.9 medium, 7-8.9 high, 9-10 critical. */
    severity: z.number().min(0).max(10),
    title: untrustedText(512),
    description: untrustedText(2048),
    /** GuardDuty's own sample findings and drills. */
    sample: z.boolean(),
    origin: z.enum(["guardduty", "securityhub", "manual"]),
    /** A person asks for snapshots of now, also where locked evidence of an earlier incident stands. */
    freshEvidence: z.literal(true).optional(),
    createdAt: z.string().max(64).nullable(),
    updatedAt: z.string().max(64).nullable(),
    /** Instances that make an incident: the affected resource itself, never a mere mention. */
    instances: z.array(instanceRefSchema).max(100),
    /**
     * Instances that a finding filed under another kind of resource has to do with; null when there are none. They make an
     * incident only where `containment.rules` names the finding's type, and then stand in `instances` as well.
     */
    related: z
        .object({
            /**
             * - `credentials`: credentials of the instance's role were used
             * - `host`: the affected container, task or pod runs on it
             * - `member`: an attack sequence of another kind names it, by itself or in a group
             * - `mention`: it is named beside the affected resource
             * - `detector`: another product than GuardDuty says that it is affected
             */
            as: z.enum(["credentials", "host", "member", "mention", "detector"]),
            instances: z.array(instanceRefSchema).min(1).max(100),
        })
        .nullable()
        .default(null),
    /** What it says of what happened, for messages and the report; null in a person's own message. */
    facts: findingFactsSchema.nullable().default(null),
    /** The message it came in, kept byte for byte as `messages/<sha256>.json` of its incident; null where that is not known. */
    message: z
        .object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.number().int().nonnegative() })
        .nullable()
        .default(null),
});
export type Finding = z.infer<typeof findingSchema>;

/** One instance, one incident. The input of the state machine. */
export const incidentSchema = z.object({
    schemaVersion: z.literal(1),
    /** `<instance id>-<16 hex>`: derived from account, Region, instance and finding id, so a repeated message has the same id. */
    incidentId: z.string().regex(/^i-[0-9a-f]+-[0-9a-f]{16}$/),
    openedAt: timestampSchema,
    finding: findingSchema,
    instance: instanceRefSchema,
    /** Every object of the incident lies under this key prefix of the evidence bucket: `incidents/<incident id>/`. */
    prefix: z.string().regex(/^incidents\/[^/]+\/$/),
});
export type Incident = z.infer<typeof incidentSchema>;

/** Who decides whether an instance is contained, from the mildest to the strictest: nobody, a person, the program. */
export const containmentModes = ["observe", "approval", "automatic"] as const;
export const containmentModeSchema = z.enum(containmentModes);
export type ContainmentMode = z.infer<typeof containmentModeSchema>;

/** A finding of an incident, as the incidents table keeps it; the whole of those that joined lies under the incident's `findings/`. */
export const seenFindingSchema = findingSchema
    .pick({ id: true, severity: true, sample: true, origin: true, updatedAt: true, message: true })
    .extend({
        type: untrustedText(256),
        /** What the configuration's rules said about it when it was seen. */
        mode: containmentModeSchema,
        /** When it came first; null in records that were written before this was kept. */
        seenAt: timestampSchema.nullable().default(null),
    });
export type SeenFinding = z.infer<typeof seenFindingSchema>;

/** What was decided about an instance, and why: sentences, which may quote a finding or a tag. */
export const containmentDecisionSchema = z.object({
    mode: containmentModeSchema,
    reason: untrustedText(1024),
    /** Who answered when people were asked; null when nobody was. */
    by: untrustedText(512).nullable(),
    /** The instance carries the tag that exempts it, and the configuration honours it. */
    exempt: z.boolean(),
    /** It would be contained, but so many were of late that a person is asked. */
    braked: z.boolean().optional(),
});
export type ContainmentDecision = z.infer<typeof containmentDecisionSchema>;

/** The answer to a request for approval: taken by answerApproval from `npm run approve` or `deny`, or from silence. */
export const approvalAnswerSchema = z.object({
    approved: z.boolean(),
    /** ARN of the person's session; says so when nobody answered in time. */
    by: untrustedText(512),
    reason: untrustedText(512).nullable().default(null),
    /** Whose answer it is: only a person's lets more instances be contained than the brake does. @default person */
    via: z.enum(["person", "silence", "finding"]).optional(),
});
export type ApprovalAnswer = z.infer<typeof approvalAnswerSchema>;

/** The state of the instance's network after containment, as read back. */
export const containmentSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    instance: instanceRefSchema,
    /** `observed` and `awaiting-approval`: nothing was changed, and `steps` say what would have been. */
    outcome: z.enum(["contained", "observed", "awaiting-approval"]).default("contained"),
    /** Null where nothing had to be decided. */
    decision: containmentDecisionSchema.nullable().default(null),
    /** True only when every interface was read back carrying the isolation group alone, and the group has no rules. */
    contained: z.boolean(),
    vpcId: z.string(),
    availabilityZone: z.string(),
    /** Empty when there was none, and the instance is not contained. */
    /** Empty when nothing was changed. */
    isolationGroupId: z.string(),
    /** The network ACL that denies everything, where `containment.network` is `nacl`; null where subnets were left alone. */
    networkAclId: z.string().nullable().default(null),
    interfaces: z.array(
        z.object({
            networkInterfaceId: z.string(),
            groupsBefore: z.array(z.string()),
            groupsAfter: z.array(z.string()),
        }),
    ),
    /** Target groups and Auto Scaling group the instance was taken out of. */
    targetGroups: z.array(z.string()),
    autoScalingGroup: z.string().nullable(),
    /** Other instances of that group that stand contained, the oldest first: what replaces them comes from the same template. */
    sameGroup: z
        .object({
            total: z.number().int().positive(),
            instances: z.array(z.object({ instanceId: z.string(), incidentId: z.string(), since: timestampSchema })).max(20),
        })
        .optional(),
    /** Written before the first change; what `release` puts back. When nothing was changed: the instance as it was read. */
    restoreRecord: objectRefSchema,
    steps: z.array(containmentStepSchema),
    /** Connections that changing groups cannot cut (NAT, transit gateway, NLB, interface endpoints), named. */
    uncut: z.array(untrustedText(256)),
    /** What became of the instance's memory before the last cut; left out where the deployment takes none. */
    memory: memorySchema.optional(),
    startedAt: timestampSchema,
    containedAt: timestampSchema.nullable(),
});
export type Containment = z.infer<typeof containmentSchema>;

/** What an operator asks for. The input of the release workflow. */
export const releaseRequestSchema = z.object({
    incidentId: incidentSchema.shape.incidentId,
    /** Leave alone what was changed since containment, and put back the rest; else such a release is refused. */
    force: z.boolean().default(false),
    /** Why it is released although the analysis found much, or has not ended, or did not see everything; else it is refused. */
    acceptRisk: untrustedText(512).nullable().default(null),
    /** Put back the network alone: groups, network ACLs, idle time-outs. Credentials stay denied, load balancers and Auto Scaling without it. */
    networkOnly: z.boolean().default(false),
    /** Why the instance stays isolated for good: nothing is put back, and the case of its containment is closed. Null: it is released. */
    retire: untrustedText(512).nullable().default(null),
    /** Who asks, as the tool says; on record only where no proof is asked for. */
    by: untrustedText(512).nullable().default(null),
    /** The caller's own signature, by which AWS says who asks (domain/callerProof.ts). Old tools send none. */
    proof: callerProofSchema.nullable().default(null),
});

/** The undo of a containment. An object of its own for each attempt, under `<prefix>releases/`. */
export const releaseSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    instance: instanceRefSchema,
    /** Every incident that shared the containment, and is over with it. */
    ended: z.array(z.string()).default([]),
    /** Who asked for it, and why in spite of what the analysis says; null where that was not needed. */
    by: untrustedText(512).nullable().default(null),
    acceptedRisk: untrustedText(512).nullable().default(null),
    /** True only when the instance was read back as its restore record has it, but for what `conflicts` names. */
    released: z.boolean(),
    /** Something was changed since containment, and the rest was put back all the same. */
    forced: z.boolean(),
    /** What was changed since containment and therefore left alone, as sentences. */
    conflicts: z.array(untrustedText(512)),
    /** What was put back, in order. */
    steps: z.array(containmentStepSchema),
    /** What a release of the network alone left in place, as sentences. */
    leftInPlace: z.array(untrustedText(512)).optional(),
    /** What stays as containment left it because nobody could read what it was before, as sentences. */
    unknownBefore: z.array(untrustedText(512)).optional(),
    /** Why it was retired instead: it stays isolated, and nothing was put back. */
    retired: untrustedText(512).nullable().optional(),
    releasedAt: timestampSchema,
});
export type Release = z.infer<typeof releaseSchema>;

/** One volume's evidence: the locked, encrypted snapshot in the forensics account. */
export const evidenceSnapshotSchema = z.object({
    /** `memory`: the acquisition volume, which holds what was taken of the instance's memory. Left out for a volume of the victim's own. */
    kind: z.enum(["memory"]).optional(),
    /** The victim's volume. */
    volumeId: z.string(),
    /** Device name on the victim, such as `/dev/xvda`. */
    device: z.string(),
    root: z.boolean(),
    sizeGiB: z.number().int().positive(),
    sourceEncrypted: z.boolean(),
    /** In the member account, made by CreateSnapshots (all volumes at one point in time). */
    sourceSnapshotId: z.string(),
    /** In the member account under the evidence key; only for encrypted volumes, whose own key cannot be shared. */
    sharedSnapshotId: z.string().nullable(),
    /** In the forensics account, under the evidence key, locked. */
    evidenceSnapshotId: z.string(),
    startedAt: timestampSchema,
    lock: z.object({ mode: z.enum(["governance", "compliance"]), expiresAt: timestampSchema }),
    /** The earlier incident about the contained instance that it was taken for; null for this one's own. */
    inheritedFrom: z.string().nullable().optional(),
});
export type EvidenceSnapshot = z.infer<typeof evidenceSnapshotSchema>;

export const evidenceSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    snapshots: z.array(evidenceSnapshotSchema).min(1),
    /** Volumes of the victim of which there is no evidence, and why. */
    missing: z
        .array(z.object({ volumeId: z.string(), device: z.string(), root: z.boolean(), why: untrustedText(1024) }))
        .max(128)
        .default([]),
    /** In how many rounds this execution analyses what is not analysed yet (domain/planRounds.ts): 0 where all of it is. @default 1 */
    rounds: z.number().int().nonnegative().optional(),
    /** Rounds that earlier executions of the incident sent analyses in: this one counts on from there. @default 0 */
    roundsBefore: z.number().int().nonnegative().optional(),
    /** Evidence snapshots whose results an earlier execution left, and which stand (aws/analysedBefore.ts). @default none */
    analysed: z.array(z.string()).max(256).optional(),
    /** What was lost and replaced, or carried our tags without being ours, as sentences. */
    anomalies: z.array(untrustedText(512)).max(100).default([]),
    completedAt: timestampSchema,
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** A volume made from an evidence snapshot and attached to the forensic instance. */
export const forensicVolumeSchema = z.object({
    /** `evidence` is never mounted; `work` is mounted read-only with its journal replayed. */
    purpose: z.enum(["evidence", "work"]),
    volumeId: z.string(),
    device: z.string(),
    snapshotId: z.string(),
    sourceVolumeId: z.string(),
    root: z.boolean(),
    /** See evidenceSnapshotSchema. */
    kind: z.enum(["memory"]).optional(),
});
export type ForensicVolume = z.infer<typeof forensicVolumeSchema>;

/** How large an analysis has to be, and what it costs (domain/planSize.ts). */
export const sizePlanSchema = z.object({
    /** Such as m6i.2xlarge. */
    instanceType: z.string(),
    /** Of all evidence snapshots together. */
    gibibytes: z.number(),
    /** Seconds in which everything is read; null where AWS's figures of the type are not known here. */
    expectedSeconds: z.number().nullable(),
    /** Seconds after which Run Command stops it. */
    timeoutSeconds: z.number().int().min(60).max(172_800),
    /** Of instance and volumes, at list prices of us-east-1; null where they are not known. */
    dollars: z.number().nullable(),
    /** It is done within the longest time that Run Command gives. */
    fits: z.boolean(),
});
export type SizePlan = z.infer<typeof sizePlanSchema>;

export const forensicHostSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    instanceId: z.string(),
    /** Which round it is for, where there are several: 1 for the first. */
    round: z.number().int().positive().optional(),
    /** How large it is and has to be; null in records that were written before there was a plan. */
    plan: sizePlanSchema.nullable().default(null),
    imageId: z.string(),
    availabilityZone: z.string(),
    /** Empty until the volumes are attached. */
    volumes: z.array(forensicVolumeSchema),
    /** Volumes that could not be made or attached, and why. */
    missing: z
        .array(z.object({ sourceVolumeId: z.string(), purpose: z.enum(["evidence", "work"]), why: untrustedText(512) }))
        .max(128)
        .default([]),
});
export type ForensicHost = z.infer<typeof forensicHostSchema>;

/** What the analysis left behind. `complete` is what the instance said; the report checks the manifest itself. */
export const analysisSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    commandId: z.string(),
    complete: z.boolean(),
    manifest: objectRefSchema,
    finishedAt: timestampSchema,
});
export type Analysis = z.infer<typeof analysisSchema>;

const resultsPrefixSchema = z.string().regex(/^analysis\/[A-Za-z0-9]+:i-[0-9a-f]+\/$/);

/** One analysis that was sent: to which host, and where its results lie. */
const sentAnalysisSchema = z.object({
    host: forensicHostSchema,
    resultsPrefix: resultsPrefixSchema,
    /** Left out in records that were written before it was kept. */
    sentAt: timestampSchema.optional(),
});

/**
 * An analysis that ended well, written by runAnalysis when Systems Manager says so. It, and nothing that lies where forensic hosts may write, lets a
 * resumed execution leave volumes unread.
 */
export const endedAnalysisSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    instanceId: z.string(),
    commandId: z.string(),
    resultsPrefix: resultsPrefixSchema,
    /** Evidence snapshots whose volumes the host had. */
    snapshotIds: z.array(z.string()).min(1),
    /** SHA-256 of the analysis archive that ran. */
    toolSha256: z.string(),
    /** The manifest as it was read then. */
    manifest: objectRefSchema,
    at: timestampSchema,
});

/** The custody record: everything the report needs to know of the incident besides the analysis' own outputs. */
export const custodySchema = z.object({
    schemaVersion: z.literal(1),
    incident: incidentSchema,
    /** All findings of the incident, the one that opened it first; empty where the incidents table could not be read. */
    findings: z.array(seenFindingSchema).default([]),
    /** Null when containment failed; the evidence is preserved all the same. */
    containment: containmentSchema.nullable(),
    evidence: evidenceSchema,
    host: forensicHostSchema,
    /** SHA-256 of the analysis archive that ran. */
    toolSha256: z.string(),
    /** Where this host's results lie, below the incident's prefix; results anywhere else are nobody's. */
    resultsPrefix: resultsPrefixSchema,
    /** The same of further rounds, where one forensic instance did not take all volumes; `host` is then the first that was sent an analysis. */
    furtherRounds: z.array(sentAnalysisSchema).optional(),
    /** When the first was sent. */
    sentAt: timestampSchema.optional(),
    /** Analyses of earlier executions whose results did not stand: another one took their place, and the report has nothing of them. */
    superseded: z.array(sentAnalysisSchema).optional(),
});
export type Custody = z.infer<typeof custodySchema>;

export const reportSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    page: objectRefSchema,
    /** Everything that should have been looked at was. */
    complete: z.boolean(),
    /** Every object matches the manifest and every evidence volume was hashed and not changed by the analysis. */
    intact: z.boolean(),
    findingsBySeverity: z.record(z.string(), z.number().int().nonnegative()),
    /** SHA-256 of the manifest that was reported. */
    manifestSha256: z.string(),
    /** And of those of further rounds. */
    furtherManifests: z.array(z.string()).optional(),
    /** Which results it is of; left out in records that were written before it was kept. */
    results: z.array(z.object({ resultsPrefix: resultsPrefixSchema, sha256: z.string() })).optional(),
    /** 1 for the first that people were told of. @default 1 */
    edition: z.number().int().positive().optional(),
    at: timestampSchema,
});
export type Report = z.infer<typeof reportSchema>;

/** `error` of a Problem whose message was followed for some of the instances or findings it names, and refused for others. */
export const followedInPart = "MessageFollowedInPart";

/** `error` of a Problem that is no step's failure: results of an analysis that are not as the incident's own analyses left them (aws/anomalies.ts). */
export const evidenceAnomalies = ["ForeignResults", "ResultsChanged", "SupersededResults"] as const;
export type EvidenceAnomaly = (typeof evidenceAnomalies)[number];

/** A step that failed, as written to `<prefix>errors/<step>.error.json`, which starts `sendErrorNotification`. */
export const problemSchema = z.object({
    schemaVersion: z.literal(1),
    /** Null when the message could not be tied to an incident. */
    incidentId: z.string().nullable(),
    instance: instanceRefSchema.nullable(),
    step: z.string().max(64),
    error: untrustedText(256),
    cause: untrustedText(4096),
    /** What the error itself says to do. */
    advice: untrustedText(4096).optional(),
    at: timestampSchema,
});
export type Problem = z.infer<typeof problemSchema>;

/** What the forensic instance and its volumes left: nothing. Snapshots and objects stay. */
export const tearDownSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    /** Ids of what was terminated or deleted, as far as EC2 still shows it at the end. */
    removed: z.array(z.string()),
});
export type TearDown = z.infer<typeof tearDownSchema>;

/** Where a case about an incident is opened. */
export const ticketKinds = ["support-case", "security-incident-response"] as const;
export type TicketKind = (typeof ticketKinds)[number];

/** The case that AWS has about an incident. */
export const ticketSchema = z.object({
    schemaVersion: z.literal(1),
    incidentId: z.string(),
    /** @default support-case */
    kind: z.enum(ticketKinds).optional(),
    /** `unavailable`: the account's support plan has no API, or it is no member of AWS Security Incident Response; `off`: not configured. */
    outcome: z.enum(["opened", "already-open", "unavailable", "off"]),
    caseId: z.string().nullable(),
    /** The number that the Support Center has for the case; null where it could not be read. */
    displayId: z.string().nullable().default(null),
    /** Why there is no case. */
    reason: untrustedText(512).nullable(),
});
export type Ticket = z.infer<typeof ticketSchema>;
