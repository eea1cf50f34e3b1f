import { expect } from "chai";
import { executionName } from "../../../functions/domain/executions";
import { mostRounds } from "../../../functions/domain/planRounds";
import { workflowDefinition } from "../../../infra/workflow/definition";
import { memorySteps, stepHandlers, type StepName, type WorkflowInputs } from "../../../infra/workflow/tasks";

// asl-validator has no types.
const validate = require("asl-validator") as (definition: unknown, options?: object) => { isValid: boolean; errorsText: () => string };

type State = {
    Type: string;
    Next?: string;
    End?: boolean;
    Default?: string;
    Catch?: { ErrorEquals: string[]; Next: string }[];
    Retry?: { ErrorEquals: string[]; MaxAttempts: number; MaxDelaySeconds: number }[];
    Choices?: { Next: string }[];
    Result?: unknown;
    Resource?: string;
    Branches?: Machine[];
    TimeoutSeconds?: number;
    Parameters?: Record<string, unknown>;
};
interface Machine {
    StartAt: string;
    States: Record<string, State>;
}

const functionArns = Object.fromEntries(
    Object.entries(stepHandlers).map(([state, handler]) => [state, `arn:aws:lambda:eu-west-1:111111111111:function:clean-room-${handler}`]),
) as Record<StepName, string>;
const inputs: WorkflowInputs = {
    partition: "aws",
    functionArns,
    evidenceBucket: "clean-room-evidence-111111111111-eu-west-1",
    approvalTimeoutSeconds: 1800,
    endpointsOnDemand: true,
    onApprovalTimeout: "contain",
};
const definition = workflowDefinition(inputs) as unknown as Machine;
/** With memory taken before the last cut. */
const withMemory = workflowDefinition({ ...inputs, takesMemory: true }) as unknown as Machine;
/** With standing endpoints. */
const standing = workflowDefinition({ ...inputs, endpointsOnDemand: false }) as unknown as Machine;

const machines = (machine: Machine): Machine[] => [
    machine,
    ...Object.values(machine.States).flatMap((state) => (state.Branches ?? []).flatMap(machines)),
];
const tasks = machines(definition)
    .flatMap((machine) => Object.entries(machine.States))
    .filter(([, state]) => state.Type === "Task");
const successors = (state: State) =>
    [state.Next, state.Default, ...(state.Catch ?? []).map((each) => each.Next), ...(state.Choices ?? []).map((each) => each.Next)].filter(
        (next): next is string => next !== undefined,
    );

/** Every path from a state to an end, as sequences of names, each state once: a second round goes the ways of the first. */
function paths(machine: Machine, from: string, seen: string[] = []): string[][] {
    const here = [...seen, from];
    const next = [...new Set(successors(machine.States[from]!))];
    return next.length === 0 ? [here] : next.filter((each) => !here.includes(each)).flatMap((each) => paths(machine, each, here));
}

describe("workflowDefinition", () => {
    it("is valid Amazon States Language", () => {
        for (const each of [definition, standing, withMemory]) {
            const result = validate(each);
            expect(result.isValid, result.errorsText()).to.equal(true);
        }
    });

    it("names only states that exist, and leaves none unreachable", () => {
        for (const machine of [definition, standing, withMemory].flatMap(machines)) {
            const reached = new Set([machine.StartAt]);
            // A set goes on with what is added to it.
            for (const name of reached) for (const next of successors(machine.States[name]!)) reached.add(next);
            expect([...reached].sort()).to.deep.equal(Object.keys(machine.States).sort());
        }
    });

    it("contains before anything else is done", () => {
        for (const path of paths(definition, "Open")) {
            const worked = path.filter((name) => definition.States[name]!.Type === "Task" || definition.States[name]!.Type === "Parallel");
            expect(worked[0]).to.equal("IsolateInstance");
        }
    });

    it("makes the last cut on every path from the quarantine, and tries nothing of it twice", () => {
        for (const path of paths(withMemory, "Open")) {
            const worked = path.filter((name) => withMemory.States[name]!.Type === "Task" || withMemory.States[name]!.Type === "Parallel");
            const cut = worked.indexOf("IsolateInstance");
            expect(worked.slice(0, cut).join(" > ")).to.be.oneOf(["QuarantineInstance", "QuarantineInstance > AcquireMemory"]);
        }
        for (const name of memorySteps) {
            const state = withMemory.States[name]! as State & { TimeoutSecondsPath?: string };
            expect(state.Retry, name).to.equal(undefined);
            expect(state.Catch).to.deep.equal([{ ErrorEquals: ["States.ALL"], ResultPath: `$.${name}Failure`, Next: "IsolateInstance" }]);
            expect(state.TimeoutSeconds ?? state.TimeoutSecondsPath, name).to.be.oneOf([45, "$.memory.taskSeconds"]);
        }
        expect(JSON.stringify(definition)).to.not.match(/Quarantine|AcquireMemory/);
    });

    it("tears down on every path", () => {
        for (const machine of [definition, standing, withMemory]) {
            const all = paths(machine, "Open");
            expect(all.length).to.be.greaterThan(10);
            for (const path of all) expect(path, path.join(" > ")).to.include("TearDown");
        }
    });

    it("has the endpoints before the forensic instance, and removes them on every path after it", () => {
        for (const path of paths(definition, "Open")) {
            if (path.includes("StartForensicInstance"))
                expect(path.indexOf("OpenEndpoints"), path.join(" > ")).to.equal(path.indexOf("StartForensicInstance") - 1);
            expect(path.indexOf("CloseEndpoints"), path.join(" > ")).to.be.greaterThan(path.indexOf("TearDown"));
        }
    });

    it("begins the endpoints beside the snapshots, where their failure stops nothing and waits for nothing", () => {
        const early = machines(definition).find((machine) => "OpenEndpointsEarly" in machine.States)!;
        const { OpenEndpointsEarly } = early.States;
        expect(OpenEndpointsEarly!.Retry).to.equal(undefined);
        expect(OpenEndpointsEarly!.Catch).to.deep.include({ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "OpenedEarly" });
        expect(JSON.stringify(OpenEndpointsEarly!.Parameters)).to.not.include("since");
        // What goes on with an incident may have nothing left to analyse.
        expect(paths(early, early.StartAt)).to.have.deep.members([
            ["NameExecution", "IsFirstExecution", "OpenEndpointsEarly", "OpenedEarly"],
            ["NameExecution", "IsFirstExecution", "OpenedEarly"],
        ]);
        expect(executionName("i-1", 1), "an incident's first execution has its name").to.equal("i-1");
    });

    it("has nothing begun where everything is analysed, and all the same tears down, reports and seals", () => {
        const nothing = paths(definition, "AnythingLeft").filter((path) => path[1] === "TearDown");
        expect(nothing.some((path) => path.includes("SendReport"))).to.equal(true);
        for (const path of nothing) expect(path).to.include("SealCustody");
    });

    it("asks for nothing about endpoints where they stand", () => {
        expect(JSON.stringify(standing)).to.not.match(/(Open|Close)Endpoints/);
    });

    it("tells people on every path that ends in failure", () => {
        const failing = paths(definition, "Open").filter(
            (path) => path.at(-1) === "Failed" && path.some((name) => name.endsWith("Failed") && name !== "Failed"),
        );
        expect(failing.length).to.be.greaterThan(5);
        for (const path of failing)
            expect(
                path.some((name) => name.startsWith("Tell")),
                path.join(" > "),
            ).to.equal(true);
    });

    it("preserves the evidence although containment failed", () => {
        for (const path of paths(definition, "Open").filter((each) => each.includes("IsolateInstanceFailed"))) {
            expect(path.indexOf("TellIsolationError")).to.be.lessThan(path.indexOf("PreserveAndTell"));
        }
    });

    it("tells people of every failure, in the branches too, before anything else is done", () => {
        const failures = machines(definition).flatMap((machine) =>
            Object.keys(machine.States)
                .filter((name) => name.endsWith("Failed") && machine.States[name]!.Type === "Pass")
                .map((name) => ({ machine, name })),
        );
        expect(failures.map(({ name }) => name)).to.include.members([
            "CreateSnapshotsFailed",
            "RequestApprovalFailed",
            "IsolateAsDecidedFailed",
            "NotifyIsolationFailed",
            "OpenTicketFailed",
        ]);
        for (const { machine, name } of failures) expect(machine.States[name]!.Next, name).to.match(/^Tell.*Error$/);
    });

    it("gives every state a name of its own in the whole machine, as Step Functions asks", () => {
        const all = machines(definition).flatMap((machine) => Object.keys(machine.States));
        expect(all.filter((name, index) => all.indexOf(name) !== index)).to.deep.equal([]);
    });

    it("asks people beside the evidence, and lets silence decide as configured", () => {
        const response = machines(definition).find((machine) => machine.StartAt === "AwaitsApproval")!;
        const { RequestApproval, NobodyAnswered } = response.States;
        expect(RequestApproval!.TimeoutSeconds).to.equal(1800);
        // A time-out that is tried again would ask for as long again.
        expect(RequestApproval!.Retry!.flatMap((retry) => retry.ErrorEquals)).to.not.include("States.Timeout");
        expect(RequestApproval!.Catch![0]).to.deep.include({ ErrorEquals: ["States.Timeout"], Next: "NobodyAnswered" });
        expect(NobodyAnswered!.Result).to.deep.include({ approved: true });
        for (const path of paths(response, "RequestApproval")) expect(path, path.join(" > ")).to.include("IsolateAsDecided");
        const observe = workflowDefinition({ ...inputs, onApprovalTimeout: "observe" }) as unknown as Machine;
        expect(machines(observe).find((machine) => machine.StartAt === "AwaitsApproval")!.States.NobodyAnswered!.Result).to.deep.include({
            approved: false,
        });
    });

    it("lets no branch end the others: whatever fails in one is caught in it", () => {
        const branches = definition.States.PreserveAndTell!.Branches!;
        for (const task of branches.flatMap((branch) => Object.entries(branch.States)).filter(([, state]) => state.Type === "Task")) {
            expect(
                task[1].Catch?.some((each) => each.ErrorEquals.includes("States.ALL")),
                task[0],
            ).to.equal(true);
        }
    });

    it("keeps the metadata of the moment beside containment, and its failure ends nothing", () => {
        const moments = machines(definition).filter(({ StartAt }) => StartAt.startsWith("CaptureMetadata"));
        expect(moments.map(({ StartAt }) => StartAt)).to.deep.equal(["CaptureMetadata", "CaptureMetadataLater"]);
        for (const machine of moments)
            for (const path of paths(machine, machine.StartAt)) expect(machine.States[path.at(-1)!]!.End, path.join(" > ")).to.equal(true);
        expect(definition.States.CaptureLater!.Catch!.map(({ Next }) => Next)).to.deep.equal(["RunAnalysis"]);
        // An execution with a problem fails: what is named in the branch does not leave it.
        expect((definition.States.CaptureLater as { ResultPath?: unknown }).ResultPath).to.equal(null);
    });

    it("gives every task a time limit and typed retries", () => {
        expect(tasks).to.have.length(Object.keys(stepHandlers).length - memorySteps.length + 20);
        // What is asked for early is not tried again: it is asked for once more before it is needed.
        for (const [name, state] of tasks.filter(([each]) => each !== "OpenEndpointsEarly")) {
            // Fifty incidents at once where ten functions may run: what finds no room waits for it beside the other retries.
            if (/^(Isolate|NotifyIsolation)/.test(name))
                expect(state.Retry![0], name).to.deep.include({ ErrorEquals: ["Lambda.TooManyRequestsException"], MaxAttempts: 36 });
            expect(state.TimeoutSeconds, name).to.be.a("number");
            expect(state.Retry, name).to.be.an("array").that.is.not.empty;
        }
    });

    it("bounds every wait, and lets it last as long as it may", () => {
        const waiting = tasks.filter(([, state]) => (state.Retry ?? []).some((retry) => retry.ErrorEquals.includes("NotYet")));
        expect(waiting.map(([name]) => name).sort()).to.deep.equal([
            "AttachEvidenceVolumes",
            "CheckSsm",
            "CloseEndpoints",
            "CreateSnapshots",
            "OpenEndpoints",
            "RunAnalysis",
            "SealCustody",
            "StartForensicInstance",
            "TearDown",
        ]);
        for (const [name, state] of waiting) {
            const retry = state.Retry!.find((each) => each.ErrorEquals.includes("NotYet"))!;
            const seconds = retry.MaxAttempts * retry.MaxDelaySeconds;
            expect(seconds, name).to.be.within(1200, 98 * 3600);
        }
    });

    it("stays below the 25,000 events of one execution, also with as many rounds as there can be, each waiting as long as it may", () => {
        const round = new Set(paths(definition, "NextRound").flatMap((path) => path.slice(0, path.indexOf("AnotherRound"))));
        expect([...round]).to.include.members(["OpenEndpoints", "RunAnalysis", "TearDown", "TellError"]);
        const attempts = tasks.map(
            ([name, { Retry = [] }]) => Retry.reduce((sum, retry) => sum + retry.MaxAttempts, 0) * (round.has(name) ? mostRounds : 1),
        );
        // Endpoints that stand are there at once: one round alone waits for them.
        const again = (mostRounds - 1) * definition.States.OpenEndpoints!.Retry!.reduce((sum, retry) => sum + retry.MaxAttempts, 0);
        const states = machines(definition).flatMap((machine) => Object.keys(machine.States)).length + mostRounds * round.size;
        // A retried Lambda task writes three events, and a state is entered and exited.
        expect((attempts.reduce((sum, each) => sum + each, 0) - again) * 3 + states * 2).to.be.lessThan(25_000);
    });

    it("goes through another round after a tear-down alone, and reports several once, before the endpoints go", () => {
        for (const path of paths(definition, "Open").filter((each) => each.includes("SendReport")))
            expect(path.indexOf("SendReport"), path.join(" > ")).to.be.within(path.indexOf("AnotherRound"), path.indexOf("CloseEndpoints"));
        const into = Object.entries(definition.States).filter(([, state]) => successors(state).includes("NextRound"));
        expect(into.map(([name]) => name)).to.deep.equal(["AnotherRound"]);
        for (const machine of [definition, standing])
            for (const path of paths(machine, "NextRound")) expect(path, path.join(" > ")).to.include("TearDown");
    });
});
