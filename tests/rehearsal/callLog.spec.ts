import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { callsToContainment, criticalPath, readCallLog, type ApiCall } from "../../rehearsal/callLog";

const responder = "arn:aws:sts::222222222222:assumed-role/responder/i-0aaaaaaaaaaaaaaaa";
const isolate = "arn:aws:sts::111111111111:assumed-role/isolateInstance/isolateInstance";
const base = Date.parse("2026-11-24T12:00:00Z");
const call = (milliseconds: number, operation: string, principal = responder, status = 200): ApiCall => ({
    time: new Date(base + milliseconds).toISOString(),
    startedAt: new Date(base + milliseconds - 8).toISOString(),
    account: "222222222222",
    region: "eu-west-1",
    service: "ec2",
    operation,
    principal,
    status,
});
const log = [
    call(-50, "RunInstances"),
    call(10, "AssumeRole", isolate),
    call(20, "DescribeExecution", "arn:aws:iam::111111111111:root"),
    call(30, "DescribeInstances"),
    call(40, "PutObject", isolate),
    call(50, "ModifyNetworkInterfaceAttribute"),
    call(51, "ModifyNetworkInterfaceAttribute"),
    call(55, "ModifyInstanceAttribute"),
    call(60, "DescribeInstances"),
    call(70, "CreateSnapshots"),
];

describe("calls to containment", () => {
    it("are those of the program's roles from the finding until the read back", () => {
        expect(callsToContainment(log, [], base, base + 1000)!.calls.map((one) => one.operation)).to.deep.equal([
            "AssumeRole",
            "DescribeInstances",
            "PutObject",
            "ModifyNetworkInterfaceAttribute",
            "ModifyNetworkInterfaceAttribute",
            "ModifyInstanceAttribute",
            "DescribeInstances",
        ]);
    });

    it("count calls that can be made side by side once", () => {
        // AssumeRole, DescribeInstances, PutObject, and one of the two group changes that overlap.
        expect(callsToContainment(log, [], base, base + 1000)!.millisecondsToLastChange).to.equal(51);
        expect(callsToContainment(log, [], base, base + 1000)!.criticalPath).to.have.length(4);
    });

    it("count calls once that were sent side by side and served one after the other", () => {
        const served = [call(10, "DescribeInstances"), call(20, "DescribeRouteTables"), call(30, "ModifyNetworkInterfaceAttribute")].map(
            (one, index) => ({ ...one, requestId: `r${index}` }),
        );
        const exchanges = [
            { requestId: "r0", sentAt: base + 1, answeredAt: base + 10.5 },
            { requestId: "r1", sentAt: base + 1.2, answeredAt: base + 20.5 },
            { requestId: "r2", sentAt: base + 21, answeredAt: base + 30.5 },
        ];
        expect(callsToContainment(served, [], base, base + 1000)!.criticalPath).to.have.length(3);
        expect(callsToContainment(served, exchanges, base, base + 1000)!.criticalPath).to.deep.equal([
            "DescribeRouteTables",
            "ModifyNetworkInterfaceAttribute",
        ]);
    });

    it("leave out what who started the workflow does beside it", () => {
        const start = "arn:aws:sts::111111111111:assumed-role/startIncident/startIncident";
        const started = [
            call(10, "TransactWriteItems", start),
            call(20, "StartExecution", start),
            call(30, "UpdateItem", start),
            call(40, "DescribeInstances"),
            call(50, "ModifyNetworkInterfaceAttribute"),
        ];
        expect(callsToContainment(started, [], base, base + 1000)!.criticalPath).to.deep.equal([
            "TransactWriteItems",
            "StartExecution",
            "DescribeInstances",
            "ModifyNetworkInterfaceAttribute",
        ]);
    });

    it("on the critical path are those whose answer came last before the next was sent", () => {
        const span = (from: number, to: number) => ({ from: base + from, to: base + to });
        expect(criticalPath([])).to.deep.equal([]);
        expect(criticalPath([span(0, 10), span(1, 9), span(2, 30)])).to.deep.equal([span(2, 30)]);
        expect(criticalPath([span(0, 10), span(10, 20), span(5, 12), span(21, 30)])).to.deep.equal([
            span(0, 10),
            span(10, 20),
            span(21, 30),
        ]);
    });

    it("are unknown when nothing was changed, or every change was refused", () => {
        expect(
            callsToContainment(
                log.filter((one) => one.operation !== "ModifyNetworkInterfaceAttribute"),
                [],
                base,
                base + 1000,
            ),
        ).to.equal(null);
        expect(callsToContainment([call(50, "ModifyNetworkInterfaceAttribute", responder, 403)], [], base, base + 1000)).to.equal(null);
    });

    it("are read from a log whose last line is still being written", async () => {
        const folder = await mkdtemp(path.join(tmpdir(), "call-log-"));
        try {
            await writeFile(path.join(folder, "calls.jsonl"), `${JSON.stringify(log[1])}\n{"time":"2026-`);
            expect(await readCallLog(path.join(folder, "calls.jsonl"))).to.deep.equal([log[1]]);
        } finally {
            await rm(folder, { recursive: true });
        }
    });
});
