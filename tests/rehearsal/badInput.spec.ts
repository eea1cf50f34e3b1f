/** Every bad input ends with a message to people, and with nothing half-changed. One local AWS, deployed once. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { DescribeAutoScalingGroupsCommand, AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import {
    DescribeInstancesCommand,
    DescribeNetworkInterfacesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSnapshotsCommand,
    DescribeVolumesCommand,
    EC2Client,
    RunInstancesCommand,
    TerminateInstancesCommand,
    waitUntilInstanceTerminated,
} from "@aws-sdk/client-ec2";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetRoleCommand, IAMClient, PutRolePolicyCommand, UpdateAssumeRolePolicyCommand } from "@aws-sdk/client-iam";
import { ListExecutionsCommand, DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import { ReceiveMessageCommand, GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect } from "chai";
import { responderRoleName } from "../../infra/names";
import { CleanUp } from "../../rehearsal/cleanUp";
import { builtInFinding, deliveryOf, loadFinding, pointAtVictim, send } from "../../rehearsal/finding";
import { Progress } from "../../rehearsal/progress";
import { setUp } from "../../rehearsal/setUp";
import { deployed, forensics, member, setStage, type Stage } from "../../rehearsal/stage";
import { tryCredentials } from "../../rehearsal/stolenCredentials";
import { describeChain, until } from "../../rehearsal/watch";

const repository = path.resolve(__dirname, "../..");

/** Everything of both accounts that an incident could change. */
async function estate(stage: Stage): Promise<unknown> {
    const ec2 = stage.clients(EC2Client, member);
    const forensicEc2 = stage.clients(EC2Client, forensics);
    const [interfaces, groups, memberSnapshots, forensicSnapshots, forensicInstances, forensicVolumes, scaling] = await Promise.all([
        ec2.send(
            new DescribeNetworkInterfacesCommand({
                Filters: [{ Name: "attachment.instance-id", Values: [stage.victim.instance.instanceId] }],
            }),
        ),
        ec2.send(new DescribeSecurityGroupsCommand({})),
        ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] })),
        forensicEc2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] })),
        forensicEc2.send(new DescribeInstancesCommand({})),
        forensicEc2.send(new DescribeVolumesCommand({})),
        stage.clients(AutoScalingClient, member).send(new DescribeAutoScalingGroupsCommand({})),
    ]);
    return {
        interfaces: interfaces
            .NetworkInterfaces!.map((one) => [one.NetworkInterfaceId, one.Groups?.map((group) => group.GroupId).sort()])
            .sort(),
        groups: groups.SecurityGroups!.map((one) => [one.GroupId, one.IpPermissions?.length, one.IpPermissionsEgress?.length]).sort(),
        snapshots: [memberSnapshots.Snapshots!.length, forensicSnapshots.Snapshots!.length],
        forensicInstances: forensicInstances.Reservations!.length,
        forensicVolumes: forensicVolumes.Volumes!.length,
        scaling: scaling.AutoScalingGroups!.map((one) => [one.DesiredCapacity, one.Instances?.map((instance) => instance.InstanceId)]),
    };
}

describe("bad input", function () {
    this.timeout(60_000);
    const cleanUp = new CleanUp();
    let stage: Stage;
    let folder: string;

    before(async function () {
        // The first set-up of a clone fetches two Python environments.
        this.timeout(600_000);
        folder = await mkdtemp(path.join(tmpdir(), "bad-input-"));
        cleanUp.add("the test's folder", () => rm(folder, { recursive: true }));
        stage = await setStage(await setUp(null, cleanUp), new Progress({ write: () => true }), cleanUp);
    });
    after(function () {
        this.timeout(60_000);
        return cleanUp.run();
    });

    const deadline = () => Date.now() + 45_000;
    const chain = () => describeChain(stage.clients, forensics);
    const executions = async () =>
        (await stage.clients(SFNClient, forensics).send(new ListExecutionsCommand({ stateMachineArn: deployed.stateMachineArn })))
            .executions!;
    /** The next message to people that matches. */
    const told = (pattern: RegExp) =>
        until(
            `people to be told of ${pattern}`,
            async () => stage.slack.messages.find(({ payload }) => pattern.test(JSON.stringify(payload))),
            deadline(),
            chain,
        );

    async function deadLetters(): Promise<string[]> {
        const sqs = stage.clients(SQSClient, forensics);
        const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: deployed.deadLetterQueueName }));
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }));
        return Messages.map((message) => message.Body!);
    }

    /** Publishes text as an operator would, and expects that nothing starts and people learn why. */
    async function expectRefusal(text: string, reason: RegExp): Promise<void> {
        const [before, started] = [await estate(stage), (await executions()).length];
        await send(deliveryOf(text, true), stage.clients, member, forensics, deployed.findingsTopicArn);
        expect((await told(reason)).violations).to.deep.equal([]);
        expect(
            await until(
                "the message in the dead-letter queue",
                async () => (await deadLetters()).find((body) => body === text),
                deadline(),
                chain,
            ),
        ).to.equal(text);
        expect((await executions()).length).to.equal(started);
        expect(await estate(stage)).to.deep.equal(before);
    }

    /** Sends a finding about an instance over the event bus, and expects an error notification and no change. */
    async function expectFailure(instanceId: string, pattern: RegExp): Promise<void> {
        const before = await estate(stage);
        const { text, findings } = await loadFinding(builtInFinding);
        const document = pointAtVictim(JSON.parse(text), findings, { ...member, instanceId });
        await send(deliveryOf(document, false), stage.clients, member, forensics, deployed.findingsTopicArn);
        const message = await told(pattern);
        expect(message.violations).to.deep.equal([]);
        expect(JSON.stringify(message.payload)).to.include(instanceId);
        const ended = await until(
            "the workflow to end",
            async () => {
                const execution = (await executions()).find((one) => one.name!.startsWith(instanceId));
                if (!execution || execution.status === "RUNNING") return null;
                return stage.clients(SFNClient, forensics).send(new DescribeExecutionCommand({ executionArn: execution.executionArn }));
            },
            deadline(),
            chain,
        );
        expect(ended.status).to.equal("FAILED");
        expect(await estate(stage)).to.deep.equal(before);
    }

    it("malformed JSON starts nothing, and people learn why", () => expectRefusal('{ "detail": {', /JSON/));

    it("a finding about an S3 bucket starts nothing, though it mentions an instance", async () => {
        const event = JSON.parse(await readFile(builtInFinding, "utf8")) as {
            detail: { type: string; resource: { resourceType: string } };
        };
        event.detail.type = "Policy:S3/BucketAnonymousAccessGranted";
        event.detail.resource.resourceType = "S3Bucket";
        await expectRefusal(JSON.stringify(event), /S3Bucket/);
    });

    it("an unknown instance is told to people, and nothing is changed", () => expectFailure("i-0ffffffffffffffff", /i-0ffffffffffffffff/));

    it("an instance that is already gone is told to people, and nothing is changed", async () => {
        const ec2 = stage.clients(EC2Client, member);
        const { Instances } = await ec2.send(
            new RunInstancesCommand({
                ImageId: stage.victim.imageId,
                InstanceType: "t3.micro",
                MinCount: 1,
                MaxCount: 1,
                SubnetId: stage.victim.interfaces[0]!.subnetId,
            }),
        );
        const instanceId = Instances![0]!.InstanceId!;
        await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
        await waitUntilInstanceTerminated({ client: ec2, maxWaitTime: 30, minDelay: 0.2, maxDelay: 1 }, { InstanceIds: [instanceId] });
        await expectFailure(instanceId, new RegExp(instanceId));
    });

    it("an instance in another Region than the topic starts nothing, and people learn where to send it", () =>
        expectRefusal(JSON.stringify({ ...stage.victim.instance, region: "us-east-1" }), /us-east-1/));

    it("an instance of an account without the footprint starts nothing, and people learn which account", () =>
        expectRefusal(JSON.stringify({ ...stage.victim.instance, accountId: "333333333333" }), /333333333333/));

    it("a member account whose responder role is gone is told to people, and nothing is changed", async () => {
        const iam = stage.clients(IAMClient, member);
        const trust = (await iam.send(new GetRoleCommand({ RoleName: responderRoleName }))).Role!.AssumeRolePolicyDocument!;
        // To who wants to assume it, a role that trusts nobody of ours is as good as gone: AWS answers the same.
        await iam.send(
            new UpdateAssumeRolePolicyCommand({
                RoleName: responderRoleName,
                PolicyDocument: JSON.stringify({
                    Version: "2012-10-17",
                    Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${member.accountId}:root` }, Action: "sts:AssumeRole" }],
                }),
            }),
        );
        try {
            const { Instances } = await stage.clients(EC2Client, member).send(
                new RunInstancesCommand({
                    ImageId: stage.victim.imageId,
                    InstanceType: "t3.micro",
                    MinCount: 1,
                    MaxCount: 1,
                    SubnetId: stage.victim.interfaces[0]!.subnetId,
                }),
            );
            await expectFailure(
                Instances![0]!.InstanceId!,
                new RegExp(`${Instances![0]!.InstanceId!}.*${responderRoleName}|${responderRoleName}.*${Instances![0]!.InstanceId!}`),
            );
        } finally {
            await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: responderRoleName, PolicyDocument: decodeURIComponent(trust) }));
        }
    });

    it("sub-steps that AWS denies are told to people, and the rest is done, as the operator who sent the drill sees", async function () {
        this.timeout(180_000);
        const { instanceId } = stage.victim.instance;
        await stage.clients(IAMClient, member).send(
            new PutRolePolicyCommand({
                RoleName: responderRoleName,
                PolicyName: "a-mistake",
                PolicyDocument: JSON.stringify({
                    Version: "2012-10-17",
                    Statement: [
                        {
                            Effect: "Deny",
                            Action: ["elasticloadbalancing:DeregisterTargets", "ec2:ModifyInstanceMetadataOptions"],
                            Resource: "*",
                        },
                    ],
                }),
            }),
        );
        // The dev stack's accounts and Region are those of the rehearsal.
        const drill = promisify(execFile)(
            process.execPath,
            ["-r", "tsx/cjs", "tools/drill.ts", "--stack", "dev", "--instance", instanceId],
            {
                cwd: repository,
                env: {
                    PATH: process.env.PATH,
                    AWS_ENDPOINT_URL: stage.localEmu.endpoint,
                    AWS_ACCESS_KEY_ID: forensics.accountId,
                    AWS_SECRET_ACCESS_KEY: "rehearsal",
                },
            },
        );
        drill.catch(() => undefined); // awaited below; a failure before that is not unhandled
        const contained = await told(new RegExp(`"\\[Drill\\] Contained: ${instanceId}`));
        const report = await until(
            "the report",
            async () =>
                stage.slack.messages.find(
                    ({ payload }) =>
                        JSON.stringify(payload).includes(`${instanceId} in account`) && /"\[Drill\] Report: /.test(JSON.stringify(payload)),
                ),
            Date.now() + 150_000,
            chain,
        );
        for (const message of [contained, report]) {
            expect(message.violations).to.deep.equal([]);
            expect(JSON.stringify(message.payload)).to.include("deregister target").and.include("disable metadata");
        }
        const { NetworkInterfaces } = await stage
            .clients(EC2Client, member)
            .send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [instanceId] }] }));
        expect(
            new Set(NetworkInterfaces!.flatMap((one) => one.Groups!.map(({ GroupName }) => GroupName!.replace(/-i-.*$/, "")))),
        ).to.deep.equal(new Set(["clean-room-isolation"]));
        expect(await tryCredentials(stage.localEmu.endpoint, member.region, stage.sharedRole.victim.credentials)).to.equal(
            "UnauthorizedOperation",
        );
        const health = await stage
            .clients(ElasticLoadBalancingV2Client, member)
            .send(new DescribeTargetHealthCommand({ TargetGroupArn: stage.victim.targetGroupArn }));
        expect(health.TargetHealthDescriptions!.map(({ Target }) => Target!.Id)).to.deep.equal([instanceId]);
        expect((await drill).stdout)
            .to.match(/^Sample finding \w+ sent about/)
            .and.contain(`Incident ${instanceId}-`)
            .and.contain("IsolateInstance")
            .and.match(/Done\. The report is in the evidence bucket/);
    });

    describe("of the command line ends with exit code 2, a clear message, and nothing started", () => {
        const rehearse = (...args: string[]) =>
            new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
                execFile(
                    process.execPath,
                    ["-r", "tsx/cjs", "rehearsal/main.ts", ...args],
                    { cwd: repository },
                    (error, stdout, stderr) => {
                        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
                    },
                );
            });
        const cases: [string, () => Promise<string[]>, RegExp][] = [
            ["an empty --disk", async () => ["--disk", await file("empty.img", "")], /empty\.img is empty/],
            [
                "a --disk that is no disk",
                async () => ["--disk", await file("text.img", "not a disk\n".repeat(200_000))],
                /text\.img has no partition table/,
            ],
            ["a --disk that is not there", async () => ["--disk", path.join(folder, "none.img")], /none\.img cannot be read \(ENOENT\)/],
            [
                "a --finding that is not there",
                async () => ["--finding", path.join(folder, "none.json")],
                /none\.json cannot be read: ENOENT/,
            ],
            ["an unknown option", async () => ["--fnding", "x"], /--fnding/],
        ];
        async function file(name: string, content: string): Promise<string> {
            await writeFile(path.join(folder, name), content);
            return path.join(folder, name);
        }
        for (const [what, args, message] of cases) {
            it(what, async () => {
                const { code, stdout, stderr } = await rehearse(...(await args()));
                expect(code).to.equal(2);
                expect(stderr).to.match(message);
                expect(stdout).to.equal("");
            });
        }
    });
});
