import { expect } from "chai";
import fc from "fast-check";
import { applyFinding, type FindingPorts } from "../../../functions/domain/applyFinding";
import type { ContainmentMode, Finding, Incident } from "../../../functions/domain/containers";
import {
    incidentRecordSchema,
    mostFindings,
    newRecord,
    planEffect,
    withFinding,
    type IncidentRecord,
} from "../../../functions/domain/incidentRecord";
import { proposeIncidents } from "../../../functions/domain/proposeIncidents";
import { parseMessage } from "../../../functions/domain/parseMessage";
import { fixtureText } from "./messageFixtures";

const template = parseMessage(fixtureText("eventbridge")).findings[0]!;
const now = "2026-11-24T10:00:00.000Z";
const finding = (changes: Partial<Finding> = {}): Finding => ({ ...template, ...changes });
const incidentOf = (given: Finding): Incident => proposeIncidents([given], new Date(now))[0]!;
const record = (changes: Partial<IncidentRecord> = {}, mode: ContainmentMode = "automatic"): IncidentRecord => ({
    ...newRecord(incidentOf(finding()), 1, mode, now),
    startedAt: now,
    ...changes,
});

/** The table and Step Functions in memory. Every call is a turn of its own, and may be the last of its process. */
class World {
    readonly records = new Map<string, IncidentRecord>();
    standingId: string | null = null;
    /** Executions by incident id, with how often a start made a new one. */
    readonly executions = new Map<string, number>();
    readonly kept = new Set<string>();
    /** Incidents that were opened, in order. */
    readonly opened: string[] = [];

    ports(turn: <T>(act: () => T) => Promise<T>): FindingPorts {
        return {
            open: (next, over) =>
                turn(() => {
                    if (this.standingId !== over) return false;
                    this.records.set(next.incident.incidentId, next);
                    this.standingId = next.incident.incidentId;
                    this.opened.push(this.standingId);
                    return true;
                }),
            standing: () => turn(() => (this.standingId === null ? null : this.records.get(this.standingId)!)),
            replace: (next) =>
                turn(() => {
                    const id = next.incident.incidentId;
                    if (this.records.get(id)!.revision !== next.revision) return false;
                    this.records.set(id, { ...next, startedAt: this.records.get(id)!.startedAt, revision: next.revision + 1 });
                    return true;
                }),
            start: (incident) =>
                turn(() => {
                    if (!this.executions.has(incident.incidentId)) this.executions.set(incident.incidentId, 1);
                }),
            markStarted: (id) =>
                turn(() => {
                    this.records.set(id, { ...this.records.get(id)!, startedAt: now });
                }),
            hasFailed: () => turn(() => false),
            keep: (incident, given) =>
                turn(() => {
                    this.kept.add(`${incident.incidentId}/${given.id}`);
                }),
        };
    }

    release(): void {
        if (this.standingId === null) return;
        const standing = this.records.get(this.standingId)!;
        this.records.set(this.standingId, { ...standing, status: "released", revision: standing.revision + 1 });
    }
}

class Crash extends Error {}

describe("applyFinding", () => {
    it("starts exactly one execution an instance and generation, whatever interleaves and breaks off", () =>
        fc.assert(
            fc.asyncProperty(
                fc.scheduler(),
                // Messages: which finding, and after how many calls its process dies on the first delivery (many: never).
                fc.array(
                    fc.record({
                        id: fc.constantFrom("a", "b", "c"),
                        updatedAt: fc.constantFrom("1", "2"),
                        diesAfter: fc.constantFrom(0, 1, 2, 3, 99, 99, 99),
                    }),
                    { minLength: 1, maxLength: 6 },
                ),
                async (scheduler, messages) => {
                    const world = new World();
                    const deliver = async ({ id, updatedAt }: { id: string; updatedAt: string }, calls: number) => {
                        let left = calls;
                        const turn = <T>(act: () => T) =>
                            scheduler.schedule(Promise.resolve()).then(() => {
                                if (left-- <= 0) throw new Crash();
                                return act();
                            });
                        await applyFinding(incidentOf(finding({ id, updatedAt })), "automatic", world.ports(turn));
                    };
                    // As Lambda does: a delivery that broke off comes again.
                    const all = messages.map((message) =>
                        deliver(message, message.diesAfter).catch((error: unknown) => {
                            if (!(error instanceof Crash)) throw error;
                            return deliver(message, 1000);
                        }),
                    );
                    await scheduler.waitFor(Promise.all(all));
                    expect(world.opened).to.have.length(1);
                    expect([...world.executions]).to.deep.equal([[world.opened[0], 1]]);
                    const standing = world.records.get(world.standingId!)!;
                    expect(new Set(standing.findings.map(({ id }) => id))).to.deep.equal(new Set(messages.map(({ id }) => id)));
                    expect(standing.findings.map(({ id }) => id)).to.have.length(new Set(messages.map(({ id }) => id)).size);
                    const joined = standing.findings.slice(1).map(({ id }) => `${world.standingId}/${id}`);
                    for (const each of joined) expect([...world.kept]).to.include(each);
                },
            ),
            { numRuns: 300 },
        ));

    it("opens the next generation after a release, once, with an id of its own, also for the same finding", () =>
        fc.assert(
            fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 3 }), async (scheduler, releases) => {
                const world = new World();
                const ports = world.ports((act) => scheduler.schedule(Promise.resolve()).then(act));
                for (let generation = 0; generation <= releases; generation++) {
                    const updated = finding({ updatedAt: String(generation) });
                    await scheduler.waitFor(
                        Promise.all([
                            applyFinding(incidentOf(updated), "automatic", ports),
                            applyFinding(incidentOf(updated), "automatic", ports),
                            applyFinding(incidentOf(finding({ id: "other", updatedAt: String(generation) })), "automatic", ports),
                        ]),
                    );
                    expect(world.opened).to.have.length(generation + 1);
                    world.release();
                }
                expect(new Set(world.opened).size).to.equal(releases + 1);
                expect([...world.executions.values()]).to.deep.equal(world.opened.map(() => 1));
                expect([...world.records.values()].map(({ generation }) => generation)).to.deep.equal(
                    world.opened.map((_, index) => index + 1),
                );
            }),
            { numRuns: 50 },
        ));
});

describe("planEffect", () => {
    it("repeats, updates, joins", () => {
        expect(planEffect(record(), finding(), "automatic", false)).to.equal("repeats");
        expect(planEffect(record(), finding({ updatedAt: "later" }), "automatic", false)).to.equal("updates");
        expect(planEffect(record(), finding({ id: "other" }), "automatic", false)).to.equal("joins");
    });

    it("opens another incident where a person asks for fresh evidence, once", () => {
        const fresh = finding({ id: "manual-1", origin: "manual", updatedAt: null, freshEvidence: true });
        for (const status of ["open", "contained"] as const)
            expect(planEffect(record({ status }), fresh, "automatic", false), status).to.equal("opens");
        expect(planEffect(newRecord(incidentOf(fresh), 2, "automatic", now), fresh, "automatic", false)).to.equal("repeats");
    });

    it("replays nothing after a release, but begins anew with news, and with what a person asks", () => {
        const released = record({ status: "released" });
        expect(planEffect(released, finding(), "automatic", false)).to.equal("repeats");
        expect(planEffect(released, finding({ updatedAt: "later" }), "automatic", false)).to.equal("opens");
        expect(planEffect(released, finding({ id: "other" }), "automatic", false)).to.equal("opens");
        const manual = finding({ origin: "manual", updatedAt: null });
        expect(
            planEffect({ ...newRecord(incidentOf(manual), 1, "automatic", now), status: "released" }, manual, "automatic", false),
        ).to.equal("opens");
    });

    describe("takes one finding by two services as one", () => {
        const at = (updatedAt: string) => ({ updatedAt });
        const standing = (status: "contained" | "released") =>
            ({
                ...newRecord(incidentOf(finding({ ...at("2026-11-24T09:35:00.871Z"), severity: 8.5 })), 1, "automatic", now),
                status,
            }) as const;
        for (const status of ["contained", "released"] as const) {
            it(`repeats it by Security Hub, whose severity and spelling of the time are its own, when it is ${status}`, () => {
                for (const updatedAt of ["2026-11-24T09:35:00.871Z", "2026-11-24T09:35:00.871+00:00", "2026-11-24T10:35:00.871+01:00"]) {
                    const again = finding({ ...at(updatedAt), severity: 8, origin: "securityhub" });
                    expect(planEffect(standing(status), again, "automatic", false)).to.equal("repeats");
                }
            });

            it(`repeats an older state that comes late, when it is ${status}`, () => {
                const late = finding({ ...at("2026-11-24T09:05:00.000Z"), severity: 5 });
                expect(planEffect(standing(status), late, "observe", false)).to.equal("repeats");
            });
        }

        it("has news by either with a later time, or where the rules now ask for more", () => {
            const later = finding({ ...at("2026-11-24T09:50:00Z"), severity: 8, origin: "securityhub" });
            expect(planEffect(standing("contained"), later, "automatic", false)).to.equal("updates");
            const observed = {
                ...newRecord(incidentOf(finding(at("2026-11-24T09:35:00Z"))), 1, "observe", now),
                status: "observed",
            } as const;
            const graver = finding({ ...at("2026-11-24T09:35:00Z"), origin: "securityhub", severity: 9 });
            expect(planEffect(observed, graver, "automatic", false)).to.equal("opens");
        });
    });

    it("does not lose a graver finding behind an instance that was left as it is", () => {
        const observed = record({ status: "observed" }, "observe");
        expect(planEffect(observed, finding({ id: "other" }), "observe", false)).to.equal("joins");
        for (const mode of ["approval", "automatic"] as const) {
            expect(planEffect(observed, finding({ id: "other" }), mode, false)).to.equal("opens");
            expect(planEffect(observed, finding({ severity: 9 }), mode, false)).to.equal("opens");
        }
    });

    it("does not ask people again about a finding they denied, until it is graver", () => {
        const denied = record({ status: "observed" }, "approval");
        expect(planEffect(denied, finding({ updatedAt: "later" }), "approval", false)).to.equal("updates");
        expect(planEffect(denied, finding({ updatedAt: "later" }), "automatic", false)).to.equal("opens");
        expect(planEffect(denied, finding({ id: "other" }), "approval", false)).to.equal("opens");
    });

    it("begins a failed response anew: by another finding when it left the instance open, by a person in any case", () => {
        const other = finding({ id: "other" });
        const manual = finding({ id: "manual-1", origin: "manual", updatedAt: null });
        expect(planEffect(record(), other, "automatic", true)).to.equal("opens");
        expect(planEffect(record(), finding({ updatedAt: "later" }), "automatic", true)).to.equal("updates");
        expect(planEffect(record({ status: "contained" }), other, "automatic", true)).to.equal("joins");
        expect(planEffect(record({ status: "contained" }), manual, "automatic", true)).to.equal("opens");
        expect(planEffect(record({ status: "contained" }), manual, "automatic", false)).to.equal("joins");
    });
});

describe("withFinding", () => {
    it("holds fifty, each once, always the opener and the strictest", () => {
        const many = fc.array(
            fc.record({
                id: fc.integer({ min: 0, max: 80 }).map(String),
                severity: fc.constantFrom(2, 5, 8),
                mode: fc.constantFrom<ContainmentMode>("observe", "approval", "automatic"),
            }),
            { maxLength: 120 },
        );
        fc.assert(
            fc.property(many, (given) => {
                const all = given.reduce(
                    (so, { id, severity, mode }) => withFinding(so, finding({ id, severity }), mode, now),
                    record({}, "observe"),
                );
                const ids = all.findings.map(({ id }) => id);
                expect(incidentRecordSchema.safeParse(all).success).to.equal(true);
                expect(ids[0]).to.equal(template.id);
                expect(new Set(ids).size).to.equal(ids.length);
                expect(ids.length).to.equal(Math.min(mostFindings, new Set([template.id, ...given.map(({ id }) => id)]).size));
                const last = given.at(-1);
                if (last?.mode === "automatic") expect(all.findings.some(({ mode }) => mode === "automatic")).to.equal(true);
            }),
            { numRuns: 200 },
        );
    });
});
