import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { callsToContainment, longestChain, readCallLog, type ApiCall } from "../../rehearsal/callLog";

const responder = "arn:aws:sts::222222222222:assumed-role/responder/i-0aaaaaaaaaaaaaaaa";
const isolate = "arn:aws:sts::111111111111:assumed-role/isolateInstance/isolateInstance";
const base = Date.parse("2026-11-24T12:00:00Z");
const call = (milliseconds: number, operation: string, principal = responder, status = 200): ApiCall => ({
    time: new Date(base + milliseconds).toISOString(), startedAt: new Date(base + milliseconds - 8).toISOString(), account: "222222222222", region: "eu-west-1", service: "ec2", operation, principal, status,
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
        expect(callsToContainment(log, base, base + 1000)!.calls.map((one) => one.operation)).to.deep.equal([
            "AssumeRole", "DescribeInstances", "PutObject", "ModifyNetworkInterfaceAttribute", "ModifyNetworkInterfaceAttribute", "ModifyInstanceAttribute", "DescribeInstances",
        ]);
    });

    it("count calls that can be made side by side once", () => {
        // AssumeRole, DescribeInstances, PutObject, and one of the two group changes that overlap.
        expect(callsToContainment(log, base, base + 1000)).to.include({ inSequence: 4, millisecondsToLastChange: 51 });
    });

    it("in sequence are the longest chain in which each waits for the one before", () => {
        const span = (from: number, to: number) => ({ startedAt: new Date(base + from).toISOString(), time: new Date(base + to).toISOString() });
        expect(longestChain([])).to.equal(0);
        expect(longestChain([span(0, 10), span(1, 9), span(2, 30)])).to.equal(1);
        expect(longestChain([span(0, 10), span(10, 20), span(5, 12), span(21, 30)])).to.equal(3);
    });

    it("are unknown when nothing was changed, or every change was refused", () => {
        expect(callsToContainment(log.filter((one) => one.operation !== "ModifyNetworkInterfaceAttribute"), base, base + 1000)).to.equal(null);
        expect(callsToContainment([call(50, "ModifyNetworkInterfaceAttribute", responder, 403)], base, base + 1000)).to.equal(null);
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
