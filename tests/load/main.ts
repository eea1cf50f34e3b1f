/**
 * `npm run test:load`: 200 findings a minute for five minutes over 50 instances in five accounts, with duplicates, updates, poison and a sequence
 * that names 3,000 instances, in virtual time: ten functions at a time, AWS's documented token buckets, and a Slack that takes a message a second.
 */
import { command } from "../../tools/command";
import { Buckets } from "../support/cloud/buckets";
import { Cloud } from "../support/cloud/cloud";
import { virtualWait } from "../support/cloud/clock";
import { invocations, type Invocation } from "../support/cloud/lambdas";
import { operationOf } from "../support/cloud/faults";
import { containmentSchema } from "../../functions/domain/containers";
import { findings, poison, sequence, sequenceAccount, victims } from "./messages";

/** Findings a minute, minutes of them, and functions that run at a time. */
const [aMinute, minutes, concurrency] = [200, 5, 10];
/** Containments without asking in an hour: the 50, and ten of the 3,000. */
const brake = 60;

const percentile = (values: number[], share: number): number =>
    [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? NaN;

interface Run {
    cloud: Cloud;
    buckets: Buckets;
    /** When each instance was first named, in milliseconds since 1970. */
    namedAt: Map<string, number>;
    /** Ids of all findings that were sent about each instance. */
    sent: Map<string, Set<string>>;
    slackRefused: number;
    /** Posts that did not wait as long as Slack had asked. */
    slackHurried: number;
    begun: number;
    ended: number;
}

async function run(): Promise<Run> {
    const cloud = new Cloud();
    const buckets = new Buckets();
    for (const { accountId, instanceId } of victims) cloud.member(accountId).addInstance(instanceId);
    // Of the sequence's 3,000, those that may get a place of the brake.
    for (const instanceId of sequence.instanceIds.slice(0, 40)) cloud.member(sequenceAccount).addInstance(instanceId);
    cloud.lambdas.concurrency = concurrency;
    const result: Run = { cloud, buckets, namedAt: new Map(), sent: new Map(), slackRefused: 0, slackHurried: 0, begun: 0, ended: 0 };
    let nextPost = 0;
    const mayPostAt = new WeakMap<Invocation, number>();
    cloud.intercept = (request, effect) => {
        if (request.service === "Slack") {
            // About one message a second. https://docs.slack.dev/apis/web-api/rate-limits
            // Who was told to wait, and posts again before.
            const caller = invocations.getStore();
            if (caller && Date.now() < (mayPostAt.get(caller) ?? 0)) result.slackHurried++;
            if (Date.now() < nextPost) {
                result.slackRefused++;
                if (caller) mayPostAt.set(caller, Date.now() + 1000);
                return Promise.resolve(new Response("rate_limited", { status: 429, headers: { "retry-after": "1" } }));
            }
            nextPost = Date.now() + 1000;
        }
        if (buckets.admits(request)) return Promise.resolve(effect());
        const name =
            request.service === "EC2" ? "RequestLimitExceeded" : request.service === "CloudTrail" ? "ThrottlingException" : "Throttling";
        return Promise.reject(
            Object.assign(new Error("Rate exceeded"), { name, $metadata: { httpStatusCode: request.service === "EC2" ? 503 : 400 } }),
        );
    };
    cloud.install("2027-03-01T10:00:00.000Z");
    process.env.CONTAINMENT_POLICY = JSON.stringify({
        brake: { count: brake, minutes: 60 },
        // Instances of a group are followed where the rules name the finding's type.
        rules: [{ findingType: "AttackSequence:EC2/CompromisedInstanceGroup", mode: "automatic" }],
    });
    try {
        result.begun = Date.now();
        const all = findings(aMinute * minutes);
        await cloud.clock.until(
            (async () => {
                for (const [index, { instanceId, findingId, text, messageId }] of all.entries()) {
                    if (!result.namedAt.has(instanceId)) result.namedAt.set(instanceId, Date.now());
                    result.sent.set(instanceId, (result.sent.get(instanceId) ?? new Set()).add(findingId));
                    cloud.deliver(messageId, text);
                    // Each is delivered three times, as SNS may.
                    const bad = poison[Math.floor(index / 30)];
                    if (index % 30 < 3 && bad) cloud.deliver(bad.messageId, bad.text);
                    if (index === 400) cloud.deliver("sequence", sequence.text);
                    await virtualWait(60 / aMinute);
                }
                await cloud.quiet();
            })(),
        );
        result.ended = Date.now();
        return result;
    } finally {
        cloud.remove();
    }
}

/** What must hold, in words; empty where all does. */
function wrong({ cloud, sent, slackHurried }: Run): string[] {
    const found: string[] = [];
    const demand = (holds: boolean, what: string) => void (holds || found.push(what));
    const names = [...cloud.executions.keys()];
    for (const { instanceId, accountId } of victims) {
        const own = names.filter((name) => name.startsWith(instanceId));
        demand(own.length === 1, `${instanceId} has ${own.length} incidents`);
        const { vpc } = cloud.member(accountId).ec2;
        const empty = new Set(
            vpc.groups.filter(({ ingress, egress }) => ingress.length + egress.length === 0).map(({ GroupId }) => GroupId),
        );
        demand(
            vpc.faces.get(instanceId)!.every(({ groups }) => groups.every((each) => empty.has(each))),
            `${instanceId} is not contained`,
        );
        const record = [...cloud.table.items].filter(([key]) => key.includes(instanceId)).map(([, item]) => JSON.stringify(item));
        const lost = [...(sent.get(instanceId) ?? [])].filter((id) => !record.some((text) => text.includes(id)));
        demand(lost.length === 0, `${lost.length} findings on ${instanceId} are in no incident`);
    }
    const ofSequence = names.filter((name) => sequence.instanceIds.some((id) => name.startsWith(id)));
    const held = [...cloud.table.items.values()].filter((item) => item.standing?.S === "held").length;
    demand(names.length <= brake, `${names.length} were contained without asking, ${brake} may`);
    // A finding is followed to its hundredth instance; people are told of the others, and the message is in the dead letters.
    demand(ofSequence.length + held === 100, `${ofSequence.length} of the sequence were started and ${held} wait, of 100`);
    const titles = cloud.slack.map(({ text }) => (JSON.parse(text) as { text: string }).text);
    const refused = [...cloud.s3.objects.keys()].filter((key) => key.includes("/refused/") && key.endsWith(".error.json")).length;
    const toldOfPoison = titles.filter((title) => /not (be )?(started|followed|read)|refused|could not/i.test(title)).length;
    demand(refused === poison.length + 1, `${refused} of ${poison.length} bad messages and one followed in part are on record`);
    demand(
        toldOfPoison === poison.length + 1,
        `people were told ${toldOfPoison} times of ${poison.length} bad messages and one that was followed in part`,
    );
    const parked = cloud.made.filter(({ operation }) => operation === "SendMessage").length;
    demand(parked >= poison.length + 1, `${parked} bad messages are in the dead letters`);
    for (const name of names) {
        const told = titles.filter((title) => title.startsWith("Contained") && title.includes(name.slice(0, 19))).length;
        demand(told >= 1, `nobody was told that ${name} is contained`);
        const { status, error } = cloud.executions.get(name)!;
        demand(status === "SUCCEEDED", `${name} ended as ${status}: ${error?.slice(0, 300)}`);
    }
    demand(slackHurried === 0, `${slackHurried} posts did not wait as long as Slack had asked`);
    demand(cloud.lambdas.mostRunning <= concurrency, `${cloud.lambdas.mostRunning} functions ran at a time`);
    demand(
        cloud.lambdas.deadLetters.length === 0,
        `dead letters: ${cloud.lambdas.deadLetters
            .map(({ handler, error }) => `${handler} ${error.slice(0, 200)}`)
            .slice(0, 5)
            .join("; ")}`,
    );
    return found;
}

async function main(): Promise<number> {
    const clock = Date.now();
    const result = await run();
    const { cloud, buckets, namedAt, slackRefused, begun, ended } = result;
    const problems = wrong(result);
    for (const each of problems.slice(0, 40)) console.log(`WRONG ${each}`);
    const containedAt = [...cloud.s3.objects]
        .filter(([key]) => key.endsWith("/containment.json"))
        .map(([, text]) => containmentSchema.parse(JSON.parse(text)))
        .filter(({ containedAt: at, instance }) => at !== null && namedAt.has(instance.instanceId));
    const seconds = containedAt.map(({ instance, containedAt: at }) => (Date.parse(at!) - namedAt.get(instance.instanceId)!) / 1000);
    const requests = new Map<string, number>();
    for (const made of cloud.made) requests.set(operationOf(made), (requests.get(operationOf(made)) ?? 0) + 1);
    const throttled = [...buckets.refused].sort(([, a], [, b]) => b - a).slice(0, 6);
    console.log(
        `${cloud.made.length} requests; throttled by their buckets: ${throttled.map(([name, count]) => `${name} ${count}`).join(", ") || "none"}`,
    );
    console.log(
        `${cloud.executions.size} incidents, ${((cloud.executions.size * 60_000) / (ended - begun)).toFixed(1)} a minute to their end; contained after ${percentile(seconds, 0.5).toFixed(1)} s, 95th percentile ${percentile(seconds, 0.95).toFixed(1)} s; ${cloud.lambdas.refused} calls of functions and ${slackRefused} posts to Slack were put off, ${[...buckets.refused.values()].reduce((sum, each) => sum + each, 0)} requests throttled; ${problems.length} wrong; ${Math.round((Date.now() - clock) / 1000)} s`,
    );
    return problems.length === 0 ? 0 : 1;
}

export const load = command(
    {
        name: "test:load",
        summary:
            "Sends 200 findings a minute for five minutes about 50 instances in five accounts, with duplicates, updates, poison and a sequence of 3,000 instances, in virtual time: ten functions at a time, AWS's documented token buckets, and a Slack that takes a message a second.",
        arguments: "",
        options: {},
        examples: ["npm run test:load"],
        exitCodes: {
            0: "nothing was lost, doubled or left uncontained",
            1: "something was, each in a line",
            2: "wrong usage, or it did not run",
        },
        run: main,
    },
    module,
);
