/** One AWS provider an account, tied to that account: credentials for another one stop the run at the first call. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { needsOptIn } from "./awsRegions";
import type { Settings } from "./config";
import { coverageMode, forwardsFindings, regionsOf } from "./estate";
import { managedByTag } from "./names";

export interface AccountsArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
}

/** The variable by which a preview takes roles that may only read, such as for a pull request, whose code must never meet deployment rights. */
export const previewRoleVariable = "CLEAN_ROOM_PREVIEW_ROLE_NAME";

/**
 * The role of an account that the run works as.
 *
 * @param roleArn the one that deploys
 * @param previewRoleName name of a role of the same account that stands in its place
 * @throws where an update is run with a preview's role, which would end half-way
 */
export function workingRole(roleArn: string | undefined, previewRoleName: string | undefined, isPreview: boolean): string | undefined {
    if (!previewRoleName || !roleArn) return roleArn;
    if (!isPreview)
        throw new Error(
            `${previewRoleVariable} is set, which is for previews: its roles may only read. Unset it, and run the update again.`,
        );
    return roleArn.replace(/:role\/.*$/, `:role/${previewRoleName}`);
}

function assumed(deployRoleArn: string | undefined) {
    const roleArn = workingRole(deployRoleArn, process.env[previewRoleVariable], pulumi.runtime.isDryRun());
    return roleArn ? [{ roleArn, sessionName: "ec2-clean-room-forensics" }] : undefined;
}

/** Tags of everything that a stack makes. */
export const commonTags = ({ tags }: Pick<Settings, "tags">): Record<string, string> => ({ ...tags, [managedByTag]: "pulumi" });

/** Providers of all accounts. A provider waits until its account is known to have every Region of the stack switched on. */
export class Accounts extends pulumi.ComponentResource {
    /** Provider of the forensics account. */
    readonly forensics: aws.Provider;
    /** Provider of the organisation's management account; null where it is not configured. */
    readonly management: aws.Provider | null;
    private readonly providers = new Map<string, aws.Provider>();
    private readonly settings: Settings;

    constructor(name: string, { settings }: AccountsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Accounts", name, { estate: announcement(settings) }, opts);
        this.settings = settings;
        const provider = (accountId: string, roleArn: string | undefined, regions: string[]) => {
            const make = (suffix: string, region: pulumi.Input<string>) =>
                new aws.Provider(
                    `account-${accountId}${suffix}`,
                    {
                        region: region as pulumi.Input<aws.Region>,
                        allowedAccountIds: [accountId],
                        assumeRoles: assumed(roleArn),
                        defaultTags: { tags: commonTags(settings) },
                    },
                    { parent: this },
                );
            const optIn = regions.filter(needsOptIn);
            if (optIn.length === 0) return make("", regions[0]!);
            // Asked in a Region that is always on, and before the account's own provider stands: nothing is made when one is off.
            const asking = make("-regions", regions.find((region) => !needsOptIn(region)) ?? "us-east-1");
            return make(
                "",
                aws.getRegionsOutput({}, { parent: this, provider: asking }).apply(({ names }) => {
                    requireSwitchedOn(accountId, optIn, names);
                    return regions[0]!;
                }),
            );
        };
        const { forensics, organization, members } = settings;
        // One account may have two parts: the management account can be a listed member too.
        const once = (accountId: string, roleArn: string | undefined, regions: string[]) => {
            if (!this.providers.has(accountId)) this.providers.set(accountId, provider(accountId, roleArn, regions));
            return this.providers.get(accountId)!;
        };
        this.forensics = once(forensics.accountId, forensics.deployRoleArn, settings.regions);
        this.management = organization?.management
            ? once(organization.management.accountId, organization.management.deployRoleArn, settings.regions)
            : null;
        for (const member of members) once(member.accountId, member.deployRoleArn, regionsOf(settings, member));
        this.registerOutputs({ estate: announcement(settings) });
    }

    /**
     * Provider of the forensics account whose own Region this is, for the few questions to AWS that take no Region: nothing is
     * made by it.
     */
    lookingIn(region: string): aws.Provider {
        const { forensics, homeRegion } = this.settings;
        if (region === homeRegion) return this.forensics;
        return new aws.Provider(
            `account-${forensics.accountId}-${region}`,
            {
                // Known once the account's Regions are: nothing is asked in one that is off.
                region: this.forensics.region.apply(() => region as aws.Region),
                allowedAccountIds: [forensics.accountId],
                assumeRoles: assumed(forensics.deployRoleArn),
            },
            { parent: this },
        );
    }

    /** Provider of a member account. @throws when the account is not configured. */
    member(accountId: string): aws.Provider {
        const provider = this.providers.get(accountId);
        if (!provider) throw new Error(`The account ${accountId} is not in settings.members; its provider was asked for all the same.`);
        return provider;
    }
}

/**
 * What policies/lib/estate.ts reads: a policy pack is not given the stack's configuration. It is an input, so that a policy knows it before the first
 * resource of AWS is judged, and an output, so that it is there when the whole stack is.
 */
function announcement(settings: Settings): object {
    const { forensics, organization, members, regions, homeRegion, coverage, evidence } = settings;
    return {
        forensicsAccountId: forensics.accountId,
        regions,
        homeRegion,
        organizationForwards: forwardsFindings(settings),
        hasOrganization: organization !== undefined,
        ...(organization ? { organizationId: organization.organizationId } : {}),
        otherAccountIds: organization?.management ? [organization.management.accountId] : [],
        mode: coverageMode(settings),
        existingRegions: coverage.existingRegions,
        evidence: { lockMode: evidence.lockMode, retentionDays: evidence.retentionDays },
        members: members.map((member) => ({
            accountId: member.accountId,
            regions: regionsOf(settings, member),
            mode: coverageMode(settings, member),
            forwards: forwardsFindings(settings, member),
        })),
    };
}

/** @throws with every Region that is off. */
export function requireSwitchedOn(accountId: string, wanted: string[], switchedOn: string[] | undefined): void {
    const off = wanted.filter((region) => !(switchedOn ?? []).includes(region));
    if (off.length > 0)
        throw new Error(
            `These Regions are not switched on in account ${accountId}: ${off.join(", ")}. Opt in to them there (Account settings, AWS Regions), or take them out of regions.`,
        );
}
