import { expect } from "chai";
import type { Kind } from "../support/cloud/faults";
import { allCases, nameOf, shortCases, type Case } from "./cases";
import { judge } from "./judge";
import { live, type Life } from "./scenario";
import { scenarioNames } from "./scenarios";

/** What `npm run test:faults` found, and what was mended for it. */
const found: Record<string, string> = {
    "ec2:RunInstances@startForensicInstance#1=crash": "a function whose process was killed was not called again",
    "dynamodb:PutItem@isolateInstance#1=empty-bucket": "an instance that a busy table did not take was watched by nobody",
    "elasticloadbalancing:DescribeTargetHealth@isolateInstance#1=deny": "a registration that was read late was never given back",
    "ec2:DescribeInstanceTypes@isolateInstance#1=deny": "idle time-outs that were read late were never given back",
    "ec2:DescribeInstanceAttribute@isolateInstance#1=deny": "protection that nobody had read before stayed on in silence",
    "approved/dynamodb:UpdateItem@answerApproval#1=crash":
        "an approval that broke off before it woke the workflow was acted on half an hour later",
    "approved/dynamodb:UpdateItem@answerApproval#1=lost-reply":
        "an approval whose write was answered late was refused as one that stood already",
    "memory/dynamodb:PutItem@quarantineInstance#1=deny":
        "a quarantine that no record could be kept of was taken for the owner's state, so that a release put nothing back",
    "memory/ec2:DescribeInstanceAttribute@quarantineInstance#1=deny":
        "protection that nobody had read before the quarantine set it was taken for the owner's",
    "memory/ssm:SendCommand@acquireMemory#1=crash":
        "the tools' snapshot and the document stayed shared with the member when the function died that had shared them",
    "resumed/dynamodb:GetItem@isolateInstance#5=empty-bucket":
        "a run that could not read that the instance stands contained wrote the contained state over what a release puts back",
};

describe("faults", function () {
    this.timeout(120_000);
    let good: Life;
    before(async () => {
        // The first life loads what functions load late, so that its calls come in an order of their own.
        await live(null, null);
        good = await live(null, null);
    });

    it("are none in a life in which nothing goes wrong", () => {
        expect(good.mended).to.deep.include({
            contained: true,
            report: true,
            sealed: true,
            preserved: 2,
            left: [],
            alarms: [],
            failures: [],
        });
        expect(good.released.different).to.deep.equal([]);
        expect(good.released.counts).to.deep.equal({
            "source snapshots a volume": 1,
            "evidence snapshots a volume": 1,
            "forensic instances an execution": 1,
            // One that is never mounted, and one to work on.
            "volumes a snapshot an execution": 2,
            tickets: 1,
            "messages alike": 1,
        });
    });

    it("come in the same order each time", async () => {
        const again = await live(null, null);
        // A fault is met at a function's n-th call. Which function is ahead of another one may hang on real work, such as unpacking results.
        const order = ({ made }: Life) =>
            made
                .map(({ handler, operation, service }) => `${handler} ${service} ${operation}`)
                .sort((left, right) => {
                    const [one, other] = [left.split(" ")[0]!, right.split(" ")[0]!];
                    return one < other ? -1 : one > other ? 1 : 0;
                });
        expect(order(again)).to.deep.equal(order(good));
    });

    it("meet every scenario, operation and kind in the short form too", async () => {
        const all: Case[] = [];
        for (const each of scenarioNames) all.push(...allCases(await live(null, null, each)));
        const short = shortCases(all, 110);
        expect(short.length).to.be.within(110, 130);
        expect(new Set(short.map(({ scenario }) => scenario))).to.deep.equal(new Set(scenarioNames));
        expect(new Set(short.map(({ handler }) => handler))).to.deep.equal(new Set(all.map(({ handler }) => handler)));
        expect(new Set(short.map(nameOf)).size).to.equal(short.length);
        expect(new Set(short.map(({ operation }) => operation))).to.deep.equal(new Set(all.map(({ operation }) => operation)));
        expect(new Set(short.map(({ kind }): Kind => kind))).to.deep.equal(new Set(all.map(({ kind }) => kind)));
    });

    for (const [name, was] of Object.entries(found))
        it(`${name}: once ${was}`, async () => {
            const scenario = scenarioNames.find((each) => name.startsWith(`${each}/`)) ?? "incident";
            const without = scenario === "incident" ? good : await live(null, null, scenario);
            const fault = allCases(without).find((each) => nameOf(each) === name)!;
            const life = await live(fault, without, scenario);
            expect(judge(fault, life, without).wrong).to.deep.equal([]);
        });

    it("of a process that dies are nobody's business but the workflow's", async () => {
        const fault = { handler: "startForensicInstance", operation: "ec2:RunInstances", kind: "crash" as const, call: 1 };
        const life = await live(fault, good);
        expect(judge(fault, life, good)).to.deep.include({ absorbed: true, doubled: [] });
    });

    it("are judged: one that nobody tells of is called wrong", () => {
        const silent = { ...good, hits: 1, response: { ...good.response, report: false } };
        const fault = { handler: "sendReport", operation: "s3:PutObject", kind: "deny" as const, call: 1 };
        expect(judge(fault, silent, good).wrong).to.deep.equal(["no report, and nobody was told"]);
    });
});
