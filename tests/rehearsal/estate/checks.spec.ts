import { expect } from "chai";
import { runEstateChecks } from "../../../rehearsal/estate/checks";
import type { EstateFacts, VictimFacts } from "../../../rehearsal/estate/facts";

function victim(digit: string, accountId: string, region: string): VictimFacts {
    const instance = { instanceId: `i-0000000000000000${digit}`, accountId, region };
    const incidentId = `${instance.instanceId}-abc`;
    return {
        instance,
        vpcId: `vpc-${digit}`,
        incidentId,
        executions: [{ region, name: incidentId, status: "SUCCEEDED" }],
        interfaces: [{ networkInterfaceId: `eni-${digit}`, groups: [{ groupId: `sg-${digit}`, vpcId: `vpc-${digit}`, isolation: true }] }],
        volumes: 1,
        evidence: [{ region, snapshotId: `snap-${digit}`, locked: true }],
        objects: [{ region, count: 14 }],
        report: { incidentId, instance, intact: true },
    };
}

/** An estate in which everything went well. */
function goodFacts(): EstateFacts {
    const victims = [victim("1", "222222222222", "eu-west-1"), victim("2", "333333333333", "eu-central-1")];
    const home = (region: string, accountId: string) => ({ home: { region, accountId }, region, accountId });
    return {
        regions: ["eu-west-1", "eu-central-1"],
        readiness: ["eu-west-1", "eu-central-1"].map((region) => ({
            region,
            checks: ["sample", "responder-allowed 222222222222", "responder-allowed 333333333333"].map((id) => ({
                id,
                lookedAt: id,
                state: "ok" as const,
                said: "well",
                toDo: null,
            })),
        })),
        victims,
        calls: [
            ...victims.map(({ instance, incidentId }) => ({
                source: `responder for ${incidentId}`,
                incidentId,
                service: "ec2",
                calls: 40,
                ...home(instance.region, instance.accountId),
            })),
            ...victims.map(({ instance }) => ({
                source: `clean-room-openTicket-${instance.region}`,
                incidentId: null,
                service: "s3",
                calls: 3,
                ...home(instance.region, "111111111111"),
            })),
            {
                source: "clean-room-openTicket-eu-central-1",
                incidentId: null,
                service: "support",
                calls: 1,
                ...home("eu-central-1", "111111111111"),
                region: "us-east-1",
            },
        ],
        slack: victims
            .flatMap(({ instance }) => [
                `Contained: ${instance.instanceId} in account ${instance.accountId}, ${instance.region}`,
                `Support case opened: ${instance.instanceId} in account ${instance.accountId}, ${instance.region}`,
                `First look: signs of compromise – ${instance.instanceId} in account ${instance.accountId}, ${instance.region}`,
                `Report: Signs of compromise – ${instance.instanceId} in account ${instance.accountId}, ${instance.region}`,
            ])
            .map((title) => ({ title, violations: [] })),
    };
}

const failed = (facts: EstateFacts) =>
    runEstateChecks(facts)
        .filter((check) => !check.passed)
        .map((check) => check.name);

/** Each line breaks one fact and names the check that has to notice. */
const broken: [string, RegExp, (facts: EstateFacts) => void][] = [
    ["something was broken before", /^Preflight/, (f) => (f.readiness[1]!.checks[0]!.state = "broken")],
    ["something could not be looked at", /^Preflight/, (f) => (f.readiness[1]!.checks[2]!.state = "not looked at")],
    ["a Region was not looked at", /^Preflight/, (f) => f.readiness.shift()],
    ["a member was not looked at", /^Preflight/, (f) => f.readiness[0]!.checks.pop()],
    ["a finding started nothing", /^Each finding/, (f) => (f.victims[1]!.executions = [])],
    [
        "a finding started an incident in the other Region, too",
        /^Each finding/,
        (f) => f.victims[1]!.executions.push({ region: "eu-west-1", name: "x", status: "SUCCEEDED" }),
    ],
    ["an incident ran in the wrong Region", /^Each finding/, (f) => (f.victims[1]!.executions[0]!.region = "eu-west-1")],
    ["an incident failed", /^Each finding/, (f) => (f.victims[0]!.executions[0]!.status = "FAILED")],
    ["two findings share an incident", /^Each finding/, (f) => Object.assign(f.victims[1]!, { incidentId: f.victims[0]!.incidentId })],
    ["a victim carries another VPC's group", /^Every interface/, (f) => (f.victims[1]!.interfaces[0]!.groups[0]!.vpcId = "vpc-1")],
    [
        "a victim keeps a group",
        /^Every interface/,
        (f) => f.victims[1]!.interfaces[0]!.groups.push({ groupId: "sg-web", vpcId: "vpc-2", isolation: false }),
    ],
    ["a victim has no interface", /^Every interface/, (f) => (f.victims[1]!.interfaces = [])],
    ["evidence lies in the other Region", /^The evidence/, (f) => (f.victims[1]!.evidence[0]!.region = "eu-west-1")],
    ["evidence is not locked", /^The evidence/, (f) => (f.victims[0]!.evidence[0]!.locked = false)],
    ["a volume was not preserved", /^The evidence/, (f) => (f.victims[0]!.volumes = 2)],
    [
        "objects of an incident lie in the other Region's bucket",
        /^The evidence/,
        (f) => f.victims[0]!.objects.push({ region: "eu-central-1", count: 1 }),
    ],
    ["there is no report", /^Each incident has/, (f) => (f.victims[0]!.report = null)],
    ["a report is about another instance", /^Each incident has/, (f) => (f.victims[0]!.report!.instance = f.victims[1]!.instance)],
    ["a report is of another incident", /^Each incident has/, (f) => (f.victims[0]!.report!.incidentId = "x")],
    ["evidence was altered", /^Each incident has/, (f) => (f.victims[0]!.report!.intact = false)],
    ["people were not told of an isolation", /^People/, (f) => f.slack.shift()],
    ["people were told of an error", /^People/, (f) => f.slack.push({ title: "A step of the response failed: x", violations: [] })],
    ["people were told twice of the same isolation", /^People/, (f) => (f.slack[2] = f.slack[0]!)],
    ["Slack would have refused a message", /^People/, (f) => f.slack[0]!.violations.push("51 blocks")],
    ["a responder's call went to the other Region", /^No call/, (f) => (f.calls[0]!.region = "eu-central-1")],
    ["a responder's call went to another account", /^No call/, (f) => (f.calls[0]!.accountId = "333333333333")],
    ["a function called the other Region", /^No call/, (f) => (f.calls[2]!.region = "us-east-1")],
    ["a call to a global service went to a third Region", /^No call/, (f) => (f.calls[4]!.region = "ap-south-1")],
    ["a call belongs to nobody", /^No call/, (f) => f.calls.push({ ...f.calls[0]!, home: null })],
    ["no call of an incident was seen", /^No call/, (f) => f.calls.shift()],
    [
        "no call of a Region's functions was seen, but those of its readiness check in a member",
        /^No call/,
        (f) => (f.calls[2] = { ...f.calls[0]!, incidentId: null }),
    ],
    ["no call of a Region's functions was seen", /^No call/, (f) => f.calls.splice(2, 1)],
];

describe("estate checks", () => {
    it("hold when everything went well, and never over nothing", () => {
        expect(failed(goodFacts())).to.deep.equal([]);
        expect(failed({ regions: [], readiness: [], victims: [], calls: [], slack: [] })).to.have.length(7);
    });

    for (const [what, check, breakIt] of broken) {
        it(`notice when ${what}`, () => {
            const facts = goodFacts();
            breakIt(facts);
            expect(failed(facts).filter((name) => check.test(name))).to.have.length(1);
        });
    }
});
