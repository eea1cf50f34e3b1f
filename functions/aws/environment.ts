/**
 * The variables that a deployment sets, and what each holds. Like its permissions, a handler file says beside its code which of
 * them it reads; `infra/` gives it those and no others:
 *
 *     export const variables = needs("EVIDENCE_BUCKET", "LOCK_DAYS");
 */
import { z } from "zod";
import { accountIdSchema, ticketKinds } from "../domain/containers";
import { acquisitionImagesSchema, longestSeconds, memoryModes, memoryPaths } from "../domain/memory";

const text = z.string().min(1);
/** Empty where the deployment has no such thing. */
const textOrNull = z
    .string()
    .optional()
    .transform((value) => value || null);
/** Separated by commas; may be empty. */
const list = z
    .string()
    .default("")
    .transform((value) =>
        value
            .split(",")
            .map((each) => each.trim())
            .filter((each) => each !== ""),
    );
const flag = z
    .enum(["true", "false", ""])
    .default("false")
    .transform((value) => value === "true");
/** What a deployment of readiness cannot find out from AWS: what is meant to be there. */
const readinessPlanSchema = z.object({
    alarmTopicArn: text,
    /** Rules that take findings off a bus, each with an archive of its name; null: the default bus. */
    rules: z.array(z.object({ name: text, bus: text.nullable() })),
    /** The rule by which contained instances are looked at. */
    watchRule: text,
    /** Accounts that forward findings; `*` is every one, `!<id>` one that does not all the same. A long list would not fit a function's environment. */
    forwarders: z.array(text),
    /** What forwards there. */
    forwardingRule: text,
    /** Queue of this account for what could not be forwarded; null where nothing is. */
    forwardDeadLetters: text.nullable(),
    /** The StackSet of an organisation's accounts, and members that are listed beside it. */
    stackSet: z
        .object({
            name: text,
            callAs: z.enum(["SELF", "DELEGATED_ADMIN"]),
            homeRegion: text,
            listedMembers: z.array(accountIdSchema),
        })
        .nullable(),
    /** Addresses that are subscribed to each topic. */
    emails: z.number().int().min(0),
    minimumSeverity: z.number(),
    /** Whether an incident makes the clean room's endpoints. */
    endpointsOnDemand: z.boolean(),
    /** When GuardDuty's sample finding is sent. */
    sample: z.enum(["off", "weekly"]),
});
const wholeNumber = z.coerce.number().int().min(1);

/** What each variable holds, by its name. */
export const variableSchemas = {
    /** `aws` or `aws-us-gov`, as in an ARN. */
    PARTITION: text,
    FORENSICS_ACCOUNT_ID: accountIdSchema,
    /** Account ids that may start incidents here; `*` is every account of the organisation, `!<id>` one that is left out all the same. */
    MEMBER_ACCOUNTS: list,
    RESPONDER_ROLE_NAME: text,
    STATE_MACHINE_ARN: text,
    /** Whether sample findings start incidents. */
    DRILL: flag,
    /** Name of the table. */
    INCIDENTS_TABLE: text,
    /** Name of the function watchContainment. */
    WATCH_FUNCTION: text,
    /** Of the state machine that releases. */
    RELEASE_STATE_MACHINE_ARN: text,
    /** Name of the function answerApproval. */
    ANSWER_FUNCTION: text,
    /** Name of the function sealCustody. */
    SEAL_FUNCTION: text,
    /** JSON of a ContainmentPolicy (functions/domain/decideContainment.ts). */
    CONTAINMENT_POLICY: text,
    CONTAIN_CREDENTIALS: z.enum(["deny-instance", "revoke-role", "keep"]),
    CONTAIN_NETWORK: z.enum(["groups", "nacl"]),
    /** What is taken of an instance's memory before the last cut (functions/domain/memory.ts). */
    MEMORY_MODE: z.enum(memoryModes).default("off"),
    MEMORY_PATH: z.enum(memoryPaths).default("quarantine"),
    /** Seconds within which an instance is contained, whatever became of its memory. */
    MEMORY_SECONDS: wholeNumber.max(longestSeconds),
    /** JSON: the snapshot that an acquisition volume is made of, by the processor of the instance. */
    ACQUISITION_IMAGES: z
        .string()
        .default("{}")
        .transform((text) => JSON.parse(text) as unknown)
        .pipe(acquisitionImagesSchema),
    /** ARN of the command document that acquires, which the member account is given for the time of it; empty where no memory is taken. */
    ACQUISITION_DOCUMENT: z.string(),
    /** SHA-256 that Systems Manager has of its content. */
    ACQUISITION_DOCUMENT_HASH: text,
    /** Name of the bucket. */
    EVIDENCE_BUCKET: text,
    EVIDENCE_KEY_ARN: text,
    /** The key that case manifests are signed under (ECC_NIST_P256). */
    CUSTODY_KEY_ARN: text,
    LOCK_MODE: z.enum(["governance", "compliance"]),
    /** Days that an evidence snapshot stays locked, 1 to 36,500. */
    LOCK_DAYS: wholeNumber.max(36_500),
    DEAD_LETTER_QUEUE_URL: text,
    NOTIFICATION_TOPIC_ARN: textOrNull,
    /** Topic that Amazon Q Developer in chat applications reads; null without it. */
    CHAT_TOPIC_ARN: textOrNull,
    /** Whether the buttons of the chat channel are deployed (functions/domain/chatActions.ts). */
    CHAT_ACTIONS: flag,
    /** Name of the SecureString parameter with URL and secret of the generic webhook; null without one. */
    WEBHOOK_PARAMETER: textOrNull,
    /** Name of the SecureString parameter that holds the webhook's URL; null without Slack. */
    SLACK_WEBHOOK_PARAMETER: textOrNull,
    /** Under which the documents can be read; null where nowhere. */
    DOCS_URL: textOrNull,
    /** JSON of how people are signed in through IAM Identity Center; null: their own way. */
    IDENTITY_CENTER: z
        .string()
        .optional()
        .transform((value) => (value ? (JSON.parse(value) as unknown) : null))
        .pipe(z.object({ startUrl: text, roleName: text.nullable() }).nullable()),
    /** Hours that a link opens the report without signing in; 0: there is none. */
    REPORT_LINK_HOURS: z.coerce.number().int().min(0).max(168).default(0),
    /** Topic that results go to as OCSF events; null without it. */
    RESULTS_TOPIC_ARN: textOrNull,
    /** Whether results go to Security Hub of the forensics account. */
    SECURITY_HUB: flag,
    /** CIDR ranges that are the owner's: never taken for an attacker's. */
    OWN_NETWORKS: list,
    /** Whether a case with AWS is opened for each incident. */
    SUPPORT_ENABLED: flag,
    SUPPORT_KIND: z.enum(ticketKinds).default("support-case"),
    /** Region that AWS Security Incident Response has its cases in. */
    SUPPORT_REGION: text,
    SUPPORT_SEVERITY: text,
    SUPPORT_LANGUAGE: text,
    /** E-mail addresses that AWS Support copies its answers to. */
    SUPPORT_CC: list,
    /** Subnets of the clean room, one a zone. */
    FORENSIC_SUBNET_IDS: list,
    FORENSIC_SECURITY_GROUP_ID: text,
    /** The clean room's VPC. */
    FORENSIC_VPC_ID: text,
    /** Security group of the interface endpoints. */
    ENDPOINT_GROUP_ID: text,
    /** Policy of each interface endpoint, as JSON; the policy pack reads them by these names. */
    ENDPOINT_POLICY_LOGS: text,
    ENDPOINT_POLICY_SSM: text,
    ENDPOINT_POLICY_SSMMESSAGES: text,
    FORENSIC_INSTANCE_PROFILE_ARN: text,
    /** Unique id of the forensic instance's role, such as AROAEXAMPLEID. */
    FORENSIC_ROLE_ID: text,
    /** Such as m6i.large. */
    FORENSIC_INSTANCE_TYPE: text,
    /** An image's id; null: FORENSIC_IMAGE_PARAMETER says which. */
    FORENSIC_IMAGE_ID: textOrNull,
    /** Name of the SSM parameter that holds the image's id. */
    FORENSIC_IMAGE_PARAMETER: text,
    DOCUMENT_NAME: text,
    DOCUMENT_VERSION: text,
    /** Bucket and key of the analysis program, and its SHA-256 in hex. */
    TOOL_BUCKET: text,
    TOOL_KEY: text,
    TOOL_SHA256: text,
    /** As the package is named, such as 3.12. */
    PYTHON_VERSION: text,
    /** Seconds that the analysis may take, 60 to 172,800. */
    ANALYSIS_TIMEOUT_SECONDS: wholeNumber,
    /** Whether the evidence is hashed a second time at the end. */
    HASH_TWICE: flag,
    /** JSON of what checkReadiness looks for. */
    READINESS: z
        .string()
        .transform((text) => JSON.parse(text) as unknown)
        .pipe(readinessPlanSchema),
    /** Log group that Run Command writes to; null: none. */
    COMMAND_LOG_GROUP: textOrNull,
} satisfies Record<string, z.ZodType>;
/** A variable that a deployment sets. */
export type VariableName = keyof typeof variableSchemas;

/** Lambda sets the Region by itself. */
const readable = { ...variableSchemas, AWS_REGION: text };
type ReadableName = keyof typeof readable;

/** The variables a function reads, as it declares them, each once: two parts of it may read the same. A spec holds the list to what its code really reads. */
export const needs = (...names: VariableName[]): readonly VariableName[] => [...new Set(names)];

/** Reads a variable, in its type. @throws when it is missing or holds something else: a deployment error, not an incident's */
export function environment<Name extends ReadableName>(name: Name): z.output<(typeof readable)[Name]> {
    const result = readable[name].safeParse(process.env[name]);
    if (result.success) return result.data as z.output<(typeof readable)[Name]>;
    const given = process.env[name];
    throw new Error(
        given
            ? `The environment variable ${name} of this function holds ${JSON.stringify(given.slice(0, 100))}: ${z.prettifyError(result.error)}. Deploy again with pulumi up.`
            : `The environment variable ${name} of this function is not set. Deploy again with pulumi up.`,
    );
}
