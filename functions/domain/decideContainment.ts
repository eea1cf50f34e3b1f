/**
 * Who decides whether an instance is contained: the program (`automatic`), a person (`approval`) or nobody (`observe`). Pure.
 *
 * The configuration's rules decide; the instance's tag `clean-room:mode` may make the decision stricter or ask for a
 * person. Who may tag an instance may be the attacker, so a tag never turns containment off: `observe` is ignored, `exempt` counts
 * only where the configuration allows it, and `approval` only where silence contains. Every tag is reported.
 */
import { z } from "zod";
import {
    accountIdSchema,
    containmentModes,
    containmentModeSchema,
    type ApprovalAnswer,
    type ContainmentDecision,
    type ContainmentMode,
    type Finding,
} from "./containers";
import { brakeSchema } from "./brake";
import { modeTag } from "./tags";

/** A rule holds for a finding when everything it names does. */
export const containmentRuleSchema = z.strictObject({
    /** GuardDuty: low 1-3.9, medium 4-6.9, high 7-8.9, critical 9-10. @default any */
    minimumSeverity: z.number().min(0).max(10).optional(),
    /** Finding type; `*` stands for any characters, as in `CryptoCurrency:EC2/*`. @default any but a person's own request */
    findingType: z.string().min(1).max(256).optional(),
    /** Accounts of the instance. @default any */
    accounts: z.array(accountIdSchema).min(1).optional(),
    /** VPCs of the instance. @default any */
    vpcs: z
        .array(z.string().regex(/^vpc-[0-9a-f]+$/, "a VPC id looks like vpc-0123456789abcdef0"))
        .min(1)
        .optional(),
    /** Tags of the instance, all of them. Who may tag it may be the attacker, so such a rule only ever asks a person. @default any */
    tags: z.record(z.string().min(1).max(128), z.string().max(256)).optional(),
    mode: containmentModeSchema,
});
export type ContainmentRule = z.infer<typeof containmentRuleSchema>;

export const containmentPolicySchema = z.strictObject({
    /** For findings that no rule holds for. @default automatic */
    mode: containmentModeSchema.default("automatic"),
    /** In their order; the first that holds decides. */
    rules: z.array(containmentRuleSchema).max(50).default([]),
    /** Honour the tag `clean-room:mode` = `exempt` on an instance. @default false */
    allowExempt: z.boolean().default(false),
    /** What happens when nobody answers in time. @default contain */
    onApprovalTimeout: z.enum(["contain", "observe"]).default("contain"),
    /** How many instances are contained in a while without asking anybody. @default 10 in 10 minutes, in a Region */
    brake: brakeSchema.optional(),
});
export type ContainmentPolicy = z.infer<typeof containmentPolicySchema>;

/** What rules about tags must keep to, as sentences: an attacker's tag must not turn containment off. */
export function tagProblems({
    rules,
    onApprovalTimeout,
}: Pick<ContainmentPolicy, "rules" | "onApprovalTimeout">): { path: (string | number)[]; message: string }[] {
    return rules.flatMap((rule, index) => {
        if (rule.tags === undefined) return [];
        const path = ["rules", index, "mode"];
        if (rule.mode !== "approval")
            return [
                {
                    path,
                    message: "a rule that names tags has the mode approval: whoever may tag an instance would decide about it otherwise",
                },
            ];
        if (onApprovalTimeout === "observe")
            return [
                {
                    path,
                    message:
                        "a rule that names tags needs onApprovalTimeout: contain, or a tag and silence would leave the instance as it is",
                },
            ];
        return [];
    });
}

/** What the rules may ask about the instance itself. */
export interface Place {
    accountId: string;
    /** Null where it is not known yet; then rules that name VPCs may hold. */
    vpcId: string | null;
    /** Null where they are not known yet; then rules that name tags may hold. */
    tags: Readonly<Record<string, string>> | null;
}

/** What the decision needs of a finding. */
export type DecidingFinding = Pick<Finding, "id" | "type" | "severity" | "sample" | "origin">;

/** Whether `text` matches a pattern in which `*` stands for any characters. */
export function matchesGlob(pattern: string, text: string): boolean {
    const [first, ...rest] = pattern.split("*");
    if (!text.startsWith(first!)) return false;
    const last = rest.pop();
    if (last === undefined) return text === first;
    let at = first!.length;
    for (const part of rest) {
        const found = text.indexOf(part, at);
        if (found < 0) return false;
        at = found + part.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
}

function holds(rule: ContainmentRule, finding: DecidingFinding, { accountId, vpcId, tags }: Place): "yes" | "no" | "perhaps" {
    // A person who asks for containment means it: only a rule that names such requests holds for one.
    if (finding.origin === "manual" && rule.findingType === undefined) return "no";
    const fits =
        finding.severity >= (rule.minimumSeverity ?? 0) &&
        (rule.findingType === undefined || matchesGlob(rule.findingType, finding.type)) &&
        (rule.accounts === undefined || rule.accounts.includes(accountId)) &&
        (rule.vpcs === undefined || vpcId === null || rule.vpcs.includes(vpcId)) &&
        (rule.tags === undefined || tags === null || Object.entries(rule.tags).every(([key, value]) => tags[key] === value));
    if (!fits) return "no";
    return (rule.vpcs !== undefined && vpcId === null) || (rule.tags !== undefined && tags === null) ? "perhaps" : "yes";
}

/**
 * Whether a rule that holds for the finding names its type. A finding filed under another resource than an instance (credentials,
 * a container, a group) makes an incident of the instance only then; a rule for everything does not mean it.
 */
export function namesType(finding: DecidingFinding, accountId: string, policy: ContainmentPolicy): boolean {
    const place = { accountId, vpcId: null, tags: null };
    return policy.rules.some((rule) => /[^*]/.test(rule.findingType ?? "") && holds(rule, finding, place) !== "no");
}

const strictness = (mode: ContainmentMode) => containmentModes.indexOf(mode);
export const isStricter = (mode: ContainmentMode, than: ContainmentMode): boolean => strictness(mode) > strictness(than);

export interface Ruling {
    mode: ContainmentMode;
    reason: string;
}

/**
 * What the configuration says about one finding.
 *
 * @param instance its account alone where nothing else is known yet: of the rules that may hold the strictest counts then, and the decision is
 * made again once the instance was read
 * @param drill whether samples are treated as real
 */
export function ruleOn(finding: DecidingFinding, instance: string | Place, policy: ContainmentPolicy, drill: boolean): Ruling {
    const place = typeof instance === "string" ? { accountId: instance, vpcId: null, tags: null } : instance;
    const about = `${finding.type} of severity ${finding.severity}`;
    if (finding.sample && !drill) return { mode: "observe", reason: `${about} is a sample, and samples contain nothing outside a drill.` };
    const rulings: Ruling[] = [];
    for (const [index, rule] of policy.rules.entries()) {
        const answer = holds(rule, finding, place);
        if (answer === "no") continue;
        rulings.push({ mode: rule.mode, reason: `Rule ${index + 1} of containment.rules says ${rule.mode} for ${about}.` });
        if (answer === "yes") return strictestOf(rulings);
    }
    const otherwise: Ruling =
        finding.origin === "manual"
            ? { mode: "automatic", reason: "A person asked for containment." }
            : { mode: policy.mode, reason: `containment.mode says ${policy.mode} for ${about}.` };
    return strictestOf([...rulings, otherwise]);
}

/** The first of the strictest. @param rulings at least one */
const strictestOf = (rulings: readonly Ruling[]): Ruling =>
    rulings.reduce((worst, ruling) => (isStricter(ruling.mode, worst.mode) ? ruling : worst));

/** What a tag does to a ruling. `clean-room:mode` is under the control of whoever may tag the instance. */
function applyTag({ mode, reason }: Ruling, tag: string | null, policy: ContainmentPolicy): Ruling & { exempt: boolean } {
    const unchanged = (why: string) => ({
        mode,
        reason: `${reason} The instance's tag ${modeTag}=${JSON.stringify((tag ?? "").slice(0, 32))} ${why}.`,
        exempt: false,
    });
    if (tag === null) return { mode, reason, exempt: false };
    if (tag === "exempt") {
        if (!policy.allowExempt) return unchanged("is not honoured, since containment.allowExempt is off");
        return { ...unchanged("exempts it from containment, as containment.allowExempt allows"), mode: "observe", exempt: true };
    }
    if (tag === "automatic")
        return mode === "automatic"
            ? unchanged("changes nothing")
            : { ...unchanged("asks for containment without asking anybody"), mode: "automatic" };
    if (tag === "approval") {
        if (mode === "approval") return unchanged("changes nothing");
        if (mode === "automatic" && policy.onApprovalTimeout === "observe")
            return unchanged("is not honoured, since silence would then leave the instance as it is");
        return { ...unchanged("asks for a person's decision"), mode: "approval" };
    }
    if (tag === "observe") return unchanged("is not honoured, since a tag cannot turn containment off");
    return unchanged("is not a mode (automatic, approval, exempt)");
}

export interface DecisionInput {
    /** All findings of the incident, at least one: the strictest ruling counts. */
    findings: readonly DecidingFinding[];
    /** Account of the instance. */
    accountId: string;
    /** VPC of the instance; null where it is not known. @default null */
    vpcId?: string | null;
    /** All tags of the instance. @default none */
    tags?: Readonly<Record<string, string>>;
    /** Value of the instance's tag `clean-room:mode`; null when it has none. */
    tag: string | null;
    policy: ContainmentPolicy;
    /** Whether samples are treated as real. */
    drill: boolean;
    /** What people answered; null before they were asked. */
    answer: ApprovalAnswer | null;
}

/** Decides. An answer stands in the place of `approval` alone: what became stricter since is not undone by a denial. */
export function decideContainment({
    findings,
    accountId,
    vpcId = null,
    tags = {},
    tag,
    policy,
    drill,
    answer,
}: DecisionInput): ContainmentDecision {
    const strictest = strictestOf(findings.map((finding) => ruleOn(finding, { accountId, vpcId, tags }, policy, drill)));
    // Nothing about an instance makes a mere sample real.
    const onlySamples = !drill && findings.every((finding) => finding.sample);
    const { mode, reason, exempt } = onlySamples ? { ...strictest, exempt: false } : applyTag(strictest, tag, policy);
    if (answer === null || onlySamples || mode === "automatic") return { mode, reason, by: null, exempt };
    // A person's yes also stands when the rules or the tag became milder while they were asked.
    const said = `${reason} ${answer.approved ? "Approved" : "Denied"} by ${answer.by}${answer.reason ? `: ${answer.reason}` : "."}`;
    return { mode: answer.approved ? "automatic" : "observe", reason: said, by: answer.by, exempt };
}

/** A decision to contain for which the brake has no room: a person is asked instead. */
export function braked({ reason, exempt }: ContainmentDecision, why: string): ContainmentDecision {
    return { mode: "approval", reason: `${reason} But ${why}, and so many have begun: a person decides.`, by: null, exempt, braked: true };
}
