/** What the configuration comes to: which accounts are protected in which Regions, and how findings get from there to here. */
import type { Settings } from "./config";
import type { Member, Organization } from "./configMembers";

export interface AccountRegion {
    /** Account that everything of it lies in, 12 digits. */
    readonly accountId: string;
    /** Region that everything of it lies in. */
    readonly region: string;
}

/** Regions in which a member is protected. */
export const regionsOf = (settings: Settings, member: Member): string[] => member.regions ?? settings.regions;

/** Every account and Region that is protected, as far as the accounts are listed. */
export function protectedPairs(settings: Settings): AccountRegion[] {
    return settings.members.flatMap(({ accountId, ...member }) =>
        regionsOf(settings, { accountId, ...member }).map((region) => ({ accountId, region })),
    );
}

/**
 * Accounts whose findings start incidents in a Region, as startIncident reads them: ids; `*` is every account of the organisation,
 * which its bus and the responder roles decide about, and `!<id>` one that is not protected in this Region all the same.
 */
export function admittedAccounts(settings: Settings, region: string): string[] {
    const isHere = (member: Member) => regionsOf(settings, member).includes(region);
    if (!settings.organization) return settings.members.filter(isHere).map(({ accountId }) => accountId);
    const left = [
        ...settings.organization.excludeAccounts,
        ...Object.entries(settings.organization.accountRegions).flatMap(([accountId, regions]) =>
            regions.includes(region) ? [] : [accountId],
        ),
        ...settings.members.filter((member) => !isHere(member)).map(({ accountId }) => accountId),
    ];
    return ["*", ...left.map((accountId) => `!${accountId}`)];
}

export type CoverageMode = NonNullable<Settings["coverage"]["mode"]>;

/** How GuardDuty is switched on for an account. @param member left out: for the stack as a whole */
export function coverageMode(settings: Settings, member?: Member): CoverageMode {
    return member?.coverage ?? settings.coverage.mode ?? (settings.organization ? "organization" : "standalone");
}

/** Whether a member's rule brings its findings. Under a delegated administrator they are on its bus already. */
export function forwardsFindings(settings: Settings, member?: Member): boolean {
    return member?.forwardFindings ?? coverageMode(settings, member) !== "organization";
}

/** What a policy asks of a principal so that it is one of the organisation's members. */
export function ofOrganization({ organizationId, organizationalUnitIds }: Organization): Record<string, Record<string, string | string[]>> {
    const everywhere = organizationalUnitIds.some((id) => id.startsWith("r-"));
    return {
        StringEquals: { "aws:PrincipalOrgID": organizationId },
        // A path names the root, the units above and the unit itself, each with a slash at its end.
        ...(everywhere
            ? {}
            : { "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": organizationalUnitIds.map((id) => `${organizationId}/*/${id}/*`) } }),
    };
}
