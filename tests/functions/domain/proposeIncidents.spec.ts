import { expect } from "chai";
import fc from "fast-check";
import { incidentSchema, type Finding } from "../../../functions/domain/containers";
import { byInstance, incidentIdOf, proposeIncidents, refusalOf } from "../../../functions/domain/proposeIncidents";
import { parseMessage } from "../../../functions/domain/parseMessage";
import { fixtureText, victim, victimFindingId } from "./messageFixtures";

const now = new Date("2026-11-24T10:00:00.000Z");
const findingsOf = (name: string) => parseMessage(fixtureText(name)).findings;
const admission = { region: victim.region, forensicsAccount: "111111111111", memberAccounts: [victim.accountId], drill: false };

const instance = fc.record({
    instanceId: fc.constantFrom("i-0a1b2c3d4e5f60718", "i-0b2c3d4e5f6071829", "i-0c3d4e5f607182930", "i-1a2b3c4d"),
    accountId: fc.constantFrom("222222222222", "333333333333"),
    region: fc.constantFrom("eu-west-1", "us-east-1"),
});
const finding: fc.Arbitrary<Finding> = fc
    .record({
        id: fc.stringMatching(/^[0-9a-f]{4,32}$/),
        severity: fc.constantFrom(2, 5, 8, 9),
        instances: fc.array(instance, { maxLength: 4 }),
    })
    .map((changes) => ({ ...findingsOf("eventbridge")[0], ...changes }));
/** As within one message, where no id comes twice. */
const findings = fc.uniqueArray(finding, { maxLength: 6, selector: ({ id }) => id });

describe("proposeIncidents", () => {
    it("opens an incident whose id a repeated message has too", () => {
        const [incident] = proposeIncidents(findingsOf("eventbridge"), now);
        const [later] = proposeIncidents(findingsOf("sns-lambda"), new Date("2026-11-24T16:00:00.000Z"));
        // SHA-256 of 222222222222/eu-west-1/i-0a1b2c3d4e5f60718/9ec6a1b0d2f34c5e8a7b6c5d4e3f2a10
        expect(incident.incidentId).to.equal("i-0a1b2c3d4e5f60718-2eb6d2769ebe8587");
        expect(incident.prefix).to.equal(`incidents/${incident.incidentId}/`);
        expect(incident.openedAt).to.equal("2026-11-24T10:00:00.000Z");
        expect(later.incidentId).to.equal(incident.incidentId);
    });

    it("opens one for each instance of an attack sequence", () => {
        const incidents = proposeIncidents(findingsOf("attack-sequence-ec2"), now);
        expect(incidents.map((incident) => incident.instance.instanceId)).to.deep.equal(["i-0a1b2c3d4e5f60718", "i-0b2c3d4e5f6071829"]);
    });

    it("opens none for a finding that names no instance", () => {
        expect(proposeIncidents(findingsOf("s3-bucket"), now)).to.deep.equal([]);
    });

    it("proposes every finding about every instance it names, once, and the gravest about an instance first", () => {
        fc.assert(
            fc.property(findings, (all) => {
                const groups = byInstance(proposeIncidents(all, now));
                const key = (ref: typeof victim) => `${ref.accountId}/${ref.region}/${ref.instanceId}`;
                const distinct = new Set(all.flatMap((each) => each.instances.map(key)));
                expect(groups.map(([incident]) => key(incident!.instance)).sort()).to.deep.equal([...distinct].sort());
                for (const group of groups) {
                    for (const incident of group) expect(incidentSchema.parse(incident)).to.deep.equal(incident);
                    const about = all.filter((each) => each.instances.some((ref) => key(ref) === key(group[0]!.instance)));
                    expect(group.map(({ finding }) => finding.id).sort()).to.deep.equal(about.map(({ id }) => id).sort());
                    expect(group[0]!.finding.severity).to.equal(Math.max(...about.map((each) => each.severity)));
                }
            }),
        );
    });

    it("opens the same ones whatever the order of the findings", () => {
        fc.assert(
            fc.property(findings, (all) => {
                const ids = (list: Finding[]) =>
                    proposeIncidents(list, now)
                        .map((incident) => incident.incidentId)
                        .sort();
                expect(ids([...all].reverse())).to.deep.equal(ids(all));
            }),
        );
    });

    it("gives another id as soon as account, Region, instance or finding differ", () => {
        const ids = [
            incidentIdOf(victim, victimFindingId),
            incidentIdOf({ ...victim, accountId: "333333333333" }, victimFindingId),
            incidentIdOf({ ...victim, region: "us-east-1" }, victimFindingId),
            incidentIdOf({ ...victim, instanceId: "i-0b2c3d4e5f6071829" }, victimFindingId),
            incidentIdOf(victim, "0".repeat(32)),
        ];
        expect(new Set(ids).size).to.equal(5);
        for (const id of ids) expect(id.length).to.be.at.most(64);
    });
});

describe("refusalOf", () => {
    const [incident] = proposeIncidents(findingsOf("eventbridge"), now);
    const [sample] = proposeIncidents(findingsOf("sample"), now);

    it("follows an incident of a member in this Region", () => {
        expect(refusalOf(incident, admission)).to.equal(null);
        expect(refusalOf(incident, { ...admission, memberAccounts: ["*"] })).to.equal(null);
    });

    it("leaves the forensics account's own instances alone, whoever is a member", () => {
        for (const memberAccounts of [["*"], [victim.accountId]])
            expect(refusalOf(incident, { ...admission, forensicsAccount: victim.accountId, memberAccounts })).to.match(
                /belongs to the forensics account 222222222222/,
            );
    });

    it("follows a sample in a drill only", () => {
        expect(refusalOf(sample, admission)).to.match(/sample finding about i-99999999/);
        expect(refusalOf(sample, { ...admission, drill: true })).to.equal(null);
    });

    it("says what to do about another Region or account", () => {
        expect(refusalOf(incident, { ...admission, region: "us-east-1" })).to.match(/is in eu-west-1.*handles us-east-1/);
        for (const memberAccounts of [["333333333333"], ["*", "!222222222222"], []])
            expect(refusalOf(incident, { ...admission, memberAccounts })).to.match(
                /account 222222222222, which is not a member of this deployment in eu-west-1/,
            );
    });
});
