import type { PolicyResource } from "@pulumi/policy";
import { listOf, objectOf, reveal, UNKNOWN, type Value } from "./values";

/** What a stack's configuration says is to be covered, as the program read it, with its defaults filled in. */
export interface Estate {
    forensicsAccountId: string;
    regions: string[];
    /** Region of what an account has once; the first one, where the program does not say. */
    homeRegion: string;
    hasOrganization: boolean;
    /** Whether the organisation's accounts forward findings by themselves; true where the program does not say. */
    organizationForwards: boolean;
    organizationId?: string;
    /** Accounts of the estate that are neither the forensics account nor a listed member: the management account. */
    otherAccountIds: string[];
    mode: string;
    /** Regions whose detectors are adopted. */
    existingRegions: string[];
    members: { accountId: string; regions: string[]; mode: string; forwards: boolean }[];
}

const COMPONENTS = "ec2-clean-room:";
const ACCOUNTS = "ec2-clean-room:index:Accounts";

/**
 * The estate that the program announces in its first component, whatever it then declares: a pack is not given the stack's configuration.
 *
 * @returns `none` for a stack of another program, `unannounced` where a clean room's program keeps it to itself
 */
export function announcedEstate(stack: readonly PolicyResource[]): Estate | "none" | "unannounced" {
    if (!stack.some((each) => each.type.startsWith(COMPONENTS))) {
        return "none";
    }
    const accounts = stack.find((each) => each.type === ACCOUNTS);
    return readEstate(accounts === undefined ? undefined : reveal(accounts.props).estate) ?? "unannounced";
}

/** An estate out of the component's input or output `estate`; undefined where it says too little. */
export function readEstate(announcement: Value): Estate | undefined {
    const estate = objectOf(announcement);
    const { forensicsAccountId, organizationId } = estate;
    const regions = texts(estate.regions);
    const members = listOf(estate.members)
        .map(objectOf)
        .map((member) => ({
            accountId: text(member.accountId),
            regions: texts(member.regions),
            mode: text(member.mode),
            forwards: member.forwards !== false,
        }));
    if (
        typeof forensicsAccountId !== "string" ||
        regions.length === 0 ||
        estate.members === UNKNOWN ||
        (members.length === 0 && estate.hasOrganization !== true)
    ) {
        return undefined;
    }
    return {
        forensicsAccountId,
        regions,
        homeRegion: text(estate.homeRegion) || regions[0],
        organizationForwards: estate.organizationForwards !== false,
        hasOrganization: estate.hasOrganization === true,
        ...(typeof organizationId === "string" ? { organizationId } : {}),
        otherAccountIds: texts(estate.otherAccountIds),
        mode: text(estate.mode),
        existingRegions: texts(estate.existingRegions),
        members,
    };
}

const text = (value: Value): string => (typeof value === "string" ? value : "");
const texts = (value: Value): string[] => listOf(value).filter((each) => typeof each === "string");
