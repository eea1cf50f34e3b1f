/** Whether an account and Region is covered, from what AWS said of it. Pure: reading is in observe.ts. */
import type { AccountRegion } from "../../infra/estate";

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
    /** State of each EventBridge rule on the way of a finding, by the account that has it; null where it is missing. */
    rules: { accountId: string; name: string; state: string | null | Unseen }[];
}

export interface PairVerdict extends AccountRegion {
    covered: boolean;
    /** Why not, one sentence each; empty when covered. */
    reasons: string[];
}

const isUnseen = (value: unknown): value is Unseen => typeof value === "object" && value !== null && "unseen" in value;

/** @param features GuardDuty features that the stack wants to be on */
export function judge({ accountId, region, detector, rules }: PairObservation, features: readonly string[]): PairVerdict {
    const reasons: string[] = [];
    if (isUnseen(detector)) reasons.push(`GuardDuty could not be asked: ${detector.unseen}`);
    else if (!detector) reasons.push("GuardDuty has no detector");
    else if (detector.status !== "ENABLED") reasons.push(`the detector is ${detector.status}`);
    else for (const feature of features.filter((each) => detector.features[each] !== "ENABLED")) reasons.push(`${feature} is ${detector.features[feature] ?? "not reported"}`);
    for (const { accountId: owner, name, state } of rules) {
        if (isUnseen(state)) reasons.push(`the rule ${name} of account ${owner} could not be asked for: ${state.unseen}`);
        else if (state === null) reasons.push(`account ${owner} has no rule ${name}, so no finding arrives`);
        else if (!state.startsWith("ENABLED")) reasons.push(`the rule ${name} of account ${owner} is ${state}, so no finding arrives`);
    }
    return { accountId, region, covered: reasons.length === 0, reasons };
}

/** One line a pair and a sum at the end, the uncovered first. */
export function render(verdicts: readonly PairVerdict[]): string {
    const lines = [...verdicts].sort((left, right) => Number(left.covered) - Number(right.covered)).map(({ accountId, region, covered, reasons }) => `${accountId} ${region.padEnd(14)} ${covered ? "covered" : `NOT COVERED: ${reasons.join("; ")}`}`);
    const count = (of: (verdict: PairVerdict) => string) => new Set(verdicts.map(of)).size;
    const gaps = verdicts.filter(({ covered }) => !covered).length;
    return [...lines, "", `Looked at ${verdicts.length} pairs of account and Region (${count(({ accountId }) => accountId)} accounts, ${count(({ region }) => region)} Regions): ${verdicts.length - gaps} covered, ${gaps} not.`].join("\n");
}

/** 0 when every pair is covered; 1 when one is not, and when there was none to look at. */
export const exitCode = (verdicts: readonly PairVerdict[]): 0 | 1 => verdicts.length > 0 && verdicts.every(({ covered }) => covered) ? 0 : 1;
