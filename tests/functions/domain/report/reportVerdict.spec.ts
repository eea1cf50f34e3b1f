import { expect } from "chai";
import fc from "fast-check";
import { assess, type Assessment } from "../../../../functions/domain/report/assessment";
import { noCounts } from "../../../../functions/domain/report/findingLines";
import { read } from "../../../../functions/domain/report/reading";
import { verdict, type Verdict } from "../../../../functions/domain/report/reportVerdict";
import { reportInput } from "../../../fixtures/analysis/input";
import { custody, summary } from "../../../fixtures/analysis/plain";

const nothingFound = { ...summary, findingsBySeverity: {}, checks: summary.checks.map((check) => ({ ...check, findings: 0 })) };
const text = ({ headline, findings, containment, reliability }: Verdict): string =>
    [headline, findings, containment, reliability].join("\n");

const assessment = fc
    .record<Assessment>({
        complete: fc.boolean(),
        incomplete: fc.constant([]),
        intact: fc.boolean(),
        altered: fc.constant([]),
        unreplayed: fc.constant([]),
        lookedAt: fc.record({
            volumes: fc.nat(9),
            fileSystems: fc.nat(9),
            files: fc.nat(99999),
            checks: fc.nat(20),
            objects: fc.nat(9),
            hashedVolumes: fc.nat(9),
        }),
    })
    .map((value) => ({ ...value, incomplete: value.complete ? [] : ["A reason."], altered: value.intact ? [] : ["Another reason."] }));
const counts = fc.record({ critical: fc.nat(3), high: fc.nat(3), medium: fc.nat(3), low: fc.nat(3), informational: fc.nat(3) });
const containment = fc.constantFrom(null, custody.containment!, { ...custody.containment!, contained: false });

describe("verdict", () => {
    it("states findings, containment and reliability of the plain incident", () => {
        expect(read(reportInput()).verdict).to.deep.equal({
            headline: "Signs of compromise",
            tone: "critical",
            findings:
                "1 critical, 4 high, 2 medium and 1 low findings in 40,121 files in 2 file systems on 2 volumes, by 12 checks; the most serious: A library is loaded into every program (/etc/ld.so.preload).",
            containment:
                "The instance is contained since 2026-11-20 03:31:10 UTC: both network interfaces carry only the isolation group sg-0150a710900000001, but 1 path could not be cut.",
            reliability:
                "The planned checks are done and the evidence is intact: 2 evidence volumes unchanged and 5 outputs matching the manifest.",
        });
    });

    it("says what was looked at when nothing was found", () => {
        const { headline, findings } = read(reportInput({ summary: nothingFound, findings: "" })).verdict;
        expect(headline).to.equal("Nothing suspicious found in what was looked at");
        expect(findings).to.equal(
            "No finding in 40,121 files in 2 file systems on 2 volumes, by 12 checks, which does not prove that there is nothing to find.",
        );
    });

    it("draws no conclusion from nothing found when nothing was looked at", () => {
        const { headline, findings } = read(reportInput({ summary: { ...nothingFound, volumes: [], checks: [] }, findings: "" })).verdict;
        expect(headline).to.equal("No conclusion can be drawn");
        expect(findings).to.contain("No file was looked at");
    });

    it("is never reassuring about an incomplete or altered analysis, whatever the counts", () => {
        fc.assert(
            fc.property(counts, assessment, containment, (some, judged, contained) => {
                const result = verdict({ counts: some, worst: null, containment: contained, assessment: judged });
                expect(text(result)).to.not.match(/\bclean\b|all good|no threat/i);
                if (!judged.complete || !judged.intact) {
                    expect(result.tone).to.not.equal("nothing-found");
                    expect(result.reliability).to.match(/NOT/);
                }
                if (!contained?.contained) expect(result.containment).to.match(/NOT/);
                else expect(result.containment).to.not.match(/NOT/);
            }),
        );
    });

    it("raises the tone with the worst severity", () => {
        for (const severity of ["critical", "high", "medium"] as const) {
            const judged = assess(reportInput());
            expect(
                verdict({ counts: { ...noCounts(), [severity]: 1, low: 5 }, worst: null, containment: null, assessment: judged }).tone,
            ).to.equal(severity);
        }
    });

    it("names the containment steps that failed", () => {
        const failed = {
            ...custody.containment!,
            contained: false,
            steps: [{ ...custody.containment!.steps[0], name: "SwapGroups", outcome: "failed" as const }],
        };
        expect(verdict({ counts: noCounts(), worst: null, containment: failed, assessment: assess(reportInput()) }).containment).to.equal(
            "The instance is NOT contained (failed: swap groups): treat it as still connected.",
        );
        expect(
            verdict({ counts: noCounts(), worst: null, containment: { ...failed, contained: true }, assessment: assess(reportInput()) })
                .containment,
        ).to.match(/^The instance is contained.* Not everything was done \(failed: swap groups\)\.$/);
    });
});
