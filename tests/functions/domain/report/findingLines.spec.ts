import { expect } from "chai";
import fc from "fast-check";
import { findingCollector } from "../../../../functions/domain/report/findingLines";
import { finding, findings, lines } from "../../../fixtures/analysis/plain";

const feed = <T>(collector: { line: (text: string) => void; result: () => T }, text: string): T => {
    text.split("\n").forEach(collector.line);
    return collector.result();
};

describe("findings.jsonl", () => {
    it("counts all, keeps the most severe first", () => {
        const many = [
            ...Array.from({ length: 30 }, (_, index) => finding({ check: "suid", severity: "low", title: `${index}` })),
            ...findings,
        ];
        const read = feed(findingCollector(5), lines(many));
        expect(read.total).to.equal(38);
        expect(read.counts).to.deep.equal({ critical: 1, high: 4, medium: 2, low: 31, informational: 0 });
        expect(read.shown.map(({ severity }) => severity)).to.deep.equal(["critical", "high", "high", "high", "high"]);
    });

    it("stays bounded when a disk makes every finding as long as it may be, and keeps the gravest", () => {
        const long = { evidence: "x".repeat(4096), title: "y".repeat(1000) };
        const many = Array.from({ length: 9000 }, (_, index) => finding({ check: "yara", severity: index % 2 ? "low" : "high", ...long }));
        const read = feed(findingCollector(), lines([...many, finding({ check: "yara", severity: "critical", ...long })]));
        expect(read.total).to.equal(9001);
        expect(read.shown[0]!.severity).to.equal("critical");
        expect(read.shown.length).to.be.within(4000, 5000);
        expect(read.shown.filter(({ severity }) => severity === "high")).to.have.length(4500);
    });

    it("counts what is no finding and loses none beside it", () => {
        const bad = [
            "{",
            "null",
            "[]",
            '{"schemaVersion":1}',
            JSON.stringify({ ...findings[0], severity: "catastrophic" }),
            JSON.stringify({ ...findings[0], attack: ["<script>"] }),
        ];
        const read = feed(findingCollector(), bad.map((line, index) => `${line}\n${JSON.stringify(findings[index])}\n\n`).join(""));
        expect(read.malformed).to.equal(bad.length);
        expect(read.total).to.equal(bad.length);
    });

    it("never throws", () => {
        fc.assert(
            fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
                const read = feed(findingCollector(), text);
                expect(read.total).to.equal(0);
            }),
        );
    });
});
