/** Whose instances are protected, and how GuardDuty covers them: the parts of the configuration about accounts and Regions. */
import { z } from "zod";
import { accountIdSchema } from "../functions/domain/containers";
import { regionProblem } from "./awsRegions";

export const roleArn = z
    .string()
    .regex(/^arn:aws(-[a-z]+)*:iam::\d{12}:role\/.+$/, "a role ARN looks like arn:aws:iam::123456789012:role/deploy");

/** A Region that exists; whether an account has it switched on is asked from AWS (see infra/accounts.ts). */
export const regionName = z.string().superRefine((region, context) => {
    const problem = regionProblem(region);
    if (problem) context.addIssue({ code: "custom", message: problem });
});

/** A list in which nothing stands twice: most become resources with the entry in their name, and two of a name end a deployment. */
export const distinct = <T extends string>(entry: z.ZodType<T, string>) =>
    z.array(entry).superRefine((list, context) => {
        list.forEach((each, index) => {
            if (list.indexOf(each) !== index) context.addIssue({ code: "custom", path: [index], message: `${each} stands here twice` });
        });
    });

/** An account whose instances are protected. */
export const memberSchema = z.strictObject({
    accountId: accountIdSchema,
    /** Role that deploys into the account. @default the credentials Pulumi runs with */
    deployRoleArn: roleArn.optional(),
    /** Regions of the stack that protect this account. @default all of them */
    regions: distinct(regionName).min(1).optional(),
    /** VPCs, by Region, that get their isolation group at deployment; in all others it is made when first needed. */
    isolationVpcs: z
        .record(regionName, distinct(z.string().regex(/^vpc-[0-9a-f]+$/, "a VPC id looks like vpc-0123456789abcdef0")))
        .default({}),
    /** Forward the account's GuardDuty events. @default true, but false in coverage mode `organization`, where AWS does it */
    forwardFindings: z.boolean().optional(),
    /** Goes before `coverage.mode` for this account, such as `existing` where its detectors are another team's. */
    coverage: z.enum(["standalone", "existing"]).optional(),
});
export type Member = z.infer<typeof memberSchema>;

/** All accounts of an organisation's units, those that join later included; deployed by a service-managed StackSet. */
export const organizationSchema = z.strictObject({
    organizationId: z.string().regex(/^o-[a-z0-9]{10,32}$/, "an organisation id looks like o-a1b2c3d4e5"),
    /** Units (or the root) whose accounts are members. AWS deploys no StackSet into the management account. */
    organizationalUnitIds: distinct(
        z
            .string()
            .regex(
                /^(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|r-[0-9a-z]{4,32})$/,
                "a unit's id looks like ou-a1b2-c3d4e5f6, the root's like r-a1b2",
            ),
    ).min(1),
    /**
     * Accounts of these units that are not protected: the StackSet leaves them out, and their findings start nothing. GuardDuty stays on in them. One
     * that is moved into a unit later gets the StackSet's stack all the same, as AWS has it. At most 50. @default none
     */
    excludeAccounts: distinct(accountIdSchema).max(50).default([]),
    /**
     * Regions of the stack that protect an account of these units, by its id, such as where a service control policy denies it the others. Each list
     * has the stack's home Region, which holds the account's responder role. @default all Regions for each account
     */
    accountRegions: z.record(accountIdSchema, distinct(regionName).min(1)).default({}),
    /**
     * The management account, to make the forensics account GuardDuty's delegated administrator in each Region.
     *
     * @default designated already, by somebody else
     */
    management: z.strictObject({ accountId: accountIdSchema, deployRoleArn: roleArn.optional() }).optional(),
    /** `DELEGATED_ADMIN`: the forensics account is registered for StackSets; `SELF`: it is the management account. @default DELEGATED_ADMIN */
    stackSetsAs: z.enum(["DELEGATED_ADMIN", "SELF"]).default("DELEGATED_ADMIN"),
    /** Accounts that fail, in percent, before a deployment stops in a Region. @default 10 */
    failureTolerancePercentage: z.number().int().min(0).max(100).default(10),
    /** Accounts deployed to at the same time, in percent. @default 25 */
    maxConcurrentPercentage: z.number().int().min(1).max(100).default(25),
});
export type Organization = z.infer<typeof organizationSchema>;

export const guardDutyFeatures = ["EBS_MALWARE_PROTECTION", "RUNTIME_MONITORING"] as const;

export const coverageSchema = z
    .strictObject({
        /**
         * `organization`: the forensics account is GuardDuty's delegated administrator and switches it on for all accounts, new ones
         * too; `standalone`: a detector in each member; `existing`: detectors are there, and a Region without one stops the deployment.
         *
         * @default organization with an organisation, standalone with members that are listed
         */
        mode: z.enum(["organization", "standalone", "existing"]).optional(),
        /**
         * The account that is GuardDuty's delegated administrator where the forensics account is not, with mode `existing`; `npm run coverage` asks it
         * about the organisation's accounts, as the role, which needs to read GuardDuty alone (bootstrap/guardduty-administrator.json). @default the forensics account
         */
        administrator: z.strictObject({ accountId: accountIdSchema, readRoleArn: roleArn.optional() }).optional(),
        /** Regions in which the detectors this stack would make exist already: they are adopted, that is, looked up and not made. */
        existingRegions: distinct(regionName).default([]),
        /** What GuardDuty watches beside the logs it always reads; runtime monitoring lets it manage its agent on EC2. */
        features: distinct(z.enum(guardDutyFeatures)).default([...guardDutyFeatures]),
    })
    .prefault({});
