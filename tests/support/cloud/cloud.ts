/**
 * A whole estate in memory: the forensics account and member accounts (tests/support/aws), Lambda, Step Functions with our own definitions, the
 * bucket's notifications, Slack, and time that passes by itself. The real handlers run over the real SDK (wire.ts).
 */
import { releaseWorkflowDefinition } from "../../../infra/workflow/releaseDefinition";
import { workflowDefinition } from "../../../infra/workflow/definition";
import { stepHandlers, type StepName } from "../../../infra/workflow/tasks";
import { executionName } from "../../../functions/domain/executions";
import { endpointPolicy } from "../../../functions/domain/endpoints";
import { forgetBrake } from "../../../functions/aws/brake";
import { forgetClients } from "../../../functions/aws/clients";
import { InMemoryAutoScaling } from "../aws/autoScaling";
import { InMemoryCases } from "../aws/cases";
import { InMemoryCloudTrail } from "../aws/cloudTrail";
import { FakeDynamoDb } from "../aws/dynamoDb";
import { InMemoryEc2 } from "../aws/ec2";
import { InMemoryEndpoints } from "../aws/endpoints";
import { awsError } from "../aws/errors";
import { InMemoryIam } from "../aws/iam";
import { InMemoryKms } from "../aws/kms";
import { InMemoryLoadBalancing } from "../aws/loadBalancing";
import { perform } from "../aws/operations";
import { InMemoryRunCommand } from "../aws/runCommand";
import { InMemoryS3 } from "../aws/s3";
import { InMemorySecurityHub } from "../aws/securityHub";
import { InMemorySns } from "../aws/sns";
import { InMemorySqs } from "../aws/sqs";
import { InMemorySts } from "../aws/sts";
import { InMemorySupport } from "../aws/support";
import { InMemoryRoles, InMemorySurroundings } from "../aws/surroundings";
import { InMemoryRunCommand as MemberRunCommand, InMemorySystemsManager } from "../aws/systemsManager";
import { withEnvironment, withoutLog } from "../aws/underClients";
import { analysisObjects } from "./analysis";
import { VirtualClock, virtualWait } from "./clock";
import { handlers } from "./handlers";
import { invocations, Lambdas } from "./lambdas";
import { BrokenOff, StateMachineRun, StatesError } from "./stateMachine";
import { underTheSdk, type Request } from "./wire";

export const forensicsAccountId = "111111111111";
export const region = "eu-west-1";
const slackUrl = "http://127.0.0.1:9/services/T000/B000/secret-token";

/** A member account. */
export class Member {
    readonly ec2: InMemoryEc2;
    readonly iam = new InMemoryIam();
    readonly cloudTrail = new InMemoryCloudTrail();
    /** What takes memory, where a spec lets an agent register. */
    readonly runCommand = new MemberRunCommand();
    /** Load balancers and Auto Scaling of one instance; none of the others has any. */
    readonly autoScaling: InMemoryAutoScaling;
    readonly loadBalancing: InMemoryLoadBalancing;
    readonly services: object[];

    constructor(
        readonly accountId: string,
        balancedInstance: string,
    ) {
        this.ec2 = new InMemoryEc2(accountId);
        this.ec2.now = () => Date.now();
        this.autoScaling = new InMemoryAutoScaling(balancedInstance);
        this.loadBalancing = new InMemoryLoadBalancing(balancedInstance);
        this.services = [
            new InMemorySurroundings(),
            this.ec2,
            this.ec2.vpc,
            this.iam,
            new InMemoryRoles(this.iam.policies),
            this.autoScaling,
            this.loadBalancing,
            this.cloudTrail,
            this.runCommand,
        ];
    }

    /** An instance with two interfaces and a role. @param volumes how many it has, 1 or more */
    addInstance(instanceId: string, volumes = 2): void {
        const suffix = instanceId.slice(-6);
        this.ec2.addInstance(
            {
                InstanceId: instanceId,
                InstanceType: "t3.medium",
                Architecture: "x86_64",
                Tags: [],
                LaunchTime: new Date("2026-11-01T00:00:00.000Z"),
                VpcId: "vpc-1",
                SubnetId: "subnet-a",
                RootDeviceType: "ebs",
                MetadataOptions: { HttpEndpoint: "enabled" },
                IamInstanceProfile: { Arn: `arn:aws:iam::${this.accountId}:instance-profile/app` },
            },
            Object.fromEntries(
                Array.from({ length: volumes }, (_, index) => [
                    index === 0 ? "/dev/xvda" : `/dev/sd${"fghijklmnopqrstuvwxyzabcde"[(index - 1) % 26]}${index > 26 ? index : ""}`,
                    { DeleteOnTermination: index === 0 },
                ]),
            ),
        );
        this.ec2.vpc.faces.set(instanceId, [
            { id: `eni-1${suffix}`, subnet: "subnet-a", groups: ["sg-app", "sg-ssh"], timeout: undefined },
            { id: `eni-2${suffix}`, subnet: "subnet-b", groups: ["sg-app"], timeout: 350 },
        ]);
    }
}

/** One request as it was made, or one post to Slack. */
export interface Made extends Request {
    /** The handler that made it, or `workflow`. */
    handler: string;
    /** In the order of all requests. */
    index: number;
}
/** Comes between a request and its effect. @throws what the SDK shall see */
export type Intercept = (request: Made, effect: () => object) => Promise<object>;

export class Cloud {
    readonly clock = new VirtualClock();
    readonly members = new Map<string, Member>();
    readonly forensicsEc2 = new InMemoryEc2(forensicsAccountId);
    readonly endpoints = new InMemoryEndpoints();
    readonly runCommand = new InMemoryRunCommand();
    readonly cases = new InMemoryCases();
    readonly s3 = new InMemoryS3();
    readonly table = new FakeDynamoDb();
    readonly parameters = new InMemorySystemsManager();
    readonly lambdas = new Lambdas(handlers);
    /** Every request, in order. */
    readonly made: Made[] = [];
    /** What Slack took, in order, and the status of its answers. */
    readonly slack: { text: string; at: number }[] = [];
    /** Snapshots that volumes were made of in the forensics account, each as often as one was. */
    readonly madeVolumes: string[] = [];
    /** Executions by name, with how each ended. */
    readonly executions = new Map<
        string,
        { status: "RUNNING" | "SUCCEEDED" | "FAILED"; error: string | null; run: StateMachineRun; input: string }
    >();
    intercept: Intercept = (_request, effect) => Promise.resolve(effect());
    /** Sees each reply, as it is handed on. */
    observe: (made: Made, reply: object) => object = (_made, reply) => reply;
    /** Seconds that a request takes. */
    latency = 0.05;
    private readonly forensics: object[];
    private readonly undo: (() => void)[] = [];
    private readonly running = new Set<Promise<void>>();
    /** What wakes the tasks that wait, by their tokens. */
    private readonly waiting = new Map<string, () => void>();
    private readonly definition: never;

    /** @param takesMemory as `memory.mode` of a stack */
    constructor({ takesMemory = false } = {}) {
        this.definition = workflowDefinition({
            partition: "aws",
            functionArns: Object.fromEntries(Object.entries(stepHandlers)) as Record<StepName, string>,
            evidenceBucket: "evidence",
            approvalTimeoutSeconds: 1800,
            takesMemory,
            endpointsOnDemand: true,
            onApprovalTimeout: "contain",
        }) as never;
        this.forensicsEc2.now = () => Date.now();
        this.forensics = [
            this.s3,
            this.table,
            this.endpoints,
            this.forensicsEc2,
            new InMemoryKms(),
            { onInvoke: this.invoke },
            new InMemorySqs(),
            new InMemorySns(),
            new InMemorySts(),
            new InMemorySupport(),
            new InMemorySecurityHub(),
            this.cases,
            this.runCommand,
            this.parameters,
            { onModifyDocumentPermission: this.shareDocument },
            {
                onStartExecution: this.startExecution,
                onDescribeExecution: this.describeExecution,
                onListExecutions: this.listExecutions,
                onSendTaskSuccess: this.sendTaskSuccess,
            },
        ];
        this.parameters.parameters.set("/aws/service/image", "ami-0123456789abcdef0");
        this.parameters.parameters.set("/clean-room/slack", slackUrl);
        this.runCommand.work = (instanceId, given, end) => void this.analyse(instanceId, given, end);
    }

    member(accountId: string, balancedInstance = "none"): Member {
        const standing = this.members.get(accountId);
        if (standing) return standing;
        const member = new Member(accountId, balancedInstance);
        if (balancedInstance === "none") {
            member.autoScaling.state = null;
            Object.assign(member.loadBalancing, { targets: [], classic: [] });
        }
        member.ec2.other = this.forensicsEc2;
        this.members.set(accountId, member);
        // Copies are made in the forensics account, of what any member shares.
        this.forensicsEc2.other = { shares: joined(this.members, "shares"), snapshots: joined(this.members, "snapshots") } as never;
        return member;
    }

    /** @param at ISO 8601, when it begins */
    install(at: string): void {
        forgetClients();
        forgetBrake();
        this.clock.install(at);
        const fetchBefore = globalThis.fetch;
        globalThis.fetch = (_url, init) =>
            this.take({
                service: "Slack",
                operation: "Post",
                input: { text: init!.body as string },
                accountId: forensicsAccountId,
                region,
            }) as Promise<Response>;
        this.undo.push(
            () => void (globalThis.fetch = fetchBefore),
            withEnvironment(environment()),
            withoutLog(),
            underTheSdk((request) => this.take(request)),
        );
    }

    remove(): void {
        for (const undo of this.undo.splice(0).reverse()) undo();
        this.clock.remove();
        forgetClients();
        forgetBrake();
    }

    /** A finding's message, as SNS leaves it with startIncident. */
    deliver(messageId: string, message: string): void {
        this.lambdas.leave("startIncident", { Records: [{ EventSource: "aws:sns", Sns: { MessageId: messageId, Message: message } }] });
    }

    /** Waits until nothing goes on any more. */
    async quiet(): Promise<void> {
        for (;;) {
            await this.lambdas.idle();
            if (this.running.size === 0) return;
            await Promise.all([...this.running]);
        }
    }

    /**
     * Everything that computes is gone at once and comes back with its state: no process of ours lives on and no execution goes on, while tables, buckets,
     * queues and what EC2 and Systems Manager do stand as they are.
     */
    restart(): void {
        for (const { status, run } of this.executions.values()) if (status === "RUNNING") run.breakOff();
        this.waiting.clear();
        this.lambdas.killAll();
    }

    /** Runs the workflow once more for an incident, as `npm run resume` does after a failure. */
    resume(incidentId: string): void {
        const { input } = this.executions.get(incidentId)!;
        const known = [...this.executions.keys()].filter((name) => name.startsWith(incidentId));
        this.startExecution({ name: executionName(incidentId, known.length + 1), input });
    }

    /** Runs the release, as `npm run release` starts it. @throws StatesError when it fails */
    release(input: object): Promise<unknown> {
        const definition = releaseWorkflowDefinition({ partition: "aws", functionArn: "releaseInstance", evidenceBucket: "evidence" });
        return new StateMachineRun(this.runTask).run(definition as never, input);
    }

    private readonly startExecution = ({ name, input }: { name: string; input: string }): unknown => {
        const standing = this.executions.get(name);
        if (standing && (standing.status !== "RUNNING" || standing.input !== input)) throw awsError("ExecutionAlreadyExists");
        if (!standing) {
            const run = new StateMachineRun(this.runTask);
            const execution = { status: "RUNNING" as "RUNNING" | "SUCCEEDED" | "FAILED", error: null as string | null, run, input };
            this.executions.set(name, execution);
            const work: Promise<void> = invocations
                .exit(() => run.run(this.definition, JSON.parse(input), name))
                .then(
                    () => void (execution.status = "SUCCEEDED"),
                    (error: Error) => {
                        if (!(error instanceof StatesError || error instanceof BrokenOff)) throw error;
                        Object.assign(execution, { status: "FAILED", error: `${error.name}: ${error.message}` });
                    },
                )
                .finally(() => this.running.delete(work));
            this.running.add(work);
        }
        return { executionArn: `arn:${name}`, startDate: new Date() };
    };
    private readonly describeExecution = ({ executionArn }: { executionArn: string }): unknown => {
        const execution = this.executions.get(executionArn.split(":").at(-1)!);
        if (!execution) throw awsError("ExecutionDoesNotExist");
        return { executionArn, stateMachineArn: "arn", startDate: new Date(), status: execution.status };
    };
    private readonly listExecutions = ({ statusFilter }: { statusFilter: string }): unknown => ({
        executions: [...this.executions]
            .filter(([, { status }]) => status === statusFilter)
            .map(([name]) => ({ name, executionArn: `arn:${name}` })),
    });

    /** Step Functions takes each token once, and none of a task whose time is over. */
    private readonly sendTaskSuccess = ({ taskToken }: { taskToken: string }): unknown => {
        const wake = this.waiting.get(taskToken);
        if (!wake) throw awsError("TaskTimedOut");
        wake();
        return {};
    };

    /** A document of the forensics account, for members to run. */
    private readonly shareDocument = (input: { AccountIdsToAdd?: string[]; AccountIdsToRemove?: string[] }): unknown => {
        for (const id of [...(input.AccountIdsToAdd ?? []), ...(input.AccountIdsToRemove ?? [])])
            this.members.get(id)?.runCommand.onModifyDocumentPermission(input);
        return {};
    };

    /** A function called by another one, which does not wait for it. */
    private readonly invoke = ({ FunctionName, InvocationType, Payload }: Record<string, unknown>): unknown => {
        if (InvocationType !== "Event") throw new Error(`Nobody waits for ${String(FunctionName)} but Step Functions`);
        this.lambdas.leave(FunctionName as string, JSON.parse(Buffer.from(Payload as Uint8Array).toString("utf8")));
        return { StatusCode: 202 };
    };

    /** Calls a function with a token, and waits until somebody sends it back. @param seconds that Step Functions waits */
    private async waitForToken(handler: string, payload: Record<string, unknown>, seconds: number): Promise<unknown> {
        const token = payload.taskToken as string;
        const sent = new Promise<void>((resolve) => this.waiting.set(token, resolve));
        try {
            return await Promise.race([
                virtualWait(seconds).then(() => Promise.reject(new StatesError("States.Timeout", ""))),
                this.lambdas.call(handler, payload).then(() => sent),
            ]);
        } finally {
            this.waiting.delete(token);
        }
    }

    private readonly runTask = async (
        _state: string,
        resource: string,
        parameters: Record<string, unknown>,
        seconds: number,
    ): Promise<unknown> => {
        if (resource.endsWith(":aws-sdk:s3:putObject")) {
            const { Body, Bucket, Key } = parameters;
            const text = Buffer.from(JSON.stringify(Body));
            const { createHash } = await import("node:crypto");
            const input = { Bucket, Key, Body: text, ChecksumSHA256: createHash("sha256").update(text).digest("base64") };
            try {
                return await this.take({ service: "S3", operation: "PutObject", input, accountId: forensicsAccountId, region });
            } catch (error) {
                throw new StatesError(`S3.${(error as Error).name}`, (error as Error).message);
            }
        }
        if (resource.endsWith(".waitForTaskToken"))
            return this.waitForToken(parameters.FunctionName as string, parameters.Payload as Record<string, unknown>, seconds);
        const begun = Date.now();
        const answer = await this.lambdas.call(parameters.FunctionName as string, parameters.Payload);
        if ((Date.now() - begun) / 1000 > seconds) throw new StatesError("States.Timeout", "");
        return { Payload: answer };
    };

    /** Records one request and answers it, a moment later. */
    private async take(request: Request): Promise<object> {
        const invocation = invocations.getStore();
        // Nothing more comes from a process that is gone; what it still computes here is nobody's.
        const mustLive = () => {
            if (invocation?.dead) throw awsError("ProcessIsGone");
        };
        mustLive();
        const made: Made = { ...request, handler: invocation?.handler ?? "workflow", index: this.made.length };
        this.made.push(made);
        await virtualWait(this.latency);
        mustLive();
        return this.observe(made, await this.intercept(made, () => this.effect(made) as object));
    }

    /** What a request does and answers, faults aside. @throws the AWS error */
    effect({ service, operation, input, accountId }: Request): unknown {
        if (service === "Slack") {
            this.slack.push({ text: input.text as string, at: Date.now() });
            return new Response("ok");
        }
        // Whose signature a proof holds (functions/aws/callerIdentity.ts): the person's who answers.
        if (operation === "GetCallerIdentity" && accountId === "unused")
            return { Arn: `arn:aws:sts::${forensicsAccountId}:assumed-role/responders/ada`, Account: forensicsAccountId };
        if (operation === "AssumeRole") {
            const [, account] = /::(\d{12}):/.exec(input.RoleArn as string)!;
            const Expiration = new Date(Date.now() + 3_600_000);
            return { Credentials: { AccessKeyId: `ASIA${account}`, SecretAccessKey: "secret", SessionToken: "token", Expiration } };
        }
        const services = accountId === forensicsAccountId ? this.forensics : this.members.get(accountId)?.services;
        if (!services) throw awsError("AuthFailure", `Nobody has the account ${accountId}`);
        const volumes = this.forensicsEc2.volumes.size;
        const answer = perform(services, operation, input) as { Body?: { transformToByteArray: () => Promise<Buffer> } };
        if (operation === "CreateVolume" && this.forensicsEc2.volumes.size > volumes) this.madeVolumes.push(input.SnapshotId as string);
        if (operation === "PutObject") this.notify(input.Key as string);
        if (service === "EC2" && !/^(Describe|Get)/.test(operation)) this.settleLater(accountId);
        return answer.Body ? { ...answer, Body: streamed(answer.Body) } : structuredCloneOf(answer);
    }

    private settleLater(accountId: string): void {
        const ec2 = accountId === forensicsAccountId ? this.forensicsEc2 : this.members.get(accountId)!.ec2;
        setTimeout(() => {
            ec2.settle();
            this.endpoints.settle();
            for (const [id, { State }] of this.forensicsEc2.instances)
                if ((State as { Name: string }).Name === "running") this.runCommand.registered.add(id);
        }, 20_000);
    }

    /** S3's event of a new object. */
    private notify(key: string): void {
        const handler = key.endsWith("/first-look.json")
            ? "sendFirstLook"
            : key.endsWith("/manifest.sha256")
              ? "sendReport"
              : key.endsWith(".error.json")
                ? "sendErrorNotification"
                : null;
        if (handler === null) return;
        const object = { key: encodeURIComponent(key).replaceAll("%2F", "/") };
        this.lambdas.leave(handler, { Records: [{ eventName: "ObjectCreated:Put", s3: { bucket: { name: "evidence" }, object } }] });
    }

    private async analyse(instanceId: string, given: Record<string, string[]>, end: () => void): Promise<void> {
        await virtualWait(120);
        const volumes = [...this.forensicsEc2.volumes.values()].filter(({ Attachments, Tags }) => {
            const [attachment] = Attachments as { InstanceId: string }[];
            return attachment?.InstanceId === instanceId && Tags?.some(({ Value }) => Value === "evidence-volume");
        });
        const of = volumes.map(({ VolumeId, SnapshotId }) => ({ volumeId: VolumeId as string, snapshotId: SnapshotId as string }));
        for (const [name, text] of Object.entries(analysisObjects(given.IncidentId![0]!, of))) {
            const key = `${given.OutputPrefix![0]!}${name}`;
            this.s3.overwrite(key, text);
            this.notify(key);
        }
        end();
    }
}

const joined = (members: ReadonlyMap<string, Member>, of: "shares" | "snapshots") => ({
    get: (id: string) => [...members.values()].map(({ ec2 }) => ec2[of].get(id)).find((each) => each !== undefined),
});

/** What AWS answers is nobody's to change. */
const structuredCloneOf = (answer: object): object => (answer instanceof Response ? answer : structuredClone(answer));

function streamed(body: { transformToByteArray: () => Promise<Buffer> }): object {
    return {
        transformToByteArray: () => body.transformToByteArray(),
        async *[Symbol.asyncIterator]() {
            yield await body.transformToByteArray();
        },
    };
}

const environment = (): Record<string, string> => ({
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: `AKIA${forensicsAccountId}`,
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_EC2_METADATA_DISABLED: "true",
    PARTITION: "aws",
    RESPONDER_ROLE_NAME: "clean-room-responder",
    FORENSICS_ACCOUNT_ID: forensicsAccountId,
    MEMBER_ACCOUNTS: "*",
    STATE_MACHINE_ARN: `arn:aws:states:${region}:${forensicsAccountId}:stateMachine:clean-room-incident`,
    DRILL: "",
    INCIDENTS_TABLE: "incidents",
    WATCH_FUNCTION: "watchContainment",
    SEAL_FUNCTION: "sealCustody",
    CONTAINMENT_POLICY: "{}",
    CONTAIN_CREDENTIALS: "deny-instance",
    CONTAIN_NETWORK: "groups",
    EVIDENCE_BUCKET: "evidence",
    EVIDENCE_KEY_ARN: `arn:aws:kms:${region}:${forensicsAccountId}:key/evidence`,
    CUSTODY_KEY_ARN: `arn:aws:kms:${region}:${forensicsAccountId}:key/custody`,
    LOCK_MODE: "governance",
    LOCK_DAYS: "365",
    DEAD_LETTER_QUEUE_URL: `https://sqs.${region}.amazonaws.com/${forensicsAccountId}/dead-letters`,
    SLACK_WEBHOOK_PARAMETER: "/clean-room/slack",
    SECURITY_HUB: "true",
    SUPPORT_ENABLED: "true",
    SUPPORT_SEVERITY: "urgent",
    SUPPORT_LANGUAGE: "en",
    FORENSIC_SUBNET_IDS: "subnet-a,subnet-b",
    FORENSIC_SECURITY_GROUP_ID: "sg-forensic",
    FORENSIC_VPC_ID: "vpc-clean-room",
    ENDPOINT_GROUP_ID: "sg-endpoints",
    ENDPOINT_POLICY_LOGS: endpointPolicy("logs", forensicsAccountId),
    ENDPOINT_POLICY_SSM: endpointPolicy("ssm", forensicsAccountId),
    ENDPOINT_POLICY_SSMMESSAGES: endpointPolicy("ssmmessages", forensicsAccountId),
    FORENSIC_INSTANCE_PROFILE_ARN: `arn:aws:iam::${forensicsAccountId}:instance-profile/forensic`,
    FORENSIC_ROLE_ID: "AROAEXAMPLEID",
    FORENSIC_INSTANCE_TYPE: "m6i.large",
    FORENSIC_IMAGE_PARAMETER: "/aws/service/image",
    DOCUMENT_NAME: "clean-room-analysis",
    DOCUMENT_VERSION: "1",
    TOOL_BUCKET: "tools",
    TOOL_KEY: "analysis/tool.tar.gz",
    TOOL_SHA256: "a".repeat(64),
    PYTHON_VERSION: "3.12",
    ANALYSIS_TIMEOUT_SECONDS: "14400",
    HASH_TWICE: "false",
});
