/** The first arrow of the pipe: a message of any known form becomes findings, or is refused with the reason. */
import type { Finding } from "./containers";
import { instanceIdsIn } from "./parse/instanceNames";
import { unwrap } from "./parse/envelope";
import type { Candidate } from "./parse/envelope";
import { judgeGuardDuty } from "./parse/guardDuty";
import { field, largestMessageCharacters } from "./parse/json";
import type { JsonObject } from "./parse/json";
import { judgeManual } from "./parse/manual";
import { judgeAsff, judgeOcsf } from "./parse/securityHub";
import { isTransformed, judgeTransformed } from "./parse/transformed";
import { mostInstances, type Verdict } from "./parse/concludeFinding";

/**
 * `incident`: at least one finding names an instance to contain. `refusals` then says what else was in the message and
 * was not followed.
 * `refused`: none does. `reason` holds the refusals as one text, `findings` what could be read all the same.
 *
 * `leftAside` says what nobody has to hear of: findings of Security Hub's other products, which no rule names.
 */
export type ParseResult =
    | { outcome: "incident"; findings: Finding[]; refusals: string[]; leftAside: string[] }
    | { outcome: "refused"; reason: string; findings: Finding[]; refusals: string[]; leftAside: string[] };

/** `reason` ends here: it travels as a queue message's attribute and into a notification. */
const longestReason = 2000;

/** Several refusals as one text, each said once. */
export function joinReasons(refusals: readonly string[]): string {
    const text = [...new Set(refusals)].join(" ");
    return text.length > longestReason ? `${text.slice(0, longestReason - 1)}…` : text;
}

const has = (candidate: Candidate, ...names: string[]) => names.some((name) => field(candidate.document, name) !== undefined);

function judge(candidate: Candidate): Verdict {
    const { document, context } = candidate;
    if (has(candidate, "finding_info", "class_uid")) return judgeOcsf(document, context);
    if (has(candidate, "awsAccountId", "productArn", "generatorId") || (has(candidate, "resources") && !has(candidate, "resource")))
        return judgeAsff(document, context);
    if (!has(candidate, "resource", "service", "detail") && isTransformed(document)) return judgeTransformed(document, context);
    if (has(candidate, "instanceId") && !has(candidate, "type", "resource", "service")) return judgeManual(document);
    return judgeGuardDuty(document, context);
}

const mostMentioned = 5;

/** A sentence about the instances that stand somewhere in what names none where it should; empty where there are none. */
function mentioned(text: string): string {
    const ids = text.length > largestMessageCharacters ? [] : instanceIdsIn(text);
    if (ids.length === 0) return "";
    const more = ids.length > mostMentioned ? ` and ${ids.length - mostMentioned} more` : "";
    return ` Its text mentions ${ids.slice(0, mostMentioned).join(", ")}${more}: look whether that is the instance.`;
}

function textOf(document: JsonObject): string {
    try {
        return JSON.stringify(document);
    } catch {
        return ""; // nested deeper than the stack is: the reason stands without a mention
    }
}

const withLast = (refusals: readonly string[], said: string) =>
    refusals.map((each, index) => (index === refusals.length - 1 ? `${each}${said}` : each));

/** Of a finding that is refused without a word of an instance, people hear which its text mentions. Text is nobody's proof: it is never followed. */
function withMentions(verdict: Verdict, document: JsonObject): Verdict {
    const { finding, refusals, elsewhere } = verdict;
    const names = finding !== null && (finding.instances.length > 0 || finding.related !== null);
    if (names || elsewhere || refusals.length === 0) return verdict;
    return { ...verdict, refusals: withLast(refusals, mentioned(textOf(document))) };
}

/** What the caller decides about a finding that is filed under another resource than an instance. */
export interface Following {
    /** Whether its `related` instances make an incident. */
    follows(finding: Finding): boolean;
}

/** The finding whose related instances are followed as if they were what it is about. */
const followed = (finding: Finding): Finding => ({
    ...finding,
    instances: [...finding.instances, ...(finding.related?.instances ?? [])].slice(0, mostInstances),
});

/**
 * Reads a message: an EventBridge event, a GuardDuty finding in either spelling, a GetFindings response, an SNS or SQS
 * delivery, a Security Hub event, ASFF, OCSF, what an input transformer made of one of these, or the manual `{"instanceId","accountId","region"}`.
 *
 * Only a finding whose affected resource is the EC2 instance names an instance; where an instance only has to do with it
 * (`Finding.related`), the caller decides. Without a word from the caller it is refused, with what is known in the reason.
 *
 * @param message text, or what JSON.parse made of it. Never throws, whatever it is.
 */
export function parseMessage(message: unknown, { follows }: Following = { follows: () => false }): ParseResult {
    const { candidates, refusals: unread } = unwrap(message);
    // The text that could not be read has no document to look into.
    const refusals = candidates.length === 0 && typeof message === "string" ? withLast(unread, mentioned(message)) : unread;
    const verdicts = candidates.map((candidate): Verdict => {
        const verdict = withMentions(judge(candidate), candidate.document);
        if (verdict.finding === null || verdict.aside === null) return verdict;
        if (follows(verdict.finding)) {
            const refusals = [...verdict.refusals, ...(verdict.unfollowed ?? [])];
            return { ...verdict, refusals, finding: followed(verdict.finding), elsewhere: false };
        }
        return { ...verdict, refusals: [...verdict.refusals, verdict.aside] };
    });
    const findings = verdicts.flatMap((verdict) => (verdict.finding ? [verdict.finding] : []));
    const reasons = (elsewhere: boolean) => verdicts.flatMap((verdict) => (verdict.elsewhere === elsewhere ? verdict.refusals : []));
    const all = [...refusals, ...reasons(false)];
    const leftAside = reasons(true);
    if (findings.some((finding) => finding.instances.length > 0)) return { outcome: "incident", findings, refusals: all, leftAside };
    return { outcome: "refused", reason: joinReasons([...all, ...leftAside]), findings, refusals: all, leftAside };
}
