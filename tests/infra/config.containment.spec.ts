import { expect } from "chai";
import { containmentPolicyText, parseSettings } from "../../infra/config";

const settings = (containment: unknown) =>
    parseSettings({
        forensics: { accountId: "111111111111" },
        regions: ["eu-west-1"],
        members: [{ accountId: "222222222222" }],
        containment,
    });

describe("containment in the configuration", () => {
    it("contains without asking anybody when nothing is said", () => {
        expect(settings(undefined).containment).to.include({
            mode: "automatic",
            allowExempt: false,
            onApprovalTimeout: "contain",
            approvalTimeoutMinutes: 30,
        });
    });

    it("hands the functions who decides, and nothing else", () => {
        const { containment } = settings({
            mode: "approval",
            rules: [{ minimumSeverity: 9, mode: "automatic" }],
            approvalTimeoutMinutes: 5,
        });
        expect(JSON.parse(containmentPolicyText(containment))).to.deep.equal({
            mode: "approval",
            rules: [{ minimumSeverity: 9, mode: "automatic" }],
            allowExempt: false,
            onApprovalTimeout: "contain",
        });
    });

    for (const [what, containment, message] of [
        ["a mode that is none", { mode: "sometimes" }, /settings\.containment\.mode = "sometimes".*observe.*approval.*automatic/],
        ["a misspelt rule", { rules: [{ severity: 7, mode: "observe" }] }, /settings\.containment\.rules\.0.*severity/],
        ["a rule without a mode", { rules: [{ minimumSeverity: 7 }] }, /settings\.containment\.rules\.0\.mode/],
        ["an endless question", { approvalTimeoutMinutes: 100_000 }, /approvalTimeoutMinutes = 100000/],
        [
            "more rules than fit a function's environment",
            { rules: Array.from({ length: 40 }, () => ({ findingType: "CryptoCurrency:EC2/*", mode: "observe" })) },
            /containment\.rules.*at most 1200 characters/,
        ],
    ] as const) {
        it(`refuses ${what}, by its key`, () => expect(() => settings(containment)).to.throw(message));
    }
});
