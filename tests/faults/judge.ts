/** Whether a life with a fault was a good one all the same. What must hold is docs/faults.md's first part. */
import type { Fault } from "../support/cloud/faults";
import type { Seen } from "./look";
import type { Life } from "./scenario";

/** How often each thing may be made, and why not once: where AWS offers no way to know what a lost reply said. Stands in docs/faults.md. */
export const bounds: Record<keyof Seen["counts"], { most: number; why: string }> = {
    "source snapshots a volume": {
        most: 2,
        why: "CreateSnapshots has no client token: a lost reply leaves snapshots whose ids nobody knows. They are tagged, named in the evidence's anomalies, and told of.",
    },
    "evidence snapshots a volume": {
        most: 2,
        why: "CopySnapshot has no client token either. The copy whose id is known is locked; the other carries the incident's tag.",
    },
    "forensic instances an execution": { most: 1, why: "RunInstances has a client token. Several rounds have one each." },
    "volumes a snapshot an execution": {
        most: 2,
        why: "By design: one that is never written, and one to work on. CreateVolume has a client token.",
    },
    tickets: { most: 2, why: "CreateCase has no client token, and DescribeCases, which is asked first, may be behind." },
    "messages alike": {
        most: 2,
        why: "Slack has no key against repetition: who dies, or hears nothing, after a post posts again rather than never. Ever the same text.",
    },
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
const usual =
    /^(Contained|Your decision|Observed, not contained|Support case opened|Report|First look|Sealed again|Released|Containment drifted)/;

const problems = ({ told, failures, alarms }: Seen): string[] => [...told.filter((title) => !usual.test(title)), ...failures, ...alarms];

/** Problems that people do not hear of without the fault. */
function news(seen: Seen, good: Seen): string[] {
    const known = problems(good);
    return problems(seen).filter((each) => {
        const at = known.indexOf(each);
        if (at >= 0) known.splice(at, 1);
        return at < 0;
    });
}

/** Seconds that an approval may take to be acted on: a failed call and its retries. Silence would be half an hour. */
const longestWait = 300;

/** What is done about memory holds the last cut up no longer than MEMORY_SECONDS, and the seconds before containment begins. */
const longestWithMemory = 90 + 10;
const lateFor = ({ handler }: Fault, toContained: number | null): boolean =>
    ["quarantineInstance", "acquireMemory"].includes(handler) && toContained !== null && toContained > longestWithMemory;

function response(fault: Fault, { response: seen, waited, toContained }: Life, good: Seen): string[] {
    const wrong: string[] = [];
    const heard = news(seen, good).length > 0;
    const demand = (holds: boolean, what: string) => void (holds || heard || wrong.push(`${what}, and nobody was told`));
    demand(seen.contained || !good.contained, "not contained");
    demand(seen.preserved === seen.volumes || good.preserved < good.volumes, "not all volumes preserved");
    demand(seen.memory !== "lost", "memory was not taken");
    if (lateFor(fault, toContained)) wrong.push(`contained ${toContained} s after it began, whatever became of its memory`);
    demand(seen.report || !good.report, "no report");
    demand(seen.sealed, "not sealed");
    demand(seen.left.length === 0, `left behind: ${seen.left.join(", ")}`);
    // Whatever is wrong without the fault is heard of with it too.
    if (problems(good).length > 0 && problems(seen).length === 0) wrong.push("nobody was told of the scenario's own problem");
    // Who was told that it is not contained resumed it when the cause was gone: that time is people's.
    if (!heard && waited !== null && waited > longestWait) wrong.push(`contained ${waited} s after people had read that it was approved`);
    if (seen.contained && !good.contained && !heard) wrong.push("contained against people's answer");
    const waits = seen.told.some((title) => title.startsWith("Your decision"));
    if (seen.executions.length === 0 && !waits && !seen.deadLetters.some((each) => each.startsWith("startIncident")))
        wrong.push("the finding started nothing, and is not in the dead letters");
    if (seen.executions.length === 0 && waits && !heard) wrong.push("people had approved, nothing was started, and nobody was told");
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

/** What is not as it must be once the cause is gone and people did what they were told. */
export function afterwards({ mended, released, releaseError }: Life, good: Life): string[] {
    const wrong: string[] = [];
    const demand = (holds: boolean, what: string) => void (holds || wrong.push(`after the fault: ${what}`));
    // An instance that the table does not have is watched by nobody, which people were told.
    demand(mended.contained || !good.mended.contained || mended.failures.some((each) => each.includes("keep record")), "not contained");
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

/** What was made more often than {@link bounds} allow. */
export const tooMany = ({ released }: Life, good: Life): string[] =>
    (Object.entries(released.counts) as [keyof Seen["counts"], number][]).flatMap(([what, count]) => {
        const most = Math.max(bounds[what].most, good.released.counts[what]);
        return count > most ? [`${count} ${what}, at most ${most}`] : [];
    });

export function judge(fault: Fault, life: Life, good: Life): Verdict {
    const { watched, released } = life;
    const wrong = [...(life.hits === 0 ? ["the fault was never met"] : []), ...response(fault, life, good.response)];
    if (
        good.watched.contained &&
        !watched.contained &&
        news(watched, good.watched).length === 0 &&
        !watched.told.some((title) => title.startsWith("Containment drifted"))
    )
        wrong.push("opened again and not put back, and nobody was told");
    wrong.push(...afterwards(life, good));
    wrong.push(...tooMany(life, good));
    const counts = Object.entries(released.counts) as [keyof Seen["counts"], number][];
    const doubled = counts.filter(([what, count]) => count > good.released.counts[what]).map(([what, count]) => `${count} ${what}`);
    return {
        absorbed:
            news(released, good.released).length === 0 &&
            life.response.executions.join() === good.response.executions.join() &&
            life.releaseError === good.releaseError,
        wrong,
        doubled,
    };
}
