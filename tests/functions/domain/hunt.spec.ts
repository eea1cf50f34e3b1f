import { expect } from "chai";
import fc from "fast-check";
import { huntStatements } from "../../../functions/domain/hunt";
import type { Indicator, IndicatorKind } from "../../../functions/domain/report/indicators";

const indicator = (kind: IndicatorKind, value: string, side: Indicator["side"] = "theirs"): Indicator => ({
    kind,
    value,
    side,
    severity: "high",
    findings: ["a"],
    alert: false,
});

describe("hunt", () => {
    it("makes statements for every kind that somebody can look for, and none for our own addresses", () => {
        const { statements, leftOut } = huntStatements(
            [
                indicator("address", "203.0.113.44"),
                indicator("address", "10.0.0.5", "own"),
                indicator("domain", "c2.example.net"),
                indicator("sha256", "a".repeat(64)),
                indicator("user", "sysadm"),
                indicator("path", "/var/tmp/.x/kworkerd"),
            ],
            "2026-11-19T03:11:00.000Z",
            ["ASIAIOSFODNN7EXAMPLE", "not a key'"],
        );
        const text = statements.map((each) => each.text).join("\n");
        expect(text)
            .to.contain("'203.0.113.44'")
            .and.contain("c2\\.example\\.net")
            .and.contain("DATE '2026-11-19'")
            .and.contain("ASIAIOSFODNN7EXAMPLE")
            .and.contain("/var/tmp/.x/kworkerd");
        expect(text).to.not.contain("10.0.0.5").and.not.contain("not a key");
        expect(new Set(statements.map(({ where }) => where.split(/[ ,]/)[0]))).to.deep.equal(new Set(["CloudWatch", "Athena", "osquery"]));
        expect(leftOut).to.equal(0);
    });

    it("puts nothing into a statement that could leave its literal, and counts what it leaves out", () => {
        const hostile = ["x'; DROP TABLE t; --", "a\nb", "/tmp/'||'", "(?:", "]", "`", "\\'", "/tmp/$(id)", "%_"];
        const { statements, leftOut } = huntStatements(
            hostile.flatMap((value) => (["address", "domain", "user", "path", "sha256"] as const).map((kind) => indicator(kind, value))),
            "2026-11-19'; --",
        );
        expect(statements).to.deep.equal([]);
        expect(leftOut).to.equal(hostile.length * 5);
        fc.assert(
            fc.property(
                fc.constantFrom<IndicatorKind>("address", "domain", "user", "path", "url", "key", "sha256"),
                fc.string({ unit: "binary" }),
                (kind, value) => {
                    for (const { text } of huntStatements([indicator(kind, value)], "2026-11-19T00:00:00Z").statements)
                        if (/['"`;\\\n]/.test(value)) expect(text).to.not.contain(value);
                },
            ),
        );
    });
});
