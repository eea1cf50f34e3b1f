/** Whether a life with a fault was a good one all the same. What must hold is docs/faults.md's first part. */
import type { Fault } from "../support/cloud/faults";
import type { Seen } from "./look";
import type { Life } from "./scenario";

/** How often each thing may be made. More than once only where AWS offers no way to know: the reason stands in docs/faults.md. */
export const bounds: Seen["counts"] = {
    "source snapshots a volume": 2,
    "evidence snapshots a volume": 2,
    "forensic instances an execution": 1,
    "volumes a snapshot an execution": 2,
    tickets: 2,
    "messages alike": 3,
};

export interface Verdict {
    /** Whether everything was as without the fault, and nobody had to be told. */
    absorbed: boolean;
    /** What must not be, in words. */
    wrong: string[];
    /** What was made more often than without the fault. */
    doubled: string[];
}

/** Messages of a life without a fault; any other tells of a problem. */
const usual = /^(Contained|Support case opened|Report|First look|Released|Containment drifted)/;

const problems = ({ told, failures, alarms }: Seen): string[] => [...told.filter((title) => !usual.test(title)), ...failures, ...alarms];

function response(fault: Fault, seen: Seen): string[] {
    const wrong: string[] = [];
    const heard = problems(seen).length > 0;
    const demand = (holds: boolean, what: string) => void (holds || heard || wrong.push(`${what}, and nobody was told`));
    demand(seen.contained, "not contained");
    demand(seen.preserved === seen.volumes, "not all volumes preserved");
    demand(seen.report, "no report");
    demand(seen.sealed, "not sealed");
    demand(seen.left.length === 0, `left behind: ${seen.left.join(", ")}`);
    if (seen.executions.length === 0 && !seen.deadLetters.some((each) => each.startsWith("startIncident")))
        wrong.push("the finding started nothing, and is not in the dead letters");
    // Evidence of the steps that worked, whatever else failed.
    if (seen.executions.length > 0 && !seen.sealed && fault.handler !== "sealCustody") wrong.push("what was preserved is not sealed");
    return wrong;
}

/** What a release cannot know how to put back: it says so, or is refused and says so, and people do it by hand. */
const isNamed = (what: string, releaseError: string | null, { unknownBefore }: Seen): boolean =>
    (what.startsWith("attributes") && unknownBefore) ||
    // Opened while nobody watched it: whose groups those are is for people to say.
    (what.startsWith("interfaces") && releaseError?.includes("by containment and is sg-app now")) ||
    false;

function afterwards({ mended, released, releaseError }: Life): string[] {
    const wrong: string[] = [];
    const demand = (holds: boolean, what: string) => void (holds || wrong.push(`after the fault: ${what}`));
    // An instance that the table does not have is watched by nobody, which people were told.
    demand(mended.contained || mended.failures.some((each) => each.includes("keep record")), "not contained");
    demand(mended.preserved === mended.volumes, `${mended.preserved} of ${mended.volumes} volumes preserved`);
    demand(mended.report, "no report");
    demand(mended.sealed, "not sealed");
    demand(mended.left.length === 0, `left behind: ${mended.left.join(", ")}`);
    demand(
        mended.executions.at(-1) === "SUCCEEDED" || mended.executions.at(-1) === "resumed SUCCEEDED",
        `execution ${mended.executions.at(-1)}`,
    );
    const lost = released.different.filter((each) => !isNamed(each, releaseError, released));
    demand(lost.length === 0, `the release did not put back ${lost.join(", ")}${releaseError ? ` (${releaseError})` : ""}`);
    return wrong;
}

export function judge(fault: Fault, life: Life, good: Life): Verdict {
    const { watched, released } = life;
    const wrong = [...(life.hits === 0 ? ["the fault was never met"] : []), ...response(fault, life.response)];
    if (!watched.contained && problems(watched).length === 0 && !watched.told.some((title) => title.startsWith("Containment drifted")))
        wrong.push("opened again and not put back, and nobody was told");
    wrong.push(...afterwards(life));
    const counts = Object.entries(released.counts) as [keyof Seen["counts"], number][];
    for (const [what, count] of counts) if (count > bounds[what]) wrong.push(`${count} ${what}, at most ${bounds[what]}`);
    const doubled = counts.filter(([what, count]) => count > good.released.counts[what]).map(([what, count]) => `${count} ${what}`);
    return {
        absorbed: problems(released).length === 0 && life.response.executions[0] === "SUCCEEDED" && life.releaseError === null,
        wrong,
        doubled,
    };
}
