/** What the other services of the account say of the instance: its role, its trails, GuardDuty's findings, its inventory. */
import { CloudTrailClient, DescribeTrailsCommand } from "@aws-sdk/client-cloudtrail";
import { GetFindingsCommand, GuardDutyClient, paginateListDetectors, paginateListFindings, type Finding } from "@aws-sdk/client-guardduty";
import {
    GetInstanceProfileCommand,
    GetPolicyCommand,
    GetPolicyVersionCommand,
    GetRoleCommand,
    GetRolePolicyCommand,
    IAMClient,
    paginateListAttachedRolePolicies,
    paginateListRolePolicies,
} from "@aws-sdk/client-iam";
import { ListInventoryEntriesCommand, SSMClient } from "@aws-sdk/client-ssm";
import { errorCode } from "../errors";
import { mapConcurrently } from "../mapConcurrently";
import { allPages, beside, jsonContent, type Moment, type ReadPart } from "./content";

/** IAM gives policy documents URL-encoded. */
function document(encoded: string | undefined): unknown {
    if (encoded === undefined) return null;
    try {
        return JSON.parse(decodeURIComponent(encoded)) as unknown;
    } catch {
        return encoded;
    }
}

async function roleNamed(iam: IAMClient, RoleName: string, missing: string[]) {
    const of = (what: string) => `${what} of the role ${RoleName}`;
    const [role, inlineNames, attached] = await Promise.all([
        beside(missing, of("trust policy and settings"), async () => (await iam.send(new GetRoleCommand({ RoleName }))).Role ?? null, null),
        beside(
            missing,
            of("inline policies"),
            () => allPages(paginateListRolePolicies({ client: iam }, { RoleName }), (page) => page.PolicyNames),
            [],
        ),
        beside(
            missing,
            of("attached policies"),
            () => allPages(paginateListAttachedRolePolicies({ client: iam }, { RoleName }), (page) => page.AttachedPolicies),
            [],
        ),
    ]);
    const inline = await mapConcurrently(inlineNames, 4, (PolicyName) =>
        beside(
            missing,
            of(`inline policy ${PolicyName}`),
            async () => {
                const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
                return { PolicyName, PolicyDocument: document(PolicyDocument) };
            },
            { PolicyName, PolicyDocument: null },
        ),
    );
    const policies = await mapConcurrently(attached, 4, ({ PolicyName, PolicyArn }) =>
        beside(
            missing,
            of(`attached policy ${PolicyArn}`),
            async () => {
                const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
                const VersionId = Policy?.DefaultVersionId;
                const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
                return { PolicyName, PolicyArn, VersionId, Document: document(PolicyVersion?.Document) };
            },
            { PolicyName, PolicyArn, VersionId: undefined, Document: null },
        ),
    );
    return {
        role: role && { ...role, AssumeRolePolicyDocument: document(role.AssumeRolePolicyDocument) },
        inlinePolicies: inline,
        attachedPolicies: policies,
    };
}

/** The instance profile, its role, and every policy of that role as it is now: what the intruder could do with the instance's credentials. */
const role: ReadPart = async ({ victim, around: { profileArn } }) => {
    if (profileArn === null) return null;
    const iam = victim.client(IAMClient);
    const InstanceProfileName = profileArn.slice(profileArn.lastIndexOf("/") + 1);
    const { InstanceProfile } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
    const missing: string[] = [];
    const roles = await Promise.all((InstanceProfile?.Roles ?? []).map(({ RoleName }) => roleNamed(iam, RoleName!, missing)));
    return jsonContent({ instanceProfile: { ...InstanceProfile, Roles: undefined }, roles }, missing);
};

/** Where CloudTrail's log files go, for what the event history does not hold: data events, and more than 90 days. */
const trails: ReadPart = async ({ victim }) => {
    const { trailList } = await victim.client(CloudTrailClient).send(new DescribeTrailsCommand({}));
    return (trailList ?? []).length === 0 ? null : jsonContent(trailList);
};

/** Findings that are asked for at once: GetFindings takes 50. */
const findingsAtOnce = 50;
/** Findings that are read at most, the newest first. */
const mostFindings = 500;

const guardDutyFindings: ReadPart = async ({ victim }) => {
    const guardDuty = victim.client(GuardDutyClient);
    const detectors = await allPages(paginateListDetectors({ client: guardDuty }, {}), (page) => page.DetectorIds);
    if (detectors.length === 0) return null;
    const missing: string[] = [];
    const found: Finding[] = [];
    for (const DetectorId of detectors) {
        const ids = await allPages(
            paginateListFindings(
                { client: guardDuty },
                {
                    DetectorId,
                    FindingCriteria: { Criterion: { "resource.instanceDetails.instanceId": { Equals: [victim.ref.instanceId] } } },
                    SortCriteria: { AttributeName: "updatedAt", OrderBy: "DESC" },
                },
            ),
            (page) => page.FindingIds,
        );
        if (ids.length > mostFindings)
            missing.push(`${ids.length - mostFindings} older findings on the instance: the newest ${mostFindings} are here`);
        for (let from = 0; from < Math.min(ids.length, mostFindings); from += findingsAtOnce) {
            const FindingIds = ids.slice(from, from + findingsAtOnce);
            const { Findings } = await guardDuty.send(new GetFindingsCommand({ DetectorId, FindingIds }));
            found.push(...(Findings ?? []));
        }
    }
    return found.length === 0 ? null : jsonContent(found, missing);
};

/** Inventory that Systems Manager collects where it is set up. */
const inventoryTypes = [
    "AWS:InstanceInformation",
    "AWS:InstanceDetailedInformation",
    "AWS:Application",
    "AWS:AWSComponent",
    "AWS:Network",
    "AWS:Service",
    "AWS:WindowsUpdate",
    "AWS:WindowsRole",
];
/** Pages of 50 entries that are read of one type. */
const mostInventoryPages = 60;

async function inventoryOf({ victim, deadline }: Moment, TypeName: string, missing: string[]) {
    const ssm = victim.client(SSMClient);
    const entries: Record<string, string>[] = [];
    let capturedAt: string | undefined;
    let NextToken: string | undefined;
    for (let page = 0; ; page++) {
        if (page >= mostInventoryPages || Date.now() > deadline) {
            missing.push(`entries of ${TypeName} beyond the first ${entries.length}`);
            break;
        }
        const answer = await ssm.send(
            new ListInventoryEntriesCommand({ InstanceId: victim.ref.instanceId, TypeName, NextToken, MaxResults: 50 }),
        );
        entries.push(...(answer.Entries ?? []));
        capturedAt ??= answer.CaptureTime;
        NextToken = answer.NextToken;
        if (NextToken === undefined) break;
    }
    return { TypeName, CaptureTime: capturedAt, Entries: entries };
}

/** One that Systems Manager does not manage has no inventory. */
const unmanaged = "InvalidInstanceId";

const ssmInventory: ReadPart = async (moment) => {
    const missing: string[] = [];
    try {
        await inventoryOf(moment, inventoryTypes[0]!, []);
    } catch (error) {
        if (errorCode(error) === unmanaged) return null;
        throw error;
    }
    const found = await mapConcurrently(inventoryTypes, 2, (type) => beside(missing, type, () => inventoryOf(moment, type, missing), null));
    const held = found.filter((each) => each !== null && each.Entries.length > 0);
    return held.length === 0 && missing.length === 0 ? null : jsonContent(held, missing);
};

export const accountParts = {
    role,
    trails,
    "guardduty-findings": guardDutyFindings,
    "ssm-inventory": ssmInventory,
} satisfies Record<string, ReadPart>;
