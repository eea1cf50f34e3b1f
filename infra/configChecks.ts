/** What single keys of the configuration cannot say: how accounts, Regions and modes go together. */
import { z } from "zod";
import { architectureProblems } from "./processor";
import { partitionOf } from "./awsRegions";
import type { Problem } from "./configProblem";

/** What is left of a value that may be wrong anywhere: these checks run beside the schema's, so that all errors come at once. */
const text = z.string().catch("");
const texts = z.array(text).catch([]);
const byRegion = z.record(z.string(), z.unknown()).catch({});
const flag = z.boolean().catch(false);
const enabled = z.object({ enabled: z.boolean().catch(false) }).catch({ enabled: false });
const looseSchema = z.object({
    forensics: z.object({ accountId: text, deployRoleArn: text }).catch({ accountId: "", deployRoleArn: "" }),
    regions: texts,
    homeRegion: text,
    members: z
        .array(
            z
                .object({ accountId: text, deployRoleArn: text, regions: texts, isolationVpcs: byRegion })
                .catch({ accountId: "", deployRoleArn: "", regions: [], isolationVpcs: {} }),
        )
        .catch([]),
    organization: z
        .object({
            organizationalUnitIds: texts,
            excludeAccounts: texts,
            accountRegions: z.record(z.string(), texts).catch({}),
            stackSetsAs: text,
            management: z.object({ accountId: text, deployRoleArn: text }).optional().catch(undefined),
        })
        .optional()
        .catch(undefined),
    coverage: z
        .object({
            mode: text,
            existingRegions: texts,
            administrator: z.object({ accountId: text, readRoleArn: text }).optional().catch(undefined),
        })
        .catch({ mode: "", existingRegions: [], administrator: undefined }),
    forensicInstance: z
        .object({ architecture: text, type: text, types: byRegion, imageIds: byRegion, imageParameter: text })
        .catch({ architecture: "", type: "", types: {}, imageIds: {}, imageParameter: "" }),
    imagePipeline: enabled,
    range: enabled,
    support: z.object({ kind: text }).catch({ kind: "" }),
    notifications: z.object({ chat: flag, chatActions: flag }).catch({ chat: false, chatActions: false }),
    findings: z.object({ drill: z.boolean().catch(false) }).catch({ drill: false }),
});

/** @param value the configuration as given. */
export function crossProblems(value: unknown): Problem[] {
    const read = looseSchema.safeParse(value);
    if (!read.success) return [];
    const settings = read.data;
    const problems: Problem[] = [];
    const problem = (path: (string | number)[], message: string) => problems.push({ path, message });

    const repeated = (list: string[]) => list.map((each, index) => each !== "" && list.indexOf(each) !== index);
    const { regions, members, organization } = settings;
    repeated(regions).forEach((again, index) => {
        if (again) problem(["regions", index], `${regions[index]} stands here twice`);
        if (regions[index] !== "" && partitionOf(regions[index]!) !== partitionOf(regions[0]!))
            problem(["regions", index], `${regions[index]} is in another partition than ${regions[0]}; use a stack for each`);
    });
    const configured = (path: (string | number)[], region: string) => {
        if (region !== "" && !regions.includes(region)) problem(path, `the Region is not in regions (${regions.join(", ")})`);
    };

    if (settings.support.kind === "security-incident-response" && partitionOf(regions[0] ?? "") !== "aws")
        problem(["support", "kind"], "AWS Security Incident Response is in the partition aws alone; use support-case");
    if (settings.notifications.chatActions && !settings.notifications.chat)
        problem(["notifications", "chatActions"], "buttons stand under messages in a chat channel; set notifications.chat to true");
    configured(["homeRegion"], settings.homeRegion);
    if (members.length === 0 && !organization)
        problem(["members"], "nobody is protected; list the member accounts, or name an organization");
    const ids = members.map((member) => member.accountId);
    const twice = repeated(ids);
    members.forEach((member, index) => {
        if (member.accountId !== "" && member.accountId === settings.forensics.accountId)
            problem(
                ["members", index, "accountId"],
                `${member.accountId} is the forensics account; evidence must lie in an account of its own`,
            );
        if (twice[index]) problem(["members", index, "accountId"], `${member.accountId} stands here twice`);
        member.regions.forEach((region, at) => configured(["members", index, "regions", at], region));
        Object.keys(member.isolationVpcs).forEach((region) => {
            const path = ["members", index, "isolationVpcs", region];
            configured(path, region);
            if (member.regions.length > 0 && regions.includes(region) && !member.regions.includes(region))
                problem(path, `the account is not protected in this Region (${member.regions.join(", ")})`);
        });
    });
    (organization?.excludeAccounts ?? []).forEach((accountId, index) => {
        const path = ["organization", "excludeAccounts", index];
        if (accountId !== "" && ids.includes(accountId))
            problem(path, `${accountId} stands in members, where it is protected; take it out of one of the two`);
        if (accountId !== "" && accountId === settings.forensics.accountId)
            problem(path, `${accountId} is the forensics account, which is never protected; leave it out`);
    });
    const homeRegion = settings.homeRegion || regions[0];
    Object.entries(organization?.accountRegions ?? {}).forEach(([accountId, own]) => {
        const path = ["organization", "accountRegions", accountId];
        own.forEach((region, at) => configured([...path, at], region));
        if (homeRegion && !own.includes(homeRegion))
            problem(path, `the home Region ${homeRegion} is missing, whose stack holds the account's responder role`);
        if (ids.includes(accountId)) problem(path, `${accountId} stands in members, where its regions say it`);
        if (organization!.excludeAccounts.includes(accountId))
            problem(path, `${accountId} stands in excludeAccounts, so no Region protects it`);
    });
    problems.push(...managementProblems(settings));

    problems.push(
        ...roleProblems([
            { path: ["forensics"], ...settings.forensics },
            ...(organization?.management ? [{ path: ["organization", "management"], ...organization.management }] : []),
            ...members.map((member, index) => ({ path: ["members", index], ...member })),
        ]),
    );

    const { mode, existingRegions } = settings.coverage;
    if (mode === "standalone" && organization)
        problem(
            ["coverage", "mode"],
            "a detector in each member needs a list of members; with an organisation use organization or existing",
        );
    const { administrator } = settings.coverage;
    if (administrator) {
        const path = ["coverage", "administrator"];
        if (mode !== "existing") problem(path, "another account's GuardDuty is there already: set coverage.mode to existing");
        if (administrator.accountId !== "" && administrator.accountId === settings.forensics.accountId)
            problem([...path, "accountId"], "the forensics account is the default; leave the administrator out");
        if (organization?.management)
            problem(path, "organization.management makes the forensics account the administrator; leave one of them out");
        problems.push(
            ...roleProblems([{ path, accountId: administrator.accountId, deployRoleArn: administrator.readRoleArn }]).map((each) => ({
                ...each,
                path: [...path, "readRoleArn"],
            })),
        );
    }
    existingRegions.forEach((region, index) => configured(["coverage", "existingRegions", index], region));
    for (const key of ["types", "imageIds"] as const)
        Object.keys(settings.forensicInstance[key]).forEach((region) => configured(["forensicInstance", key, region], region));

    const { imageParameter } = settings.forensicInstance;
    if (settings.imagePipeline.enabled && (imageParameter === "" || /^\/(aws|ssm)/i.test(imageParameter)))
        problem(
            ["forensicInstance", "imageParameter"],
            "imagePipeline writes the image's id there, so it must be a name of your own that does not begin with aws or ssm, such as /clean-room/forensic-image",
        );
    problems.push(...architectureProblems(settings.forensicInstance));
    if (settings.range.enabled && members.length === 0)
        problem(["range", "enabled"], "the sacrificial instance needs a listed member to lie in");
    if (settings.range.enabled && !settings.findings.drill)
        problem(["findings", "drill"], "a drill sends a sample finding, so samples must start incidents where there is a range");
    return problems;
}

/** The management account: what StackSets ask of it, and who responds in it. */
function managementProblems({ forensics, organization, members }: z.infer<typeof looseSchema>): Problem[] {
    const accountId = organization?.management?.accountId ?? "";
    if (!organization || accountId === "") return [];
    const path = ["organization", "stackSetsAs"];
    const isForensics = accountId === forensics.accountId;
    if (isForensics && organization.stackSetsAs !== "SELF")
        return [
            {
                path,
                message:
                    "the forensics account is the management account, which cannot be a delegated administrator of StackSets; use SELF",
            },
        ];
    if (isForensics) return [];
    if (organization.stackSetsAs === "SELF")
        return [
            {
                path,
                message: `only the management account ${accountId} may use SELF; the forensics account is ${forensics.accountId}, so use DELEGATED_ADMIN`,
            },
        ];
    const root = organization.organizationalUnitIds.findIndex((id) => id.startsWith("r-"));
    if (root < 0 || members.some((member) => member.accountId === accountId)) return [];
    return [
        {
            path: ["organization", "organizationalUnitIds", root],
            message: `the root's StackSet does not reach the management account ${accountId}, which would have findings and no responder role; list it in members too, or name units`,
        },
    ];
}

/** A deployment role must be of its account, and an account that has several parts has one provider and so one role. */
function roleProblems(accounts: { path: (string | number)[]; accountId: string; deployRoleArn: string }[]): Problem[] {
    return accounts.flatMap(({ path, accountId, deployRoleArn }, index): Problem[] => {
        if (!/^\d{12}$/.test(accountId)) return [];
        const at = [...path, "deployRoleArn"];
        const owner = /^arn:[^:]+:iam::(\d{12}):/.exec(deployRoleArn)?.[1];
        if (owner && owner !== accountId) return [{ path: at, message: `the role is of account ${owner}, not of ${accountId}` }];
        const before = accounts.slice(0, index).find((each) => each.accountId === accountId);
        if (!before || before.deployRoleArn === deployRoleArn) return [];
        return [
            {
                path: at,
                message: `the same account is deployed to as ${before.deployRoleArn || "whoever runs Pulumi"} in ${before.path.join(".")}; name one role in both`,
            },
        ];
    });
}
