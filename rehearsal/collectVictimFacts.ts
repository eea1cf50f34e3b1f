/** Reads back from the local AWS what became of the victim, of what it stood in, and of its role. */
import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, EC2Client, type Instance } from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { LocalClients, Target } from "./deploy/localClients";
import type { Facts } from "./facts";
import type { RoleUser, SharedRole } from "./neighbour";
import { tryCredentials } from "./stolenCredentials";
import type { Victim } from "./victim";

const instancesOf = async (ec2: EC2Client, InstanceIds: string[]): Promise<Instance[]> =>
    InstanceIds.length === 0
        ? []
        : (await ec2.send(new DescribeInstancesCommand({ InstanceIds }))).Reservations!.flatMap((one) => one.Instances ?? []);

async function victimFacts(ec2: EC2Client, victim: Victim): Promise<Facts["victim"]> {
    const InstanceId = victim.instance.instanceId;
    const [instance] = await instancesOf(ec2, [InstanceId]).catch((error: Error) => {
        if (error.name === "InvalidInstanceID.NotFound") return [];
        throw error;
    });
    if (!instance) return null;
    const isOn = async (Attribute: "disableApiTermination" | "disableApiStop") => {
        const { DisableApiTermination, DisableApiStop } = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute }));
        return (DisableApiTermination ?? DisableApiStop)?.Value === true;
    };
    return {
        state: instance.State!.Name!,
        terminationProtected: await isOn("disableApiTermination"),
        stopProtected: await isOn("disableApiStop"),
        metadata: instance.MetadataOptions?.HttpEndpoint ?? "enabled",
        volumes: (instance.BlockDeviceMappings ?? []).map(({ Ebs }) => ({
            volumeId: Ebs!.VolumeId!,
            deleteOnTermination: Ebs!.DeleteOnTermination === true,
        })),
    };
}

async function autoScalingFacts(scaling: AutoScalingClient, ec2: EC2Client, victim: Victim): Promise<Facts["autoScaling"]> {
    const { AutoScalingGroups = [] } = await scaling.send(
        new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [victim.autoScalingGroup] }),
    );
    const [group] = AutoScalingGroups;
    if (!group) return null;
    const members = group.Instances ?? [];
    const instances = await instancesOf(
        ec2,
        members.map((one) => one.InstanceId!),
    );
    return {
        name: victim.autoScalingGroup,
        minimum: group.MinSize!,
        desiredBefore: victim.desiredCapacity,
        desired: group.DesiredCapacity!,
        members: members.map(({ InstanceId, LifecycleState }) => ({
            instanceId: InstanceId!,
            lifecycle: LifecycleState!,
            state: instances.find((one) => one.InstanceId === InstanceId)?.State?.Name ?? "unknown",
        })),
    };
}

async function loadBalancerFacts(clients: LocalClients, member: Target, victim: Victim): Promise<Facts["loadBalancers"]> {
    const [health, classic] = await Promise.all([
        clients(ElasticLoadBalancingV2Client, member).send(new DescribeTargetHealthCommand({ TargetGroupArn: victim.targetGroupArn })),
        clients(ElasticLoadBalancingClient, member).send(
            new DescribeLoadBalancersCommand({ LoadBalancerNames: [victim.classicLoadBalancer] }),
        ),
    ]);
    return [
        {
            name: `target group ${victim.targetGroupArn.split("/").at(-2) ?? victim.targetGroupArn}`,
            // A target that is draining gets no new connections.
            instances: (health.TargetHealthDescriptions ?? [])
                .filter(({ TargetHealth }) => TargetHealth?.State !== "draining")
                .map(({ Target: target }) => target!.Id!),
        },
        ...(classic.LoadBalancerDescriptions ?? []).map((one) => ({
            name: `classic load balancer ${one.LoadBalancerName}`,
            instances: (one.Instances ?? []).map(({ InstanceId }) => InstanceId!),
        })),
    ];
}

/** @param endpoint of the local AWS, for calls with the stolen credentials */
export async function collectVictimFacts(
    clients: LocalClients,
    endpoint: string,
    victim: Victim,
    sharedRole: SharedRole,
): Promise<Pick<Facts, "victim" | "autoScaling" | "loadBalancers" | "stolenCredentials">> {
    const { accountId, region } = victim.instance;
    const member = { accountId, region };
    const ec2 = clients(EC2Client, member);
    const tried = async ({ instanceId, before, credentials }: RoleUser) => ({
        instanceId,
        before,
        after: await tryCredentials(endpoint, region, credentials),
    });
    return {
        victim: await victimFacts(ec2, victim),
        autoScaling: await autoScalingFacts(clients(AutoScalingClient, member), ec2, victim),
        loadBalancers: await loadBalancerFacts(clients, member, victim),
        stolenCredentials: { victim: await tried(sharedRole.victim), neighbour: await tried(sharedRole.neighbour) },
    };
}
