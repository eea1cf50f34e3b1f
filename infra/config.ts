/**
 * The stack's configuration: one zod schema, read once, every error named at once.
 *
 * `Pulumi.<stack>.yaml` holds it under `ec2-clean-room-forensics:settings`; the Slack webhook is a secret of its own,
 * `ec2-clean-room-forensics:slackWebhookUrl`.
 */
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { accountIdSchema, regionSchema } from "../functions/domain/containers";

const roleArn = z.string().regex(/^arn:aws(-[a-z]+)*:iam::\d{12}:role\/.+$/, "a role ARN looks like arn:aws:iam::123456789012:role/deploy");
const imageId = z.string().regex(/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/, "an image id looks like ami-0123456789abcdef0");
const parameterName = z.string().regex(/^\/[A-Za-z0-9_.\-/]+$/, "an SSM parameter name starts with a slash, such as /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64");
const days = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);

/** An account whose instances are protected. */
const memberSchema = z.strictObject({
    accountId: accountIdSchema,
    /** Role that deploys into the account. @default the credentials Pulumi runs with */
    deployRoleArn: roleArn.optional(),
    /** VPCs, by Region, that get their isolation group at deployment; in all others it is made when first needed. */
    isolationVpcs: z.record(regionSchema, z.array(z.string().regex(/^vpc-[0-9a-f]+$/, "a VPC id looks like vpc-0123456789abcdef0"))).default({}),
    /** Forward the account's GuardDuty events. Off where the forensics account is the delegated administrator. @default true */
    forwardFindings: z.boolean().default(true),
});

export const settingsSchema = z.strictObject({
    /** The account that holds the clean room, the evidence and the workflow. */
    forensics: z.strictObject({
        accountId: accountIdSchema,
        deployRoleArn: roleArn.optional(),
    }),
    /** Regions that get a clean room each. */
    regions: z.array(regionSchema).min(1),
    members: z.array(memberSchema).min(1),
    findings: z.strictObject({
        /** Findings below it start nothing. GuardDuty: low 1-3.9, medium 4-6.9, high 7-8.9, critical 9-10. @default 4 */
        minimumSeverity: z.number().min(0).max(10).default(4),
        /** Let GuardDuty's sample findings start incidents. @default false */
        drill: z.boolean().default(false),
    }).prefault({}),
    containment: z.strictObject({
        /**
         * `deny-instance` denies the instance's own credentials, stolen ones too, and leaves other instances with the role
         * working; `revoke-role` also denies every session of the role so far; `keep` touches no role. @default deny-instance
         */
        credentials: z.enum(["deny-instance", "revoke-role", "keep"]).default("deny-instance"),
    }).prefault({}),
    network: z.strictObject({
        /** IPv4 range of each clean room; nothing is ever routed to it. @default 10.66.0.0/24 */
        cidrBlock: z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/(1[6-9]|2[0-6])$/, "an IPv4 range of /16 to /26, such as 10.66.0.0/24").default("10.66.0.0/24"),
    }).prefault({}),
    forensicInstance: z.strictObject({
        /** @default m6i.large */
        type: z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, "an instance type looks like m6i.large").default("m6i.large"),
        /** SSM parameter that holds the image id. @default Amazon Linux 2023, x86_64 */
        imageParameter: parameterName.default("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
        /** Image id by Region; goes before the parameter. */
        imageIds: z.record(regionSchema, imageId).default({}),
        architecture: z.enum(["x86_64", "arm64"]).default("x86_64"),
    }).prefault({}),
    analysis: z.strictObject({
        /** Python on the forensic instance, as its package is named. @default 3.12 */
        pythonVersion: z.string().regex(/^3\.(1[2-9]|[2-9][0-9])$/, "3.12 or later, such as 3.12").default("3.12"),
        /** Seconds the analysis may take; 3,600 to 172,800 (AWS's limit for Run Command). @default 14400 */
        timeoutSeconds: z.number().int().min(60).max(172_800).default(14_400),
    }).prefault({}),
    evidence: z.strictObject({
        /** Days that objects and snapshots stay locked, 1 to 36,500. @default 365 */
        retentionDays: days(1, 36_500).default(365),
        /** `governance` can be lifted by who has the special permission, `compliance` by nobody. @default governance */
        lockMode: z.enum(["governance", "compliance"]).default("governance"),
    }).prefault({}),
    notifications: z.strictObject({
        /** People who get every message by e-mail as well. */
        emails: z.array(z.email()).default([]),
    }).prefault({}),
    support: z.strictObject({
        /** Open an AWS Support case for each incident; needs a Business plan or higher. @default false */
        enabled: z.boolean().default(false),
        severity: z.enum(["low", "normal", "high", "urgent", "critical"]).default("urgent"),
        language: z.enum(["en", "ja", "zh", "ko"]).default("en"),
        ccEmails: z.array(z.email()).max(10).default([]),
    }).prefault({}),
    /** Days that logs are kept. @default 365 */
    logRetentionDays: z.union([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653].map((value) => z.literal(value))).default(365),
}).superRefine((settings, context) => {
    const issue = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
    const ids = settings.members.map((member) => member.accountId);
    ids.forEach((id, index) => {
        if (id === settings.forensics.accountId) issue(["members", index, "accountId"], `${id} is the forensics account; evidence must lie in an account of its own`);
        if (ids.indexOf(id) !== index) issue(["members", index, "accountId"], `${id} stands here twice`);
    });
    settings.regions.forEach((region, index) => {
        if (settings.regions.indexOf(region) !== index) issue(["regions", index], `${region} stands here twice`);
        if (partitionOf(region) !== partitionOf(settings.regions[0]!)) issue(["regions", index], `${region} is in another partition than ${settings.regions[0]}; use a stack for each`);
    });
    settings.members.forEach((member, index) => Object.keys(member.isolationVpcs).forEach((region) => {
        if (!settings.regions.includes(region)) issue(["members", index, "isolationVpcs", region], `the Region is not in regions (${settings.regions.join(", ")})`);
    }));
});
export type Settings = z.infer<typeof settingsSchema>;
export type Member = z.infer<typeof memberSchema>;

/** AWS partition of a Region. */
export function partitionOf(region: string): string {
    if (region.startsWith("cn-")) return "aws-cn";
    return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/**
 * Checks a configuration value.
 *
 * @throws one error that lists every problem: the key, the value and what is allowed.
 */
export function parseSettings(value: unknown): Settings {
    const result = settingsSchema.safeParse(value);
    if (result.success) return result.data;
    const lines = result.error.issues.map((issue) => {
        const given = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
        const key = ["settings", ...issue.path.map(String)].join(".");
        return `  ${key} = ${given === undefined ? "(not set)" : JSON.stringify(given)}: ${issue.message}`;
    });
    throw new Error(`The configuration of this stack has ${lines.length} problem${lines.length === 1 ? "" : "s"}:\n${lines.join("\n")}\nMend Pulumi.<stack>.yaml; infra/config.ts describes every key.`);
}

export interface Configuration {
    settings: Settings;
    /** Null when no webhook is configured. */
    slackWebhookUrl: pulumi.Output<string> | null;
}

/** Reads the stack's configuration. @throws see {@link parseSettings} */
export function readConfiguration(): Configuration {
    const config = new pulumi.Config();
    return { settings: parseSettings(config.requireObject<unknown>("settings")), slackWebhookUrl: config.getSecret("slackWebhookUrl") ?? null };
}
