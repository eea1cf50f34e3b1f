/** What an operator reads before answering whether instances are contained: each question, who asks and since when, and what would be cut. Pure. */
import type { IncidentRecord } from "../functions/domain/incidentRecord";
import { visible } from "../functions/domain/visibleText";

/** Changes and findings shown of one incident; what is more is counted. */
const most = 12;

const bounded = (lines: readonly string[], more: string): string[] =>
    lines.length <= most ? [...lines] : [...lines.slice(0, most), `and ${lines.length - most} more, ${more}`];

const row = (label: string, text: string): string => `  ${label.padEnd(13)}${text}`;
const list = (label: string, texts: readonly string[]): string[] => texts.map((text, index) => row(index === 0 ? label : "", text));

/** What is known of the question: since when it is asked, by what, and what silence means. */
function asked({ approval, heldSince }: IncidentRecord): string[] {
    if (heldSince)
        return [
            row("held since", `${heldSince}: the brake holds, so many instances were to be contained at once. Nothing was begun`),
            row("no answer", "it goes on waiting"),
        ];
    const { asked: question, expiresAt } = approval!;
    const silence =
        question === undefined
            ? "silence decides as your stack says"
            : question.onTimeout === "contain"
              ? "it is contained"
              : "it is left as it is";
    return [
        row("asked since", question?.at ?? "not on record"),
        row("asked by", visible(question?.why ?? "not on record; the message that asks says so")),
        row("no answer", `${silence}, at ${expiresAt}`),
    ];
}

/** One paragraph a question. @param records incidents that wait for an answer: domain/approvalQuestion.ts */
export function approvalLines(records: readonly IncidentRecord[], approved: boolean): string[] {
    return records.flatMap((record) => {
        const { incident, findings, approval, heldSince } = record;
        const { instanceId, accountId, region } = incident.instance;
        const gravest = [...findings].sort((left, right) => right.severity - left.severity);
        const changes = heldSince ? [] : (approval?.asked?.changes ?? []);
        return [
            `${instanceId} in ${accountId}/${region}, incident ${incident.incidentId}`,
            ...asked(record),
            ...list(
                findings.length === 1 ? "finding" : "findings",
                bounded(
                    gravest.map(
                        ({ type, severity, sample, seenAt, id }) =>
                            `${severity}  ${visible(type)}${sample ? " (sample: a drill)" : ""}, ${seenAt}${id === incident.finding.id ? `: ${visible(incident.finding.title)}` : ""}`,
                    ),
                    "in the message",
                ),
            ),
            ...list(
                approved ? "will be cut" : "is not cut",
                changes.length > 0
                    ? bounded(changes.map(visible), "in the message")
                    : ["not planned yet: the instance is read first, then cut off by an isolation group of the incident's own"],
            ),
        ];
    });
}
