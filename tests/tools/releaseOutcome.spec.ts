import { expect } from "chai";
import type { Release } from "../../functions/domain/containers";
import { releaseOutcome } from "../../tools/releaseOutcome";

const at = "2026-11-24T12:00:00.000Z";
const release: Release = {
    schemaVersion: 1,
    incidentId: "i-0123456789abcdef0-0123456789abcdef",
    instance: { instanceId: "i-0123456789abcdef0", accountId: "222222222222", region: "eu-west-1" },
    released: true,
    ended: [],
    by: null,
    acceptedRisk: null,
    forced: false,
    conflicts: [],
    releasedAt: at,
    steps: [
        { name: "restoreGroups", outcome: "done", at, detail: "eni-1 carries sg-1 again" },
        { name: "allowCredentials", outcome: "already-done", at, detail: "nothing to do" },
    ],
};
const succeeded = (changes: Partial<Release> = {}) =>
    releaseOutcome({ status: "SUCCEEDED", output: JSON.stringify({ ...release, ...changes }) });

describe("releaseOutcome", () => {
    it("says what was put back, and not what was so already", () => {
        const { lines, exitCode } = succeeded();
        expect(exitCode).to.equal(0);
        expect(lines).to.deep.equal([
            "Released i-0123456789abcdef0 in 222222222222/eu-west-1:",
            "  put back    restoreGroups: eni-1 carries sg-1 again",
        ]);
    });

    it("says that nothing was left to do", () => {
        expect(succeeded({ steps: release.steps.slice(1) }).lines).to.deep.equal([
            "Nothing was left to do: i-0123456789abcdef0 in 222222222222/eu-west-1 is released already.",
        ]);
    });

    it("names what was left alone and what failed beside", () => {
        const { lines } = succeeded({
            forced: true,
            conflicts: ["The interface eni-2 was changed"],
            steps: [...release.steps, { name: "tellPeople", outcome: "failed", at, detail: "Slack is down" }],
        });
        expect(lines.slice(2)).to.deep.equal(["  left alone  The interface eni-2 was changed", "  failed      tellPeople: Slack is down"]);
    });

    it("names the other incidents that end with it, and what nobody could put back", () => {
        const { lines } = succeeded({ ended: [release.incidentId, "i-0123456789abcdef0-2"], unknownBefore: ["Stop protection stays on"] });
        expect(lines.slice(2)).to.deep.equal([
            "  stays       Stop protection stays on",
            "  ends too    i-0123456789abcdef0-2, which shared the containment",
        ]);
    });

    it("gives the reason of a refusal out of Step Functions' and Lambda's wrapping", () => {
        const cause = JSON.stringify({
            Error: "StepFailed",
            Cause: JSON.stringify({ errorType: "StepFailed", errorMessage: "eni-1 was changed" }),
        });
        expect(releaseOutcome({ status: "FAILED", error: "StepFailed", cause })).to.deep.equal({
            exitCode: 1,
            lines: ["Not released: eni-1 was changed"],
        });
    });

    it("says so of an execution that ended without a cause", () => {
        expect(releaseOutcome({ status: "TIMED_OUT" })).to.deep.equal({
            exitCode: 1,
            lines: ["Not released: the execution ended as TIMED_OUT"],
        });
    });

    it("shows names as they are, never as the terminal would obey them", () => {
        expect(succeeded({ steps: [{ name: "registerWithClassic", outcome: "done", at, detail: "\u001b[2Jname" }] }).lines[1]).to.equal(
            "  put back    registerWithClassic: ␛[2Jname",
        );
    });
});
