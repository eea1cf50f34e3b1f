/** An incident that is gone on with: what was analysed is not analysed again, and what came since makes a newer edition of the report. */
import { expect } from "chai";
import type { Evidence } from "../../functions/domain/containers";
import { endedAnalysis } from "../../functions/domain/evidenceKeys";
import { planRounds, roundOf } from "../../functions/domain/planRounds";
import { analysedBefore } from "../../functions/aws/analysedBefore";
import { handler as sendReport } from "../../functions/sendReport";
import { ForensicRounds, written } from "./forensicRounds";
import { incident } from "./inMemoryAws";

const { prefix } = incident;

describe("an incident that is gone on with", () => {
    let rounds: ForensicRounds;
    beforeEach(() => {
        rounds = new ForensicRounds();
        rounds.install();
    });
    afterEach(() => rounds.aws.remove());

    const started = ({ path }: { path: string[] }) => path.filter((name) => name === "StartForensicInstance").length;
    /** As S3 does in an incident of one round: the manifest starts the report. */
    const eventsAfterAnalysis = async (step: string) => {
        if (step === "RunAnalysis") await rounds.manifestsCome();
    };

    it("has only the round that failed analysed, and a second edition that joins all three, says what is new, and stays the only one", async () => {
        const evidence = rounds.evidence(60);
        rounds.failing = [2];
        expect((await rounds.execution(evidence)).path.at(-1)).to.equal("Failed");
        const first = rounds.report();
        expect(first.findingsBySeverity.high).to.equal(40);
        const before = rounds.page();

        rounds.after = eventsAfterAnalysis;
        const resumed = await rounds.execution(evidence);
        expect(resumed.path.at(-1)).to.equal("Succeeded");
        expect([started(resumed), rounds.sent, rounds.hosts().length], "one host more, one command more").to.deep.equal([1, 4, 4]);
        const volumes = planRounds(evidence.snapshots)[1]!.map(({ volumeId }) => volumeId);
        const newest = rounds.custody().furtherRounds!.at(-1)!;
        expect(roundOf(newest.host), "a number that no round had").to.equal(4);
        expect(
            newest.host.volumes.filter(({ purpose }) => purpose === "evidence").map(({ sourceVolumeId }) => sourceVolumeId),
        ).to.have.members(volumes);
        expect(rounds.custody().superseded!.map(({ host }) => roundOf(host))).to.deep.equal([2]);

        expect(rounds.report(2)).to.deep.include({ complete: true, intact: true, edition: 2 });
        expect(rounds.report(2).findingsBySeverity.high).to.equal(60);
        expect(rounds.report(2).results).to.have.length(3);
        for (const { resultsPrefix, sha256 } of first.results!) expect(rounds.report(2).results).to.deep.include({ resultsPrefix, sha256 });
        for (const { volumeId } of evidence.snapshots) expect(rounds.page(2)).to.include(volumeId);
        expect(rounds.page(2))
            .to.include("This is edition 2 of the report")
            .and.include("20 more high")
            .and.include(`Analysed since, on ${newest.host.instanceId}`);
        expect(rounds.page(2)).to.include("Every planned check is done now").and.not.include("left no results");
        expect([rounds.page(), rounds.report()], "the earlier edition stays").to.deep.equal([before, first]);

        // S3's events come twice, the workflow's call too, and everything is gone on with once more.
        await rounds.manifestsCome();
        await sendReport({ incidentId: incident.incidentId });
        const again = await rounds.execution(evidence);
        expect([started(again), rounds.sent, again.path.at(-1)]).to.deep.equal([0, 4, "Succeeded"]);
        expect(rounds.has("report/edition-3/report.html")).to.equal(false);
        expect(rounds.errors().filter((name) => name.includes("SendReport"))).to.deep.equal([]);
    });

    it("begins nothing, sends nothing and costs nothing where all is done, but tears down what was left and looks after the report", async () => {
        const evidence = rounds.evidence(2);
        rounds.after = eventsAfterAnalysis;
        await rounds.execution(evidence);
        const [report, sent] = [rounds.report(), rounds.sent];
        const { path } = await rounds.execution(evidence);
        expect(path).to.not.include("OpenEndpoints").and.not.include("StartForensicInstance").and.not.include("RunAnalysis");
        expect(path).to.include("TearDown").and.include("SendReport").and.include("SealCustody");
        expect([rounds.report(), rounds.sent, rounds.has("report/edition-2/report.html")]).to.deep.equal([report, sent, false]);

        // The first execution's report failed: nobody but the resumed one sends it.
        rounds.aws.objects.delete(`${prefix}report/report.json`);
        rounds.aws.objects.delete(`${prefix}report/report.html`);
        await rounds.execution(evidence);
        expect([rounds.report().findingsBySeverity, rounds.sent]).to.deep.equal([report.findingsBySeverity, sent]);
    });

    it("reads a copy that came late, and nothing else: the second edition has it beside the others", async () => {
        const whole = rounds.evidence(3);
        const late = whole.snapshots[1]!;
        const missing = [{ volumeId: late.volumeId, device: late.device, root: false, why: "its copy ended as error" }];
        const evidence: Evidence = { ...whole, snapshots: whole.snapshots.filter((one) => one !== late), missing };
        rounds.after = eventsAfterAnalysis;
        await rounds.execution(evidence);
        expect(rounds.report()).to.deep.include({ complete: false });
        const resumed = await rounds.execution(whole);
        expect([resumed.path.at(-1), started(resumed), rounds.sent]).to.deep.equal(["Succeeded", 1, 2]);
        expect(rounds.custody().furtherRounds![0]!.host.volumes.map(({ sourceVolumeId }) => sourceVolumeId)).to.deep.equal([
            late.volumeId,
            late.volumeId,
        ]);
        expect(rounds.report(2)).to.deep.include({ complete: true, intact: true });
        expect(rounds.report(2).findingsBySeverity.high).to.equal(3);
        expect(rounds.page(2)).to.include("Every planned check is done now");
    });

    it("takes the analysis of a volume that a host went without as one that is left", async () => {
        const evidence = rounds.evidence(2);
        // Evidence and work volume of the first, and then EC2 refuses the second one's.
        rounds.aws.forensics.errors.set("CreateVolume", [null, null, ...Array<string>(40).fill("InvalidParameterValue")]);
        await rounds.execution(evidence);
        const had = rounds.custody().host.volumes.map(({ sourceVolumeId }) => sourceVolumeId);
        expect(new Set(had).size).to.equal(1);
        rounds.aws.forensics.errors.clear();
        const resumed = await rounds.execution(evidence);
        expect([started(resumed), resumed.path.at(-1)]).to.deep.equal([1, "Succeeded"]);
        const { host } = rounds.custody().furtherRounds![0]!;
        for (const { sourceVolumeId } of host.volumes) expect(had, "read a second time").to.not.include(sourceVolumeId);
        expect(rounds.report()).to.deep.include({ complete: true });
    });

    describe("believes of what was analysed nothing that a forensic host could have written", () => {
        let evidence: Evidence;
        let folder: string;
        beforeEach(async () => {
            evidence = rounds.evidence(30);
            await rounds.execution(evidence);
            expect(rounds.sent).to.equal(2);
            folder = `${prefix}${rounds.custody().furtherRounds![0]!.resultsPrefix}`;
        });

        it("reads a round again whose manifest is not the one of its end, and whose analysis ended badly though there is a manifest", async () => {
            rounds.aws.overwrite(`${folder}manifest.sha256`, "forged\n");
            expect(started(await rounds.execution(evidence))).to.equal(1);
            const { host } = rounds.custody().furtherRounds!.at(-1)!;
            expect(rounds.has(endedAnalysis(host.instanceId))).to.equal(true);
            rounds.aws.objects.delete(`${prefix}${endedAnalysis(host.instanceId)}`);
            expect(started(await rounds.execution(evidence)), "a manifest alone says nothing").to.equal(1);
        });

        it("reads a round again that another program analysed, or whose record says so of another host, incident or snapshot", async () => {
            const { host } = rounds.custody().furtherRounds![0]!;
            const key = `${prefix}${endedAnalysis(host.instanceId)}`;
            const record = JSON.parse(rounds.aws.objects.get(key)!) as Record<string, unknown>;
            for (const change of [
                { toolSha256: "b".repeat(64) },
                { instanceId: "i-0bad0bad0bad0bad0" },
                { incidentId: "i-0bad0bad0bad0bad0-0123456789abcdef" },
                { resultsPrefix: "analysis/AROAEXAMPLEID:i-0bad0bad0bad0bad0/" },
                { snapshotIds: ["snap-0bad0bad0bad0bad0"] },
            ]) {
                rounds.aws.overwrite(key, JSON.stringify({ ...record, ...change }));
                const { analysed } = await analysedBefore(incident);
                expect(analysed, JSON.stringify(change)).to.have.length(15);
            }
        });

        it("reads everything again where a record is no record, and hands the evidence on", async () => {
            const { host } = rounds.custody();
            rounds.aws.overwrite(`${prefix}${endedAnalysis(host.instanceId)}`, "{");
            expect((await analysedBefore(incident)).analysed).to.have.length(15);
            const custody = rounds.aws.objects.get(`${prefix}custody.json`)!;
            rounds.aws.overwrite(`${prefix}custody.json`, custody.replaceAll(incident.incidentId, "i-0bad0bad0bad0bad0-0123456789abcdef"));
            expect(await analysedBefore(incident)).to.deep.equal({ analysed: [], roundsBefore: 0 });
            rounds.aws.overwrite(`${prefix}custody.json`, "{}");
            expect(await analysedBefore(incident)).to.deep.equal({ analysed: [], roundsBefore: 0 });
        });

        it("lets a taken-over host of the first round neither have the second left unread nor stand for it", async () => {
            const { host, furtherRounds } = rounds.custody();
            const own = `${prefix}${rounds.custody().resultsPrefix}`;
            // All that it may write: anything below its own prefix, here the whole of what the other round's host wrote, and records of its own making.
            for (const [key, body] of [...rounds.aws.objects])
                if (key.startsWith(folder)) rounds.aws.overwrite(`${own}${key.slice(folder.length)}`, body);
            rounds.aws.overwrite(`${own}${endedAnalysis(furtherRounds![0]!.host.instanceId)}`, "{}");
            rounds.aws.objects.delete(`${prefix}${endedAnalysis(furtherRounds![0]!.host.instanceId)}`);
            await rounds.execution(evidence);
            const read = [rounds.custody(), ...rounds.custody().furtherRounds!].filter(({ host: { round } }) => round! > 2);
            expect(read.flatMap((each) => each.host.volumes.filter(({ purpose }) => purpose === "evidence"))).to.have.length(30);
            expect(read.map((each) => each.host.instanceId)).to.not.include(host.instanceId);
        });
    });

    it("tells of results that an old host changed as of an anomaly, makes no edition of them, and flags them where a newer one joins them", async () => {
        const evidence = rounds.evidence(60);
        rounds.failing = [2];
        await rounds.execution(evidence);
        const [old] = [rounds.custody()];
        const key = `${prefix}${old.resultsPrefix}manifest.sha256`;
        rounds.aws.overwrite(key, `${rounds.aws.objects.get(key)!}# and more\n`);
        for (let times = 0; times < 2; times++) await sendReport(written(key));
        expect(rounds.has("report/edition-2/report.html")).to.equal(false);
        expect(rounds.errors().filter((name) => /^errors\/SendReport\.[0-9a-f]{16}\./.test(name))).to.have.length(1);
        await sendReport({ incidentId: incident.incidentId });
        expect(rounds.has("report/edition-2/report.html")).to.equal(false);
        // The resumed execution reads round 2, and round 1 again, since its results do not stand.
        expect(started(await rounds.execution(evidence))).to.equal(2);
        expect(rounds.report(2)).to.deep.include({ complete: true, intact: true });
        expect(rounds.page(2)).to.include("Not in it: the results below");
    });

    it("mends a crash between the page of the second edition and its record by the next attempt, with the same page", async () => {
        const evidence = rounds.evidence(60);
        rounds.failing = [2];
        await rounds.execution(evidence);
        rounds.aws.beforePut = (key) => {
            if (key.endsWith("edition-2/report.json")) throw new Error("the function was ended");
        };
        expect((await rounds.execution(evidence)).path.at(-1)).to.equal("Failed");
        rounds.aws.beforePut = null;
        const page = rounds.page(2);
        expect(rounds.has("report/edition-2/report.json")).to.equal(false);
        const mended = await rounds.execution(evidence);
        expect([started(mended), mended.path.at(-1)]).to.deep.equal([0, "Succeeded"]);
        expect(rounds.page(2)).to.equal(page);
        expect(rounds.report(2).findingsBySeverity.high).to.equal(60);
        expect(rounds.has("report/edition-3/report.html")).to.equal(false);
    });

    it("takes no page for its own that an attempt left of other results", async () => {
        const evidence = rounds.evidence(1);
        // The analysis left a manifest and ended badly; the report's attempt broke off behind its page.
        rounds.after = async (step) => {
            if (step !== "RunAnalysis") return;
            await rounds.manifestsCome();
            rounds.aws.objects.delete(`${prefix}report/report.json`);
            rounds.aws.objects.delete(`${prefix}${endedAnalysis(rounds.hosts().at(-1)!)}`);
        };
        await rounds.execution(evidence);
        const stale = rounds.page();
        rounds.after = () => Promise.resolve();
        await rounds.execution(evidence);
        expect(rounds.has("report/report.json"), "nobody was told of it").to.equal(false);
        expect(rounds.page()).to.equal(stale);
        expect(rounds.report(2).results).to.have.length(1);
        expect(rounds.page(2)).to.include(rounds.hosts().at(-1)!).and.not.include("This is edition 2");
    });

    it("tells of results of a host whose place another took, and has them in no report", async () => {
        const evidence = rounds.evidence(1);
        rounds.failing = [1];
        await rounds.execution(evidence);
        await rounds.execution(evidence);
        expect(rounds.report().results).to.have.length(1);
        const late = `${prefix}${rounds.custody().superseded![0]!.resultsPrefix}manifest.sha256`;
        rounds.aws.overwrite(late, "late\n");
        for (let times = 0; times < 2; times++) await sendReport(written(late));
        expect(rounds.has("report/edition-2/report.html")).to.equal(false);
        const told = rounds.errors().filter((name) => /^errors\/SendReport\.[0-9a-f]{16}\./.test(name));
        expect(told).to.have.length(1);
        expect(rounds.aws.objects.get(`${prefix}${told[0]}`)).to.include("SupersededResults");
    });

    it("has a manifest that came after the report of all rounds in a newer edition at once", async () => {
        const evidence = rounds.evidence(60);
        const kept = new Map<string, string>();
        // Round 3's manifest is not seen yet when the report is written.
        rounds.after = (step) => {
            if (step !== "RunAnalysis" || rounds.sent !== 3) return Promise.resolve();
            const key = `${prefix}${rounds.custody().furtherRounds![1]!.resultsPrefix}manifest.sha256`;
            kept.set(key, rounds.aws.objects.get(key)!);
            rounds.aws.objects.delete(key);
            return Promise.resolve();
        };
        await rounds.execution(evidence);
        expect(rounds.report().findingsBySeverity.high).to.equal(40);
        for (const [key, body] of kept) {
            rounds.aws.overwrite(key, body);
            for (let times = 0; times < 2; times++) await sendReport(written(key));
        }
        expect(rounds.report(2).findingsBySeverity.high).to.equal(60);
        expect(rounds.has("report/edition-3/report.html")).to.equal(false);
        expect(rounds.errors()).to.deep.equal([]);
    });
});
