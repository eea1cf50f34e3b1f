import { expect } from "chai";
import type { AnalysisSummary } from "../../../../functions/domain/analysisOutputs";
import { assess } from "../../../../functions/domain/report/assessment";
import { reportInput } from "../../../fixtures/analysis/input";
import { findings, lines, summary, timesketch } from "../../../fixtures/analysis/plain";

type Volume = AnalysisSummary["volumes"][number];
const withVolumes = (change: (volume: Volume) => Volume): AnalysisSummary => ({ ...summary, volumes: summary.volumes.map(change) });
const withFileSystems = (fields: Partial<Volume["fileSystems"][number]>) =>
    withVolumes((volume) => ({ ...volume, fileSystems: volume.fileSystems.map((fileSystem) => ({ ...fileSystem, ...fields })) }));

describe("report assessment", () => {
    it("finds the plain incident complete and intact, and counts what was looked at", () => {
        expect(assess(reportInput())).to.deep.equal({
            complete: true,
            incomplete: [],
            intact: true,
            altered: [],
            unreplayed: [],
            lookedAt: { volumes: 2, fileSystems: 2, files: 40121, checks: 12, objects: 5, hashedVolumes: 2 },
        });
    });

    const incomplete: readonly (readonly [what: string, input: Parameters<typeof reportInput>[0], reason: RegExp])[] = [
        ["the analysis says so", { summary: { ...summary, complete: false } }, /did not finish/],
        ["there is no summary", { summary: null }, /summary\.json could not be read/],
        ["there are no findings to read", { findings: null }, /findings\.jsonl could not be read/],
        ["there is no timeline to read", { timesketch: null }, /timesketch\.jsonl\.gz could not be read/],
        ["an event is malformed", { timesketch: `${lines(timesketch)}{` }, /1 line of timesketch\.jsonl\.gz could not be understood/],
        ["a line is malformed", { findings: `${lines(findings)}{` }, /1 line of findings\.jsonl could not be understood/],
        [
            "a volume of the evidence is not in the summary",
            { summary: { ...summary, volumes: summary.volumes.slice(0, 1) } },
            /vol-0c0ffee0000000002 \(\/dev\/sdf\) was not looked at/,
        ],
        [
            "no file system could be read",
            { summary: withFileSystems({ method: "none" }) },
            /No file system of volume vol-0c0ffee0000000001/,
        ],
        ["no file was seen", { summary: withFileSystems({ filesSeen: 0 }) }, /No file was seen on volume/],
        ["no check ran", { summary: { ...summary, checks: [] } }, /No check ran/],
        ["a check failed", { summary: { ...summary, checks: [{ ...summary.checks[0], error: "no memory" }] } }, /“cron” failed: no memory/],
        [
            "the counts disagree",
            { summary: { ...summary, findingsBySeverity: { critical: 2 } } },
            /disagree about the number of critical, high, medium, low/,
        ],
        [
            "a journal was not replayed",
            { summary: withFileSystems({ journalReplayed: false }) },
            /journal of 2 file systems was not replayed/,
        ],
    ];
    for (const [what, input, reason] of incomplete) {
        it(`is not complete when ${what}`, () => {
            const { complete, incomplete: reasons } = assess(reportInput(input));
            expect(complete).to.equal(false);
            expect(reasons.join("\n")).to.match(reason);
        });
    }

    const altered: readonly (readonly [what: string, input: Parameters<typeof reportInput>[0], reason: RegExp])[] = [
        ["the manifest has a problem", { manifestProblems: ["The manifest does not list bodyfile."] }, /does not list bodyfile/],
        [
            "a volume hashed differently after",
            { summary: withVolumes((volume) => ({ ...volume, evidenceSha256After: "0".repeat(64) })) },
            /changed during the analysis/,
        ],
        [
            "a volume was not hashed",
            { summary: withVolumes((volume) => ({ ...volume, evidenceSha256Before: null, evidenceSha256After: null })) },
            /not hashed both before and after/,
        ],
        [
            "a volume's write counters moved",
            {
                summary: withVolumes((volume) => ({
                    ...volume,
                    evidenceSha256After: null,
                    unchangedBy: "write-counters" as const,
                    intact: false,
                })),
            },
            /write counters moved/,
        ],
        [
            "the analysis says a volume is not",
            { summary: withVolumes((volume) => ({ ...volume, intact: false })) },
            /not intact, although its hashes agree/,
        ],
        ["the summary is of another incident", { summary: { ...summary, incidentId: "i-1" } }, /another incident/],
        ["there is no summary", { summary: null }, /hashes of the evidence volumes are not known/],
    ];
    for (const [what, input, reason] of altered) {
        it(`is not intact when ${what}`, () => {
            const { intact, altered: reasons } = assess(reportInput(input));
            expect(intact).to.equal(false);
            expect(reasons.join("\n")).to.match(reason);
        });
    }

    it("asks no journal of a file system that has none", () => {
        const { unreplayed, complete } = assess(reportInput({ summary: withFileSystems({ journalReplayed: false, type: "vfat" }) }));
        expect(unreplayed).to.deep.equal([]);
        expect(complete).to.equal(true);
    });
});
