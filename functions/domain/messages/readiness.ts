/** What people are told when the readiness of a deployment has changed. Pure. */
import type { ReadinessCheck } from "../readiness/checks";
import type { Message } from "./message";
import { runbookHeadings } from "./runbook";

/** @param changed checks that are otherwise than at the last run; not empty */
export function readinessMessage(changed: readonly ReadinessCheck[], where: { accountId: string; region: string }): Message {
    const broken = changed.filter(({ state }) => state === "broken");
    const unseen = changed.filter(({ state }) => state === "not looked at");
    const mended = changed.filter(({ state }) => state === "ok");
    const line = ({ lookedAt, said, toDo }: ReadinessCheck) => `${lookedAt}: ${said}${toDo === null ? "" : `. ${toDo}`}`;
    const counted = (count: number, what: string) => (count === 0 ? [] : [`${count} ${what}`]);
    return {
        tone: broken.length > 0 ? "warning" : "neutral",
        title:
            broken.length > 0
                ? `Readiness: ${broken.length} of the response's parts would fail at an incident`
                : "Readiness of the response has changed",
        summary: `The daily check of the clean room in ${where.region} found what is otherwise than the day before: ${[
            ...counted(broken.length, "broken"),
            ...counted(unseen.length, "could not be looked at"),
            ...counted(mended.length, "good again"),
        ].join(", ")}.`,
        whatWeDid: "It only looked: nothing was changed.",
        whatNow: [
            broken.length > 0
                ? "Mend what is broken, today: until then an incident would be followed without it. Then run npm run preflight."
                : "Nothing has to be done at once. npm run preflight shows every check.",
        ],
        runbook: runbookHeadings.readiness,
        facts: [
            { label: "Account", value: where.accountId },
            { label: "Region", value: where.region },
        ],
        sections: [
            ...(broken.length > 0 ? [{ heading: "Broken", items: broken.map(line) }] : []),
            ...(unseen.length > 0 ? [{ heading: "Not looked at", items: unseen.map(line) }] : []),
            ...(mended.length > 0 ? [{ heading: "Good again", items: mended.map(line), detail: true as const }] : []),
        ],
        whole: "in npm run preflight",
        links: [],
    };
}
