/** Sixty volumes, which no forensic instance takes at once: rounds, each with its own host, command, results and tear-down, and one report. */
import { expect } from "chai";
import type { Evidence } from "../../functions/domain/containers";
import { planRounds, roundOf } from "../../functions/domain/planRounds";
import { roundTag } from "../../functions/domain/tags";
import { handler as sendReport } from "../../functions/sendReport";
import { handler as startForensicInstance } from "../../functions/startForensicInstance";
import { ForensicRounds, written } from "./forensicRounds";
import { incident, type InMemoryAws } from "./inMemoryAws";

const { prefix } = incident;

describe("sixty volumes", () => {
    let rounds: ForensicRounds;
    let aws: InMemoryAws;
    let evidence: Evidence;

    beforeEach(() => {
        rounds = new ForensicRounds();
        rounds.install();
        aws = rounds.aws;
        evidence = rounds.evidence(60);
    });
    afterEach(() => aws.remove());

    const flow = () => {
        rounds.after = async (step) => {
            if (step !== "RunAnalysis") return;
            // S3's own event of each round's manifest, which must not make a report of a part.
            await rounds.manifestsCome();
            expect(rounds.has("report/report.json"), "a report of a part").to.equal(false);
        };
        return rounds.execution(evidence);
    };
    const report = () => rounds.report();
    const custody = () => rounds.custody();
    const page = () => rounds.page();

    it("are analysed in three rounds, each on its own host, which is gone before the next, and joined in one report", async () => {
        const { path } = await flow();
        expect(path.at(-1)).to.equal("Succeeded");
        const hosts = [...aws.forensics.instances.values()];
        expect(hosts.map(({ Tags }) => Tags?.find(({ Key }) => Key === roundTag)?.Value)).to.deep.equal([undefined, "2", "3"]);
        for (const host of hosts) expect(host.State).to.deep.equal({ Name: "terminated" });
        expect([...aws.forensics.volumes.values()], "no volume is left").to.deep.equal([]);
        for (const [name, following] of [
            ["StartForensicInstance", "TearDown"],
            ["TearDown", "SendReport"],
        ] as const)
            expect(path.lastIndexOf(name)).to.be.lessThan(path.lastIndexOf(following));
        expect(path.filter((name) => name === "TearDown")).to.have.length(3);
        expect(
            path.filter((name) => name === "CloseEndpoints"),
            "endpoints stay for all rounds",
        ).to.have.length(1);

        // Every volume in exactly one round, each with evidence and, as there are places left, some with work volumes.
        const { host, furtherRounds = [] } = custody();
        const hostsOfRounds = [host, ...furtherRounds.map((each) => each.host)];
        expect(hostsOfRounds.map(roundOf)).to.deep.equal([1, 2, 3]);
        expect(hostsOfRounds[0]!.volumes[0]!.root).to.equal(true);
        const read = hostsOfRounds.flatMap(({ volumes }) => volumes.filter(({ purpose }) => purpose === "evidence"));
        expect(new Set(read.map(({ sourceVolumeId }) => sourceVolumeId)).size).to.equal(60);
        expect(read).to.have.length(60);
        expect(hostsOfRounds.flatMap(({ missing }) => missing)).to.deep.equal([]);

        expect(report()).to.deep.include({ complete: true, intact: true });
        expect(report().findingsBySeverity.high).to.equal(60);
        expect(report().furtherManifests).to.have.length(2);
        for (const { instanceId } of hostsOfRounds) expect(page()).to.include(instanceId);
        expect(page()).to.include("volumes of different rounds were read apart");
        for (const round of planRounds(evidence.snapshots))
            expect(page(), "which volumes were read together").to.include(round.map(({ volumeId }) => volumeId).join(", "));
        expect([...aws.objects.keys()].filter((key) => key.includes("/errors/"))).to.deep.equal([]);
    });

    it("of which one fails are analysed in the others: the report names the round and its volumes, and the execution fails", async () => {
        rounds.failing = [2];
        const { path, data } = await flow();
        expect(path.at(-1)).to.equal("Failed");
        expect((data.problem as { step: string }).step).to.equal("RunAnalysis");
        expect(path.filter((name) => name === "StartForensicInstance")).to.have.length(3);
        expect(path.filter((name) => name === "TearDown")).to.have.length(3);
        expect([...aws.forensics.volumes.values()]).to.deep.equal([]);
        expect(report().complete).to.equal(false);
        expect(report().intact).to.equal(true);
        expect(report().findingsBySeverity.high).to.equal(40);
        expect(page()).to.include("Round 2 of 3 of the analysis left no results, so 20 volumes of it were not looked at");
        for (const { volumeId } of planRounds(evidence.snapshots)[1]!) expect(page()).to.include(volumeId);
    });

    it("of which the last fails, or none leaves anything, end in a report of what there is, or in people being told that there is none", async () => {
        rounds.failing = [3];
        expect((await flow()).path.at(-1)).to.equal("Failed");
        expect(report().findingsBySeverity.high).to.equal(40);

        for (const key of [...aws.objects.keys()]) aws.objects.delete(key);
        aws.versions.clear();
        rounds.failing = [4, 5, 6];
        const { path } = await flow();
        expect(path).to.include("TellSendReportError");
        expect(path.at(-1)).to.equal("Failed");
        expect(aws.objects.has(`${prefix}report/report.json`)).to.equal(false);
    });

    it("are not intact where one object of one round was altered: it is named with its host", async () => {
        aws.after = (operation) => {
            const altered = [...aws.objects.keys()].filter((key) => key.endsWith("/bodyfile.gz")).at(-1);
            if (operation === "TerminateInstances" && altered) aws.objects.set(altered, "something else");
        };
        await flow();
        expect(report()).to.deep.include({ complete: true, intact: false });
        const { host } = custody().furtherRounds!.at(-1)!;
        expect(page()).to.include(`${host.instanceId}/bodyfile.gz was altered`);
    });

    it("never take a host whose tear-down failed for the next round's", async () => {
        const [first, second] = [1, 2].map((number) => ({ incident, evidence, round: { number } }));
        const host = await startForensicInstance(first);
        const next = await startForensicInstance(second);
        expect(next.instanceId).to.not.equal(host.instanceId);
        expect((await startForensicInstance(second)).instanceId).to.equal(next.instanceId);
        expect((await startForensicInstance(first)).instanceId).to.equal(host.instanceId);
    });

    it("tell people of a later round's wait when that is long, not when the evidence is old", async () => {
        aws.forensics.errors.set("RunInstances", Array<string>(200).fill("InsufficientInstanceCapacity"));
        const waited = (minutes: number) =>
            startForensicInstance({
                incident,
                evidence: { ...evidence, completedAt: "2020-01-01T00:00:00.000Z" },
                round: { number: 2 },
                since: new Date(Date.now() - minutes * 60_000).toISOString(),
            }).catch((error: Error) => error.name);
        const told = () => [...aws.objects.keys()].filter((key) => key.includes("/errors/StartForensicInstance"));
        expect([await waited(1), told()]).to.deep.equal(["NotYet", []]);
        expect(await waited(11)).to.equal("NotYet");
        expect(told()).to.have.length(1);
    });

    it("believe no results but those of the hosts that this incident's rounds were sent to", async () => {
        await flow();
        const key = `${prefix}analysis/AROAEXAMPLEID:i-0bad0bad0bad0bad0/manifest.sha256`;
        aws.overwrite(key, "forged\n");
        await sendReport(written(key));
        const anomaly = [...aws.objects].find(([name]) => /errors\/SendReport\.[0-9a-f]{16}\.error\.json$/.test(name))!;
        expect(anomaly[1]).to.include("i-0bad0bad0bad0bad0");
        for (const { host } of [custody(), ...custody().furtherRounds!]) expect(anomaly[1]).to.include(host.instanceId);
    });
});
