/** Which GuardDuty detectors a stack makes, and which it expects to be there. */
import type { Settings } from "./config";
import { coverageMode, regionsOf, type AccountRegion } from "./estate";

export interface DetectorPlan extends AccountRegion {
    /** `adopt`: it is there already, and a deployment stops where it is not. */
    readonly action: "make" | "adopt";
    /** The account is the delegated administrator and switches GuardDuty on for the whole organisation. */
    readonly administers: boolean;
}

/** In coverage mode `organization` one a Region, in the forensics account and the management account that is named; else one for each protected account and Region. */
export function planDetectors(settings: Settings): DetectorPlan[] {
    const action = (mode: string, region: string) =>
        mode === "existing" || settings.coverage.existingRegions.includes(region) ? "adopt" : "make";
    const mode = coverageMode(settings);
    const administers = mode === "organization";
    // With an organisation whose GuardDuty is another team's, the administrator's detectors are all that can be seen from here.
    // Where a third account administers, this one is a member like others.
    const central = administers || (settings.organization && !settings.coverage.administrator) ? settings.regions : [];
    // AWS switches GuardDuty on by itself for every account of the organisation but its management account.
    const management = settings.organization?.management?.accountId;
    const beside = administers && management && management !== settings.forensics.accountId ? settings.regions : [];
    return [
        ...beside.map((region): DetectorPlan => ({
            accountId: management!,
            region,
            action: action(mode, region),
            administers: false,
        })),
        ...central.map((region): DetectorPlan => ({
            accountId: settings.forensics.accountId,
            region,
            action: action(mode, region),
            administers,
        })),
        ...settings.members.flatMap((member) => {
            const memberMode = coverageMode(settings, member);
            if (memberMode === "organization") return [];
            return regionsOf(settings, member).map((region): DetectorPlan => ({
                accountId: member.accountId,
                region,
                action: action(memberMode, region),
                administers: false,
            }));
        }),
    ];
}
