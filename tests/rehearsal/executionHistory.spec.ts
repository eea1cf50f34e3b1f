import type { HistoryEvent } from "@aws-sdk/client-sfn";
import { expect } from "chai";
import { stateVisits, type StateVisit } from "../../rehearsal/executionHistory";
import { Progress, stateLine } from "../../rehearsal/progress";

const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 12, 0, second));
const entered = (id: number, previousEventId: number, name: string, second: number, type = "TaskStateEntered"): HistoryEvent => ({
    id,
    previousEventId,
    type: type as never,
    timestamp: at(second),
    stateEnteredEventDetails: { name },
});
const exited = (id: number, previousEventId: number, name: string, second: number, type = "TaskStateExited"): HistoryEvent => ({
    id,
    previousEventId,
    type: type as never,
    timestamp: at(second),
    stateExitedEventDetails: { name },
});
const taskFailed = (id: number, previousEventId: number, error: string, second: number): HistoryEvent => ({
    id,
    previousEventId,
    type: "TaskFailed",
    timestamp: at(second),
    taskFailedEventDetails: { error, resourceType: "lambda", resource: "invoke" },
});

describe("execution history", () => {
    const events = [
        entered(2, 1, "Isolate", 0),
        exited(3, 2, "Isolate", 2),
        entered(4, 3, "Both", 2, "ParallelStateEntered"),
        entered(5, 4, "Ticket", 2),
        entered(6, 4, "Snapshots", 2),
        taskFailed(7, 5, "SubscriptionRequired", 3),
        taskFailed(8, 6, "NotYet", 3),
        exited(9, 7, "Ticket", 4),
        taskFailed(10, 8, "NotYet", 5),
        exited(11, 10, "Snapshots", 8),
        exited(12, 11, "Both", 8, "ParallelStateExited"),
        entered(13, 12, "Report", 9),
    ];

    it("gives each state its time", () => {
        expect(stateVisits(events).map(({ name, kind, milliseconds }) => [name, kind, milliseconds])).to.deep.equal([
            ["Isolate", "Task", 2000],
            ["Both", "Parallel", 6000],
            ["Ticket", "Task", 2000],
            ["Snapshots", "Task", 6000],
            ["Report", "Task", null],
        ]);
    });

    it("counts failed attempts where they belong, though branches are interleaved", () => {
        expect(
            stateVisits(events)
                .filter((visit) => visit.failedAttempts > 0)
                .map(({ name, failedAttempts, lastError }) => [name, failedAttempts, lastError]),
        ).to.deep.equal([
            ["Ticket", 1, "SubscriptionRequired"],
            ["Snapshots", 2, "NotYet"],
        ]);
    });

    it("does not depend on the order of the pages", () => {
        expect(stateVisits([...events].reverse())).to.deep.equal(stateVisits(events));
    });

    it("counts two visits of one state as two", () => {
        const twice = [entered(2, 1, "Wait", 0), exited(3, 2, "Wait", 1), entered(4, 3, "Wait", 2), exited(5, 4, "Wait", 5)];
        expect(stateVisits(twice).map((visit) => visit.milliseconds)).to.deep.equal([1000, 3000]);
    });

    it("prints a line that tells waiting from failing", () => {
        const [, , ticket, snapshots] = stateVisits(events);
        expect(stateLine(snapshots!, at(0).getTime())).to.match(/8\.0 s +Snapshots +took 6\.0 s, 2 waits$/);
        expect(stateLine(ticket!, at(0).getTime())).to.match(/4\.0 s +Ticket +took 2\.0 s, 1 failed tries \(SubscriptionRequired\)$/);
        expect(stateLine({ ...snapshots!, name: "AttachEvidenceVolumes" }, at(0).getTime())).to.include("Attach evidence volumes ");
    });
});

const visit = (name: string): StateVisit => ({
    name,
    kind: "Task",
    enteredAt: "2026-11-20T05:00:00.000Z",
    exitedAt: "2026-11-20T05:00:01.000Z",
    milliseconds: 1000,
    failedAttempts: 0,
    lastError: null,
});

describe("what a rehearsal shows of the analysis", () => {
    it("is each step and each news of a volume once, in words, and on a terminal the last of them beside what runs", () => {
        const written: string[] = [];
        const progress = new Progress({ write: (text) => written.push(text), isTTY: true, columns: 200 });
        const volume = (perCent: number, left: string) => `vol-1: ${perCent} % read and hashed at 120 MiB/s, ${left}`;
        progress.analysing(["last step: started"]);
        progress.analysing(["last step: started", volume(10, "done in about 3 min, at 2026-11-20T05:20Z")]);
        progress.analysing(["last step: started", volume(10, "done in about 2 min, at 2026-11-20T05:20Z")]);
        progress.analysing(["last step: content scanned\u001b[2J", volume(95, "about done")]);
        const lines = progress.transcript().trimEnd().split("\n");
        expect(lines.map((line) => line.replace(/^ *[\d.]+ s +/, ""))).to.deep.equal([
            "Analysis: last step: started",
            `Analysis: ${volume(10, "done in about 3 min, at 2026-11-20T05:20Z")}`,
            "Analysis: last step: content scanned [2J",
            `Analysis: ${volume(95, "about done")}`,
        ]);
        progress.states([{ ...visit("RunAnalysis"), exitedAt: null, milliseconds: null }]);
        expect(written.at(-1)).to.include("Run analysis, vol-1: 95 %");
    });
});
