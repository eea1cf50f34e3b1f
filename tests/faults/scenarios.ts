/**
 * The courses that an incident takes, each of which meets every fault in what is its own: contained at once, people asked, the brake, a response that
 * is gone on with, an instance with more volumes than one forensic instance takes, evidence that the daily sweep completes.
 */
import type { AnswerOutcome } from "../../functions/answerApproval";
import { answerStatement, statementHash, statementHeader } from "../../functions/domain/callerProof";
import { fixture, fixtureText, put } from "../functions/domain/messageFixtures";
import { forensicsAccountId, region, type Cloud, type Made, type Member } from "../support/cloud/cloud";
import { virtualWait } from "../support/cloud/clock";
import { operationOf } from "../support/cloud/faults";

/** What a scenario acts on. */
export interface Stage {
    cloud: Cloud;
    /** From here on the calls are the scenario's own; what was before is another one's. */
    begin: () => void;
    /** An operation that AWS refuses a function: part of the scenario, and no fault. */
    refused: { handler: string; operation: string } | null;
    /** What people read where they typed a command. */
    terminal: string[];
    /** When an answer that approves was taken, in milliseconds since 1970. */
    approvedAt: number | null;
}

export interface Scenario {
    /** What it is in a sentence, for docs/faults.md. */
    what: string;
    /** Volumes of the victim. @default 2 */
    volumes?: number;
    /** Whether the stack takes memory before the last cut. @default false */
    takesMemory?: boolean;
    /** Variables that are not as in the others. */
    environment?: Record<string, string>;
    /** From the finding until nothing goes on any more. */
    respond: (stage: Stage) => Promise<void>;
    /** Whether a call that is made after `begin` is the scenario's own. @param life all calls @default all are */
    owns?: (call: Made, life: { made: readonly Made[] }) => boolean;
    /** What people do when the cause is gone and the instance is not contained, besides what they do in all of them. */
    mend?: (stage: Stage) => Promise<void>;
    /** Whether somebody in the member account opens an interface afterwards, which the watch finds. @default false */
    opensAgain?: boolean;
}

const policy = (more: object) => ({ CONTAINMENT_POLICY: JSON.stringify(more) });
const by =
    (...handlers: string[]) =>
    ({ handler }: Pick<Made, "handler">) =>
        handlers.includes(handler);

async function arrives({ cloud }: Stage): Promise<void> {
    cloud.deliver("message-1", fixtureText("eventbridge"));
    await cloud.quiet();
}

const isAsked = ({ slack }: Cloud): boolean => slack.some(({ text }) => text.includes("Your decision: contain"));
const incidentOf = ({ table }: Cloud): string | undefined =>
    [...table.items.keys()].find((key) => key.startsWith("incident#"))?.slice("incident#".length);

/** Waits until people are asked. @returns false when nobody is in `minutes` */
async function asked(cloud: Cloud, minutes: number): Promise<boolean> {
    for (let minute = 0; minute < minutes; minute++) {
        if (isAsked(cloud)) return true;
        await virtualWait(60);
    }
    return false;
}

const acquisitionImage = "snap-0123456789abcdef0";

/** The member's VPC has Systems Manager's endpoints, the instance an agent, the forensics account the image; a command takes ten seconds. */
function letMemoryBeTaken({ members, forensicsEc2 }: Cloud): void {
    const [{ ec2, runCommand }] = [...members.values()] as [Member];
    const image = { SnapshotId: acquisitionImage, State: "completed", VolumeSize: 1, Encrypted: true, KmsKeyId: "k" };
    forensicsEc2.snapshots.set(acquisitionImage, image);
    ec2.vpc.endpoints = ["ssm", "ssmmessages"].map((service) => ({
        VpcEndpointId: `vpce-${service}`,
        VpcId: "vpc-1",
        ServiceName: `com.amazonaws.${region}.${service}`,
        State: "available",
        PrivateDnsEnabled: true,
        Groups: [{ GroupId: "sg-of-endpoints" }],
    }));
    ec2.vpc.groups.push({
        GroupId: "sg-of-endpoints",
        GroupName: "endpoints",
        VpcId: "vpc-1",
        Tags: [],
        ingress: [{ IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: "10.0.0.0/16" }] }],
        egress: [],
    });
    for (const instanceId of ec2.instances.keys()) runCommand.agents.set(instanceId, "Online");
    let since: number | null = null;
    runCommand.invocation = () => {
        since ??= Date.now();
        if (Date.now() - since < 10_000) return { Status: "InProgress" };
        const said = JSON.stringify({ acquisition: "complete", reason: "", seconds: 10, files: 30, bytes: 4096 });
        return { Status: "Success", StandardOutputContent: `${said}\n` };
    };
}

/** Types `npm run approve` or `deny`, and types it again where it says that it failed: three times, then gives up. */
async function answer(stage: Stage, approved: boolean): Promise<void> {
    const { cloud, terminal } = stage;
    const incidentId = incidentOf(cloud);
    if (incidentId === undefined) return;
    const request = { incidentIds: [incidentId], approved, reason: "asked the owner" };
    for (let attempt = 0; attempt < 3; attempt++) {
        // As a signed request to STS, whose answer is the estate's.
        const headers = {
            host: "sts.eu-west-1.amazonaws.com",
            authorization: `AWS4-HMAC-SHA256 Credential=AKIA/20270101/eu-west-1/sts/aws4_request, SignedHeaders=host;${statementHeader}, Signature=${"a".repeat(64)}`,
            [statementHeader]: statementHash(answerStatement(request)),
        };
        try {
            const outcome = (await cloud.lambdas.call("answerApproval", { ...request, proof: { headers } })) as AnswerOutcome;
            const refusals = outcome.answers.filter(({ taken }) => !taken).map(({ why }) => why);
            terminal.push(...refusals);
            // Who reads that it was approved already believes that it is under way.
            if (approved && refusals.every((why) => why.includes("was approved by"))) stage.approvedAt ??= Date.now();
            return;
        } catch (error) {
            if (attempt === 2) terminal.push(`answerApproval: ${(error as Error).message}`);
            await virtualWait(60);
        }
    }
}

/** People are asked, and somebody answers two minutes later. */
const answers = (approved: boolean) => async (stage: Stage) => {
    const { cloud } = stage;
    cloud.deliver("message-1", fixtureText("eventbridge"));
    if (!approved) stage.begin();
    if (await asked(cloud, 25)) {
        await virtualWait(120);
        await answer(stage, approved);
    }
    await cloud.quiet();
};

export const scenarios = {
    incident: {
        what: "the instance is contained at once, preserved, analysed; somebody opens an interface, which the watch cuts; it is released",
        respond: arrives,
        opensAgain: true,
    },
    approved: {
        what: "people are asked before anything is changed, and approve",
        environment: policy({ mode: "approval" }),
        respond: answers(true),
        owns: by("requestApproval", "answerApproval", "isolateInstance", "notifyIsolation"),
    },
    denied: {
        what: "people are asked, and say that the instance stays as it is",
        environment: policy({ mode: "approval" }),
        respond: answers(false),
        owns: (made) => by("answerApproval", "notifyIsolation")(made) || (made.handler === "isolateInstance" && made.service !== "EC2"),
    },
    silent: {
        what: "people are asked, and nobody answers: silence contains",
        environment: policy({ mode: "approval" }),
        respond: async (stage) => {
            stage.cloud.deliver("message-1", fixtureText("eventbridge"));
            await asked(stage.cloud, 25);
            stage.begin();
            await stage.cloud.quiet();
        },
        owns: (made) => made.handler === "isolateInstance" && ["DynamoDB", "STS", "S3"].includes(made.service),
    },
    joined: {
        what: "people are asked, and a graver finding joins that asks nobody",
        environment: policy({ mode: "approval", rules: [{ minimumSeverity: 9, mode: "automatic" }] }),
        respond: async (stage) => {
            const { cloud } = stage;
            cloud.deliver("message-1", fixtureText("eventbridge"));
            await asked(cloud, 25);
            await virtualWait(120);
            stage.begin();
            const graver = fixture("eventbridge");
            const id = "9ec6a1b0d2f34c5e8a7b6c5d4e3f2a11";
            put(graver, "detail.id", id);
            put(graver, "detail.arn", (graver as { detail: { arn: string } }).detail.arn.replace(/[0-9a-f]{32}$/, id));
            put(graver, "detail.severity", 9.2);
            cloud.deliver("message-2", JSON.stringify(graver));
            await cloud.quiet();
        },
        owns: by("startIncident"),
    },
    held: {
        what: "the brake holds, and somebody approves",
        environment: policy({ brake: { count: 1, minutes: 1440 } }),
        respond: async (stage) => {
            const { cloud } = stage;
            const taken = [{ incidentId: "i-0123456789abcdef0-0123456789abcdef", at: new Date().toISOString() }];
            cloud.table.items.set("brake#all", { pk: { S: "brake#all" }, taken: { S: JSON.stringify(taken) }, revision: { N: "1" } });
            await arrives(stage);
            await virtualWait(600);
            await answer(stage, true);
            await cloud.quiet();
        },
        owns: by("startIncident", "sendErrorNotification", "answerApproval"),
        mend: (stage) => answer(stage, true),
    },
    resumed: {
        what: "the analysis could not be sent, which people are told; when its cause is gone, the response is gone on with (`npm run resume`)",
        respond: async (stage) => {
            const { cloud } = stage;
            stage.refused = { handler: "runAnalysis", operation: "ssm:SendCommand" };
            await arrives(stage);
            stage.refused = null;
            stage.begin();
            cloud.resume(incidentOf(cloud)!);
            await cloud.quiet();
        },
    },
    rounds: {
        what: "an instance with 27 volumes, one more than a forensic instance takes: two rounds, one report",
        volumes: 27,
        respond: async (stage) => {
            const { cloud } = stage;
            // So many are of use for the rounds; that results come in pages is for the others to show.
            for (const ec2 of [cloud.forensicsEc2, ...[...cloud.members.values()].map((each) => each.ec2)]) ec2.pageSize = 100;
            await arrives(stage);
        },
        owns: ({ handler, index }, { made }) =>
            handler === "sendReport" ||
            (by("startForensicInstance", "attachEvidenceVolumes", "runAnalysis", "tearDown")({ handler }) &&
                // The first round is as in any other incident.
                index > made.findIndex((each) => each.handler === "tearDown")),
    },
    memory: {
        what: "what lives in memory is taken before the last cut: a quarantine, a volume with tools, a command; then as ever",
        takesMemory: true,
        environment: {
            MEMORY_MODE: "volatile",
            MEMORY_PATH: "quarantine",
            MEMORY_SECONDS: "90",
            ACQUISITION_IMAGES: JSON.stringify({ x86_64: { snapshotId: acquisitionImage, sizeGiB: 1, toolsSha256: "a".repeat(64) } }),
            ACQUISITION_DOCUMENT: `arn:aws:ssm:${region}:${forensicsAccountId}:document/clean-room-acquire-memory`,
            ACQUISITION_DOCUMENT_HASH: "b".repeat(64),
        },
        respond: async (stage) => {
            letMemoryBeTaken(stage.cloud);
            await arrives(stage);
        },
        owns: (made) =>
            by("quarantineInstance", "acquireMemory", "createSnapshots")(made) ||
            (made.handler === "isolateInstance" && ["EC2", "IAM"].includes(made.service)),
    },
    swept: {
        what: "the copies were refused, which people are told; when the cause is gone, the daily sweep completes the evidence",
        environment: { LOCK_DAYS: "20" },
        respond: async (stage) => {
            const { cloud } = stage;
            stage.refused = { handler: "createSnapshots", operation: "ec2:CopySnapshot" };
            await arrives(stage);
            stage.refused = null;
            stage.begin();
            for (let day = 0; day < 3; day++) {
                await virtualWait(24 * 3600);
                cloud.lambdas.leave("sweepEvidence", {});
                await cloud.quiet();
            }
        },
    },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as ScenarioName[];

/** Whether a scenario refuses the call, whatever the fault. */
export const isRefused = ({ refused }: Stage, made: Made): boolean =>
    refused !== null && made.handler === refused.handler && operationOf(made) === refused.operation;
