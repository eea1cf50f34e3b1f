/** Which of an account's target groups the watch asks about at a look: pure. */
import type { StandingContainment } from "./standingContainment";

/** Begins the key of a drift that is a registration; the target group's ARN follows. */
export const registeredKey = "registered:";

/** Target groups that a look asks about besides those that it must, at five a second: ELB answers ten Describe calls a second to the whole account. */
export const mostAsked = 60;

/**
 * The target groups that a look asks about: those that the instance was taken out of, those that a drift names, those that CloudTrail says something
 * was registered in, and some of the others, in turn, so that all are asked about in time: CloudTrail is late, and may not answer.
 *
 * @param turn a number that counts the looks
 * @param named by CloudTrail
 */
export function targetGroupsToAsk(
    standing: StandingContainment,
    arns: readonly string[],
    turn: number,
    named: readonly string[] = [],
): Set<string> {
    const must = new Set([
        ...standing.record.targets.map(({ targetGroupArn }) => targetGroupArn),
        ...standing.drifts.flatMap(({ key }) => (key.startsWith(registeredKey) ? [key.slice(registeredKey.length).split(" ")[0]!] : [])),
    ]);
    const hinted = new Set([...new Set(named)].slice(0, mostAsked));
    const others = arns.filter((each) => !must.has(each)).sort();
    const asked =
        others.length <= mostAsked
            ? others
            : Array.from({ length: mostAsked }, (_, index) => others[(turn * mostAsked + index) % others.length]!);
    return new Set([...arns.filter((each) => must.has(each) || hinted.has(each)), ...asked]);
}
