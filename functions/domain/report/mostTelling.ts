/** Which facts a message has room for: the gravest, and of each impact that people ask for the gravest one. Pure. */
import { asked, type Fact } from "./facts";
import { storyLines, type StoryLine } from "./storySection";
import { tacticOf } from "./tactics";

/**
 * @param most lines at most, at least as many as there are impacts
 * @returns the lines, the gravest first: a theft that is high is not pushed out by five web shells that are critical
 */
export function mostTelling(facts: readonly Fact[], most: number): StoryLine[] {
    const grave = facts.filter(({ severity }) => severity === "critical" || severity === "high");
    const ids = asked.flatMap(
        (tactic) => grave.find(({ attack }) => attack.some((technique) => tacticOf([technique]) === tactic))?.ids[0] ?? [],
    );
    const lines = storyLines(facts);
    const kept = new Set(lines.filter((line) => ids.some((id) => line.ids.includes(id))));
    for (const line of lines) if (kept.size < most) kept.add(line);
    return lines.filter((line) => kept.has(line));
}
