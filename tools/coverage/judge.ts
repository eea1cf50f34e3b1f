/** Whether an account and Region is covered, from what AWS said of it. Pure: reading is in observe.ts. */
import type { AccountRegion } from "../../infra/estate";
import { memberStackSetName } from "../../infra/names";

/** What could not be asked, with AWS's answer: never taken for covered. */
export interface Unseen {
    unseen: string;
}

/** A detector as its own account or the delegated administrator sees it. */
export interface DetectorView {
    /** `ENABLED` or `DISABLED`; of a member also how it stands to its administrator, such as `Removed`. */
    status: string;
    features: Record<string, string>;
}

export interface PairObservation extends AccountRegion {
    /** Null where there is none. */
    detector: DetectorView | null | Unseen;
    /** In an organisation: for whom the delegated administrator switches GuardDuty on by itself, such as `ALL`; null elsewhere. */
    autoEnable: string | null | Unseen;
    /** State of each EventBridge rule on the way of a finding, by the account that has it; null where it is missing. */
    rules: { accountId: string; name: string; state: string | null | Unseen }[];
    /**
     * Of accounts that a StackSet gives the footprint: how its instance stands here and, for the responder role, in the
     * stack's first Region. Null where there is none; `CURRENT` when all is well.
     */
    footprint: { region: string; status: string | null | Unseen }[];
}

export interface PairVerdict extends AccountRegion {
    covered: boolean;
    /** Why not, one sentence each; empty when covered. */
    reasons: string[];
}

const isUnseen = (value: unknown): value is Unseen => typeof value === "object" && value !== null && "unseen" in value;

/** @param features GuardDuty features that the stack wants to be on */
export function judge(
    { accountId, region, detector, autoEnable, rules, footprint }: PairObservation,
    features: readonly string[],
): PairVerdict {
    const reasons: string[] = [];
    if (isUnseen(detector)) reasons.push(`GuardDuty could not be asked: ${detector.unseen}`);
    else if (!detector) reasons.push("GuardDuty has no detector");
    else if (detector.status !== "ENABLED") reasons.push(`the detector is ${detector.status}`);
    else
        for (const feature of features.filter((each) => detector.features[each] !== "ENABLED"))
            reasons.push(`${feature} is ${detector.features[feature] ?? "not reported"}`);
    if (isUnseen(autoEnable)) reasons.push(`the organisation's configuration of GuardDuty could not be asked for: ${autoEnable.unseen}`);
    else if (autoEnable !== null && !["ALL", "NEW"].includes(autoEnable))
        reasons.push(`GuardDuty is not switched on in accounts that join: auto-enable is ${autoEnable}`);
    for (const { accountId: owner, name, state } of rules) {
        if (isUnseen(state)) reasons.push(`the rule ${name} of account ${owner} could not be asked for: ${state.unseen}`);
        else if (state === null) reasons.push(`account ${owner} has no rule ${name}, so no finding arrives`);
        else if (!state.startsWith("ENABLED")) reasons.push(`the rule ${name} of account ${owner} is ${state}, so no finding arrives`);
    }
    for (const { region: where, status } of footprint) {
        const lacks = where === region ? "the instance cannot be contained" : "the responder role, which lies there, cannot be relied on";
        if (isUnseen(status)) reasons.push(`the StackSet ${memberStackSetName} could not be asked: ${status.unseen}`);
        else if (status === null) reasons.push(`the StackSet ${memberStackSetName} has no instance in ${where}, so ${lacks}`);
        else if (status !== "CURRENT")
            reasons.push(`the instance of the StackSet ${memberStackSetName} in ${where} is ${status}, so ${lacks}`);
    }
    return { accountId, region, covered: reasons.length === 0, reasons: [...new Set(reasons)] };
}

/** One line a pair and a sum at the end, the uncovered first. */
export function render(verdicts: readonly PairVerdict[]): string {
    const lines = [...verdicts]
        .sort((left, right) => Number(left.covered) - Number(right.covered))
        .map(
            ({ accountId, region, covered, reasons }) =>
                `${accountId} ${region.padEnd(14)} ${covered ? "covered" : `NOT COVERED: ${reasons.join("; ")}`}`,
        );
    const count = (of: (verdict: PairVerdict) => string) => new Set(verdicts.map(of)).size;
    const gaps = verdicts.filter(({ covered }) => !covered).length;
    return [
        ...lines,
        "",
        `Looked at ${verdicts.length} pairs of account and Region (${count(({ accountId }) => accountId)} accounts, ${count(({ region }) => region)} Regions): ${verdicts.length - gaps} covered, ${gaps} not.`,
    ].join("\n");
}

/** 0 when every pair is covered; 1 when one is not, and when there was none to look at. */
export const exitCode = (verdicts: readonly PairVerdict[]): 0 | 1 =>
    verdicts.length > 0 && verdicts.every(({ covered }) => covered) ? 0 : 1;
