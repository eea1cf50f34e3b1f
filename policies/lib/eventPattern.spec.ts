import { expect } from "chai";
import { passed, passes, sampleFindings } from "./eventPattern";

const events = sampleFindings("222222222222", "eu-west-1");
const count = (pattern: object): number => passed(JSON.stringify(pattern), events).length;

describe("event patterns", () => {
    it("pass what they name, by every operator that EventBridge has", () => {
        const event = { a: "Apple", n: 5, list: ["x", "y"], deep: { b: true, none: null } };
        const all: [object, boolean][] = [
            [{ a: ["Apple"] }, true],
            [{ a: ["apple"] }, false],
            [{ a: [{ "equals-ignore-case": "apple" }] }, true],
            [{ a: [{ prefix: "App" }], n: [5] }, true],
            [{ a: [{ prefix: { "equals-ignore-case": "aPP" } }] }, true],
            [{ a: [{ suffix: "le" }] }, true],
            [{ a: [{ wildcard: "A*le" }] }, true],
            [{ a: [{ "anything-but": ["Pear"] }] }, true],
            [{ a: [{ "anything-but": "Apple" }] }, false],
            [{ a: [{ "anything-but": { prefix: "App" } }] }, false],
            [{ n: [{ numeric: [">", 4, "<=", 5] }] }, true],
            [{ n: [{ numeric: ["<", 5] }] }, false],
            [{ list: ["y"] }, true],
            [{ deep: { b: [true], none: [null] } }, true],
            [{ missing: [{ exists: false }] }, true],
            [{ missing: [{ exists: true }] }, false],
            [{ missing: [{ "anything-but": "x" }] }, false],
            [{ $or: [{ a: ["Pear"] }, { n: [5] }] }, true],
            [{ a: [{ unheardOf: 1 }] }, false],
            [{}, false],
        ];
        for (const [pattern, expected] of all) expect(passes(pattern as never, event), JSON.stringify(pattern)).to.equal(expected);
    });

    it("let every EC2 finding pass, some, or none", () => {
        expect(count({ source: ["aws.guardduty"] })).to.equal(events.length);
        expect(
            count({
                source: [{ prefix: "aws.guard" }],
                detail: { severity: [{ numeric: [">=", 4] }], resource: { resourceType: ["Instance"] } },
            }),
        ).to.equal(events.length);
        expect(count({ source: [{ "anything-but": ["aws.guardduty"] }] })).to.equal(0);
        expect(count({ source: ["aws.guardduty"], detail: { resource: { resourceType: ["S3Bucket"] } } })).to.equal(0);
        expect(count({ source: ["aws.guardduty"], detail: { type: [{ prefix: "CryptoCurrency" }] } })).to.equal(1);
        expect(count({ source: ["aws.guardduty"], account: ["999999999999"] })).to.equal(0);
        expect(passed("{", events)).to.be.empty;
    });
});
