/** GuardDuty in every protected account and Region: made, auto-enabled by a delegated administrator, or found to be there. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Accounts } from "./accounts";
import type { Settings } from "./config";
import type { AccountRegion } from "./estate";
import { managedByTag } from "./names";
import { planDetectors, type DetectorPlan } from "./planDetectors";
import { inAccountAndRegion } from "./regional";

export interface GuardDutyCoverageArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** Providers of all accounts. */
    readonly accounts: Accounts;
}

type Feature = Settings["coverage"]["features"][number];

/** Parts of a feature that are switched by themselves. The agents of clusters are their owners' business. */
const parts: Record<Feature, string[]> = { EBS_MALWARE_PROTECTION: [], RUNTIME_MONITORING: ["EC2_AGENT_MANAGEMENT"] };
/** AWS answers with every part of a feature, the owners' too, so that each update would take the feature for changed, and replace it. */
const partsAsTheyAre = { ignoreChanges: ["additionalConfigurations"] };

export class GuardDutyCoverage extends pulumi.ComponentResource {
    constructor(name: string, { settings, accounts }: GuardDutyCoverageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:GuardDutyCoverage", name, {}, opts);
        const { features } = settings.coverage;
        const providerOf = ({ accountId }: AccountRegion) => {
            if (accountId === settings.forensics.accountId) return accounts.forensics;
            return accountId === settings.organization?.management?.accountId ? accounts.management! : accounts.member(accountId);
        };
        const plan = planDetectors(settings);
        const adopted = adoptDetectors(
            plan.filter(({ action }) => action === "adopt"),
            (pair) => ({ parent: this, provider: providerOf(pair) }),
        );
        const clear = findInTheWay(
            plan.filter(({ action }) => action === "make"),
            features,
            (pair) => ({ parent: this, provider: providerOf(pair) }),
        );
        // AWS designates the administrator of one Region after another; of 17 calls at once it takes one and refuses the others.
        let designated: pulumi.Resource[] = [];
        for (const detector of plan.filter(({ action, administers }) => action === "make" || administers)) {
            const { accountId, region, action } = detector;
            const made = new RegionCoverage(
                `${name}-${accountId}-${region}`,
                {
                    detector,
                    designatedBefore: designated,
                    features,
                    existingId: action === "adopt" ? adopted.apply((ids) => ids[`${accountId}/${region}`]!) : null,
                    management: accounts.management,
                },
                { parent: this, ...inAccountAndRegion(providerOf(detector), region) },
            );
            if (made.designated) designated = [made.designated];
        }
        this.registerOutputs({ adopted, clear });
    }
}

interface RegionCoverageArgs {
    /** What is done in this account and Region. */
    readonly detector: DetectorPlan;
    /** What GuardDuty watches beside the logs it always reads. */
    readonly features: Feature[];
    /** Detector that is there already; null makes one. */
    readonly existingId: pulumi.Output<string> | null;
    /** Designations that must have been made before this one's. */
    readonly designatedBefore: readonly pulumi.Resource[];
    /** Makes this account the delegated administrator; null where it is that already. */
    readonly management: aws.Provider | null;
}

/** One account and Region. */
class RegionCoverage extends pulumi.ComponentResource {
    /** The designation of the administrator; null where it is made elsewhere. */
    readonly designated: aws.guardduty.OrganizationAdminAccount | null = null;

    constructor(
        name: string,
        { detector: plan, features, existingId, designatedBefore, management }: RegionCoverageArgs,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("ec2-clean-room:index:RegionCoverage", name, {}, opts);
        const parent = { parent: this };
        // A detector whose findings come hourly or later would leave containment that late for every repeated finding.
        const own = existingId
            ? null
            : new aws.guardduty.Detector(name, { enable: true, findingPublishingFrequency: "FIFTEEN_MINUTES" }, parent);
        const detectorId = own?.id ?? existingId!;
        if (own) {
            for (const feature of features) {
                new aws.guardduty.DetectorFeature(
                    `${name}-${feature}`,
                    {
                        detectorId,
                        name: feature,
                        status: "ENABLED",
                        additionalConfigurations: parts[feature].map((part) => ({ name: part, status: "ENABLED" })),
                    },
                    { ...parent, ...partsAsTheyAre },
                );
            }
        }
        if (plan.administers) {
            // Designating an account enables GuardDuty in it, so the detector must be ours before.
            if (management)
                this.designated = new aws.guardduty.OrganizationAdminAccount(
                    name,
                    { adminAccountId: plan.accountId },
                    { ...parent, provider: management, dependsOn: [...(own ? [own] : []), ...designatedBefore] },
                );
            const organization = new aws.guardduty.OrganizationConfiguration(
                name,
                { detectorId, autoEnableOrganizationMembers: "ALL" },
                { ...parent, dependsOn: this.designated ? [this.designated] : [] },
            );
            for (const feature of features) {
                new aws.guardduty.OrganizationConfigurationFeature(
                    `${name}-${feature}`,
                    {
                        detectorId,
                        name: feature,
                        autoEnable: "ALL",
                        additionalConfigurations: parts[feature].map((part) => ({ name: part, autoEnable: "ALL" })),
                    },
                    { ...parent, ...partsAsTheyAre, dependsOn: [organization] },
                );
            }
        }
        this.registerOutputs({ detectorId });
    }
}

/**
 * Looks detectors up. @returns their ids by `<account>/<Region>`.
 *
 * @throws in the output, once, with every account and Region that has no enabled detector.
 */
function adoptDetectors(
    pairs: AccountRegion[],
    optsOf: (pair: AccountRegion) => pulumi.InvokeOptions,
): pulumi.Output<Record<string, string>> {
    const look = async (pair: AccountRegion): Promise<{ key: string; id: string; problem: string | null }> => {
        const key = `${pair.accountId}/${pair.region}`;
        try {
            const { id, status } = await aws.guardduty.getDetector({ region: pair.region }, optsOf(pair));
            return { key, id, problem: status === "ENABLED" ? null : `${key}: the detector ${id} is ${status}` };
        } catch (error) {
            return { key, id: "", problem: `${key}: ${error instanceof Error ? error.message : String(error)}` };
        }
    };
    return pulumi.output(
        Promise.all(pairs.map(look)).then((found) => {
            const problems = found.flatMap(({ problem }) => problem ?? []);
            if (problems.length > 0)
                throw new Error(
                    `${problems.length} of ${pairs.length} accounts and Regions that were said to have GuardDuty have no enabled detector:\n${problems.map((line) => `  ${line}`).join("\n")}\nEnable GuardDuty there, or let this stack do it (coverage.mode, coverage.existingRegions, members[].coverage).`,
                );
            return Object.fromEntries(found.map(({ key, id }) => [key, id]));
        }),
    );
}

/**
 * Looks, before anything is made, for what would stop a deployment half-way: an account has one detector a Region, so another's must be
 * adopted, and AWS's older EKS protection refuses Runtime Monitoring beside it.
 *
 * @throws in the output, once, with every account and Region, and what to do
 */
function findInTheWay(
    pairs: AccountRegion[],
    features: readonly Feature[],
    optsOf: (pair: AccountRegion) => pulumi.InvokeOptions,
): pulumi.Output<boolean> {
    const look = async (pair: AccountRegion): Promise<string[]> => {
        const key = `${pair.accountId}/${pair.region}`;
        let found: aws.guardduty.GetDetectorResult;
        try {
            found = await aws.guardduty.getDetector({ region: pair.region }, optsOf(pair));
        } catch {
            return []; // None there; what else is wrong is said when the detector is made.
        }
        // A stand-in for AWS that does not know the question gives it back.
        if (!found.id) return [];
        const legacy =
            features.includes("RUNTIME_MONITORING") &&
            (found.features ?? []).some(({ name, status }) => name === "EKS_RUNTIME_MONITORING" && status === "ENABLED");
        return [
            ...(found.tags?.[managedByTag] === undefined
                ? [
                      `${key}: there is a detector already (${found.id}); name the Region in coverage.existingRegions, or give the member coverage: existing`,
                  ]
                : []),
            ...(legacy
                ? [
                      `${key}: EKS Runtime Monitoring is on, which Runtime Monitoring replaces and cannot stand beside; switch it off (aws guardduty update-detector --features Name=EKS_RUNTIME_MONITORING,Status=DISABLED), or leave RUNTIME_MONITORING out of coverage.features`,
                  ]
                : []),
        ];
    };
    return pulumi.output(
        Promise.all(pairs.map(look)).then((found) => {
            const problems = found.flat();
            if (problems.length > 0)
                throw new Error(
                    `GuardDuty is there already where this stack would switch it on:\n${problems.map((line) => `  ${line}`).join("\n")}`,
                );
            return true;
        }),
    );
}
