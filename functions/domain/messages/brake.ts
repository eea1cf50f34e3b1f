/** The message of instances that wait because the brake holds. Pure. */
import { brakeWords, type Held } from "../brake";
import { count, time } from "../report/format";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/** @param region of the instances: the brake counts by Region */
export function brakeMessage({ instances, unnamed, total, since, limit }: Held, region: string): Message {
    const line = ({ incidentId, instanceId, accountId, type, severity }: Held["instances"][number]) =>
        `${instanceId} in account ${accountId}: ${type} (${severity}), ${incidentId}`;
    return {
        tone: "danger",
        title: `Your decision: ${total} ${total === 1 ? "instance waits" : "instances wait"} in ${region}, the brake holds`,
        summary: `NOT contained: ${brakeWords(limit)}, and they have. ${total} more since ${time(since)} wait for a person.`,
        whatWeDid: "Nothing was changed on them, and no evidence of them is taken until you answer.",
        whatNow: [
            `To see all that wait: npm run incidents -- --region ${region}`,
            `To contain one: npm run approve -- INCIDENT --region ${region}; all of them: npm run approve -- --waiting --region ${region}`,
            `To leave them as they are: npm run deny, in the same way, with --reason "why"`,
            "If so many at once cannot be true, find out who publishes to the findings topic before you approve.",
        ],
        runbook: runbookHeadings.brake,
        facts: [
            { label: "Region", value: region },
            { label: "Waiting", value: String(total) },
            { label: "Limit", value: `${limit.count} in ${count(limit.minutes, "minute")}` },
        ],
        sections: [
            { heading: "These wait", items: [...instances.map(line), ...(unnamed > 0 ? [`and ${unnamed} more of the same message`] : [])] },
            {
                heading: "What happens without an answer",
                items: [
                    "They go on waiting. A later finding about one of them contains it as soon as the brake has room; until then it stays connected.",
                ],
            },
        ],
        whole: `in npm run incidents -- --region ${region}`,
        links: [],
    };
}
