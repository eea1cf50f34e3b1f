import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { coverageInEveryRegion } from "./coverageInEveryRegion";
import { document, judge, unknownString, type Declared } from "./testing/engine";

const forensics = "111111111111";
const member = "222222222222";
const regions = ["eu-west-1", "us-east-1"];

/** Declared with a provider that is tied to one account, which the SDK sends as JSON text. */
const of = (
    accountId: string,
    is: Declared["is"],
    props: object,
    name = `${is.name}-${accountId}-${(props as { region?: string }).region ?? ""}`,
): Declared => ({ is, name, props, provider: { allowedAccountIds: JSON.stringify([accountId]) } });
const rule = (accountId: string, region: string, more: object = {}): Declared =>
    of(accountId, aws.cloudwatch.EventRule, {
        region,
        name: "findings",
        eventPattern: JSON.stringify({ source: ["aws.guardduty"] }),
        ...more,
    });
const topicArn = (region: string): string => `arn:aws:sns:${region}:${forensics}:findings`;
const busArn = (region: string): string => `arn:aws:events:${region}:${forensics}:event-bus/default`;
const target = (accountId: string, region: string, arn: string, more: object = {}): Declared =>
    of(accountId, aws.cloudwatch.EventTarget, { region, rule: "findings", arn, ...more });
const permission = (region: string, more: object = {}): Declared =>
    of(forensics, aws.cloudwatch.EventPermission, { region, principal: member, statementId: "member", ...more });
const detector = (accountId: string, region: string, more: object = {}): Declared =>
    of(accountId, aws.guardduty.Detector, { region, enable: true, ...more });
const responder = of(member, aws.iam.Role, { name: "clean-room-responder" });
const everywhere = (...make: ((region: string) => Declared)[]): Declared[] => make.flatMap((each) => regions.map(each));

/** The program's component that announces the estate. */
class Accounts {
    static readonly __pulumiType: string = "ec2-clean-room:index:Accounts";
}

const listed = {
    forensicsAccountId: forensics,
    regions,
    hasOrganization: false,
    mode: "standalone",
    existingRegions: [] as string[],
    members: [{ accountId: member, regions, mode: "standalone", forwards: true }],
};
const standalone = [
    ...everywhere(
        (region) => rule(forensics, region),
        (region) => target(forensics, region, topicArn(region)),
        (region) => permission(region),
        (region) => rule(member, region),
        (region) => target(member, region, busArn(region)),
        (region) => detector(member, region),
    ),
    responder,
];
const organised = { ...listed, hasOrganization: true, mode: "organization", members: [] };
const organisation = [
    ...everywhere(
        (region) => rule(forensics, region),
        (region) => target(forensics, region, topicArn(region)),
        (region) => detector(forensics, region),
        (region) =>
            of(forensics, aws.guardduty.OrganizationConfiguration, {
                region,
                autoEnableOrganizationMembers: "ALL",
                detectorId: unknownString,
            }),
    ),
    of(forensics, aws.cloudformation.StackInstances, { region: "eu-west-1", regions }),
];

async function violations(estate: object | null, stack: Declared[]): Promise<string[]> {
    const announced: Declared[] = estate === null ? [] : [{ is: Accounts, name: "accounts", props: { estate } }];
    const { violations: found, deferred } = await judge(coverageInEveryRegion, [...announced, ...stack]);
    expect(deferred).to.deep.equal([]);
    return found;
}

/** The stack without one of its resources. */
const without = (stack: Declared[], is: Declared["is"], accountId: string, region: string): Declared[] =>
    stack.filter((each) => each.name !== `${is.name}-${accountId}-${region}`);

describe("policy coverage-in-every-region", () => {
    it("accepts members with a detector, a rule and a role each, and an organisation", async () => {
        expect(await violations(listed, standalone)).to.deep.equal([]);
        expect(await violations(organised, organisation)).to.deep.equal([]);
    });

    for (const region of regions) {
        it(`misses a member's detector, and the rules on both sides, in ${region}`, async () => {
            const missing: [Declared["is"], string, string][] = [
                [aws.guardduty.Detector, member, `Account ${member} in ${region} is not covered: it has no enabled detector`],
                [aws.cloudwatch.EventRule, member, `Account ${member} in ${region} is not covered: no enabled rule forwards`],
                [aws.cloudwatch.EventRule, forensics, `Region ${region} is not covered: no enabled rule of account ${forensics}`],
            ];
            for (const [is, account, message] of missing) {
                const [violation, ...others] = await violations(listed, without(standalone, is, account, region));
                expect(others).to.deep.equal([]);
                expect(violation).to.include(message);
            }
        });
    }

    it("does not count what is switched off, or is another account's, or in another Region", async () => {
        const rest = without(standalone, aws.guardduty.Detector, member, "us-east-1");
        for (const instead of [
            detector(member, "us-east-1", { enable: false }),
            detector(forensics, "us-east-1"),
            detector(member, "eu-west-2"),
        ]) {
            expect(await violations(listed, [...rest, instead])).to.have.length(1);
        }
        const silent = without(standalone, aws.cloudwatch.EventRule, member, "us-east-1");
        expect(await violations(listed, [...silent, rule(member, "us-east-1", { state: "DISABLED" })])).to.have.length(1);
        expect(
            await violations(listed, [...silent, rule(member, "us-east-1", { eventPattern: `{"source":["aws.health"]}` })]),
        ).to.have.length(1);
    });

    const broken: [what: string, instead: (region: string) => Declared, message: RegExp][] = [
        [
            "a target for the member's rule",
            (region) => target(member, region, "arn:aws:logs:eu-west-1:222222222222:log-group:x"),
            /no target that is a bus/,
        ],
        [
            "the forensics account's bus",
            (region) => target(member, region, busArn(region).replace(forensics, "666666666666")),
            /no target that is a bus/,
        ],
        [
            "a rule on the bus that is forwarded to",
            (region) => target(member, region, busArn(region).replace("/default", "/other")),
            /may put no events on the bus "other"|from the event bus "other"/,
        ],
        [
            "a target of the central rule",
            (region) => target(forensics, region, topicArn(region), { rule: "another" }),
            /delivers them nowhere/,
        ],
        [
            "a topic in the account",
            (region) => target(forensics, region, "arn:aws:logs:eu-west-1:111111111111:log-group:x"),
            /delivers them nowhere/,
        ],
        ["leave to put events", (region) => permission(region, { principal: "333333333333" }), /may put no events/],
        [
            "a pattern of all findings",
            (region) => rule(member, region, { eventPattern: `{"source":["aws.guardduty"],"detail":{"type":[{"prefix":"Crypto"}]}}` }),
            /no enabled rule forwards/,
        ],
        [
            "a pattern that lets them pass",
            (region) => rule(forensics, region, { eventPattern: `{"source":[{"anything-but":"aws.guardduty"}]}` }),
            /no enabled rule of account/,
        ],
        [
            "a pattern that lets the member's pass",
            (region) => rule(forensics, region, { eventPattern: `{"source":["aws.guardduty"],"account":["${forensics}"]}` }),
            /no enabled rule of account/,
        ],
        ["the default bus", (region) => rule(member, region, { eventBusName: "other" }), /no enabled rule forwards/],
        ["a rule that is on", (region) => rule(forensics, region, { isEnabled: false }), /no enabled rule of account/],
    ];
    for (const [what, instead, message] of broken) {
        it(`misses ${what}`, async () => {
            const changed = instead("us-east-1");
            const stack = standalone.map((each) => (each.name === changed.name ? changed : each));
            const found = await violations(listed, stack);
            expect(found.length).to.be.within(1, 2);
            for (const violation of found) expect(violation).to.match(message).and.to.include("us-east-1");
        });
    }

    it("follows a bus of the program's own, its policy, and a topic that must let the rule publish", async () => {
        const own = (more: Partial<Record<"policy" | "topicPolicy" | "roleArn", unknown>> = {}): Declared[] =>
            everywhere(
                (region) => detector(member, region),
                (region) => rule(member, region),
                (region) => target(member, region, `arn:aws:events:${region}:${forensics}:event-bus/clean-room`),
                (region) => ({ ...of(forensics, aws.cloudwatch.EventBus, { region, name: "clean-room" }), name: `bus-${region}` }),
                (region) => ({
                    ...of(forensics, aws.cloudwatch.EventBusPolicy, {
                        region,
                        eventBusName: unknownString,
                        policy: more.policy ?? unknownString,
                    }),
                    refs: { eventBusName: [`bus-${region}`] },
                }),
                (region) => ({ ...rule(forensics, region, { eventBusName: unknownString }), refs: { eventBusName: [`bus-${region}`] } }),
                (region) => of(forensics, aws.sns.Topic, { region }),
                (region) => ({
                    ...of(forensics, aws.sns.TopicPolicy, {
                        region,
                        policy:
                            more.topicPolicy ??
                            document({
                                Effect: "Allow",
                                Principal: { Service: "events.amazonaws.com" },
                                Action: "sns:Publish",
                                Resource: "*",
                            }),
                    }),
                    refs: { arn: [`Topic-${forensics}-${region}`] },
                }),
                (region) => ({
                    ...target(forensics, region, unknownString, { roleArn: more.roleArn }),
                    refs: { arn: [`Topic-${forensics}-${region}`] },
                }),
            ).concat(responder);
        expect(await violations(listed, own())).to.deep.equal([]);
        const forMember = (principal: string): string =>
            document({ Effect: "Allow", Principal: { AWS: principal }, Action: "events:PutEvents", Resource: "*" });
        expect(await violations(listed, own({ policy: forMember(`arn:aws:iam::${member}:root`) }))).to.deep.equal([]);
        expect(await violations(listed, own({ policy: forMember(`arn:aws:iam::${forensics}:root`) }))).to.have.length(2);
        expect(await violations(listed, own({ topicPolicy: forMember(forensics) }))).to.have.length(2);
        expect(await violations(listed, own({ topicPolicy: forMember(forensics), roleArn: unknownString }))).to.deep.equal([]);
    });

    it("takes the Region of a resource that says none from its provider", async () => {
        const inProvider = standalone.map((each) => {
            const { region, ...props } = each.props as { region?: string };
            return region === undefined ? each : { ...each, props, provider: { ...each.provider, region } };
        });
        expect(await violations(listed, inProvider)).to.deep.equal([]);
    });

    it("misses the responder role in each of its Regions", async () => {
        expect(
            await violations(
                listed,
                standalone.filter((each) => each !== responder),
            ),
        ).to.have.length(2);
    });

    it("sees an account that the program forgot altogether", async () => {
        const found = await violations(
            {
                ...listed,
                members: [...listed.members, { accountId: "333333333333", regions: ["us-east-1"], mode: "standalone", forwards: true }],
            },
            standalone,
        );
        expect(found).to.have.length(3);
        for (const violation of found) expect(violation).to.include("Account 333333333333 in us-east-1");
    });

    it("takes detectors that are said to exist for granted, and no others", async () => {
        const bare = standalone.filter((each) => each.is !== aws.guardduty.Detector);
        expect(await violations({ ...listed, members: [{ ...listed.members[0], mode: "existing" }] }, bare)).to.deep.equal([]);
        expect(await violations({ ...listed, existingRegions: ["us-east-1"] }, bare)).to.have.length(1);
        expect(await violations({ ...listed, mode: "existing" }, bare)).to.have.length(2);
    });

    it("wants an organisation's detectors, auto-enablement of all accounts, and the StackSet in every Region", async () => {
        expect(await violations(organised, without(organisation, aws.guardduty.Detector, forensics, "us-east-1"))).to.have.length(1);
        const fresh = [
            ...without(organisation, aws.guardduty.OrganizationConfiguration, forensics, "us-east-1"),
            of(forensics, aws.guardduty.OrganizationConfiguration, { region: "us-east-1", autoEnableOrganizationMembers: "NEW" }),
        ];
        expect(await violations(organised, fresh)).to.have.length(1);
        const [, ...others] = [...organisation].reverse();
        expect(
            await violations(organised, [...others, of(forensics, aws.cloudformation.StackInstances, { regions: ["eu-west-1"] })]),
        ).to.have.length(1);
    });

    it("leaves stacks of other programs alone", async () => {
        expect(await violations(null, [])).to.deep.equal([]);
    });

    it("refuses a clean room that does not say what is to be covered", async () => {
        for (const estate of [
            undefined,
            {},
            { ...listed, regions: [] },
            { ...listed, members: [] },
            { ...listed, members: unknownString },
            { ...listed, forensicsAccountId: unknownString },
        ]) {
            const [violation, ...others] = await violations({ ...estate }, standalone);
            expect(others).to.deep.equal([]);
            expect(violation).to.include("does not announce");
        }
    });
});
