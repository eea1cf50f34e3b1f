/** The rounds of an incident's analysis with the real steps and the real state machine, on forensic instances in memory. */
import { createHash } from "node:crypto";
import { handler as attachEvidenceVolumes } from "../../functions/attachEvidenceVolumes";
import { analysedBefore } from "../../functions/aws/analysedBefore";
import { handler as checkSsm } from "../../functions/checkSsm";
import { custodySchema, reportSchema, type Evidence } from "../../functions/domain/containers";
import { reportNames } from "../../functions/domain/evidenceKeys";
import { withRounds } from "../../functions/domain/planRounds";
import { handler as runAnalysis } from "../../functions/runAnalysis";
import { handler as sendReport } from "../../functions/sendReport";
import { handler as startForensicInstance } from "../../functions/startForensicInstance";
import { handler as tearDown } from "../../functions/tearDown";
import { workflowDefinition } from "../../infra/workflow/definition";
import { stepHandlers } from "../../infra/workflow/tasks";
import { manifestOf, packed } from "../fixtures/analysis/plain";
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

/** S3's event that an object was written. */
export const written = (key: string) => ({
    Records: [{ eventName: "ObjectCreated:Put", s3: { bucket: { name: "evidence" }, object: { key } } }],
});

export class ForensicRounds {
    readonly aws = new InMemoryAws();
    /** Commands, by their number, that end without results. */
    failing: number[] = [];
    /** Commands that were sent. */
    sent = 0;
    /** Called after each step. */
    after: (step: string) => Promise<void> = () => Promise.resolve();

    /** Puts everything under the SDK's clients. Call `aws.remove` afterwards. */
    install(): void {
        this.aws.install();
        for (const name of ["SLACK_WEBHOOK_PARAMETER", "NOTIFICATION_TOPIC_ARN", "CHAT_TOPIC_ARN", "WEBHOOK_PARAMETER", "OWN_NETWORKS"])
            process.env[name] = "";
        process.env.SECURITY_HUB = "false";
        const commands = new Map<string, { InstanceId: string; looked: number; ends: boolean }>();
        this.aws.ssm = (name, input) => {
            if (name === "GetParameter") return { Parameter: { Value: "ami-0123456789abcdef0" } };
            if (name === "DescribeInstanceInformation")
                return {
                    InstanceInformationList: [...this.aws.forensics.instances.values()].map(({ InstanceId }) => ({
                        InstanceId,
                        PingStatus: "Online",
                    })),
                };
            if (name === "ListCommandInvocations") return { CommandInvocations: [] };
            if (name === "SendCommand") {
                const CommandId = `command-${++this.sent}`;
                const ends = !this.failing.includes(this.sent);
                commands.set(CommandId, { InstanceId: (input.InstanceIds as string[])[0]!, looked: 0, ends });
                this.analyse(input.Parameters as Record<string, string[]>, ends);
                return { Command: { CommandId } };
            }
            const command = commands.get(input.CommandId as string);
            if (!command || command.InstanceId !== input.InstanceId) throw awsError("InvocationDoesNotExist");
            if (command.looked++ === 0) return { Status: "InProgress" };
            return command.ends ? { Status: "Success", ResponseCode: 0 } : { Status: "Failed", ResponseCode: 1 };
        };
    }

    /** Evidence of so many volumes of 8 GiB. */
    evidence(volumes: number): Evidence {
        return evidenceOf(
            this.aws,
            Array.from({ length: volumes }, (_, index) => ({
                root: index === Math.min(17, volumes - 1),
                device: `/dev/xvd${String.fromCharCode(97 + Math.floor(index / 26))}${String.fromCharCode(97 + (index % 26))}`,
                sizeGiB: 8,
            })),
        );
    }

    /** What a forensic instance writes below its own prefix. */
    private analyse(parameters: Record<string, string[]>, ends: boolean): void {
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
        for (const [name, body] of Object.entries(outputs)) this.aws.overwrite(`${folder}${name}`, body);
        this.aws.overwrite(`${folder}manifest.sha256`, manifestOf(outputs));
    }

    private readonly handlers: Record<string, (event: unknown) => Promise<unknown>> = {
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

    /** An execution from the locked evidence to its end, with what createSnapshots says of what was analysed before. */
    async execution(evidence: Evidence): Promise<{ path: string[]; data: Record<string, unknown> }> {
        return walk(
            States,
            "FirstRound",
            { incident, containment: null, evidence: withRounds(evidence, await analysedBefore(incident)) },
            async (name, payload) => {
                const answer = await this.handlers[name]!(payload);
                await this.after(name);
                return answer;
            },
            () => this.aws.settle(),
        );
    }

    /** S3 sends its event of every manifest, each for the second time. */
    async manifestsCome(): Promise<void> {
        for (const key of [...this.aws.objects.keys()])
            if (key.startsWith(`${prefix}analysis/`) && key.endsWith("/manifest.sha256")) await sendReport(written(key));
    }

    private object = (name: string): string => this.aws.objects.get(`${prefix}${name}`)!;
    has = (name: string): boolean => this.aws.objects.has(`${prefix}${name}`);
    report = (edition = 1) => reportSchema.parse(JSON.parse(this.object(reportNames(edition).record)));
    page = (edition = 1): string => this.object(reportNames(edition).page);
    custody = () => custodySchema.parse(JSON.parse(this.object("custody.json")));
    /** Hosts that were ever started. */
    hosts = (): string[] => [...this.aws.forensics.instances.keys()];
    /** Names of the error records. */
    errors = (): string[] =>
        [...this.aws.objects.keys()].filter((key) => key.startsWith(`${prefix}errors/`)).map((key) => key.slice(prefix.length));
}
