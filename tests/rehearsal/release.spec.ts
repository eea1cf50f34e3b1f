/** The release on the local AWS: the deployed functions with their own roles, the state machine and the operator's command. */
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
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import { addDenied, denyPolicyName } from "../../functions/domain/planCredentialDeny";
import type { Incident } from "../../functions/domain/containers";
import { proposeIncidents } from "../../functions/domain/proposeIncidents";
import { parseMessage } from "../../functions/domain/parseMessage";
import type { LocalClients } from "../../rehearsal/deploy/localClients";
import type { Victim } from "../../rehearsal/victim";
import { evidenceBucketName } from "../../infra/names";
import { forensics, member, region, startLocalEstate, type LocalEstate } from "./support/localEstate";

const otherInstance = `arn:aws:ec2:${region}:${member.accountId}:instance/i-00000000000000001`;

describe("a release on the local AWS", function () {
    this.timeout(120_000);
    let estate: LocalEstate;
    let clients: LocalClients;
    let victim: Victim;
    let incident: Incident;

    before(async function () {
        this.timeout(600_000);
        // Another incident has denied another instance with the same role.
        estate = await startLocalEstate(
            { containment: { network: "nacl" } },
            {
                beforeDeployment: ({ clients, victim }) =>
                    clients(IAMClient, member).send(
                        new PutRolePolicyCommand({
                            RoleName: victim.roleName,
                            PolicyName: denyPolicyName,
                            PolicyDocument: addDenied(null, otherInstance),
                        }),
                    ),
            },
        );
        ({ clients, victim } = estate);
        incident = proposeIncidents(parseMessage(JSON.stringify({ ...victim.instance })).findings, new Date())[0]!;
    });
    after(() => estate?.stop());

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

    const contain = () =>
        estate.invoke("isolateInstance", { incident }) as Promise<{
            contained?: boolean;
            steps: { name: string; outcome: string; detail: string }[];
        }>;

    /** No analysis ran here, so each release is somebody's risk. */
    const release = (...args: string[]) => estate.operate("tools/release.ts", ...args, "--accept-risk", "a rehearsal");

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
        const watch = () => estate.invoke("watchContainment", { instance: victim.instance });
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
