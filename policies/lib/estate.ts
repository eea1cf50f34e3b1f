import * as pulumi from "@pulumi/pulumi";

type Mode = "organization" | "standalone" | "existing";

/** What the stack's configuration says is to be covered, with its defaults filled in. */
export interface Estate {
    forensicsAccountId: string;
    regions: string[];
    hasOrganization: boolean;
    mode: Mode;
    /** Regions whose detectors are adopted. */
    existingRegions: string[];
    members: { accountId: string; regions: string[]; mode: Mode; forwards: boolean }[];
}

/** The part of `ec2-clean-room-forensics:settings` that is about accounts and Regions; `infra/config.ts` of the program checks its values. */
interface Settings {
    forensics: { accountId: string };
    regions: string[];
    organization?: object;
    members?: { accountId: string; regions?: string[]; coverage?: Mode; forwardFindings?: boolean }[];
    coverage?: { mode?: Mode; existingRegions?: string[] };
}

/** @returns `none` for a stack of another program, `unreadable` where no configuration came through at all */
export function stackConfiguration(): Estate | "none" | "unreadable" {
    const all = pulumi.runtime.allConfig();
    const text = all["ec2-clean-room-forensics:settings"];
    if (text === undefined) {
        return Object.keys(all).length === 0 ? "unreadable" : "none";
    }
    const { forensics, regions, organization, members = [], coverage = {} } = JSON.parse(text) as Settings;
    const mode = coverage.mode ?? (organization ? "organization" : "standalone");
    return {
        forensicsAccountId: forensics.accountId,
        regions,
        hasOrganization: organization !== undefined,
        mode,
        existingRegions: coverage.existingRegions ?? [],
        members: members.map((member) => {
            const own = member.coverage ?? mode;
            return { accountId: member.accountId, regions: member.regions ?? regions, mode: own, forwards: member.forwardFindings ?? own !== "organization" };
        }),
    };
}
