/**
 * The checks of readiness: what must hold on a quiet day, so that the response works on another. Pure: facts in, one line a check out.
 * Each names what was looked at, how it stands, and what to do.
 */
import { z } from "zod";
import type { MemberFacts, ReadinessFacts, Seen } from "./facts";

const readinessStates = ["ok", "broken", "not looked at"] as const;
export type ReadinessState = (typeof readinessStates)[number];

export const readinessCheckSchema = z.object({
    /** Stays the same from day to day, so that two runs can be compared: `responder-assumable 222222222222`. */
    id: z.string(),
    /** What was looked at. */
    lookedAt: z.string(),
    state: z.enum(readinessStates),
    /** How it stands, or why it could not be looked at. */
    said: z.string(),
    /** What to do; null when it is ok. */
    toDo: z.string().nullable(),
});
export type ReadinessCheck = z.infer<typeof readinessCheckSchema>;

/** What a check finds of an answer; a sentence each. */
type Verdict = { ok: string } | { broken: string; toDo: string } | { unseen: string };

const askAdvice = "Let the function's role ask, or see why AWS does not answer; then run preflight again.";

function check(id: string, lookedAt: string, verdict: Verdict): ReadinessCheck {
    if ("ok" in verdict) return { id, lookedAt, state: "ok", said: verdict.ok, toDo: null };
    if ("broken" in verdict) return { id, lookedAt, state: "broken", said: verdict.broken, toDo: verdict.toDo };
    return { id, lookedAt, state: "not looked at", said: verdict.unseen, toDo: askAdvice };
}

/** Judges an answer where there is one. */
const of = <T>(answer: Seen<T>, judge: (value: T) => Verdict): Verdict =>
    "unseen" in answer ? { unseen: answer.unseen } : judge(answer.value);

const list = (items: readonly string[], most = 8): string =>
    items.length <= most ? items.join(", ") : `${items.slice(0, most).join(", ")} and ${items.length - most} more`;

/** Ends in .g or of the families that share one quota: A, C, D, H, I, M, R, T and Z. */
export const isStandardType = (instanceType: string): boolean => /^(a|c|d|h|i|m|r|t|z)\d/.test(instanceType);

/** Why EC2 refuses: at the end of its sentence stands which kind of policy does, and behind that what only who may decode it can read. */
const refusalWords = (refusal: string): string => refusal.replace(/\s*Encoded authorization failure message:.*$/s, "").slice(0, 500);

function memberChecks(member: MemberFacts, region: string): ReadinessCheck[] {
    const { accountId } = member;
    const on = (name: string) => `${name} ${accountId}`;
    const assumable = check(
        on("responder-assumable"),
        `the responder role of account ${accountId}`,
        "value" in member.assumed
            ? { ok: "can be assumed" }
            : {
                  broken: `cannot be assumed: ${member.assumed.unseen}`,
                  toDo: `Nothing in ${accountId} can be contained. Deploy the stack there again (pulumi up; in an organisation, see the StackSet), and look for a service control policy on sts:AssumeRole.`,
              },
    );
    if (assumable.state !== "ok") return [assumable];
    const { forwarding } = member;
    return [
        assumable,
        check(
            on("responder-allowed"),
            `what containment, preservation and release need of the responder role of account ${accountId}, by policy simulation`,
            of(member.refused, (refused) =>
                refused.length === 0
                    ? { ok: "all allowed" }
                    : {
                          broken: `not allowed: ${list(refused)}`,
                          toDo: "Deploy the stack again. Where that changes nothing, a permissions boundary or a service control policy takes it away: exempt the role from it (docs/deploy.md, Accounts and rights).",
                      },
            ),
        ),
        check(
            on("responder-dry-run"),
            `a security group made in account ${accountId} in ${region}, as a dry run`,
            of(member.dryRun, (answer) => {
                if (answer === null) return { ok: "the account has no VPC in this Region, so there is no instance to contain" };
                if (answer.refusal === null) return { ok: "EC2 would make it" };
                return {
                    broken: `EC2 would refuse it: ${refusalWords(answer.refusal)}`,
                    toDo: `Exempt the responder role from the service control policy that denies it, such as a Region deny (docs/deploy.md, Accounts and rights), or take ${region} out of regions.`,
                };
            }),
        ),
        check(
            on("guardduty"),
            `GuardDuty in account ${accountId} in ${region}`,
            of(member.detector, (detector) => {
                if (detector === null)
                    return { broken: "has no detector: nothing there is noticed", toDo: "Deploy the stack again, or see coverage.mode." };
                if (detector.status !== "ENABLED")
                    return {
                        broken: `is ${detector.status}: nothing there is noticed`,
                        toDo: "Switch the detector on, and find out who switched it off.",
                    };
                return { ok: `is on; a finding that recurs is sent again every ${detector.frequency.toLowerCase().replaceAll("_", " ")}` };
            }),
        ),
        ...(forwarding === null
            ? []
            : [
                  check(
                      on("forwarding-rule"),
                      `the rule that forwards findings of account ${accountId} from ${region}`,
                      of(forwarding, ruleVerdict(noFinding)),
                  ),
              ]),
    ];
}

/** @param without what does not happen while the rule is off */
const ruleVerdict =
    (without: string) =>
    (state: string | null): Verdict => {
        if (state === null) return { broken: `is not there: ${without}`, toDo: "Deploy the stack again, and find out who deleted it." };
        if (!state.startsWith("ENABLED"))
            return { broken: `is ${state}: ${without}`, toDo: "Enable the rule, and find out who disabled it." };
        return { ok: "is enabled" };
    };
const noFinding = "no finding arrives on this way";

function queueVerdict(count: number): Verdict {
    return count === 0
        ? { ok: "there are none" }
        : {
              broken: `${count} lie there and started nothing`,
              toDo: "Read them (docs/runbook.md#clean-room-dead-letters), mend the cause, send them again, and delete them.",
          };
}

function hostChecks(facts: ReadinessFacts): ReadinessCheck[] {
    const { image, instanceType, region } = facts;
    const type = "value" in instanceType ? instanceType.value : null;
    return [
        check(
            "forensic-image",
            "the forensic image",
            of(image, ({ id, architecture, state }) => {
                if (state !== "available")
                    return {
                        broken: `${id} is ${state}`,
                        toDo: "Set forensicInstance.imageIds or imageParameter to an image that is available.",
                    };
                if (type !== null && !type.architectures.includes(architecture))
                    return {
                        broken: `${id} is for ${architecture}, and ${type.name} has ${type.architectures.join(" and ")}`,
                        toDo: "Let forensicInstance.architecture, type and image be of one processor.",
                    };
                return { ok: `${id} is available, for ${architecture}` };
            }),
        ),
        check(
            "instance-type-offered",
            "the forensic instance's type in the zones of the clean room",
            of(facts.zones, ({ ours, offering }) => {
                const without = ours.filter((zone) => !offering.includes(zone));
                const name = type?.name ?? "the type";
                if (without.length === 0) return { ok: `${name} is offered in ${ours.join(" and ")}` };
                if (without.length < ours.length)
                    return {
                        ok: `${name} is offered in ${offering.filter((zone) => ours.includes(zone)).join(", ")}, not in ${without.join(", ")}`,
                    };
                return {
                    broken: `${name} is offered in none of ${ours.join(", ")}`,
                    toDo: `Name another in forensicInstance.types for ${region}.`,
                };
            }),
        ),
        check(
            "quota-vcpu",
            "the quota for vCPUs of running on-demand instances",
            of(instanceType, ({ name, vcpus }) =>
                of(facts.vcpuQuota, (quota) => {
                    if (quota === null) return { unseen: `${name} does not count against the quota of standard instances` };
                    const atOnce = Math.floor(quota / vcpus);
                    return atOnce >= 1
                        ? { ok: `${quota} vCPUs: ${atOnce} analyses at the same time on ${name}` }
                        : {
                              broken: `${quota} vCPUs are too few for one ${name} of ${vcpus}`,
                              toDo: "Ask for more: Service Quotas, Amazon EC2, L-1216C47A.",
                          };
                }),
            ),
        ),
    ];
}

/**
 * Ten incidents at once, which the brake lets through unless configured otherwise, with four functions each at work, and what runs besides. With
 * fewer all are followed, one after the other: Lambda turns calls away, and they are tried again. New accounts begin with ten.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const leastAtOnce = 50;

function roomChecks(facts: ReadinessFacts): ReadinessCheck[] {
    const { wantedLock } = facts;
    const leftOf = (what: string, advice: string) => (value: { used: number; quota: number }) =>
        value.used < value.quota
            ? { ok: `${value.used} of ${value.quota} ${what} are used` }
            : { broken: `all ${value.quota} ${what} are used`, toDo: advice };
    return [
        check(
            "quota-functions",
            "the quota for Lambda functions that run at a time",
            of(facts.functionsAtOnce, (quota) =>
                quota >= leastAtOnce
                    ? { ok: `${quota} may run at a time` }
                    : {
                          broken: `${quota} may run at a time, and ten incidents at once need ${leastAtOnce}: containment of the later ones waits`,
                          toDo: "Ask for 1,000: Service Quotas, AWS Lambda, L-B99A9384.",
                      },
            ),
        ),
        check(
            "quota-snapshots",
            "the quota for EBS snapshots in the Region",
            of(
                facts.snapshots,
                leftOf("snapshots", "Ask for more (Service Quotas, Amazon EBS, L-309BACF6), or delete evidence whose lock has ended."),
            ),
        ),
        check(
            "quota-endpoints",
            "the quota for interface endpoints of the clean room's VPC",
            of(facts.endpoints, ({ used, quota, missing }) =>
                used + missing.length <= quota
                    ? { ok: `${used} of ${quota} endpoints are used${missing.length > 0 ? `, and ${missing.length} more fit` : ""}` }
                    : {
                          broken: `${used} of ${quota} endpoints are used, and the ${missing.length} that an incident needs do not fit`,
                          toDo: "Ask for more: Service Quotas, Amazon VPC, L-29B6F2EB.",
                      },
            ),
        ),
        check(
            "endpoints",
            "the interface endpoints of the clean room",
            of(facts.endpoints, ({ missing, onDemand }) => {
                if (missing.length === 0) return { ok: "all are available" };
                return onDemand
                    ? { ok: `${missing.length} are made when an incident needs them` }
                    : {
                          broken: `not available: ${list(missing)}`,
                          toDo: "Run pulumi up --refresh: without them no forensic instance can be reached.",
                      };
            }),
        ),
        check(
            "quota-copies",
            "snapshot copies under way into this Region",
            of(facts.pendingCopies, (pending) =>
                pending < 20
                    ? { ok: `${pending} of the 20 that AWS makes at a time` }
                    : {
                          broken: "all 20 that AWS makes at a time are under way",
                          toDo: "Wait for them, or ask AWS Support for more: incidents would wait.",
                      },
            ),
        ),
        check(
            "evidence-key",
            "the evidence key",
            of(facts.evidenceKey, ({ state, usable }) => {
                if (state !== "Enabled")
                    return {
                        broken: `is ${state}: no evidence can be written or read`,
                        toDo: "Enable it, or cancel its deletion, with the custodian's role.",
                    };
                if ("unseen" in usable)
                    return {
                        broken: `is enabled, but may not be used: ${usable.unseen}`,
                        toDo: "Deploy the stack again: the key's policy, or a service control policy, keeps this account from its own key.",
                    };
                return { ok: "is enabled, and a data key would be made under it" };
            }),
        ),
        check(
            "object-lock",
            "Object Lock of the evidence bucket",
            of(facts.objectLock, (lock) => {
                if (lock === null)
                    return {
                        broken: "is off: objects could be deleted",
                        toDo: "Deploy the stack again, and find out who took the rule away.",
                    };
                if (lock.mode !== wantedLock.mode || lock.days < wantedLock.days)
                    return {
                        broken: `is ${lock.mode} for ${lock.days} days, and the stack says ${wantedLock.mode} for ${wantedLock.days}`,
                        toDo: "Deploy the stack again, and find out who changed it.",
                    };
                return { ok: `is on: ${lock.mode} for ${lock.days} days` };
            }),
        ),
    ];
}

function peopleChecks(facts: ReadinessFacts): ReadinessCheck[] {
    const { slack, emails, wantedEmails, otherChannels } = facts;
    const found: ReadinessCheck[] = [];
    if (slack === null && wantedEmails === 0 && !otherChannels)
        found.push(
            check("people", "the channels by which people are told", {
                broken: "none is configured: an incident would be followed, and nobody would know",
                toDo: "Set the secret slackWebhookUrl, or notifications.emails, and deploy.",
            }),
        );
    if (slack !== null)
        found.push(
            check(
                "slack",
                "the Slack webhook",
                of(slack, ({ status, answer }) =>
                    // A post without text is refused as such by a webhook that is there, and posts nothing.
                    status === 400 && /no_text|invalid_payload|invalid_blocks|missing_text/.test(answer)
                        ? { ok: "answers as a webhook that is there; nothing was posted" }
                        : {
                              broken: `${status === null ? answer.replace(/\.$/, "") : `answered ${status} ${answer}`}: messages do not arrive`,
                              toDo: "Make a new incoming webhook in Slack, pulumi config set --secret slackWebhookUrl, and deploy.",
                          },
                ),
            ),
        );
    if (wantedEmails > 0)
        found.push(
            check(
                "emails",
                "the e-mail subscriptions of the notification and alarm topics",
                of(emails, (subscriptions) => {
                    const open = subscriptions.filter(({ confirmed }) => !confirmed).map(({ endpoint, topic }) => `${endpoint} (${topic})`);
                    const missing = 2 * wantedEmails - subscriptions.length;
                    if (open.length === 0 && missing <= 0) return { ok: `all ${subscriptions.length} are confirmed` };
                    return {
                        broken: [
                            ...(open.length > 0 ? [`not confirmed: ${list(open)}`] : []),
                            ...(missing > 0 ? [`${missing} are not there (an unsubscribed address, or a confirmation that ran out)`] : []),
                        ].join("; "),
                        toDo: "Let each address confirm by the link in the mail AWS sent it; a link is good for three days, after which pulumi up --replace makes the subscription anew.",
                    };
                }),
            ),
        );
    return found;
}

function wayChecks(facts: ReadinessFacts): ReadinessCheck[] {
    return [
        ...facts.rules.flatMap(({ name, state, archive }) => [
            check(`rule ${name}`, `the rule ${name}`, of(state, ruleVerdict(noFinding))),
            check(
                `archive ${name}`,
                `the archive ${name}`,
                of(archive, (found) =>
                    found === "ENABLED"
                        ? { ok: "keeps findings, to be replayed" }
                        : {
                              broken: found === null ? "is not there: what is missed cannot be replayed" : `is ${found}`,
                              toDo: "Deploy the stack again, and find out who deleted it.",
                          },
                ),
            ),
        ]),
        check(
            "watch",
            "the rule by which contained instances are looked at every five minutes",
            of(facts.watchRule, ruleVerdict("nobody is told when somebody undoes a containment")),
        ),
        check("dead-letters", "the dead-letter queue of findings", of(facts.deadLetters, queueVerdict)),
        ...(facts.forwardDeadLetters === null
            ? []
            : [check("forward-dead-letters", "findings that members could not forward", of(facts.forwardDeadLetters, queueVerdict))]),
        ...(facts.stackSet === null
            ? []
            : [
                  check(
                      "stackset",
                      "the StackSet's instances",
                      of(facts.stackSet, ({ all, behind }) => {
                          if (all === 0)
                              return {
                                  broken: "there is none: no account can be contained",
                                  toDo: "Deploy the stack, and see the StackSet's operations.",
                              };
                          if (behind.length === 0) return { ok: `all ${all} are current` };
                          return {
                              broken: `${behind.length} of ${all} are not current: ${list(behind)}`,
                              toDo: "See the StackSet's operations in CloudFormation for the reason; then deploy again.",
                          };
                      }),
                  ),
              ]),
        ...(facts.sample === null
            ? []
            : [
                  check(
                      "sample",
                      "GuardDuty's own sample finding, from a member to startIncident",
                      of(facts.sample, ({ sentTo, seconds, archived }) =>
                          seconds !== null
                              ? {
                                    ok: `sent in account ${sentTo}, it arrived after ${seconds} s and ${archived ? "is archived in GuardDuty" : "stays in GuardDuty, which lets its administrator alone archive it"}`,
                                }
                              : {
                                    broken: `sent in account ${sentTo}, it did not arrive: neither would a real one`,
                                    toDo: "See the checks of rules and queues above, and the log of clean-room-startIncident.",
                                },
                      ),
                  ),
              ]),
    ];
}

/** Every check of a Region, in the order of a finding's way. */
export function readinessChecks(facts: ReadinessFacts): ReadinessCheck[] {
    const members: ReadinessCheck[] =
        "unseen" in facts.members
            ? [check("members", "the member accounts", { unseen: facts.members.unseen })]
            : facts.members.value.length === 0
              ? [
                    check("members", "the member accounts", {
                        broken: "there are none in this Region",
                        toDo: "Name members, or an organization.",
                    }),
                ]
              : facts.members.value.flatMap((member) => memberChecks(member, facts.region));
    const leftOut =
        facts.membersLeftOut === 0
            ? []
            : [
                  check("members-left-out", `${facts.membersLeftOut} more member accounts`, {
                      unseen: "there was no time for them in this run; each run begins with others",
                  }),
              ];
    return [...wayChecks(facts), ...members, ...leftOut, ...hostChecks(facts), ...roomChecks(facts), ...peopleChecks(facts)];
}

/** Whether anything is broken. What was not looked at is named, and breaks nothing. */
export const isBroken = (checks: readonly ReadinessCheck[]): boolean => checks.some(({ state }) => state === "broken");

/** What is otherwise than at the last run. @param before null at the first run: then what is not ok is news */
export function changedSince(before: readonly ReadinessCheck[] | null, now: readonly ReadinessCheck[]): ReadinessCheck[] {
    if (before === null) return now.filter(({ state }) => state === "broken");
    const was = new Map(before.map((each) => [each.id, each]));
    const same = (left: ReadinessCheck | undefined, right: ReadinessCheck) =>
        (left?.state ?? "ok") === right.state && (right.state !== "broken" || left?.said === right.said);
    return now.filter((each) => !same(was.get(each.id), each));
}
