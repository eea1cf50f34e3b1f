import { expect } from "chai";
import { VirtualClock } from "./clock";
import { StateMachineRun, StatesError } from "./stateMachine";

describe("the interpreter of state machines", () => {
    const clock = new VirtualClock();
    beforeEach(() => clock.install("2026-11-24T10:00:00.000Z"));
    afterEach(() => clock.remove());

    const task = (more: object) => ({ Type: "Task", Resource: "x", Parameters: { "in.$": "$.in" }, Next: "End", ...more });
    const machine = (work: object, more: object = {}) =>
        ({ StartAt: "Work", States: { Work: work, End: { Type: "Pass", End: true }, ...more } }) as never;
    const failing = (name: string, times: number) => {
        let calls = 0;
        return () => (++calls <= times ? Promise.reject(new StatesError(name, "why")) : Promise.resolve(calls));
    };

    it("retries as often as the retrier says, at its pace", async () => {
        const Retry = [{ ErrorEquals: ["NotYet"], IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 3, MaxAttempts: 3 }];
        const begun = Date.now();
        const run = new StateMachineRun(failing("NotYet", 3)).run(machine(task({ Retry })), { in: 1 });
        expect(await clock.until(run)).to.equal(4);
        expect(Date.now() - begun).to.equal((1 + 2 + 3) * 1000);
    });

    it("gives up after them, and catches by name", async () => {
        const Catch = [{ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "End" }];
        const run = new StateMachineRun(failing("Other", 1)).run(machine(task({ Catch })), { in: 1 });
        expect(await clock.until(run)).to.deep.equal({ in: 1, failure: { Error: "Other", Cause: "why" } });
    });

    it("does not take States.ALL for a path that is not there, as Step Functions does not", async () => {
        const Catch = [{ ErrorEquals: ["States.ALL"], Next: "End" }];
        const run = new StateMachineRun(failing("Other", 0)).run(machine(task({ Catch })), {});
        expect(await clock.until(run.catch((error: Error) => error.name))).to.equal("States.Runtime");
    });

    it("refuses what is larger than Step Functions hands on", async () => {
        const run = new StateMachineRun(() => Promise.resolve("x".repeat(256 * 1024))).run(machine(task({})), { in: 1 });
        expect(await clock.until(run.catch((error: Error) => error.name))).to.equal("States.DataLimitExceeded");
    });
});
