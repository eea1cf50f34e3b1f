import { expect } from "chai";
import fc from "fast-check";
import { containmentPolicyText } from "../../../infra/config";
import { containmentModes, type ApprovalAnswer, type ContainmentMode } from "../../../functions/domain/containers";
import {
    containmentPolicySchema,
    decideContainment,
    isStricter,
    matchesGlob,
    ruleOn,
    tagProblems,
    type ContainmentPolicy,
    type DecidingFinding,
} from "../../../functions/domain/decideContainment";

const accountId = "222222222222";
const finding = (changes: Partial<DecidingFinding> = {}): DecidingFinding => ({
    id: "f",
    type: "CryptoCurrency:EC2/BitcoinTool.B!DNS",
    severity: 8,
    sample: false,
    origin: "guardduty",
    ...changes,
});
const policy = (changes: Partial<ContainmentPolicy> = {}): ContainmentPolicy => containmentPolicySchema.parse(changes);
const decide = (changes: Partial<Parameters<typeof decideContainment>[0]> = {}) =>
    decideContainment({ findings: [finding()], accountId, tag: null, policy: policy(), drill: false, answer: null, ...changes });

const mode = fc.constantFrom(...containmentModes);
const arbitraryFinding: fc.Arbitrary<DecidingFinding> = fc.record({
    id: fc.string(),
    type: fc.constantFrom("CryptoCurrency:EC2/BitcoinTool.B", "Recon:EC2/PortProbeUnprotectedPort", "Manual:EC2/ContainmentRequested"),
    severity: fc.constantFrom(0, 2, 5, 8, 9.5),
    sample: fc.boolean(),
    origin: fc.constantFrom("guardduty" as const, "securityhub" as const, "manual" as const),
});
const arbitraryPolicy: fc.Arbitrary<ContainmentPolicy> = fc.record({
    mode,
    rules: fc.array(
        fc.record(
            {
                minimumSeverity: fc.constantFrom(0, 4, 7, 9),
                findingType: fc.constantFrom("*", "CryptoCurrency:*", "Recon:*"),
                accounts: fc.constantFrom<string[]>([accountId], ["333333333333"]),
                mode,
            },
            { requiredKeys: ["mode"] },
        ),
        { maxLength: 4 },
    ),
    allowExempt: fc.boolean(),
    onApprovalTimeout: fc.constantFrom("contain" as const, "observe" as const),
});
const tag = fc.option(fc.oneof(fc.constantFrom("automatic", "approval", "observe", "exempt"), fc.string()));
const answer: fc.Arbitrary<ApprovalAnswer | null> = fc.option(
    fc.record({ approved: fc.boolean(), by: fc.string({ minLength: 1 }), reason: fc.option(fc.string()) }),
);
const input = fc.record({
    findings: fc.array(arbitraryFinding, { minLength: 1, maxLength: 4 }),
    accountId: fc.constant(accountId),
    tag,
    policy: arbitraryPolicy,
    drill: fc.boolean(),
    answer,
});

describe("decideContainment", () => {
    it("contains automatically by default", () => expect(decide()).to.deep.include({ mode: "automatic", by: null, exempt: false }));

    it("lets the first rule decide that holds", () => {
        const rules = [
            { minimumSeverity: 9, mode: "automatic" as const },
            { findingType: "CryptoCurrency:*", accounts: [accountId], mode: "approval" as const },
            { mode: "observe" as const },
        ];
        const by = (changes: Partial<DecidingFinding>, account = accountId) => ruleOn(finding(changes), account, policy({ rules }), false);
        expect(by({ severity: 9 }).mode).to.equal("automatic");
        expect(by({}).mode).to.equal("approval");
        expect(by({}).reason).to.equal("Rule 2 of containment.rules says approval for CryptoCurrency:EC2/BitcoinTool.B!DNS of severity 8.");
        expect(by({}, "333333333333").mode).to.equal("observe");
        expect(by({ type: "Recon:EC2/PortProbe" }).mode).to.equal("observe");
    });

    it("takes a person's request at its word, unless a rule names such requests", () => {
        const manual = finding({ origin: "manual", type: "Manual:EC2/ContainmentRequested" });
        expect(ruleOn(manual, accountId, policy({ mode: "observe", rules: [{ mode: "observe" }] }), false).mode).to.equal("automatic");
        expect(ruleOn(manual, accountId, policy({ rules: [{ findingType: "Manual:*", mode: "approval" }] }), false).mode).to.equal(
            "approval",
        );
    });

    for (const [given, changes, expected] of [
        ["automatic", { mode: "observe" }, "automatic"],
        ["automatic", { mode: "approval" }, "automatic"],
        ["approval", { mode: "observe" }, "approval"],
        ["approval", { mode: "automatic" }, "approval"],
        ["approval", { mode: "automatic", onApprovalTimeout: "observe" }, "automatic"],
        ["observe", { mode: "automatic" }, "automatic"],
        ["observe", { mode: "approval" }, "approval"],
        ["<b>", { mode: "automatic" }, "automatic"],
        ["exempt", { mode: "automatic" }, "automatic"],
        ["exempt", { mode: "automatic", allowExempt: true }, "observe"],
    ] as const) {
        it(`the tag ${given} makes ${JSON.stringify(changes)} ${expected}, and is reported`, () => {
            const decision = decide({ tag: given, policy: policy(changes) });
            expect(decision.mode).to.equal(expected);
            expect(decision.reason).to.include(`clean-room:mode="${given}"`);
            expect(decision.exempt).to.equal(given === "exempt" && "allowExempt" in changes);
        });
    }

    it("never contains for samples alone, whatever anything says, unless it is a drill", () => {
        fc.assert(
            fc.property(input, (given) => {
                fc.pre(given.findings.every((each) => each.sample) && !given.drill);
                expect(decideContainment(given).mode).to.equal("observe");
            }),
        );
    });

    it("is never made milder by a tag, but for what the configuration allows", () => {
        fc.assert(
            fc.property(input, (given) => {
                const untagged = decideContainment({ ...given, answer: null, tag: null });
                const tagged = decideContainment({ ...given, answer: null });
                if (!isStricter(untagged.mode, tagged.mode)) return;
                const exempted = given.tag === "exempt" && given.policy.allowExempt;
                const asked = given.tag === "approval" && tagged.mode === "approval" && given.policy.onApprovalTimeout === "contain";
                expect(exempted || asked, JSON.stringify({ untagged, tagged })).to.equal(true);
            }),
            { numRuns: 1000 },
        );
    });

    it("is never made milder by another finding", () => {
        fc.assert(
            fc.property(input, arbitraryFinding, (given, another) => {
                const before = decideContainment({ ...given, answer: null });
                const after = decideContainment({ ...given, answer: null, findings: [...given.findings, another] });
                // A stricter ruling may leave the tag `approval` with something to soften; it still asks at least a person.
                const rank = (each: ContainmentMode) => containmentModes.indexOf(each);
                if (given.tag === "approval") expect(rank(after.mode)).to.be.at.least(Math.min(rank(before.mode), 1));
                else expect(isStricter(before.mode, after.mode)).to.equal(false);
            }),
            { numRuns: 1000 },
        );
    });

    it("is decided for good by an answer: a yes contains, and a no never undoes what asks nobody", () => {
        fc.assert(
            fc.property(input, (given) => {
                fc.pre(given.answer !== null && (given.drill || given.findings.some((each) => !each.sample)));
                const asked = decideContainment({ ...given, answer: null });
                const decision = decideContainment(given);
                expect(decision.mode).to.not.equal("approval");
                if (given.answer!.approved || asked.mode === "automatic") expect(decision.mode).to.equal("automatic");
                else expect(decision.mode).to.equal("observe");
            }),
        );
    });

    it("reads its policy back from what it wrote", () => {
        fc.assert(
            fc.property(arbitraryPolicy, (given) => {
                expect(containmentPolicySchema.parse(JSON.parse(containmentPolicyText(given)))).to.deep.equal(
                    JSON.parse(JSON.stringify(given)),
                );
            }),
        );
    });
});

describe("rules about VPCs and tags", () => {
    const rules = policy({
        mode: "automatic",
        rules: [
            { vpcs: ["vpc-0a"], mode: "observe" },
            { tags: { environment: "production" }, mode: "approval" },
        ],
    });

    it("hold for the instances they name", () => {
        const modeOf = (vpcId: string | null, tags: Record<string, string>) => decide({ policy: rules, vpcId, tags }).mode;
        expect(modeOf("vpc-0a", { environment: "production" })).to.equal("observe");
        expect(modeOf("vpc-0b", { environment: "production", Name: "web" })).to.equal("approval");
        expect(modeOf("vpc-0b", { environment: "test" })).to.equal("automatic");
        expect(modeOf("vpc-0b", {})).to.equal("automatic");
    });

    it("count by the strictest that may hold while the instance is not known, and are decided again once it is", () => {
        expect(ruleOn(finding(), accountId, rules, false).mode).to.equal("automatic");
        const stricter = policy({ mode: "observe", rules: [{ vpcs: ["vpc-0a"], mode: "automatic" }] });
        expect(ruleOn(finding(), accountId, stricter, false).mode).to.equal("automatic");
        expect(ruleOn(finding(), { accountId, vpcId: "vpc-0b", tags: {} }, stricter, false).mode).to.equal("observe");
    });

    it("never let a tag contain more, or leave alone", () => {
        const problems = (changes: Partial<ContainmentPolicy>) => tagProblems(policy(changes)).map(({ message }) => message);
        expect(problems({ rules: [{ tags: { a: "b" }, mode: "automatic" }] })[0]).to.match(/has the mode approval/);
        expect(problems({ rules: [{ tags: { a: "b" }, mode: "observe" }] })[0]).to.match(/has the mode approval/);
        expect(problems({ rules: [{ tags: { a: "b" }, mode: "approval" }], onApprovalTimeout: "observe" })[0]).to.match(
            /onApprovalTimeout: contain/,
        );
        expect(problems({ rules: [{ tags: { a: "b" }, mode: "approval" }] })).to.deep.equal([]);
    });
});

describe("matchesGlob", () => {
    it("takes a star for any characters and all others as they are", () => {
        const part = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "("), maxLength: 4 });
        const byExpression = (pattern: string, text: string) =>
            new RegExp(
                `^${pattern
                    .split("*")
                    .map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
                    .join("[^]*")}$`,
            ).test(text);
        fc.assert(
            fc.property(
                fc.array(part, { maxLength: 4 }).map((parts) => parts.join("*")),
                fc.string({ unit: fc.constantFrom("a", "b", ".", "("), maxLength: 8 }),
                (pattern, text) => {
                    expect(matchesGlob(pattern, text)).to.equal(byExpression(pattern, text));
                },
            ),
            { numRuns: 2000 },
        );
        expect(matchesGlob("CryptoCurrency:EC2/*", "CryptoCurrency:EC2/BitcoinTool.B!DNS")).to.equal(true);
        expect(matchesGlob("ab*bc", "abc")).to.equal(false);
    });
});
