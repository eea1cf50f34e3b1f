/** The release on the local AWS: the deployed functions with their own roles, the state machine and the operator's command. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { AutoScalingClient, DescribeAutoScalingInstancesCommand, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import {
    DescribeInstanceAttributeCommand,
    DescribeInstancesCommand,
    DescribeNetworkAclsCommand,
    EC2Client,
    ModifyInstanceAttributeCommand,
    ModifyInstanceMetadataOptionsCommand,
    ModifyNetworkInterfaceAttributeCommand,
} from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import {
    DeleteRolePolicyCommand,
    GetRolePolicyCommand,
    IAMClient,
    ListRolePoliciesCommand,
    PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import { addDenied, denyPolicyName } from "../../functions/domain/planCredentialDeny";
import type { Incident } from "../../functions/domain/containers";
import { proposeIncidents } from "../../functions/domain/proposeIncidents";
import { parseMessage } from "../../functions/domain/parseMessage";
import { localClients, type LocalClients, type Target } from "../../rehearsal/deploy/localClients";
import { deployProgram } from "../../rehearsal/deploy/program";
import { startLocalEmu, type LocalEmu } from "../../rehearsal/localEmu";
import { createVictim, type Victim } from "../../rehearsal/victim";
import { evidenceBucketName } from "../../infra/names";

const region = "eu-west-1";
const forensics: Target = { accountId: "111111111111", region };
const member: Target = { accountId: "222222222222", region };
const root = path.resolve(__dirname, "../..");
const otherInstance = `arn:aws:ec2:${region}:${member.accountId}:instance/i-00000000000000001`;

describe("a release on the local AWS", function () {
    this.timeout(120_000);
    let folder: string;
    let localEmu: LocalEmu;
    let clients: LocalClients;
    let victim: Victim;
    let incident: Incident;

    before(async function () {
        this.timeout(600_000);
        folder = await mkdtemp(path.join(tmpdir(), "release-"));
        localEmu = await startLocalEmu({ log: () => undefined });
        clients = localClients(localEmu.endpoint);
        const image = { path: path.join(folder, "disk.img"), sha256: "0".repeat(64), sizeBytes: 1024 * 1024 };
        await writeFile(image.path, Buffer.alloc(image.sizeBytes));
        victim = await createVictim(clients, member, { root: image, data: image });
        // Another incident has denied another instance with the same role.
        await clients(IAMClient, member).send(
            new PutRolePolicyCommand({
                RoleName: victim.roleName,
                PolicyName: denyPolicyName,
                PolicyDocument: addDenied(null, otherInstance),
            }),
        );
        await deployProgram({
            clients,
            defaults: forensics,
            secretKeys: [],
            config: {
                settings: JSON.stringify({
                    forensics: { accountId: forensics.accountId },
                    regions: [region],
                    members: [{ accountId: member.accountId }],
                    containment: { network: "nacl" },
                }),
            },
        });
        incident = proposeIncidents(parseMessage(JSON.stringify({ ...victim.instance })).findings, new Date())[0]!;
    });
    after(async () => {
        await localEmu?.stop();
        await rm(folder, { recursive: true, force: true });
    });

    /** Everything of the victim that containment changes. */
    async function victimState() {
        const ec2 = clients(EC2Client, member);
        const { instanceId: InstanceId } = victim.instance;
        const attribute = async (Attribute: "disableApiTermination" | "disableApiStop" | "instanceInitiatedShutdownBehavior") => {
            const { DisableApiTermination, DisableApiStop, InstanceInitiatedShutdownBehavior } = await ec2.send(
                new DescribeInstanceAttributeCommand({ InstanceId, Attribute }),
            );
            return (DisableApiTermination ?? DisableApiStop ?? InstanceInitiatedShutdownBehavior)?.Value;
        };
        const instance = (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] }))).Reservations![0]!.Instances![0]!;
        const { PolicyNames } = await clients(IAMClient, member).send(new ListRolePoliciesCommand({ RoleName: victim.roleName }));
        const policies = await Promise.all(
            PolicyNames!.map(async (PolicyName) =>
                decodeURIComponent(
                    (await clients(IAMClient, member).send(new GetRolePolicyCommand({ RoleName: victim.roleName, PolicyName })))
                        .PolicyDocument!,
                ),
            ),
        );
        const health = await clients(ElasticLoadBalancingV2Client, member).send(
            new DescribeTargetHealthCommand({ TargetGroupArn: victim.targetGroupArn }),
        );
        const balancers = await clients(ElasticLoadBalancingClient, member).send(
            new DescribeLoadBalancersCommand({ LoadBalancerNames: [victim.classicLoadBalancer] }),
        );
        const scaling = await clients(AutoScalingClient, member).send(
            new DescribeAutoScalingInstancesCommand({ InstanceIds: [InstanceId] }),
        );
        const subnets = victim.interfaces.map(({ subnetId }) => subnetId);
        const acls = (await ec2.send(new DescribeNetworkAclsCommand({ Filters: [{ Name: "association.subnet-id", Values: subnets }] })))
            .NetworkAcls!;
        return {
            state: instance.State!.Name,
            groups: instance
                .NetworkInterfaces!.map((each) => [each.NetworkInterfaceId, ...each.Groups!.map(({ GroupId }) => GroupId).sort()])
                .sort(),
            volumes: instance.BlockDeviceMappings!.map(({ DeviceName, Ebs }) => [DeviceName, Ebs!.DeleteOnTermination]).sort(),
            metadata: instance.MetadataOptions?.HttpEndpoint ?? "enabled",
            termination: await attribute("disableApiTermination"),
            stop: await attribute("disableApiStop"),
            shutdown: await attribute("instanceInitiatedShutdownBehavior"),
            policies,
            targets: health
                .TargetHealthDescriptions!.filter(({ TargetHealth }) => TargetHealth?.State !== "draining")
                .map(({ Target }) => Target!.Id),
            classic: balancers.LoadBalancerDescriptions![0]!.Instances!.map((each) => each.InstanceId),
            scaling: scaling.AutoScalingInstances!.map(({ AutoScalingGroupName }) => AutoScalingGroupName),
            acls: acls.map(({ NetworkAclId }) => NetworkAclId),
        };
    }

    async function contain() {
        const { Payload, FunctionError } = await clients(LambdaClient, forensics).send(
            new InvokeCommand({ FunctionName: "clean-room-isolateInstance", Payload: JSON.stringify({ incident }) }),
        );
        const answer = JSON.parse(Buffer.from(Payload!).toString("utf8")) as {
            contained?: boolean;
            steps: { name: string; outcome: string; detail: string }[];
        };
        expect(FunctionError, JSON.stringify(answer)).to.equal(undefined);
        return answer;
    }

    /** Runs the operator's command with credentials of the forensics account. */
    async function release(...given: string[]): Promise<{ code: number; out: string; err: string }> {
        // No analysis ran here, so each release is somebody's risk.
        const args = [...given, "--accept-risk", "a rehearsal"];
        const env = {
            PATH: process.env.PATH,
            AWS_ENDPOINT_URL: localEmu.endpoint,
            AWS_ACCESS_KEY_ID: forensics.accountId,
            AWS_SECRET_ACCESS_KEY: "rehearsal",
            AWS_REGION: region,
        };
        const run = promisify(execFile)(process.execPath, ["-r", "tsx/cjs", "tools/release.ts", ...args], {
            cwd: root,
            env,
        });
        return run.then(
            ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
            (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, out: error.stdout, err: error.stderr }),
        );
    }

    it("refuses what was never contained", async () => {
        const { code, out } = await release(incident.incidentId);
        expect(code, out).to.equal(1);
        expect(out).to.contain("Nothing was contained under this incident");
    });

    it("puts the victim back exactly, and has nothing left to do the second time", async () => {
        const before = await victimState();
        const { contained, steps } = await contain();
        expect(contained).to.equal(true);
        expect(steps.filter(({ outcome }) => outcome === "failed")).to.deep.equal([]);
        const during = await victimState();
        expect(
            Object.keys(before)
                .filter((key) => JSON.stringify(before[key as keyof typeof before]) !== JSON.stringify(during[key as keyof typeof during]))
                .sort(),
        ).to.deep.equal(
            [
                "acls",
                "classic",
                "groups",
                "metadata",
                "policies",
                "scaling",
                "shutdown",
                "stop",
                "targets",
                "termination",
                "volumes",
            ].filter((key) => key !== "shutdown" || before.shutdown === "terminate"),
        );

        const first = await release(incident.incidentId);
        expect(first.code, `${first.out}${first.err}`).to.equal(0);
        expect(first.out).to.contain("Released").and.contain("restoreGroups").and.contain("rejoinAutoScaling");
        expect(await victimState()).to.deep.equal(before);

        const second = await release(incident.incidentId);
        expect(second.code, second.err).to.equal(0);
        expect(second.out).to.contain("Nothing was left to do");
        const { Contents } = await clients(S3Client, forensics).send(
            new ListObjectsV2Command({ Bucket: evidenceBucketName(forensics.accountId, region), Prefix: `${incident.prefix}releases/` }),
        );
        expect(Contents).to.have.length(2);
    });

    it("names what was changed since and leaves it, with force", async () => {
        // Each release leaves one instance more in the group, whose room is for two.
        await clients(AutoScalingClient, member).send(
            new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: victim.autoScalingGroup, MaxSize: 5 }),
        );
        await contain();
        const [{ networkInterfaceId, groups }] = victim.interfaces as [Victim["interfaces"][number]];
        await clients(EC2Client, member).send(
            new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: networkInterfaceId, Groups: [groups[0]!] }),
        );
        const refused = await release(incident.incidentId);
        expect(refused.code).to.equal(1);
        expect(refused.out).to.contain(networkInterfaceId).and.contain("--force");
        const forced = await release(incident.incidentId, "--force");
        expect(forced.code, forced.out).to.equal(0);
        expect(forced.out).to.match(new RegExp(`left alone .*${networkInterfaceId}`));
        expect((await victimState()).groups.find(([id]) => id === networkInterfaceId)).to.deep.equal([networkInterfaceId, groups[0]]);
    });

    it("is read back by the watch before it, which puts back what an intruder undid", async () => {
        await contain();
        const during = await victimState();
        const [{ networkInterfaceId, groups }] = victim.interfaces as [Victim["interfaces"][number]];
        const ec2 = clients(EC2Client, member);
        const { instanceId: InstanceId } = victim.instance;
        await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: networkInterfaceId, Groups: [groups[0]!] }));
        await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId, HttpEndpoint: "enabled" }));
        await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: false } }));
        await clients(IAMClient, member).send(new DeleteRolePolicyCommand({ RoleName: victim.roleName, PolicyName: denyPolicyName }));
        const watch = async () => {
            const { Payload, FunctionError } = await clients(LambdaClient, forensics).send(
                new InvokeCommand({ FunctionName: "clean-room-watchContainment", Payload: JSON.stringify({ instance: victim.instance }) }),
            );
            const text = Buffer.from(Payload!).toString("utf8");
            expect(FunctionError, text).to.equal(undefined);
            return JSON.parse(text) as { standing: number; looked: number };
        };
        expect(await watch()).to.deep.equal({ standing: 1, looked: 1 });
        const after = await victimState();
        // The other incident's deny on the role went with the policy: it is that incident's look that brings it back.
        expect({ ...after, policies: after.policies.length }).to.deep.equal({ ...during, policies: during.policies.length });
        expect(after.policies.join()).to.contain(InstanceId);
        expect(await watch()).to.deep.equal({ standing: 1, looked: 1 });
        const { Contents } = await clients(S3Client, forensics).send(
            new ListObjectsV2Command({ Bucket: evidenceBucketName(forensics.accountId, region), Prefix: `${incident.prefix}watch/` }),
        );
        expect(Contents, "one look found something").to.have.length(1);
    });

    it("asks for what it needs", async () => {
        expect((await release()).err).to.contain("No incident given");
        expect((await release("i-1")).err).to.contain("no incident id");
        expect((await release(incident.incidentId, "--colour")).code).to.equal(2);
    });
});
