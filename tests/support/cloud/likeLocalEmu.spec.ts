import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { live } from "../../faults/scenario";
import { differences, Reading, type Members } from "./replies";
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

/** Of `npm run rehearse -- --memory volatile` (replies.ts says how it is made anew). */
const replies = JSON.parse(readFileSync(join(__dirname, "..", "..", "fixtures", "rehearsalReplies.json"), "utf8")) as Members;

/** What functions read of one's replies and not of the other's, and why. */
const knownReplies: { members: RegExp; why: string }[] = [
    { members: / NextToken: string in memory/, why: "results come a page at a time here; LocalEmu has few, on one page" },
    { members: /\.Routes\[\]\.(NatGatewayId|TransitGatewayId): string in memory/, why: "the rehearsal's VPC has no such route" },
    {
        members: /SecurityGroups\[\]\.IpPermissions(Egress)?\[\]\.\w+: nothing in memory, more/,
        why: "a rule here has the lists that it was made with; the others are empty, which is read alike",
    },
    {
        members:
            /(ConnectionTrackingConfiguration\.(DefaultTcp|Tcp)EstablishedTimeout|AddCommunicationToCase result): \w+ in memory, nothing/,
        why: "moto does not have it; AWS documents it",
    },
    {
        members: /^ec2:CreateSnapshots Snapshots\[\]\.State: string in memory/,
        why: "the local AWS leaves it out; AWS documents it",
    },
    { members: /^s3:GetObject ContentLength: number in memory, string/, why: "a header, which the SDK makes a number of" },
    {
        members: /^s3:ListObjectVersions IsTruncated: nothing in memory, boolean/,
        why: "all versions come at once here; left out reads as false",
    },
    {
        members: /(GetCommandInvocation StatusDetails|cases\[\]\.displayId): nothing in memory/,
        why: "only told to people, where it is there",
    },
];

const isKnown = (principal: string, operation: string) => known.some(({ operations }) => operations.test(`${principal} ${operation}`));

describe("the estate in memory", function () {
    this.timeout(60_000);
    let inMemory: Calls;
    const reading = new Reading();
    before(async () => {
        const { made, phaseAt } = await live(null, null, "incident", reading.watch);
        inMemory = byPrincipal(made.slice(0, phaseAt.watch));
        await live(null, null, "memory", reading.watch);
    });

    it("answers what LocalEmu answers, in all that the functions read of it", () => {
        const found = differences(reading, replies).filter((line) => !knownReplies.some(({ members }) => members.test(line)));
        expect(found).to.deep.equal([]);
        const read = [...reading.read].filter(([operation]) => operation in replies).reduce((sum, [, members]) => sum + members.size, 0);
        expect(read, "members read of operations that were rehearsed").to.be.above(150);
        // A reply without a member that is read, or with another type, is a difference.
        expect(differences(reading, { ...replies, "ec2:DescribeSnapshots": [] })).to.include(
            "ec2:DescribeSnapshots Snapshots[].State: string in memory, nothing in the local AWS",
        );
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
