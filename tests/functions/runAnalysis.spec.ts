import { createHash } from "node:crypto";
import { expect } from "chai";
import { openRecord, updateIncident } from "../../functions/aws/incidentsTable";
import { newRecord, withFinding } from "../../functions/domain/incidentRecord";
import { custodySchema, type ForensicHost } from "../../functions/domain/containers";
import { handler } from "../../functions/runAnalysis";
import { evidenceOf, incident, InMemoryAws, thrown } from "./inMemoryAws";
import { awsError } from "../support/aws/errors";

const instanceId = "i-0123456789abcdef0";
const prefix = incident.prefix;

interface Sent {
    CommandId: string;
    InstanceId: string;
    DocumentName: string;
    RequestedDateTime: Date;
    Status: string;
    ResponseCode: number;
    StandardOutputContent: string;
    StandardErrorContent: string;
}

describe("runAnalysis", () => {
    let aws: InMemoryAws;
    let commands: Sent[];
    let requests: Record<string, unknown>[];
    let listed: boolean;
    let event: { incident: typeof incident; containment: null; evidence: ReturnType<typeof evidenceOf>; host: ForensicHost };

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        commands = [];
        requests = [];
        listed = true;
        const evidence = evidenceOf(aws, [{ root: true, device: "/dev/xvda", sizeGiB: 8 }]);
        const [{ evidenceSnapshotId: snapshotId, volumeId: sourceVolumeId }] = evidence.snapshots;
        event = {
            incident,
            containment: null,
            evidence,
            host: {
                schemaVersion: 1,
                incidentId: incident.incidentId,
                instanceId,
                imageId: "ami-0123456789abcdef0",
                availabilityZone: "eu-west-1a",
                plan: null,
                missing: [],
                volumes: [
                    { purpose: "evidence", volumeId: "vol-00000000000000001", device: "/dev/sdf", snapshotId, sourceVolumeId, root: true },
                    { purpose: "work", volumeId: "vol-00000000000000002", device: "/dev/sdg", snapshotId, sourceVolumeId, root: true },
                ],
            },
        };
        aws.ssm = (name, input) => {
            if (name === "ListCommandInvocations") {
                const found = listed ? commands.filter(({ InstanceId }) => InstanceId === input.InstanceId) : [];
                const at = Number(input.NextToken ?? 0);
                return { CommandInvocations: found.slice(at, at + 1), NextToken: at + 1 < found.length ? String(at + 1) : undefined };
            }
            if (name === "GetCommandInvocation") {
                const found = commands.find(({ CommandId }) => CommandId === input.CommandId);
                if (!found) throw awsError("InvocationDoesNotExist");
                return found;
            }
            expect(name).to.equal("SendCommand");
            expect(aws.objects.has(`${prefix}custody.json`), "the custody record stands before the command").to.equal(true);
            requests.push(input);
            const [InstanceId] = input.InstanceIds as string[];
            commands.push(command(`command-${commands.length + 1}`, { InstanceId, DocumentName: input.DocumentName as string }));
            return { Command: { CommandId: commands.at(-1)!.CommandId } };
        };
    });
    afterEach(() => aws.remove());

    function command(CommandId: string, changes: Partial<Sent> = {}): Sent {
        return {
            CommandId,
            InstanceId: instanceId,
            DocumentName: "clean-room-analysis",
            RequestedDateTime: new Date(1_795_000_000_000 + commands.length),
            Status: "Pending",
            ResponseCode: -1,
            StandardOutputContent: "",
            StandardErrorContent: "",
            ...changes,
        };
    }

    function leaveResults(complete: boolean): void {
        aws.objects.set(
            `${prefix}analysis/AROAEXAMPLEID:${instanceId}/summary.json`,
            JSON.stringify({
                schemaVersion: 1,
                incidentId: incident.incidentId,
                tool: { name: "clean_room_analysis", version: "1" },
                startedAt: "2026-11-24T10:10:00Z",
                finishedAt: "2026-11-24T10:20:00Z",
                complete,
                volumes: [],
                operatingSystem: null,
                findingsBySeverity: {},
                checks: [],
                notLookedAt: [],
                timelineEvents: 0,
            }),
        );
        aws.objects.set(`${prefix}analysis/AROAEXAMPLEID:${instanceId}/manifest.sha256`, "the manifest\n");
    }

    const waits = async () => expect((await thrown(handler(event))).name).to.equal("NotYet");

    it("names in the custody record the findings that joined the incident", async () => {
        await openRecord({ ...newRecord(incident, 1, "automatic", incident.openedAt), incident }, null);
        const joined = { ...incident.finding, id: "0ther", type: "Recon:EC2/Portscan" };
        await updateIncident(incident.incidentId, (read) => withFinding(read, joined, "automatic", incident.openedAt));
        await handler(event).catch(() => undefined);
        const { findings } = custodySchema.parse(JSON.parse(aws.objects.get(`${prefix}custody.json`)!));
        expect(findings.map(({ id }) => id)).to.deep.equal([incident.finding.id, "0ther"]);
    });

    it("sends the document once and gives what the analysis left", async () => {
        await waits();
        for (const Status of ["Pending", "InProgress", "Delayed"]) {
            commands[0]!.Status = Status;
            await waits();
        }
        Object.assign(commands[0]!, { Status: "Success", ResponseCode: 0 });
        leaveResults(true);
        expect(await handler(event)).to.deep.equal({
            schemaVersion: 1,
            incidentId: incident.incidentId,
            commandId: "command-1",
            complete: true,
            finishedAt: "2026-11-24T10:20:00.000Z",
            manifest: {
                bucket: "evidence",
                key: `${prefix}analysis/AROAEXAMPLEID:${instanceId}/manifest.sha256`,
                sha256: createHash("sha256").update("the manifest\n").digest("hex"),
            },
        });
        expect(requests).to.have.length(1);
        expect(custodySchema.parse(JSON.parse(aws.objects.get(`${prefix}custody.json`)!))).to.deep.include({
            incident,
            containment: null,
            host: event.host,
        });
    });

    it("tells the document which volumes to read, as text that no shell reads", async () => {
        await waits();
        const parameters = requests[0]!.Parameters as Record<string, string[]>;
        expect(JSON.parse(Buffer.from(parameters.Volumes![0]!, "base64").toString("utf8"))).to.deep.equal([
            {
                volumeId: event.evidence.snapshots[0]!.volumeId,
                snapshotId: event.evidence.snapshots[0]!.evidenceSnapshotId,
                evidenceVolumeId: "vol-00000000000000001",
                workVolumeId: "vol-00000000000000002",
                role: "root",
            },
        ]);
        expect(parameters).to.deep.include({
            OutputPrefix: [`${prefix}analysis/AROAEXAMPLEID:${instanceId}/`],
            HashTwice: ["false"],
            ExecutionTimeout: ["14400"],
            IncidentId: [incident.incidentId],
        });
        expect(requests[0]).to.deep.include({ InstanceIds: [instanceId], DocumentName: "clean-room-analysis", DocumentVersion: "1" });
    });

    it("sends no second command while Run Command's list lags behind", async () => {
        listed = false;
        await waits();
        await waits();
        expect(requests).to.have.length(1);
    });

    it("follows a command that an earlier call sent and did not write down", async () => {
        commands.push(command("command-other", { DocumentName: "AWS-UpdateSSMAgent" }), command("command-lost"));
        commands[1]!.Status = "InProgress";
        expect((await thrown(handler(event))).message).to.include("command-lost");
        expect(requests).to.deep.equal([]);
    });

    it("sends a new command to a new host", async () => {
        await waits();
        event.host = { ...event.host, instanceId: "i-00000000000000002" };
        await waits();
        expect(requests.map(({ InstanceIds }) => InstanceIds)).to.deep.equal([[instanceId], ["i-00000000000000002"]]);
    });

    it("takes exit code 3 for results that are not complete", async () => {
        await waits();
        Object.assign(commands[0]!, { Status: "Failed", ResponseCode: 3 });
        leaveResults(false);
        expect((await handler(event)).complete).to.equal(false);
    });

    it("fails with the end of the output, bounded and in visible characters", async () => {
        await waits();
        Object.assign(commands[0]!, {
            Status: "Failed",
            ResponseCode: 1,
            StandardOutputContent: `${"x".repeat(23_000)}the last line \u001b[31m\u202e`,
            StandardErrorContent: "sha256sum: WARNING",
        });
        leaveResults(true); // of an earlier attempt: they do not count
        const error = await thrown(handler(event));
        expect(error.name).to.equal("StepFailed");
        expect(error.message)
            .to.include("exit code 1")
            .and.include("command-1")
            .and.include("the last line ␛[31m⟨U+202E⟩")
            .and.include("sha256sum: WARNING");
        expect(error.message.length).to.be.lessThan(4096);
        for (const Status of ["TimedOut", "Cancelled"]) {
            commands[0]!.Status = Status;
            expect((await thrown(handler(event))).message).to.include(Status);
        }
    });

    it("does not believe a success without a manifest", async () => {
        await waits();
        commands[0]!.Status = "Success";
        const error = await thrown(handler(event));
        expect(error.name).to.equal("StepFailed");
        expect(error.message).to.include("manifest");
    });

    it("refuses a host without volumes", async () => {
        event.host = { ...event.host, volumes: [] };
        expect((await thrown(handler(event))).name).to.equal("StepFailed");
        expect(requests).to.deep.equal([]);
    });
});
