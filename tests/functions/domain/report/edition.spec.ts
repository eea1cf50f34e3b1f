import { expect } from "chai";
import type { Report } from "../../../../functions/domain/containers";
import { editionOf, reportNames } from "../../../../functions/domain/evidenceKeys";
import { editionAfter, resultsDigest, sinceReports, type FoundResults } from "../../../../functions/domain/report/edition";
import { reportMarkdown } from "../../../../functions/domain/report/markdown";
import { ocsfFinding } from "../../../../functions/domain/report/ocsf";
import { read } from "../../../../functions/domain/report/reading";
import { isPageOf, renderReport } from "../../../../functions/domain/report/reportPage";
import { reportInput } from "../../../fixtures/analysis/input";
import * as plain from "../../../fixtures/analysis/plain";

const found = (name: string, sha256 = `hash of ${name}`, sentAt: string | undefined = plain.summary.startedAt): FoundResults => ({
    host: { ...plain.custody.host, instanceId: `i-${name}` },
    resultsPrefix: `analysis/A:i-${name}/`,
    sha256,
    ...(sentAt === undefined ? {} : { sentAt }),
});
const report = (change: Partial<Report> = {}): Report => ({
    schemaVersion: 1,
    incidentId: plain.incidentId,
    page: { bucket: plain.bucket, key: `${plain.prefix}report/report.html`, sha256: plain.sha256("page") },
    complete: false,
    intact: true,
    findingsBySeverity: { high: 3, low: 1 },
    manifestSha256: "hash of a",
    results: [{ resultsPrefix: "analysis/A:i-a/", sha256: "hash of a" }],
    at: "2026-11-20T05:00:00.000Z",
    ...change,
});
const names = ({ fresh, changed }: { fresh: FoundResults[]; changed: FoundResults[] }) =>
    [fresh, changed].map((each) => each.map(({ host }) => host.instanceId));

describe("editions of a report", () => {
    it("follow from results that none is of; altered ones make none, and the same hash elsewhere is no excuse", () => {
        expect(names(sinceReports([], [found("a")]))).to.deep.equal([["i-a"], []]);
        expect(names(sinceReports([report()], [found("a"), found("b"), found("c", "hash of a")]))).to.deep.equal([["i-b", "i-c"], []]);
        expect(names(sinceReports([report()], [found("a", "another")]))).to.deep.equal([[], ["i-a"]]);
        const second = report({ edition: 2, results: [{ resultsPrefix: "analysis/A:i-b/", sha256: "hash of b" }] });
        expect(names(sinceReports([report(), second], [found("a"), found("b")]))).to.deep.equal([[], []]);
    });

    it("understand records of before, which name hashes alone: what was sent since is new, what was sent before was touched", () => {
        const older = { ...report({ furtherManifests: ["hash of b"] }), results: undefined };
        const before = (name: string, sha256?: string) => ({ ...found(name, sha256), sentAt: undefined });
        const all = [before("a"), before("b"), before("c", "another"), found("d")];
        expect(names(sinceReports([older], all))).to.deep.equal([["i-d"], ["i-c"]]);
    });

    it("have names of their own, the first one the names of ever", () => {
        expect(reportNames(1).record).to.equal("report/report.json");
        for (const number of [1, 2, 37]) expect(editionOf(reportNames(number).record)).to.equal(number);
        for (const name of [
            "report/report.html",
            "report/edition-0/report.json",
            "report/edition-2/x/report.json",
            "report/first-look-told.json",
        ])
            expect(editionOf(name), name).to.equal(null);
        expect(new Set([1, 2].flatMap((number) => Object.values(reportNames(number)))).size).to.equal(12);
    });

    it("say what is new, what is better or worse than before, and what only the one before has", () => {
        const since = { fresh: [found("b")], changed: [found("c")] };
        const now = { complete: true, intact: false, findingsBySeverity: { high: 5 } };
        const { before, news } = editionAfter(report(), 2, now, since, ["analysis/A:i-a/"]);
        const volume = plain.custody.host.volumes[0]!.sourceVolumeId;
        expect(before).to.deep.equal({ number: 1, at: report().at, page: `s3://${plain.bucket}/${plain.prefix}report/report.html` });
        expect(news.join("\n"))
            .to.include("Analysed since, on i-b")
            .and.include(volume)
            .and.include("2 more high, 1 fewer low")
            .and.include("Every planned check is done now")
            .and.include("Not everything is shown to be intact now")
            .and.include("Not in it: the results below analysis/A:i-a/")
            .and.include("The manifest below analysis/A:i-c/ is another one");
        const same = { complete: false, intact: true, findingsBySeverity: report().findingsBySeverity };
        expect(editionAfter(report(), 2, same, { fresh: [found("b")], changed: [] }, []).news.slice(1)).to.deep.equal([
            "As many findings of each severity as before.",
        ]);
    });

    it("are said in page, ticket and event, as text that cannot break out of any; the page says of which results it is", () => {
        const hostile = "</p><script>alert(1)</script> [x](http://evil.example)";
        const edition = { number: 2, before: { number: 1, at: report().at, page: "s3://evidence/report.html" }, news: [hostile] };
        const input = { ...reportInput(), edition };
        const reading = read(input);
        const page = renderReport(input, reading, null);
        expect(page).to.include("This is edition 2 of the report").and.not.include("<script>alert");
        expect(reportMarkdown(input, reading)).to.include("This is edition 2").and.not.include("[x](http");
        expect(ocsfFinding(input, reading)).to.deep.include({ activity_id: 2, type_uid: 200_402, type_name: "Detection Finding: Update" });
        expect(ocsfFinding(reportInput(), reading)).to.deep.include({ activity_id: 1, type_uid: 200_401 });
        expect(isPageOf(page, resultsDigest([input.manifest.ref]))).to.equal(true);
        expect(isPageOf(page, resultsDigest([{ ...input.manifest.ref, key: "another" }]))).to.equal(false);
        expect(isPageOf("<!DOCTYPE html><title>of before</title>", resultsDigest([]))).to.equal(true);
    });
});
