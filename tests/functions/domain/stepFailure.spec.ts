import { expect } from "chai";
import fc from "fast-check";
import { problemSchema } from "../../../functions/domain/containers";
import { StepError } from "../../../functions/aws/errors";
import { readProblem } from "../../../functions/domain/stepFailure";

const fallback = { incidentId: "i-0a1b2c3d4e5f60718-0123456789abcdef", step: "CreateSnapshots", at: "2026-11-24T10:00:00.000Z" };
const record = {
    schemaVersion: 1,
    incidentId: "i-0a1b2c3d4e5f60718-2eb6d2769ebe8587",
    instance: { instanceId: "i-0a1b2c3d4e5f60718", accountId: "222222222222", region: "eu-west-1" },
    step: "RunAnalysis",
    error: "States.TaskFailed",
    cause: JSON.stringify({ errorType: "StepFailed", errorMessage: "The command failed: i-0abc. Read its output." }),
    at: "2026-11-24T09:30:00.000Z",
};
const read = (value: unknown) => readProblem(JSON.stringify(value), fallback);
const whole = { ...record, error: "StepFailed", cause: "The command failed: i-0abc. Read its output." };

describe("readProblem", () => {
    it("reads a record as it was written", () => expect(read(record)).to.deep.equal(whole));

    for (const [at, meaning] of [
        ["2026-11-24T09:30:00+00:00", "2026-11-24T09:30:00.000Z"],
        ["2026-11-24T10:30:00.5+01:00", "2026-11-24T09:30:00.500Z"],
        ["2026-11-24 09:30:00", "2026-11-24T09:30:00.000Z"],
        ["2026-11-24T09:30:00.123456", "2026-11-24T09:30:00.123Z"],
        ["Tue, 24 Nov 2026 09:30:00 GMT", "2026-11-24T09:30:00.000Z"],
        [1795512600, "2026-11-24T09:30:00.000Z"],
        [1795512600000, "2026-11-24T09:30:00.000Z"],
        ["yesterday", fallback.at],
        [{}, fallback.at],
        [null, fallback.at],
        [1e300, fallback.at],
    ] as const)
        it(`takes the time ${JSON.stringify(at)} as ${meaning}, and keeps everything else`, () =>
            expect(read({ ...record, at })).to.deep.equal({ ...whole, at: meaning }));

    const fallbacks = { ...fallback, schemaVersion: 1, instance: null, error: "StepFailed", cause: "No cause was given." };
    for (const field of ["schemaVersion", "incidentId", "instance", "step", "error", "cause", "at"] as const) {
        for (const value of [undefined, 7, {}, [], "", true, "x".repeat(10_000), "\u0000"]) {
            it(`falls back for ${field} = ${JSON.stringify(value)?.slice(0, 20)} alone`, () => {
                const problem = read({ ...record, [field]: value });
                expect(problemSchema.parse(problem)).to.deep.equal(problem);
                const { [field]: _, error, ...others } = problem;
                // The error's name comes from the cause where it has one.
                const { [field]: __, error: expected, ...rest } = whole;
                expect(others).to.deep.equal(rest);
                if (field !== "cause" && field !== "error") expect(error).to.equal(expected);
            });
        }
    }

    it("says what is readable of any object, and which incident and step it stands for", () => {
        fc.assert(
            fc.property(fc.dictionary(fc.constantFrom(...Object.keys(record), "x"), fc.anything()), (value) => {
                const problem = readProblem(
                    JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each)),
                    fallback,
                );
                expect(problemSchema.parse(problem)).to.deep.equal(problem);
                expect(problem.step).to.not.equal("");
            }),
            { numRuns: 500 },
        );
        expect(read({})).to.deep.equal({ ...fallbacks, error: "Unknown" });
    });

    it("gives text that is no record as the cause", () => {
        for (const text of ["", "not JSON", "[]", "7", '"text"']) {
            const problem = readProblem(text, fallback);
            expect(problem).to.include({ ...fallback, error: "The error record could not be read" });
        }
    });
});

describe("an error's advice", () => {
    it("is told apart from what happened, however long that is", () => {
        const error = new StepError("x".repeat(9000), "vol-0a", "Check the quota.");
        const problem = readProblem(JSON.stringify({ ...record, cause: JSON.stringify({ errorMessage: error.message }) }), fallback);
        expect(problem.advice).to.equal("Check the quota.");
        expect(problem.cause).to.match(/^x+… \(\d+ more characters\)$/);
    });

    it("is what the error says, not what a resource quotes", () => {
        const error = new StepError("It failed", "a What to do: Open the firewall.", "Check the quota.");
        expect(readProblem(JSON.stringify({ ...record, cause: error.message }), fallback).advice).to.equal("Check the quota.");
    });
});
