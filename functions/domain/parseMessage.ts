/** The first arrow of the pipe: a message of any known form becomes findings, or is refused with the reason. */
import type { Finding } from "./containers";
import { unwrap } from "./parse/envelope";
import type { Candidate } from "./parse/envelope";
import { judgeGuardDuty } from "./parse/guardDuty";
import { field } from "./parse/json";
import { judgeManual } from "./parse/manual";
import { judgeAsff, judgeOcsf } from "./parse/securityHub";
import type { Verdict } from "./parse/concludeFinding";

/**
 * `incident`: at least one finding names an instance to contain. `refusals` then says what else was in the message and
 * was not followed.
 * `refused`: none does. `reason` holds the refusals as one text, `findings` what could be read all the same.
 */
export type ParseResult =
    | { outcome: "incident"; findings: Finding[]; refusals: string[] }
    | { outcome: "refused"; reason: string; findings: Finding[]; refusals: string[] };

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
    if (has(candidate, "instanceId") && !has(candidate, "type", "resource", "service")) return judgeManual(document);
    return judgeGuardDuty(document, context);
}

/**
 * Reads a message: an EventBridge event, a GuardDuty finding in either spelling, a GetFindings response, an SNS or SQS
 * delivery, a Security Hub event, ASFF, OCSF, or the manual `{"instanceId","accountId","region"}`.
 *
 * Only a finding whose affected resource is the EC2 instance names an instance; a mere mention never does.
 *
 * @param message text, or what JSON.parse made of it. Never throws, whatever it is.
 */
export function parseMessage(message: unknown): ParseResult {
    const { candidates, refusals } = unwrap(message);
    const verdicts = candidates.map(judge);
    const findings = verdicts.flatMap((verdict) => (verdict.finding ? [verdict.finding] : []));
    const all = [...refusals, ...verdicts.flatMap((verdict) => verdict.refusals)];
    if (findings.some((finding) => finding.instances.length > 0)) return { outcome: "incident", findings, refusals: all };
    return { outcome: "refused", reason: joinReasons(all), findings, refusals: all };
}
