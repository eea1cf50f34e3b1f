import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { live } from "../../faults/scenario";
import { byPrincipal, recordedCalls, type Calls } from "./recordedCalls";

/** Of `npm run rehearse` on LocalEmu (recordedCalls.ts says how it is made anew). */
const rehearsed = JSON.parse(readFileSync(join(__dirname, "..", "..", "fixtures", "rehearsalCalls.json"), "utf8")) as Calls;

/** What only one of both calls, and why. */
const known: { operations: RegExp; why: string }[] = [
    { operations: / sts:(GetCallerIdentity|AssumeRole)$/, why: "kept for a function's life, and here all functions share one" },
    { operations: /^(openTicket|sendFirstLook|sendReport) ssm:GetParameter$/, why: "Slack's webhook is kept for five minutes, as above" },
    { operations: / sns:/, why: "Slack is the only channel here" },
    { operations: /^sendReport securityhub:/, why: "notifications.securityHub is on here, and off in the rehearsal" },
    {
        operations:
            /^member (events:DescribeRule|iam:SimulatePrincipalPolicy|guardduty:(GetDetector|CreateSampleFindings|ArchiveFindings))$/,
        why: "the rehearsal's preflight, which is no part of an incident",
    },
    {
        operations: /^member (iam:GetPolicy|iam:GetPolicyVersion|guardduty:GetFindings)$/,
        why: "the rehearsal's role has no attached policy, and its GuardDuty no other finding",
    },
];

const isKnown = (principal: string, operation: string) => known.some(({ operations }) => operations.test(`${principal} ${operation}`));

describe("the estate in memory", function () {
    this.timeout(60_000);
    let inMemory: Calls;
    before(async () => {
        const { made, phaseAt } = await live(null, null);
        inMemory = byPrincipal(made.slice(0, phaseAt.watch));
    });

    it("is asked for what LocalEmu is asked for, by each function and in the member account", () => {
        const differences = Object.entries(inMemory).flatMap(([principal, operations]) => {
            const recorded = rehearsed[principal] ?? [];
            const only = (left: string[], right: string[], whose: string) =>
                left.filter((each) => !right.includes(each) && !isKnown(principal, each)).map((each) => `${whose} ${principal} ${each}`);
            return [...only(recorded, operations, "rehearsal"), ...only(operations, recorded, "memory")];
        });
        expect(differences).to.deep.equal([]);
    });

    it("leads the functions through what they change in the same order", () => {
        const changes = (operations: string[] = []) =>
            operations.filter((each) => !/:(Describe|Get|List|Lookup|Head|Query|Assume)/.test(each));
        const differences = Object.keys(inMemory)
            // In the member account many functions are at work at a time; and preflight's sample was the rehearsal's first message.
            .filter((each) => each !== "member" && each !== "startIncident")
            .flatMap((principal) => {
                const shared = changes(inMemory[principal]).filter((each) => rehearsed[principal]?.includes(each));
                const recorded = changes(rehearsed[principal]).filter((each) => shared.includes(each));
                return recorded.join() === shared.join() ? [] : [`${principal}: ${recorded.join(" ")}, here ${shared.join(" ")}`];
            });
        expect(differences).to.deep.equal([]);
    });

    it("is held to a record that says something", () => {
        expect(Object.keys(rehearsed).length).to.be.above(12);
        expect(recordedCalls([])).to.deep.equal({});
    });
});
