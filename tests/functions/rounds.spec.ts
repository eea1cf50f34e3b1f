/** Sixty volumes, which no forensic instance takes at once: rounds, each with its own host, command, results and tear-down, and one report. */
import { createHash } from "node:crypto";
import { expect } from "chai";
import { handler as attachEvidenceVolumes } from "../../functions/attachEvidenceVolumes";
import { handler as checkSsm } from "../../functions/checkSsm";
import { custodySchema, reportSchema, type Evidence } from "../../functions/domain/containers";
import { planRounds, roundOf } from "../../functions/domain/planRounds";
import { manifestOf, packed } from "../fixtures/analysis/plain";
import { roundTag } from "../../functions/domain/tags";
import { handler as runAnalysis } from "../../functions/runAnalysis";
import { handler as sendReport } from "../../functions/sendReport";
import { handler as startForensicInstance } from "../../functions/startForensicInstance";
import { handler as tearDown } from "../../functions/tearDown";
import { workflowDefinition } from "../../infra/workflow/definition";
import { stepHandlers } from "../../infra/workflow/tasks";
import { awsError } from "../support/aws/errors";
import { walk } from "../support/stateMachine";
import { evidenceOf, incident, InMemoryAws } from "./inMemoryAws";

const { incidentId, prefix } = incident;
const { States } = workflowDefinition({
    partition: "aws",
    functionArns: Object.fromEntries(Object.keys(stepHandlers).map((name) => [name, name])) as never,
    evidenceBucket: "evidence",
    approvalTimeoutSeconds: 1800,
    endpointsOnDemand: true,
    onApprovalTimeout: "contain",
}) as { States: never };

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("sixty volumes", () => {
    let aws: InMemoryAws;
    let evidence: Evidence;
    /** Commands, by their number, that end without results. */
    let failing: number[];

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        for (const name of ["SLACK_WEBHOOK_PARAMETER", "NOTIFICATION_TOPIC_ARN", "CHAT_TOPIC_ARN", "WEBHOOK_PARAMETER", "OWN_NETWORKS"])
            process.env[name] = "";
        process.env.SECURITY_HUB = "false";
        evidence = evidenceOf(
            aws,
            Array.from({ length: 60 }, (_, index) => ({
                root: index === 17,
                device: `/dev/xvd${String.fromCharCode(97 + Math.floor(index / 26))}${String.fromCharCode(97 + (index % 26))}`,
                sizeGiB: 8,
            })),
        );
        evidence = { ...evidence, rounds: planRounds(evidence.snapshots).length };
        failing = [];
        const commands = new Map<string, { InstanceId: string; looked: number }>();
        aws.ssm = (name, input) => {
            if (name === "GetParameter") return { Parameter: { Value: "ami-0123456789abcdef0" } };
            if (name === "DescribeInstanceInformation")
                return {
                    InstanceInformationList: [...aws.forensics.instances.values()].map(({ InstanceId }) => ({
                        InstanceId,
                        PingStatus: "Online",
                    })),
                };
            if (name === "ListCommandInvocations") return { CommandInvocations: [] };
            if (name === "SendCommand") {
                const CommandId = `command-${commands.size + 1}`;
                commands.set(CommandId, { InstanceId: (input.InstanceIds as string[])[0]!, looked: 0 });
                analyse(input.Parameters as Record<string, string[]>, !failing.includes(commands.size));
                return { Command: { CommandId } };
            }
            const command = commands.get(input.CommandId as string);
            if (!command || command.InstanceId !== input.InstanceId) throw awsError("InvocationDoesNotExist");
            const round = Number((input.CommandId as string).split("-")[1]);
            if (command.looked++ === 0) return { Status: "InProgress" };
            return failing.includes(round) ? { Status: "Failed", ResponseCode: 1 } : { Status: "Success", ResponseCode: 0 };
        };
    });
    afterEach(() => aws.remove());

    /** What a forensic instance writes below its own prefix. */
    function analyse(parameters: Record<string, string[]>, ends: boolean): void {
        const volumes = JSON.parse(Buffer.from(parameters.Volumes![0]!, "base64").toString("utf8")) as {
            volumeId: string;
            snapshotId: string;
            role: string;
        }[];
        const finding = (volumeId: string) => ({
            schemaVersion: 1,
            id: volumeId,
            check: "cron",
            severity: "high",
            title: "Scheduled download piped into a shell",
            path: `/etc/cron.d/${volumeId}`,
            volumeId,
            evidence: "curl | bash",
            attack: [],
            modified: null,
            sha256: null,
            rule: null,
        });
        const outputs: Record<string, string> = {
            "findings.jsonl": volumes.map(({ volumeId }) => `${JSON.stringify(finding(volumeId))}\n`).join(""),
            "timesketch.jsonl.gz": packed(""),
            "bodyfile.gz": packed("0|vol:/etc/passwd|1\n"),
            "timeline.csv.gz": packed("datetime\r\n"),
            "summary.json": JSON.stringify({
                schemaVersion: 1,
                incidentId,
                tool: { name: "clean_room_analysis", version: "1" },
                startedAt: "2026-11-24T10:10:00Z",
                finishedAt: "2026-11-24T10:20:00Z",
                complete: true,
                volumes: volumes.map(({ volumeId, snapshotId, role }) => ({
                    volumeId,
                    snapshotId,
                    role,
                    device: "/dev/nvme1n1",
                    sizeBytes: 8,
                    evidenceSha256Before: sha256(volumeId),
                    evidenceSha256After: null,
                    unchangedBy: "write-counters",
                    intact: true,
                    fileSystems: [
                        {
                            type: "xfs",
                            label: null,
                            offsetBytes: 0,
                            method: "kernel-mount",
                            journalReplayed: true,
                            filesSeen: 10,
                            reason: null,
                        },
                    ],
                })),
                operatingSystem: null,
                findingsBySeverity: { high: volumes.length },
                checks: [{ check: "cron", itemsLookedAt: 10, findings: volumes.length, error: null }],
                notLookedAt: [],
                timelineEvents: 0,
            }),
        };
        if (!ends) return;
        const folder = parameters.OutputPrefix![0]!;
        for (const [name, body] of Object.entries(outputs)) aws.overwrite(`${folder}${name}`, body);
        aws.overwrite(`${folder}manifest.sha256`, manifestOf(outputs));
    }

    const handlers: Record<string, (event: unknown) => Promise<unknown>> = {
        OpenEndpoints: () => Promise.resolve({}),
        CloseEndpoints: () => Promise.resolve({}),
        SealCustody: () => Promise.resolve({}),
        StartForensicInstance: startForensicInstance,
        AttachEvidenceVolumes: attachEvidenceVolumes,
        CheckSsm: checkSsm,
        RunAnalysis: runAnalysis,
        TearDown: tearDown,
        SendReport: sendReport,
    };

    const written = (key: string) => ({
        Records: [{ eventName: "ObjectCreated:Put", s3: { bucket: { name: "evidence" }, object: { key } } }],
    });

    const flow = () =>
        walk(
            States,
            "FirstRound",
            { incident, containment: null, evidence },
            async (name, payload) => {
                const answer = await handlers[name]!(payload);
                // S3's own event of each round's manifest, which must not make a report of a part.
                if (name === "RunAnalysis") {
                    for (const key of aws.objects.keys()) if (key.endsWith("/manifest.sha256")) await sendReport(written(key));
                    expect(aws.objects.has(`${prefix}report/report.json`), "a report of a part").to.equal(false);
                }
                return answer;
            },
            () => aws.settle(),
        );

    const report = () => reportSchema.parse(JSON.parse(aws.objects.get(`${prefix}report/report.json`)!));
    const custody = () => custodySchema.parse(JSON.parse(aws.objects.get(`${prefix}custody.json`)!));
    const page = () => aws.objects.get(`${prefix}report/report.html`)!;

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
        const rounds = [host, ...furtherRounds.map((each) => each.host)];
        expect(rounds.map(roundOf)).to.deep.equal([1, 2, 3]);
        expect(rounds[0]!.volumes[0]!.root).to.equal(true);
        const read = rounds.flatMap(({ volumes }) => volumes.filter(({ purpose }) => purpose === "evidence"));
        expect(new Set(read.map(({ sourceVolumeId }) => sourceVolumeId)).size).to.equal(60);
        expect(read).to.have.length(60);
        expect(rounds.flatMap(({ missing }) => missing)).to.deep.equal([]);

        expect(report()).to.deep.include({ complete: true, intact: true });
        expect(report().findingsBySeverity.high).to.equal(60);
        expect(report().furtherManifests).to.have.length(2);
        for (const { instanceId } of rounds) expect(page()).to.include(instanceId);
        expect(page()).to.include("those of different rounds were read apart");
        for (const round of planRounds(evidence.snapshots))
            expect(page(), "which volumes were read together").to.include(round.map(({ volumeId }) => volumeId).join(", "));
        expect([...aws.objects.keys()].filter((key) => key.includes("/errors/"))).to.deep.equal([]);
    });

    it("of which one fails are analysed in the others: the report names the round and its volumes, and the execution fails", async () => {
        failing = [2];
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
        failing = [3];
        expect((await flow()).path.at(-1)).to.equal("Failed");
        expect(report().findingsBySeverity.high).to.equal(40);

        for (const key of [...aws.objects.keys()]) aws.objects.delete(key);
        aws.versions.clear();
        failing = [4, 5, 6];
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
