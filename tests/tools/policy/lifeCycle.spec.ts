import { expect } from "chai";
import type { Engine } from "../../../tools/policy/engine";
import type { Change, Inspection } from "../../../tools/policy/eventLog";
import { root, withStack, type OpenStack, type Operation } from "../../../tools/policy/inspect";
import { leavesNothing, staysAsItIs } from "../../../tools/policy/laterLife";
import { describe as inOneLine, heldByAws, settled } from "../../../tools/policy/lifeCycle";

const change = (of: Partial<Change>): Change => ({
    operation: "update",
    resource: "aws:s3/bucket:Bucket evidence",
    type: "aws:s3/bucket:Bucket",
    differing: [],
    unknown: [],
    inputs: {},
    retained: false,
    ...of,
});
const inspection = (resources: number, changes: Change[]): Inspection => ({
    resources,
    changes,
    policies: [],
    checks: 0,
    violations: [],
    deferred: [],
    errors: [],
});
const rule = { type: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", differing: ["prefixListId"], unknown: ["prefixListId"] };

describe("the second preview of a stack", () => {
    const moving = (...changes: Change[]): number => settled(inspection(1, changes)).moving.length;

    it("lets pass an unknown input that only AWS fills, and says so", () => {
        expect(settled(inspection(1, [change(rule)])).partlyCompared).to.have.length(1);
        expect(moving(change(rule))).to.equal(0);
    });

    it("counts every other change", () => {
        expect(moving(change({ ...rule, unknown: [] })), "a value that is known and another").to.equal(1);
        expect(moving(change({ ...rule, differing: ["prefixListId", "fromPort"] })), "a second input").to.equal(1);
        expect(moving(change({ ...rule, type: "aws:s3/bucket:Bucket" })), "another type").to.equal(1);
        expect(moving(change({ ...rule, operation: "replace" })), "a replacement").to.equal(1);
        expect(moving(change({ differing: [] })), "a change without a reason").to.equal(1);
        expect(moving(change({ operation: "create" }), change({ operation: "delete" }))).to.equal(2);
    });

    it("names the resource and the inputs", () => {
        expect(inOneLine(change({ differing: ["bucket", "tags.owner"], unknown: ["tags.owner"] }))).to.equal(
            "update aws:s3/bucket:Bucket evidence: bucket, tags.owner (not known)",
        );
        expect(inOneLine(change({ operation: "create" }))).to.equal("create aws:s3/bucket:Bucket evidence");
    });
});

describe("what AWS does not delete just like that", () => {
    it("is what has deletion protection, and a bucket that is not emptied", () => {
        expect(heldByAws(change({ type: "aws:dynamodb/table:Table", inputs: { deletionProtectionEnabled: true } }))).to.include(
            "deletion protection",
        );
        expect(heldByAws(change({ inputs: {} }))).to.include("empty");
        expect(heldByAws(change({ inputs: { forceDestroy: true } }))).to.equal(undefined);
        expect(heldByAws(change({ type: "aws:dynamodb/table:Table", inputs: {} }))).to.equal(undefined);
    });
});

describe("a stack's life after its update", () => {
    const open = (seen: Inspection, state: string[] = [], kept: string[] = []): OpenStack & { asked: Operation[] } => {
        const asked: Operation[] = [];
        return {
            asked,
            inspect: async (operation) => (asked.push(operation), seen),
            inState: async () => state,
            unprotect: async () => kept,
        };
    };

    it("is settled when all resources were looked at and none would change", async () => {
        const stack = open(inspection(3, [change(rule)]));
        const { ok, lines } = await staysAsItIs(stack, 3);
        expect(ok).to.equal(true);
        expect(lines[0]).to.include("3 of 3 resources looked at, 0 would change");
        expect(lines[1]).to.include("in everything but prefixListId");
        expect(stack.asked).to.deep.equal(["second preview"]);
        expect((await staysAsItIs(open(inspection(2, [])), 3)).ok, "one was not looked at").to.equal(false);
        const moved = await staysAsItIs(open(inspection(3, [change({ differing: ["bucket"] })])), 3);
        expect(moved).to.deep.include({ ok: false }).and.property("lines").that.includes("  update aws:s3/bucket:Bucket evidence: bucket");
    });

    it("ends with an empty state, all resources gone", async () => {
        const gone = [1, 2, 3].map(() => change({ operation: "delete" }));
        expect((await leavesNothing(open(inspection(3, gone)), 3)).ok).to.equal(true);
        expect((await leavesNothing(open(inspection(2, gone.slice(1))), 3)).ok, "one was not deleted").to.equal(false);
        const urn = "urn:pulumi:test::p::aws:s3/bucket:Bucket::evidence";
        const { ok, lines } = await leavesNothing(
            open(inspection(3, [...gone.slice(1), change({ operation: "delete", retained: true })]), [urn], [urn]),
            3,
        );
        expect(ok).to.equal(false);
        expect(lines[0]).to.include("2 of 3 resources deleted, 1 left in place on purpose, 1 left in the state");
        expect(lines)
            .to.include(`  still in the state: ${urn}`)
            .and.include("  protected, and let go for this check alone: aws:s3/bucket:Bucket evidence")
            .and.include("  left in place (retainOnDelete): aws:s3/bucket:Bucket evidence");
        expect(lines.at(-1)).to.include("AWS itself refuses 3 of them at first");
    });

    it("is never lived on real accounts", async () => {
        const calls: string[][] = [];
        const real: Engine = { label: "pulumi", standIn: false, command: ({ args }) => (calls.push(args), ["false"]) };
        const request = { engine: real, project: root, stack: "dev", throwAwayState: false };
        for (const operation of ["update", "destroy"] as const) {
            const refusal = await withStack(request, (stack) => stack.inspect(operation)).then(
                () => "it ran",
                (error: Error) => error.message,
            );
            expect(refusal).to.include("would change real accounts");
        }
        expect(calls).to.deep.equal([]);
    });
});
