/** The member footprint in all accounts of an organisation's units, those that join later included. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { commonTags } from "./accounts";
import type { Settings } from "./config";
import type { Organization } from "./configMembers";
import { forwardsFindings } from "./estate";
import { memberTemplate } from "./memberTemplate";
import { memberStackSetName } from "./names";

export interface MemberStackSetArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** The organisation and its units. */
    readonly organization: Organization;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** ARNs of the evidence keys, one a Region. */
    readonly evidenceKeyArns: pulumi.Input<string>[];
}

/** Characters that CloudFormation takes as a template's body. */
const longestBody = 51_200;

/** Accounts of the units that get stacks in the same Regions. */
export interface Target {
    /** Behind the name of the resource. */
    readonly suffix: string;
    /** What `filter` is about; none: all accounts of the units. */
    readonly accounts: string[];
    readonly filter: "DIFFERENCE" | "INTERSECTION";
    readonly regions: string[];
}

/**
 * All accounts but those that are excluded or have Regions of their own, and beside them one target for each set of own Regions.
 *
 * @param wanted Regions that get a stack
 */
export function targetsOf(
    accountRegions: Readonly<Record<string, readonly string[]>>,
    excluded: readonly string[],
    wanted: readonly string[],
): Target[] {
    const own = new Map<string, { accounts: string[]; regions: string[] }>();
    for (const [accountId, given] of Object.entries(accountRegions).sort(([left], [right]) => left.localeCompare(right))) {
        const regions = wanted.filter((region) => given.includes(region));
        const key = regions.join("-");
        own.set(key, { regions, accounts: [...(own.get(key)?.accounts ?? []), accountId] });
    }
    const others = [...excluded, ...Object.keys(accountRegions)].sort();
    return [
        {
            suffix: "",
            accounts: Object.keys(accountRegions).length > 0 ? others : [...excluded],
            filter: "DIFFERENCE",
            regions: [...wanted],
        },
        ...[...own].map(([key, { accounts, regions }]): Target => ({ suffix: `-${key}`, accounts, filter: "INTERSECTION", regions })),
    ];
}

/** A service-managed StackSet. Its account is the forensics account, registered for StackSets (or the management account itself). */
export class MemberStackSet extends pulumi.ComponentResource {
    constructor(name: string, args: MemberStackSetArgs, opts: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:MemberStackSet", name, {}, opts);
        const { settings, organization, partition, evidenceKeyArns } = args;
        const parent = { parent: this };
        const callAs = organization.stackSetsAs;
        // On the StackSet too: an update of the template carries its own, and without any AWS goes one account at a time and stops at the first
        // failure. No regionOrders, which the provider does not send: no Region waits for another.
        const operationPreferences = {
            failureTolerancePercentage: organization.failureTolerancePercentage,
            maxConcurrentPercentage: organization.maxConcurrentPercentage,
            regionConcurrencyType: "PARALLEL",
        };
        // Hundreds of accounts take longer than the provider's half hour.
        const customTimeouts = { create: "6h", update: "6h", delete: "6h" };
        const set = new aws.cloudformation.StackSet(
            name,
            {
                name: memberStackSetName,
                description: "EC2 clean room: responder role and event forwarding of member accounts",
                permissionModel: "SERVICE_MANAGED",
                callAs,
                // An account that leaves is not ours any more: nothing of ours may stay there.
                autoDeployment: { enabled: true, retainStacksOnAccountRemoval: false },
                managedExecution: { active: true },
                capabilities: ["CAPABILITY_NAMED_IAM"],
                templateBody: pulumi.all(evidenceKeyArns).apply((keyArns) => {
                    const body = JSON.stringify(memberTemplate({ settings, partition, evidenceKeyArns: keyArns }));
                    if (body.length > longestBody)
                        throw new Error(
                            `The member template has ${body.length} characters and CloudFormation takes ${longestBody}. Use a stack for each group of Regions.`,
                        );
                    return body;
                }),
                operationPreferences,
                // CloudFormation gives them to everything in the stacks that takes any.
                tags: commonTags(settings),
            },
            { ...parent, customTimeouts },
        );
        // Never into the forensics account, also where a unit holds it: a responder role there could unlock the evidence that it made. AWS itself
        // deploys none into the management account.
        const excluded = [...organization.excludeAccounts, ...(callAs === "DELEGATED_ADMIN" ? [settings.forensics.accountId] : [])];
        // Without findings to forward, a Region's stack would be empty: the responder role, which is global, belongs to the home Region's.
        const wanted = forwardsFindings(settings) ? settings.regions : [settings.homeRegion];
        let before: pulumi.Resource[] = [];
        // One resource for all Regions of as many accounts as have the same, one after another: a StackSet does one operation at a time.
        for (const { suffix, accounts, filter, regions } of targetsOf(organization.accountRegions, excluded, wanted))
            before = [
                new aws.cloudformation.StackInstances(
                    `${name}${suffix}`,
                    {
                        stackSetName: set.name,
                        callAs,
                        deploymentTargets: {
                            organizationalUnitIds: organization.organizationalUnitIds,
                            ...(accounts.length > 0 ? { accounts, accountFilterType: filter } : {}),
                        },
                        regions,
                        operationPreferences,
                        retainStacks: false,
                    },
                    { ...parent, customTimeouts, dependsOn: before },
                ),
            ];
        this.registerOutputs({ stackSetName: set.name });
    }
}
