/** Asks AWS which accounts there are and how GuardDuty and the rules stand in each Region. Reads only. */
import { paginateListStackInstances, type CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { DescribeRuleCommand, type EventBridgeClient } from "@aws-sdk/client-eventbridge";
import {
    DescribeOrganizationConfigurationCommand,
    GetDetectorCommand,
    GetMemberDetectorsCommand,
    ListDetectorsCommand,
    paginateListMembers,
    type GuardDutyClient,
} from "@aws-sdk/client-guardduty";
import {
    paginateListAccountsForParent,
    paginateListOrganizationalUnitsForParent,
    type OrganizationsClient,
} from "@aws-sdk/client-organizations";
import type { Settings } from "../../infra/config";
import { coverageMode, forwardsFindings, regionsOf } from "../../infra/estate";
import { findingsBusName, findingsRuleName, forwardedRuleName, forwardRuleName, memberStackSetName } from "../../infra/names";
import type { DetectorView, PairObservation, Unseen } from "./judge";

/** Clients of an account in a Region, with the operator's credentials or the account's deployment role. */
export interface EstateClients {
    guardDuty(accountId: string, region: string): GuardDutyClient;
    eventBridge(accountId: string, region: string): EventBridgeClient;
    organizations(accountId: string): OrganizationsClient;
    cloudFormation(accountId: string, region: string): CloudFormationClient;
}

const unseen = (error: unknown): Unseen => ({ unseen: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
const seen = <T>(question: Promise<T>): Promise<T | Unseen> => question.catch(unseen);

/** Active accounts below the units, however deep. @throws when a unit cannot be listed: an estate half seen is not seen. */
export async function accountsOfUnits(client: OrganizationsClient, unitIds: readonly string[]): Promise<string[]> {
    const accounts = new Set<string>();
    const open = [...unitIds];
    for (let ParentId = open.pop(); ParentId !== undefined; ParentId = open.pop()) {
        for await (const { Accounts = [] } of paginateListAccountsForParent({ client }, { ParentId })) {
            for (const { Id, Status } of Accounts) if (Id && Status === "ACTIVE") accounts.add(Id);
        }
        for await (const { OrganizationalUnits = [] } of paginateListOrganizationalUnitsForParent({ client }, { ParentId }))
            open.push(...OrganizationalUnits.flatMap(({ Id }) => Id ?? []));
    }
    return [...accounts].sort();
}

async function ownDetectorId(client: GuardDutyClient): Promise<string | null> {
    const { DetectorIds = [] } = await client.send(new ListDetectorsCommand({}));
    return DetectorIds[0] ?? null;
}

const byName = (features: { Name?: string; Status?: string }[] = []): Record<string, string> =>
    Object.fromEntries(features.map(({ Name, Status }) => [Name ?? "", Status ?? "not reported"]));

/** The detector as its own account sees it. */
async function ownDetector(client: GuardDutyClient): Promise<DetectorView | null> {
    const DetectorId = await ownDetectorId(client);
    if (!DetectorId) return null;
    const { Status = "DISABLED", Features } = await client.send(new GetDetectorCommand({ DetectorId }));
    return { status: Status, features: byName(Features) };
}

/** All members' detectors as the delegated administrator sees them; an account that is no member is not in it. */
async function memberDetectors(client: GuardDutyClient): Promise<Map<string, DetectorView>> {
    const DetectorId = await ownDetectorId(client);
    if (!DetectorId) throw new Error("the delegated administrator has no detector there");
    const views = new Map<string, DetectorView>();
    for await (const { Members = [] } of paginateListMembers({ client }, { DetectorId, OnlyAssociated: "false" })) {
        for (const { AccountId, RelationshipStatus = "unknown" } of Members) {
            if (AccountId)
                views.set(AccountId, {
                    status: RelationshipStatus === "Enabled" ? "ENABLED" : `that of a member which is ${RelationshipStatus}`,
                    features: {},
                });
        }
    }
    const enabled = [...views].filter(([, { status }]) => status === "ENABLED").map(([id]) => id);
    // AWS takes 50 accounts at a time.
    for (let start = 0; start < enabled.length; start += 50) {
        const { MemberDataSourceConfigurations = [] } = await client.send(
            new GetMemberDetectorsCommand({ DetectorId, AccountIds: enabled.slice(start, start + 50) }),
        );
        for (const { AccountId, Features } of MemberDataSourceConfigurations)
            if (AccountId) views.get(AccountId)!.features = byName(Features);
    }
    return views;
}

/** For whom the delegated administrator switches GuardDuty on without being asked. */
async function autoEnabled(client: GuardDutyClient): Promise<string> {
    const DetectorId = await ownDetectorId(client);
    if (!DetectorId) throw new Error("the delegated administrator has no detector there");
    return (
        (await client.send(new DescribeOrganizationConfigurationCommand({ DetectorId }))).AutoEnableOrganizationMembers ?? "not reported"
    );
}

/** How the instances of the members' StackSet stand, by `<account>/<Region>`; with the reason where one is not `CURRENT`. */
async function stackInstances(client: CloudFormationClient, CallAs: "SELF" | "DELEGATED_ADMIN"): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for await (const { Summaries = [] } of paginateListStackInstances({ client }, { StackSetName: memberStackSetName, CallAs })) {
        for (const { Account, Region, Status = "unknown", StatusReason } of Summaries) {
            found.set(
                `${Account}/${Region}`,
                Status === "CURRENT" || !StatusReason ? Status : `${Status} (${StatusReason.replaceAll(/\s+/g, " ").slice(0, 200)})`,
            );
        }
    }
    return found;
}

async function ruleState(client: EventBridgeClient, Name: string, EventBusName?: string): Promise<string | null> {
    try {
        return (await client.send(new DescribeRuleCommand({ Name, EventBusName }))).State ?? "unknown";
    } catch (error) {
        if ((error as Error).name === "ResourceNotFoundException") return null;
        throw error;
    }
}

/** Everything about the estate, Region by Region; what cannot be asked is in the answer as such. */
export async function observe(settings: Settings, clients: EstateClients): Promise<PairObservation[]> {
    const forensics = settings.forensics.accountId;
    const listed = new Map(settings.members.map((member) => [member.accountId, member]));
    const ofUnits = settings.organization
        ? await accountsOfUnits(clients.organizations(forensics), settings.organization.organizationalUnitIds)
        : [];
    const administrator = settings.coverage.administrator?.accountId ?? forensics;
    const home = settings.homeRegion;
    const instances = settings.organization
        ? await seen(stackInstances(clients.cloudFormation(forensics, home), settings.organization.stackSetsAs))
        : new Map<string, string>();
    const footprintOf = (accountId: string, region: string): PairObservation["footprint"] =>
        // The stack of the home Region holds the responder role; the others only what forwards findings, where something is forwarded.
        [...new Set(forwardsFindings(settings) ? [region, home] : [home])].map((where) => ({
            region: where,
            status: instances instanceof Map ? (instances.get(`${accountId}/${where}`) ?? null) : instances,
        }));
    // The forensics account is no member: evidence of its own instances would lie beside them.
    const left = [forensics, ...(settings.organization?.excludeAccounts ?? [])];
    const accounts = [...new Set([...listed.keys(), ...ofUnits])].filter((id) => !left.includes(id));

    const pairs = await Promise.all(
        settings.regions.map(async (region) => {
            const regionsOfAccount = (id: string) =>
                listed.has(id) ? regionsOf(settings, listed.get(id)!) : (settings.organization?.accountRegions[id] ?? settings.regions);
            const present = accounts.filter((id) => regionsOfAccount(id).includes(region));
            // The administrator is no member of its own.
            const administered = present.filter(
                (id) => (!listed.has(id) && id !== administrator) || coverageMode(settings, listed.get(id)) === "organization",
            );
            const forwards = (accountId: string) => forwardsFindings(settings, listed.get(accountId));
            const [findingsRule, forwardedRule, autoEnable, members] = await Promise.all([
                seen(ruleState(clients.eventBridge(forensics, region), findingsRuleName)),
                present.some(forwards) ? seen(ruleState(clients.eventBridge(forensics, region), forwardedRuleName, findingsBusName)) : null,
                administered.length > 0 ? seen(autoEnabled(clients.guardDuty(administrator, region))) : null,
                administered.length > 0 ? seen(memberDetectors(clients.guardDuty(administrator, region))) : new Map<string, DetectorView>(),
            ]);
            return Promise.all(
                present.map(async (accountId): Promise<PairObservation> => {
                    const member = listed.get(accountId);
                    // What an account forwards comes on the bus of our own, everything else on the default one.
                    const rules: PairObservation["rules"] = [
                        forwards(accountId)
                            ? { accountId: forensics, name: forwardedRuleName, state: forwardedRule }
                            : { accountId: forensics, name: findingsRuleName, state: findingsRule },
                    ];
                    // In accounts of the units nobody but the StackSet has a role; its own status says how they stand. Listed ones are Pulumi's.
                    const footprint = member ? [] : footprintOf(accountId, region);
                    if (member && forwardsFindings(settings, member))
                        rules.push({
                            accountId,
                            name: forwardRuleName,
                            state: await seen(ruleState(clients.eventBridge(accountId, region), forwardRuleName)),
                        });
                    if (!administered.includes(accountId))
                        return {
                            accountId,
                            region,
                            detector: await seen(ownDetector(clients.guardDuty(accountId, region))),
                            autoEnable: null,
                            rules,
                            footprint,
                        };
                    return {
                        accountId,
                        region,
                        detector: members instanceof Map ? (members.get(accountId) ?? null) : members,
                        autoEnable,
                        rules,
                        footprint,
                    };
                }),
            );
        }),
    );
    return pairs.flat();
}
