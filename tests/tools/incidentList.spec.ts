import { expect } from "chai";
import { newRecord, type IncidentRecord } from "../../functions/domain/incidentRecord";
import type { StandingContainment } from "../../functions/domain/standingContainment";
import { incidentLines, incidentRows, type IncidentsRead } from "../../tools/incidents/incidentList";
import { openRecord } from "../../functions/aws/incidentsTable";
import { writePin } from "../../functions/aws/snapshotPins";
import { readIncidents } from "../../tools/incidents/readIncidents";
import { incident, InMemoryAws } from "../functions/inMemoryAws";

const { incidentId, openedAt } = incident;
const record = (changes: Partial<IncidentRecord> = {}): IncidentRecord => ({
    ...newRecord(incident, 1, "automatic", openedAt),
    ...changes,
});
const pin = (volumeId: string, stage: "source" | "evidence", snapshotId: string, generation = 1) => ({
    volumeId,
    stage,
    generation,
    snapshotId,
    madeAt: openedAt,
});
const snapshot = (snapshotId: string, sizeGiB: number, state = "completed") => ({
    snapshotId,
    state,
    problem: null,
    encrypted: true,
    sizeGiB,
    startedAt: openedAt,
});
const lock = (expiresAt: string) => ({ mode: "governance" as const, expiresAt });
const read = (changes: Partial<IncidentsRead> = {}): IncidentsRead => ({
    records: [record()],
    cases: [],
    standing: [],
    ec2: { snapshots: [], locks: new Map(), hosts: [] },
    ...changes,
});
const only = (of: IncidentsRead) => incidentRows(of)[0]!;

describe("npm run incidents", () => {
    it("counts what is complete and locked of what was begun, and says when the first lock ends", () => {
        const row = only(
            read({
                cases: [
                    {
                        incidentId,
                        settled: false,
                        closedAt: null,
                        pins: [
                            pin("vol-a", "source", "snap-a"),
                            pin("vol-b", "source", "snap-b"),
                            pin("vol-c", "source", "snap-c"),
                            pin("vol-a", "evidence", "snap-lost"),
                            pin("vol-a", "evidence", "snap-1", 2),
                            pin("vol-b", "evidence", "snap-2"),
                        ],
                    },
                ],
                ec2: {
                    snapshots: [
                        snapshot("snap-1", 100),
                        snapshot("snap-2", 50),
                        snapshot("snap-lost", 999),
                        snapshot("snap-c", 7, "pending"),
                    ],
                    locks: new Map([
                        ["snap-1", lock("2027-11-24T10:00:00.000Z")],
                        ["snap-2", lock("2027-11-20T10:00:00.000Z")],
                        ["snap-lost", lock("2026-12-01T10:00:00.000Z")],
                    ]),
                    hosts: [],
                },
            }),
        );
        expect(row.evidence).to.deep.equal({ volumes: 3, locked: 2, gibibytes: 150, until: "2027-11-20T10:00:00.000Z" });
        // 150 GB x 0.05 dollars a month of 730 hours.
        expect(row.dollarsADay).to.equal(Math.round(((150 * 0.05 * 24) / 730) * 100) / 100);
        expect(incidentLines([row]).join("\n")).to.include("2 of 3 volumes locked, 150 GiB, until 2027-11-20");
    });

    it("adds the forensic instance while it lives", () => {
        const hosts = [{ incidentId, instanceId: "i-0f0e0d0c0b0a09080", instanceType: "m6i.xlarge" }];
        const row = only(read({ ec2: { snapshots: [], locks: new Map(), hosts } }));
        expect(row).to.include({ forensicInstance: "i-0f0e0d0c0b0a09080", dollarsADay: Math.round(0.192 * 24 * 100) / 100 });
    });

    it("says what is not known, and takes it for nothing", () => {
        const row = only(
            read({ ec2: null, cases: [{ incidentId, settled: true, closedAt: null, pins: [pin("vol-a", "evidence", "snap-1")] }] }),
        );
        expect(row.evidence.locked).to.equal(null);
        expect(row.dollarsADay).to.equal(null);
        expect(incidentLines([row]).join()).to.include("not known");
    });

    it("says who decided: a person, the rules, or nobody yet", () => {
        const by = (changes: Partial<IncidentRecord>) => only(read({ records: [record(changes)] })).decidedBy;
        const approval = { taskToken: null, expiresAt: "2026-11-24T10:30:00.000Z", answer: null };
        const asked = { findings: record().findings.map((each) => ({ ...each, mode: "approval" as const })) };
        expect(by({})).to.equal("the rules: contain without asking");
        expect(by({ findings: record().findings.map((each) => ({ ...each, mode: "observe" as const })) })).to.equal("the rules: observe");
        expect(by({ ...asked, approval })).to.include("people are asked until 2026-11-24T10:30");
        expect(by({ heldSince: openedAt })).to.include("the brake holds");
        const answer = { approved: false, by: "arn:aws:sts::111111111111:assumed-role/oncall/ada", reason: "a drill" };
        expect(by({ ...asked, approval: { ...approval, answer } })).to.equal(`${answer.by}: leave it (a drill)`);
    });

    it("tells a containment's last look, and the state of a case that was closed", () => {
        const check = { at: "2026-11-24T11:00:00.000Z", drift: ["a group was added"], repaired: [] };
        const standing = { incidentIds: [incidentId], begunAt: openedAt, check } as unknown as StandingContainment;
        const row = only(read({ standing: [standing], cases: [{ incidentId, settled: true, closedAt: openedAt, pins: [] }] }));
        expect(row.state).to.equal("closed");
        expect(row.containment).to.deep.equal({ since: openedAt, lastCheck: check.at, found: "not-as-left", retired: false });
        expect(incidentLines([row]).join("\n")).to.include("NOT as it was left");
    });

    it("lists the newest first, and says so where there is none", () => {
        const later = { ...record(), incident: { ...incident, openedAt: "2026-12-01T00:00:00.000Z" } };
        expect(incidentRows(read({ records: [record(), later] })).map((row) => row.openedAt)).to.deep.equal([
            later.incident.openedAt,
            openedAt,
        ]);
        expect(incidentLines([])).to.deep.equal(["No incident in this account and Region."]);
    });

    it("never says that evidence costs nothing", () => {
        const cases = [{ incidentId, settled: false, closedAt: null, pins: [pin("vol-a", "evidence", "snap-1")] }];
        const ec2 = { snapshots: [snapshot("snap-1", 1)], locks: new Map([["snap-1", lock("2027-01-01T00:00:00.000Z")]]), hosts: [] };
        expect(incidentLines(incidentRows(read({ cases, ec2 }))).join("\n")).to.include("under 0.01 US dollars a day");
    });

    it("reads the whole table: incidents and pins, and nothing else that is kept in it", async () => {
        const aws = new InMemoryAws();
        aws.install();
        try {
            await openRecord(newRecord(incident, 1, "automatic", openedAt), null);
            await writePin(incident, pin("vol-0aaaaaaaaaaaaaaaa", "evidence", "snap-0eeeeeeeeeeeeeeee"));
            aws.table.items.set("endpoints#clean-room", { pk: { S: "endpoints#clean-room" } });
            const { records, cases } = await readIncidents("eu-west-1");
            expect(records.map(({ incident: { incidentId: id } }) => id)).to.deep.equal([incidentId]);
            expect(cases.map(({ incidentId: id, pins }) => [id, pins.length])).to.deep.equal([[incidentId, 1]]);
        } finally {
            aws.remove();
        }
    });
});
