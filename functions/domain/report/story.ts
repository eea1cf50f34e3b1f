/**
 * The attack as a story: what is grave, in episodes of time, each by ATT&CK tactic in the order of an attack. A pure planner. Times on a
 * disk can be forged, so that an episode is a reading of the facts and not a proof.
 */
import { severities } from "../analysisOutputs";
import { isGrave, type Fact } from "./facts";
import { tactics, type Tactic } from "./tactics";

export interface Phase {
    tactic: Tactic;
    /** The gravest first. */
    facts: Fact[];
}

export interface Episode {
    /** ISO 8601; null for facts without a time. */
    from: string | null;
    to: string | null;
    /** In the order of an attack. */
    phases: Phase[];
    facts: number;
    /** It holds most of what is grave. */
    main: boolean;
}

/** Hours of silence that end an episode. */
const silenceHours = 12;

function phasesOf(facts: readonly Fact[]): Phase[] {
    return tactics
        .map((tactic) => ({ tactic, facts: facts.filter((fact) => fact.tactic === tactic) }))
        .filter((phase) => phase.facts.length > 0);
}

/** Heavier when graver: one critical outweighs any number of mediums that an old image brought along. */
const weight = (facts: readonly Fact[]): number =>
    facts.reduce((sum, { severity }) => sum + [100, 10, 1, 0, 0][severities.indexOf(severity)]!, 0);

/** @param facts as factsOf gives them */
export function storyOf(facts: readonly Fact[]): Episode[] {
    const grave = facts.filter(isGrave);
    const dated = grave.filter(({ at }) => at !== null).sort((left, right) => left.at!.localeCompare(right.at!));
    const groups: Fact[][] = [];
    for (const fact of dated) {
        const last = groups.at(-1)?.at(-1);
        if (last && Date.parse(fact.at!) - Date.parse(last.at!) <= silenceHours * 3600_000) groups.at(-1)!.push(fact);
        else groups.push([fact]);
    }
    const heaviest = Math.max(0, ...groups.map(weight));
    const episodes: Episode[] = groups.map((group) => ({
        from: group[0]!.at,
        to: group.at(-1)!.at,
        phases: phasesOf(graveFirst(group)),
        facts: group.length,
        main: weight(group) === heaviest,
    }));
    const undated = grave.filter(({ at }) => at === null);
    if (undated.length > 0)
        episodes.push({ from: null, to: null, phases: phasesOf(undated), facts: undated.length, main: episodes.length === 0 });
    return episodes;
}

const graveFirst = (facts: readonly Fact[]): Fact[] =>
    [...facts].sort(
        (left, right) =>
            severities.indexOf(left.severity) - severities.indexOf(right.severity) || (left.at ?? "").localeCompare(right.at ?? ""),
    );
