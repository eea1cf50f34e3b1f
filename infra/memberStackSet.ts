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
        // One resource for all Regions: a StackSet does one operation at a time.
        new aws.cloudformation.StackInstances(
            name,
            {
                stackSetName: set.name,
                callAs,
                deploymentTargets: {
                    organizationalUnitIds: organization.organizationalUnitIds,
                    ...(excluded.length > 0 ? { accounts: excluded, accountFilterType: "DIFFERENCE" } : {}),
                },
                // Without findings to forward, a Region's stack would be empty: the responder role, which is global, belongs to the home Region's.
                regions: forwardsFindings(settings) ? settings.regions : [settings.homeRegion],
                operationPreferences,
                retainStacks: false,
            },
            { ...parent, customTimeouts },
        );
        this.registerOutputs({ stackSetName: set.name });
    }
}
