import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { findEngine } from "../../../tools/policy/engine";
import { readEventLog } from "../../../tools/policy/eventLog";

describe("the policy check's reading of the engine's event log", () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), "event-log-"))));
    afterEach(() => rmSync(folder, { recursive: true }));
    const read = (...events: object[]): ReturnType<typeof readEventLog> => {
        const file = path.join(folder, "events.jsonl");
        writeFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
        return readEventLog(file, "ours");
    };
    const seen = (urn: string, type: string): object => ({ resourcePreEvent: { metadata: { urn, type } } });

    it("counts each resource of the program once, and neither the stack nor providers", () => {
        const events = [
            seen("urn:a", "aws:s3/bucket:Bucket"),
            seen("urn:a", "aws:s3/bucket:Bucket"),
            seen("urn:s", "pulumi:pulumi:Stack"),
            seen("urn:p", "pulumi:providers:aws"),
        ];
        expect(read(...events).resources).to.equal(1);
    });

    it("counts the checks of its own pack only", () => {
        const summary = (policyPackName: string): object => ({
            policyAnalyzeSummaryEvent: { policyPackName, passed: ["a"], failed: ["b"] },
        });
        expect(read(summary("ours"), summary("other"), { policyAnalyzeStackSummaryEvent: { policyPackName: "ours", passed: ["a"] } }))
            .to.include({ checks: 3 })
            .and.to.deep.include({ policies: ["a", "b"] });
    });

    it("tells violations from checks that wait for the update, and keeps other errors", () => {
        const said = (enforcementLevel: string): object => ({
            policyEvent: {
                policyName: "a",
                enforcementLevel,
                message: "what\n",
                resourceUrn: "urn:pulumi:dev::p::aws:s3/bucket:Bucket::evidence",
            },
        });
        const inspection = read(said("mandatory"), said("advisory"), {
            diagnosticEvent: { severity: "error", message: "program failed\n" },
        });
        expect(inspection.violations).to.deep.equal([{ policy: "a", resource: "aws:s3/bucket:Bucket evidence", message: "what" }]);
        expect(inspection.deferred).to.have.length(1);
        expect(inspection.errors).to.deep.equal(["program failed"]);
    });

    it("names what changes, down to the key inside an input, and what of it is not known", () => {
        const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
        const step = (op: string, rest: object = {}): object => ({
            resourcePreEvent: {
                metadata: { op, urn: "urn:pulumi:dev::p::aws:lambda/function:Function::f", type: "aws:lambda/function:Function", ...rest },
            },
        });
        const updated = step("update", {
            old: { inputs: { timeout: 60, environment: { variables: { KEPT: "a", VERSION: "1", GONE: "b" } }, layers: ["x"] } },
            new: { inputs: { timeout: 90, environment: { variables: { KEPT: "a", VERSION: unknown } }, layers: ["x", unknown] } },
            diffs: ["timeout", "environment", "layers"],
        });
        const { changes } = read(
            step("same"),
            step("read"),
            updated,
            step("delete", { old: { inputs: { timeout: 60 }, retainOnDelete: true } }),
        );
        expect(changes.map(({ operation }) => operation)).to.deep.equal(["update", "delete"]);
        expect(changes[0]).to.deep.include({
            resource: "aws:lambda/function:Function f",
            differing: ["timeout", "environment.variables.VERSION", "environment.variables.GONE", "layers"],
            unknown: ["environment.variables.VERSION"],
        });
        expect(changes[1]).to.deep.include({ inputs: { timeout: 60 }, retained: true });
    });

    it("finds nothing in an empty log", () => {
        expect(read()).to.deep.include({ resources: 0, checks: 0, changes: [] });
    });
});

describe("the policy check's engine", () => {
    it("says what to install when there is none", () => {
        expect(() => findEngine({ PATH: "" })).to.throw("No Pulumi engine found");
        expect(() => findEngine({ PATH: "", PULUMI_LOCAL: "/no/such/wrapper" })).to.throw(
            `PULUMI_LOCAL is "/no/such/wrapper", which does not exist`,
        );
    });
});
