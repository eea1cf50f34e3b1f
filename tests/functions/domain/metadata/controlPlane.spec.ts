import fc from "fast-check";
import { expect } from "chai";
import { controlCalls, credentialUse, spreadOf } from "../../../../functions/domain/metadata/controlPlane";
import type { MetadataIndex, MetadataPart } from "../../../../functions/domain/metadata/metadataIndex";
import { readMoment, type KeptRound, type Moment } from "../../../../functions/domain/metadata/readMoment";
import { findingNote } from "../../../../functions/domain/report/asff";
import { neverLookedAtWords } from "../../../../functions/domain/report/neverLookedAt";
import { read } from "../../../../functions/domain/report/reading";
import { renderReport } from "../../../../functions/domain/report/reportPage";
import { allEvents } from "../../../../functions/domain/report/timelineSection";
import { reportInput } from "../../../fixtures/analysis/input";

const instanceId = "i-0123456789abcdef0";
const ownArn = `arn:aws:sts::222222222222:assumed-role/app/${instanceId}`;
let events = 0;
const event = (about: string, eventName: string, more: object = {}, region = "eu-west-1") => ({
    about,
    region,
    record: {
        eventID: `e${++events}`,
        eventName,
        eventSource: "x.amazonaws.com",
        eventTime: "2026-11-20T03:05:00Z",
        sourceIPAddress: "10.0.0.4",
        userIdentity: { type: "AssumedRole", arn: ownArn },
        ...more,
    },
});
const lookup = { about: "credentials", what: `Username=${instanceId}`, region: "eu-west-1", events: 1, whole: true, error: null };

/** As captureMetadata leaves it. */
function kept(
    parts: Partial<Record<MetadataPart, unknown>>,
    outcomes: Partial<Record<MetadataPart, MetadataIndex["parts"][number]["outcome"]>> = {},
): KeptRound {
    const bodies = new Map<MetadataPart, string>();
    for (const [name, value] of Object.entries(parts)) bodies.set(name as MetadataPart, JSON.stringify(value));
    const named = { ...Object.fromEntries([...bodies.keys()].map((name) => [name, "read" as const])), ...outcomes };
    return {
        bodies,
        altered: [],
        index: {
            schemaVersion: 1,
            incidentId: "i",
            instance: { instanceId, accountId: "222222222222", region: "eu-west-1" },
            round: "now",
            startedAt: "2026-11-20T03:20:00.000Z",
            endedAt: "2026-11-20T03:20:09.000Z",
            parts: Object.entries(named).map(([name, outcome]) => ({ name: name as MetadataPart, outcome, object: null, missing: [] })),
        },
    };
}
const around = {
    interfaces: [{ PrivateIpAddresses: [{ PrivateIpAddress: "10.0.0.4", Association: { PublicIp: "198.51.100.7" } }] }],
    "nat-gateways": [{ NatGatewayAddresses: [{ PublicIp: "198.51.100.99" }] }],
    "route-tables": [{ Routes: [{ DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-1" }] }],
    role: { roles: [] },
};
const trail = (...found: object[]) => ({
    schemaVersion: 1,
    since: "2026-11-19T03:20:00Z",
    until: "2026-11-20T03:20:00Z",
    lookups: [lookup],
    events: found,
});
const momentOf = (parts: Partial<Record<MetadataPart, unknown>>, outcomes = {}): Moment =>
    readMoment([kept({ ...around, ...parts }, outcomes)])!;
const nobody = () => false;
const useOf = (moment: Moment, isOwn: (address: string) => boolean = nobody) =>
    credentialUse(moment, controlCalls(moment, "clean-room-responder", isOwn));

describe("the control plane", () => {
    it("says yes, and where, when the instance's credentials or what they opened came from another address", () => {
        const moment = momentOf({
            "trail-events": trail(
                event("credentials", "ListBuckets"),
                event("credentials", "GetCallerIdentity", { sourceIPAddress: "203.0.113.66" }, "us-east-1"),
                event("session", "CreateUser", { sourceIPAddress: "203.0.113.66" }, "eu-west-1"),
            ),
        });
        const use = useOf(moment);
        expect(use.answer).to.equal("yes");
        expect(use.sentence).to.contain("203.0.113.66 (2 calls in eu-west-1 and us-east-1)");
        const calls = controlCalls(moment, "clean-room-responder", nobody);
        expect(calls.find(({ eventName }) => eventName === "CreateUser")).to.deep.include({ severity: "critical", elsewhere: true });
    });

    it("takes a private address that is not the instance's for another one: thieves call through an endpoint of their own VPC", () => {
        const stolen = event("credentials", "GetObject", { sourceIPAddress: "10.9.9.9", vpcEndpointId: "vpce-0abc" });
        expect(useOf(momentOf({ "trail-events": trail(stolen) })).sentence).to.contain("10.9.9.9 through vpce-0abc");
    });

    for (const [what, address, more] of [
        ["its own address", "10.0.0.4", {}],
        ["its public address", "198.51.100.7", {}],
        ["a NAT gateway of its VPC", "198.51.100.99", {}],
        ["a service on its behalf", "ec2.amazonaws.com", {}],
        ["a service that names who asked", "203.0.113.1", { userIdentity: { arn: ownArn, invokedBy: "cloudformation.amazonaws.com" } }],
    ] as const)
        it(`does not know of theft from ${what}, and never says no: data events are not in the history`, () => {
            const use = useOf(
                momentOf({ "trail-events": trail(event("credentials", "ListBuckets", { sourceIPAddress: address, ...more })) }),
            );
            expect(use.answer).to.equal("not knowable");
            expect(use.sentence).to.contain("1 call").and.contain("management events alone");
        });

    it("leaves it open where traffic leaves the VPC by a way whose addresses nobody told", () => {
        const moment = momentOf({
            "trail-events": trail(event("credentials", "ListBuckets", { sourceIPAddress: "203.0.113.66" })),
            "route-tables": [{ Routes: [{ DestinationCidrBlock: "0.0.0.0/0", TransitGatewayId: "tgw-1" }] }],
        });
        expect(useOf(moment)).to.deep.include({ answer: "not knowable" });
        expect(useOf(moment).sentence).to.contain("look whether these are yours: 203.0.113.66");
        expect(useOf(moment, (address) => address === "203.0.113.66").sentence).to.not.contain("203.0.113.66");
    });

    it("says no only where there was no role, and every lookup was answered whole", () => {
        const { role: _, ...without } = around;
        const moment = readMoment([kept({ ...without, "trail-events": trail() }, { role: "none" })])!;
        expect(useOf(moment).answer).to.equal("no");
        const half = readMoment([
            kept(
                { ...without, "trail-events": { ...trail(), lookups: [{ ...lookup, whole: false, error: "ThrottlingException" }] } },
                { role: "none" },
            ),
        ])!;
        expect(useOf(half).answer).to.equal("not knowable");
        expect(useOf(readMoment([kept(around)])!).sentence).to.contain("was not read");
        expect(credentialUse(null, []).answer).to.equal("not knowable");
    });

    it("leaves the response's own calls out, and knows a role of that name by CloudTrail's issuer and not by a session's name", () => {
        const issuer = (userName: string) => ({
            userIdentity: { arn: "arn:aws:sts::2:assumed-role/x/y", sessionContext: { sessionIssuer: { userName } } },
        });
        const moment = momentOf({
            "trail-events": trail(
                event("instance", "ModifyInstanceAttribute", issuer("clean-room-responder")),
                event("instance", "StartSession", issuer("admin")),
            ),
        });
        expect(controlCalls(moment, "clean-room-responder", nobody).map(({ title }) => title)).to.deep.equal([
            "Somebody reached into the instance: StartSession",
        ]);
    });

    it("puts both rounds together: each event once, the later list of siblings, the first answer where the second failed", () => {
        const first = event("credentials", "ListBuckets");
        const sibling = (id: string, replacement: boolean) => ({
            instanceId: id,
            state: "running",
            launchedAt: null,
            shares: ["image"],
            publicAddresses: [],
            privateAddresses: [],
            replacement,
        });
        const siblings = (...found: object[]) => ({ schemaVersion: 1, instanceId, compared: 9, traits: [], siblings: found, leftOut: 0 });
        const moment = readMoment([
            kept({ ...around, "trail-events": trail(first), siblings: siblings(sibling("i-1", false)) }),
            kept({
                "trail-events": {
                    ...trail(first, event("credentials", "RunInstances")),
                    lookups: [{ ...lookup, whole: false, error: "ThrottlingException" }],
                },
                siblings: siblings(sibling("i-1", false), sibling("i-2", true)),
            }),
        ])!;
        expect(moment.trail!.events.map(({ record }) => record.eventName)).to.deep.equal(["ListBuckets", "RunInstances"]);
        expect(moment.trail!.lookups.map(({ error }) => error)).to.deep.equal([null]);
        expect(spreadOf(moment).warning).to.contain("i-2").and.contain("same weakness is likely");
    });

    it("is in timeline, story, page and message beside the disks and the response", () => {
        const input = reportInput();
        const moment = momentOf({
            "trail-events": trail(event("session", "StopLogging", { sourceIPAddress: "203.0.113.66" })),
            "guardduty-findings": [
                { Id: "other", Type: "Recon:EC2/Portscan", Severity: 5, Service: { EventFirstSeen: "2026-11-20T02:00:00Z" } },
            ],
        });
        const whole = { ...input, moment };
        const reading = read(whole);
        const lanes = new Set(allEvents(whole, reading.calls).map(({ lane }) => lane));
        expect([...lanes]).to.include.members(["files", "control plane", "response"]);
        const told = reading.story
            .flatMap(({ phases }) => phases)
            .flatMap(({ tactic, facts }) => facts.map(({ title }) => `${tactic}: ${title}`));
        expect(
            told.some((each) =>
                /^Defense evasion: A session that .* weakened logging or detection: StopLogging from 203\.0\.113\.66/.test(each),
            ),
        ).to.equal(true);
        const page = renderReport(whole, reading, null);
        expect(page.slice(page.indexOf('<ol class="three">'), page.indexOf("</ol>"))).to.contain("Stolen credentials used: yes: ");
        expect(page)
            .to.contain('id="f-cp-1"')
            .and.contain("#f-cp-1")
            .and.contain("Recon:EC2/Portscan")
            .and.contain("Stolen credentials used");
        expect(neverLookedAtWords(whole)).to.contain("data events").and.not.contain("control plane");
        expect(renderReport(input, read(input), null)).to.contain("was not kept");
    });

    it("notes the result on the incident's findings in Security Hub, by the ARNs that GuardDuty gave, and on no other's", () => {
        const input = reportInput();
        const { id } = input.custody.incident.finding;
        const arn = (of: string) => `arn:aws:guardduty:eu-west-1:222222222222:detector/d1/finding/${of}`;
        const moment = momentOf({
            "guardduty-findings": [
                { Id: id, Arn: arn(id), Type: "a", Severity: 8 },
                { Id: "other", Arn: arn("other"), Type: "b", Severity: 8 },
            ],
        });
        const whole = { ...input, moment };
        const { FindingIdentifiers, Note } = findingNote(whole, read(whole), "111111111111", `s3://bucket/${"x".repeat(900)}`);
        expect(FindingIdentifiers!.slice(1)).to.deep.equal([
            { Id: arn(id), ProductArn: "arn:aws:securityhub:eu-west-1::product/aws/guardduty" },
        ]);
        expect(Note!.Text!.length).to.be.at.most(512);
    });

    it("shows whatever an event says as text, and reads any event", () => {
        const hostile = "<script>alert(1)</script>\u202e";
        const moment = momentOf({
            "trail-events": trail(
                event("credentials", hostile, {
                    userAgent: hostile,
                    errorCode: hostile,
                    sourceIPAddress: hostile,
                    userIdentity: { arn: hostile },
                }),
            ),
            "guardduty-findings": [{ Id: hostile, Type: hostile, Severity: 8 }],
        });
        const input = { ...reportInput(), moment };
        expect(renderReport(input, read(input), null))
            .to.not.contain("<script")
            .and.not.contain("\u202e");
        fc.assert(
            fc.property(
                fc.array(
                    fc.record({
                        eventName: fc.string(),
                        sourceIPAddress: fc.string(),
                        errorCode: fc.option(fc.string(), { nil: undefined }),
                    }),
                ),
                (given) => {
                    const any = momentOf({ "trail-events": trail(...given.map((each) => event("session", each.eventName, each))) });
                    const calls = controlCalls(any, "clean-room-responder", nobody);
                    expect(calls.reduce((sum, each) => sum + each.calls, 0)).to.equal(given.length);
                },
            ),
            { numRuns: 50 },
        );
    });
});
