/**
 * The stack's configuration: one zod schema, read once, every error named at once.
 *
 * `Pulumi.<stack>.yaml` holds it under `ec2-clean-room-forensics:settings`; the Slack webhook is a secret of its own,
 * `ec2-clean-room-forensics:slackWebhookUrl`.
 */
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { accountIdSchema, ticketKinds } from "../functions/domain/containers";
import { containmentPolicySchema, tagProblems, type ContainmentPolicy } from "../functions/domain/decideContainment";
import { defaultSeconds, longestSeconds, memoryModes, memoryPaths, shortestSeconds } from "../functions/domain/memory";
import { architectures, defaultImageParameter, defaultInstanceType } from "./processor";
import { crossProblems } from "./configChecks";
import { requireDisjoint } from "./otherStacks";
import { findingSources } from "./findingPattern";
import { coverageSchema, distinct, memberSchema, organizationSchema, regionName, roleArn } from "./configMembers";

const imageId = z.string().regex(/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/, "an image id looks like ami-0123456789abcdef0");
const parameterName = z
    .string()
    .regex(
        /^\/[A-Za-z0-9_.\-/]+$/,
        "an SSM parameter name starts with a slash, such as /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    );
const instanceType = z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, "an instance type looks like m6i.large");
/** Image Builder knows no rate(…), and wants a ? for one of the two kinds of day: what is not asked here fails in the middle of a deployment. */
const buildSchedule = z
    .string()
    .regex(
        /^cron\(\S+ \S+ (\? \S+ [^\s?]+|[^\s?]+ \S+ \?) \S+\)$/,
        "a schedule has six fields, and a ? for the day of the month or of the week, such as cron(0 3 ? * sun *)",
    );
/** Lambda gives 4 KB to all variables of a function together; this many characters of it may say who decides. */
const longestPolicy = 1200;

/** Who decides about containment, as functions read it from their environment. */
export function containmentPolicyText({ mode, rules, allowExempt, onApprovalTimeout, brake }: ContainmentPolicy): string {
    return JSON.stringify({ mode, rules, allowExempt, onApprovalTimeout, brake });
}

/** One that starts at its network address: AWS takes others too but stores that address, and each later update would see a difference. */
const ipv4Range = z.cidrv4("an IPv4 range looks like 10.66.0.0/24").refine((range) => {
    const [address = "", width = ""] = range.split("/");
    const start = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
    return Number(width) >= 16 && Number(width) <= 26 && start % 2 ** (32 - Number(width)) === 0;
}, "an IPv4 range of /16 to /26 that starts at its network address, such as 10.66.0.0/24");
const days = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);

export const settingsSchema = z.strictObject({
    /** The account that holds the clean room, the evidence and the workflow. */
    forensics: z.strictObject({
        accountId: accountIdSchema,
        deployRoleArn: roleArn.optional(),
        /**
         * Set the account's defaults in every Region of the stack: no public address works, no snapshot, image or bucket is public, volumes are
         * encrypted, instances take IMDSv2, no serial console. Off where the account has other inhabitants, or where somebody else sets them. @default true
         */
        accountDefaults: z.boolean().default(true),
    }),
    /** Regions that get a clean room each; their order means nothing. */
    regions: z.array(regionName).min(1),
    /**
     * One of `regions`: it holds what an estate has once, such as the StackSet, the image pipeline and an account's responder role.
     * Name it, since with another one all that moves. @default the first of `regions`
     */
    homeRegion: regionName.optional(),
    /** Accounts that are protected, one by one; beside an organisation those that none of its units holds, such as the management account. */
    members: z.array(memberSchema).default([]),
    organization: organizationSchema.optional(),
    coverage: coverageSchema,
    findings: z
        .strictObject({
            /** Findings below it start nothing. GuardDuty: low 1-3.9, medium 4-6.9, high 7-8.9, critical 9-10. @default 4 */
            minimumSeverity: z.number().min(0).max(10).default(4),
            /**
             * `guardduty`: its own events; `securityhub`: findings imported into Security Hub (ASFF and OCSF), and its custom actions, on the same
             * buses. One finding that comes both ways is one incident. @default guardduty
             */
            sources: distinct(z.enum(findingSources)).min(1).default(["guardduty"]),
            /** Let GuardDuty's sample findings start incidents. @default false */
            drill: z.boolean().default(false),
        })
        .prefault({}),
    /** Also `mode`, `rules`, `allowExempt`, `onApprovalTimeout` and `brake`, which say who decides: functions/domain/decideContainment.ts. */
    containment: containmentPolicySchema
        .extend({
            /** Minutes that people have to answer a request for approval, 1 to 1,440. @default 30 */
            approvalTimeoutMinutes: z.number().int().min(1).max(1440).default(30),
            /**
             * `deny-instance` denies the instance's own credentials, stolen ones too, and leaves other instances with the role
             * working; `revoke-role` also denies every session of the role so far; `keep` touches no role. @default deny-instance
             */
            credentials: z.enum(["deny-instance", "revoke-role", "keep"]).default("deny-instance"),
            /**
             * `groups` swaps the security groups of the instance's interfaces; `nacl` also gives their subnets a network ACL that
             * denies everything, which cuts what no group can (through NAT, transit gateway and the like) and everything else
             * that stands in those subnets. @default groups
             */
            network: z.enum(["groups", "nacl"]).default("groups"),
            /**
             * Name, with its path, of a managed policy in each member that is the permissions boundary of the roles whose credentials may be
             * denied: the responder can then write policies of no other role, and what it could write allows no more than the boundary.
             * Credentials of roles without it are told as not denied. @default any role but those in `neverWritten` of
             * functions/aws/containment/permissions.ts
             */
            boundary: z
                .string()
                .regex(
                    /^([\w+=,.@-]+\/)*[\w+=,.@-]{1,128}$/,
                    "the name of a managed policy, such as workload-boundary or teams/workload-boundary",
                )
                .optional(),
        })
        .refine((containment) => containmentPolicyText(containment).length <= longestPolicy, {
            path: ["rules"],
            message: `mode, rules, allowExempt, onApprovalTimeout and brake have at most ${longestPolicy} characters as JSON together; merge rules, or let their finding types end in *`,
        })
        .superRefine((containment, context) => {
            for (const { path, message } of tagProblems(containment)) context.addIssue({ code: "custom", path, message });
        })
        .prefault({}),
    /** What lives only while the instance runs, taken before the last cut: docs/memory.md says what that costs. */
    memory: z
        .strictObject({
            /**
             * `volatile` collects processes, sockets, modules and the like, `full` also an image of the memory; both onto a volume that brings its
             * own tools. @default off
             */
            mode: z.enum(memoryModes).default("off"),
            /**
             * Seconds within which the instance is contained, whatever became of its memory, 60 to 840.
             * @default 90 for volatile, 600 for full
             */
            atMostSeconds: z.number().int().min(shortestSeconds).max(longestSeconds).optional(),
            /**
             * `quarantine` takes memory only where the instance can be cut from everything but the VPC's own endpoints of Systems Manager;
             * `before` also takes it where it cannot, before anything is cut. @default quarantine
             */
            path: z.enum(memoryPaths).default("quarantine"),
        })
        .transform((given) => ({
            ...given,
            atMostSeconds: given.atMostSeconds ?? (given.mode === "full" ? defaultSeconds.full : defaultSeconds.volatile),
        }))
        .prefault({}),
    network: z
        .strictObject({
            /** IPv4 range of each clean room; nothing is ever routed to it. @default 10.66.0.0/24 */
            cidrBlock: ipv4Range.default("10.66.0.0/24"),
            /**
             * `on-demand` makes the interface endpoints while an incident's snapshots are taken, and removes them after the Region's last forensic
             * instance; `standing` keeps them, for $44 a Region and month. Change it while no incident is under way. @default on-demand
             */
            endpoints: z.enum(["on-demand", "standing"]).default("on-demand"),
        })
        .prefault({}),
    forensicInstance: z
        .strictObject({
            /** Processor of image and types; the analysis program is built for it. @default x86_64 */
            architecture: z.enum(architectures).default("x86_64"),
            /** The smallest that is taken; large volumes get a larger size of its family. @default m6i.large, or m7g.large with arm64 */
            type: instanceType.optional(),
            /** SSM parameter that holds the image id. @default Amazon Linux 2023 of the architecture */
            imageParameter: parameterName.optional(),
            /** Type by Region, where the usual one is not offered. */
            types: z.record(regionName, instanceType).default({}),
            /** Image id by Region; goes before the parameter. */
            imageIds: z.record(regionName, imageId).default({}),
        })
        .transform((given) => ({
            ...given,
            type: given.type ?? defaultInstanceType[given.architecture],
            imageParameter: given.imageParameter ?? defaultImageParameter(given.architecture),
        }))
        .prefault({}),
    /** EC2 Image Builder makes the forensic image, tools baked in, and puts its id into `forensicInstance.imageParameter`, then a name of your own. */
    imagePipeline: z
        .strictObject({
            enabled: z.boolean().default(false),
            /** When a new image is built (minute, hour, day, month, day of the week, year; UTC); none is built while nothing in it changed. @default Sundays at 03:00 UTC */
            schedule: buildSchedule.default("cron(0 3 ? * sun *)"),
            /** Subnet of the building instance, with a way to AWS and the package repositories; needed where the pipeline is enabled. */
            subnetId: z
                .string()
                .regex(/^subnet-[0-9a-f]+$/, "a subnet id looks like subnet-0123456789abcdef0")
                .optional(),
            securityGroupIds: z
                .array(z.string().regex(/^sg-[0-9a-f]+$/, "a security group id looks like sg-0123456789abcdef0"))
                .default([]),
        })
        .refine(({ subnetId, securityGroupIds }) => subnetId !== undefined || securityGroupIds.length === 0, {
            path: ["subnetId"],
            message: "security groups belong to a VPC; name a subnet of it too",
        })
        .refine(({ enabled, subnetId }) => !enabled || subnetId !== undefined, {
            path: ["subnetId"],
            message:
                "name the subnet that images are built in: without one Image Builder takes the default VPC, which a forensics account should not have, and every build fails where there is none",
        })
        .prefault({}),
    /** An ordinary VPC with one sacrificial instance in the first listed member and Region, for `npm run drill`. */
    range: z
        .strictObject({
            enabled: z.boolean().default(false),
            /** @default 10.67.0.0/24 */
            cidrBlock: ipv4Range.default("10.67.0.0/24"),
            /** @default t3.micro */
            instanceType: instanceType.default("t3.micro"),
        })
        .prefault({}),
    analysis: z
        .strictObject({
            /** Python on the forensic instance, as its package is named. @default 3.12 */
            pythonVersion: z
                .string()
                .regex(/^3\.(1[2-9]|[2-9][0-9])$/, "3.12 or later, such as 3.12")
                .default("3.12"),
            /**
             * Seconds that an analysis may take at least, 60 to 172,800 (AWS's limit for Run Command). Large volumes get more by
             * themselves (functions/domain/planSize.ts). @default 14400
             */
            timeoutSeconds: z.number().int().min(60).max(172_800).default(14_400),
            /**
             * YARA rules beside the program's own, without a release: S3 objects that whoever deploys may read, each YARA source or a zip of `.yar`
             * files, at most 20. They are fetched, held to their SHA-256, compiled and packed into the analysis archive when the stack is previewed or
             * deployed; one that does not compile ends that, and says where. Five thousand rules more than halve the speed of the content scan. @default none
             */
            ruleBundles: z
                .array(
                    z.strictObject({
                        /** Such as s3://my-rules/2026-11/rules.yar */
                        uri: z.string().regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^\s]{1,1024}$/, "s3://BUCKET/KEY"),
                        /** SHA-256 of the object, hexadecimal, lower case. */
                        sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits in lower case (sha256sum FILE)"),
                    }),
                )
                .max(20)
                .refine((bundles) => new Set(bundles.map((one) => one.sha256)).size === bundles.length, "the same bundle is named twice")
                .default([]),
        })
        .prefault({}),
    evidence: z
        .strictObject({
            /** Days that objects and snapshots stay locked, 1 to 36,500. @default 365 */
            retentionDays: days(1, 36_500).default(365),
            /** `governance` can be lifted by who has the special permission, `compliance` by nobody. @default governance */
            lockMode: z.enum(["governance", "compliance"]).default("governance"),
            /**
             * Role of the forensics account that alone may delete or disable the evidence keys, by its name; it need not exist before somebody
             * has to. @default clean-room-evidence-custodian
             */
            custodianRoleName: z
                .string()
                .regex(/^[A-Za-z0-9+=,.@_-]{1,64}$/, "a role's name has at most 64 letters, digits and +=,.@_-")
                .default("clean-room-evidence-custodian"),
            /**
             * Accounts, besides a member's own, whose KMS keys its volumes may be encrypted under, such as a central key account. In the accounts
             * of an organisation that is named every key of the organisation is taken. @default none
             */
            volumeKeyAccounts: distinct(accountIdSchema).max(10).default([]),
            /**
             * Hash each evidence volume a second time at the end of its analysis, for those who must; else its read-only flag and write counters
             * say that it did not change. It takes one more full read. @default false
             */
            hashTwice: z.boolean().default(false),
            /** Refuse to delete the evidence keys and buckets with the stack, until somebody unprotects them. They stay in AWS even then. @default true */
            protect: z.boolean().default(true),
        })
        .prefault({}),
    report: z
        .strictObject({
            /**
             * Hours, at most 168, that a link in the messages opens the report without signing in, for people who have no console. Whoever has the link
             * reads the report; it ends earlier when AWS ends the session that signed it, mostly after some hours. 0: there is no such link. @default 0
             */
            presignedHours: z.number().int().min(0).max(168).default(0),
            /** Address that the files of this repository can be read under, so that messages link to the runbook's page, such as https://github.com/OWNER/REPOSITORY/blob/main. */
            docsUrl: z
                .url({ protocol: /^https$/ })
                .max(300)
                .optional(),
            /** Links lead through IAM Identity Center, which signs people in to the right account. */
            identityCenter: z
                .strictObject({
                    /** Of the access portal, such as https://d-1234567890.awsapps.com/start. */
                    startUrl: z.url({ protocol: /^https$/ }).max(200),
                    /** Name of the permission set; left out, people choose theirs. */
                    roleName: z
                        .string()
                        .regex(/^[A-Za-z0-9+=,.@_-]{1,32}$/, "a permission set's name has at most 32 letters, digits and +=,.@_-")
                        .optional(),
                })
                .optional(),
        })
        .prefault({}),
    /** CIDR ranges of offices, VPNs and scanners: the report tells them apart from an attacker's addresses. Private ranges are known. */
    ownNetworks: z
        .array(z.union([z.cidrv4(), z.cidrv6()], "a range looks like 198.51.100.0/24 or 2001:db8::/32"))
        .max(100)
        .default([]),
    notifications: z
        .strictObject({
            /** People who get every message by e-mail as well. */
            emails: distinct(z.email()).default([]),
            /** A topic, clean-room-chat, that Amazon Q Developer in chat applications can be pointed at: Slack and Teams without a webhook. */
            chat: z.boolean().default(false),
            /**
             * Buttons under the messages there, to contain or leave alone, release and resume: the function clean-room-actFromChat, which the channel's
             * role may invoke. Whoever may invoke it decides, and the record names the function (docs/channels.md). Needs `chat`. @default false
             */
            chatActions: z.boolean().default(false),
            /** Bring each result to Security Hub of the forensics account, which must be on there in every Region of the stack. @default false */
            securityHub: z.boolean().default(false),
            /** A topic, clean-room-results, that each result goes to as an OCSF Detection Finding, for lakes and other tools. @default false */
            ocsf: z.boolean().default(false),
            /** SecureString parameter of yours with {"url", "secret"} of a webhook that gets every message, signed (docs/channels.md). */
            webhookParameter: parameterName.optional(),
        })
        .prefault({}),
    support: z
        .strictObject({
            /** Open a case with AWS for each incident. @default false */
            enabled: z.boolean().default(false),
            /**
             * `support-case`: with AWS Support, whose plan must be Business or higher; `security-incident-response`: with AWS Security Incident
             * Response, of which the forensics account must be a member. @default support-case
             */
            kind: z.enum(ticketKinds).default("support-case"),
            /** Where the membership of AWS Security Incident Response is: it has its cases in one Region. @default the home Region */
            region: regionName.optional(),
            /** Of a support case. */
            severity: z.enum(["low", "normal", "high", "urgent", "critical"]).default("urgent"),
            /** Of a support case. */
            language: z.enum(["en", "ja", "zh", "ko"]).default("en"),
            /** People who get mail about the case. */
            ccEmails: z.array(z.email()).max(10).default([]),
        })
        .prefault({}),
    operations: z
        .strictObject({
            /**
             * A CloudWatch dashboard in each Region, clean-room-REGION, for who is on call. It has at most 50 metrics: CloudWatch's free tier has three
             * such dashboards an account, each further one is 3 dollars a month. @default false
             */
            dashboard: z.boolean().default(false),
        })
        .prefault({}),
    /** Every day each Region looks whether the response would work, and tells people what has changed. */
    readiness: z
        .strictObject({
            /** `weekly` also sends GuardDuty's own sample finding on Mondays, and looks whether it arrives; it starts no incident. @default off */
            sample: z.enum(["off", "weekly"]).default("off"),
        })
        .prefault({}),
    /** Tags of everything that the stack makes, in the member accounts and at an incident too. At most 600 characters as JSON. @default none */
    tags: z
        .record(z.string(), z.string())
        .superRefine((tags, context) => {
            for (const [key, value] of Object.entries(tags)) {
                const problem = (message: string) => context.addIssue({ code: "custom", path: [key], message });
                if (!/^(?!aws:|clean-room:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu.test(key))
                    problem(
                        "a tag's key has at most 128 letters, digits, spaces and _.:/=+-@, and begins neither with aws: nor with clean-room:",
                    );
                if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value))
                    problem("a tag's value has at most 256 letters, digits, spaces and _.:/=+-@");
            }
        })
        // Each function gets them in its environment.
        .refine((tags) => JSON.stringify(tags).length <= 600, "the tags have at most 600 characters as JSON together")
        .default({}),
    /**
     * Name, with its path, of a managed policy that bounds every role that the stack makes. It must be there in each account, and allow what
     * bootstrap/ lists. @default none
     */
    permissionsBoundary: z
        .string()
        .regex(/^[\w+=,.@/-]{1,128}$/, "the name of a managed policy, such as boundaries/workload")
        .optional(),
    /**
     * Path in IAM of every role and instance profile that the stack makes. Set it before the first deployment: at another path a role is a new
     * one, and its name is taken until the old one is gone. @default /
     */
    rolePath: z
        .string()
        .regex(/^\/([\w+=,.@-]+\/)*$/, "a path begins and ends with a slash, such as /clean-room/")
        // A responder's trust policy names each function's role, and has 2,048 characters.
        .max(32)
        .default("/"),
    /** Days that logs are kept. @default 365 */
    logRetentionDays: z
        .union([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653].map((value) => z.literal(value)))
        .default(365),
});
export type Settings = z.infer<typeof settingsSchema> & { homeRegion: string };

/** Home first and the others by name, so that another order in the file changes no resource. */
const inOrder = (regions: string[], homeRegion: string) =>
    [...regions].sort((left, right) => Number(right === homeRegion) - Number(left === homeRegion) || left.localeCompare(right));

function ordered(settings: z.infer<typeof settingsSchema>): Settings {
    const homeRegion = settings.homeRegion ?? settings.regions[0]!;
    return {
        ...settings,
        homeRegion,
        regions: inOrder(settings.regions, homeRegion),
        members: settings.members.map((member) => ({ ...member, regions: member.regions && inOrder(member.regions, homeRegion) })),
    };
}

/**
 * Checks a configuration value.
 *
 * @throws one error that lists every problem: the key, the value and what is allowed.
 */
export function parseSettings(value: unknown): Settings {
    const result = settingsSchema.safeParse(value);
    const problems = [...(result.error?.issues ?? []), ...crossProblems(value)];
    if (result.success && problems.length === 0) return ordered(result.data);
    const lines = problems.map(({ path, message }) => {
        const given = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
        const key = ["settings", ...path.map(String)].join(".");
        return `  ${key} = ${given === undefined ? "(not set)" : JSON.stringify(given)}: ${message}`;
    });
    throw new Error(
        `The configuration of this stack has ${lines.length} problem${lines.length === 1 ? "" : "s"}:\n${lines.join("\n")}\nMend Pulumi.<stack>.yaml; infra/config.ts describes every key.`,
    );
}

export interface Configuration {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** Null when no webhook is configured. */
    readonly slackWebhookUrl: pulumi.Output<string> | null;
}

/** Reads the stack's configuration. @throws see {@link parseSettings} */
export function readConfiguration(): Configuration {
    const config = new pulumi.Config();
    requireDisjoint(pulumi.getStack(), path.resolve(__dirname, ".."), parseSettings);
    return {
        settings: parseSettings(config.requireObject<unknown>("settings")),
        slackWebhookUrl: config.getSecret("slackWebhookUrl") ?? null,
    };
}
