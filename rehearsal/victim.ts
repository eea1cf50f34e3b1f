/**
 * The victim: a web server in the member account as one finds it in the field. Two network interfaces, two volumes with
 * real disks behind them, in an Auto Scaling group and behind a load balancer of either kind.
 */
import {
    AttachInstancesCommand,
    AutoScalingClient,
    CreateAutoScalingGroupCommand,
    UpdateAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import {
    AuthorizeSecurityGroupIngressCommand,
    CreateLaunchTemplateCommand,
    CreateSecurityGroupCommand,
    CreateSubnetCommand,
    CreateTagsCommand,
    CreateVpcCommand,
    DescribeInstancesCommand,
    EC2Client,
    RunInstancesCommand,
    waitUntilInstanceRunning,
    type Instance,
} from "@aws-sdk/client-ec2";
import {
    CreateLoadBalancerCommand as CreateClassicLoadBalancerCommand,
    ElasticLoadBalancingClient,
    RegisterInstancesWithLoadBalancerCommand,
} from "@aws-sdk/client-elastic-load-balancing";
import {
    CreateListenerCommand,
    CreateLoadBalancerCommand,
    CreateTargetGroupCommand,
    ElasticLoadBalancingV2Client,
    RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
    AddRoleToInstanceProfileCommand,
    CreateInstanceProfileCommand,
    CreateRoleCommand,
    IAMClient,
    PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { InstanceRef } from "../functions/domain/containers";
import type { LocalClients, Target } from "./deploy/localClients";

/** A raw disk image behind a volume. */
export interface DiskImage {
    /** Absolute path of the raw file. */
    path: string;
    sha256: string;
    sizeBytes: number;
}

export interface VictimVolume {
    volumeId: string;
    device: string;
    role: "root" | "data";
    image: DiskImage;
}

export interface Victim {
    instance: InstanceRef;
    imageId: string;
    vpcId: string;
    /** Interfaces with the groups they carried before the incident. */
    interfaces: { networkInterfaceId: string; privateIpAddress: string; subnetId: string; groups: string[] }[];
    volumes: VictimVolume[];
    autoScalingGroup: string;
    /** Of the group; also its minimum. */
    desiredCapacity: number;
    targetGroupArn: string;
    /** Name of the classic load balancer. */
    classicLoadBalancer: string;
    /** Of the role that its instance profile gives it. */
    roleName: string;
    instanceProfileArn: string;
}

const devices = { root: "/dev/xvda", data: "/dev/sdf" } as const;
const gibibyte = 1024 ** 3;
const publicImage = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/** Name of everything the victim consists of. */
const name = "rehearsal-web";
/** Attaching the victim makes it so. */
const desiredCapacity = 1;
const tagged = <T extends string>(ResourceType: T) => [{ ResourceType, Tags: [{ Key: "Name", Value: name }] }];

async function createNetwork(ec2: EC2Client, region: string) {
    const VpcId = (await ec2.send(new CreateVpcCommand({ CidrBlock: "10.20.0.0/16", TagSpecifications: tagged("vpc") }))).Vpc!.VpcId!;
    const subnet = async (CidrBlock: string, zone: string) =>
        (
            await ec2.send(
                new CreateSubnetCommand({ VpcId, CidrBlock, AvailabilityZone: `${region}${zone}`, TagSpecifications: tagged("subnet") }),
            )
        ).Subnet!.SubnetId!;
    const group = async (GroupName: string, port: number, CidrIp: string) => {
        const GroupId = (
            await ec2.send(new CreateSecurityGroupCommand({ VpcId, GroupName, Description: `${GroupName} of the rehearsal's victim` }))
        ).GroupId!;
        await ec2.send(
            new AuthorizeSecurityGroupIngressCommand({
                GroupId,
                IpPermissions: [{ IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp }] }],
            }),
        );
        return GroupId;
    };
    return {
        VpcId,
        subnets: [await subnet("10.20.1.0/24", "a"), await subnet("10.20.2.0/24", "b")] as const,
        webGroup: await group(`${name}-http`, 80, "0.0.0.0/0"),
        adminGroup: await group(`${name}-ssh`, 22, "10.0.0.0/8"),
    };
}

/** @param roleName also of the profile; both are global in their account */
async function createProfile(iam: IAMClient, roleName: string): Promise<string> {
    await iam.send(
        new CreateRoleCommand({
            RoleName: roleName,
            AssumeRolePolicyDocument: JSON.stringify({
                Version: "2012-10-17",
                Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
            }),
        }),
    );
    // What Systems Manager's agent needs, and a call that anybody who steals the credentials would try.
    const Statement = {
        Effect: "Allow",
        Action: ["ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*", "ec2:DescribeInstances"],
        Resource: "*",
    };
    await iam.send(
        new PutRolePolicyCommand({
            RoleName: roleName,
            PolicyName: "web",
            PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [Statement] }),
        }),
    );
    const { InstanceProfile } = await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: roleName }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: roleName, RoleName: roleName }));
    return InstanceProfile!.Arn!;
}

async function runInstance(
    ec2: EC2Client,
    imageId: string,
    network: Awaited<ReturnType<typeof createNetwork>>,
    profileArn: string,
    images: Record<"root" | "data", DiskImage>,
): Promise<Instance> {
    const disk = (role: "root" | "data") => ({
        DeviceName: devices[role],
        // AWS deletes volumes with their instance unless told otherwise; containment has to change that.
        Ebs: { VolumeSize: Math.ceil(images[role].sizeBytes / gibibyte), VolumeType: "gp3" as const, DeleteOnTermination: true },
    });
    const { Instances } = await ec2.send(
        new RunInstancesCommand({
            ImageId: imageId,
            InstanceType: "t3.medium",
            MinCount: 1,
            MaxCount: 1,
            IamInstanceProfile: { Arn: profileArn },
            // A second interface has to be in the first one's zone.
            NetworkInterfaces: [
                { DeviceIndex: 0, SubnetId: network.subnets[0], Groups: [network.webGroup, network.adminGroup] },
                { DeviceIndex: 1, SubnetId: network.subnets[0], Groups: [network.adminGroup] },
            ],
            BlockDeviceMappings: [disk("root"), disk("data")],
            TagSpecifications: tagged("instance"),
        }),
    );
    const InstanceIds = [Instances![0]!.InstanceId!];
    await waitUntilInstanceRunning({ client: ec2, maxWaitTime: 60, minDelay: 0.2, maxDelay: 1 }, { InstanceIds });
    return (await ec2.send(new DescribeInstancesCommand({ InstanceIds }))).Reservations![0]!.Instances![0]!;
}

/** Puts the disk images behind the volumes, by a tag the local AWS looks at. */
async function backWithImages(ec2: EC2Client, instance: Instance, images: Record<"root" | "data", DiskImage>): Promise<VictimVolume[]> {
    return Promise.all(
        (["root", "data"] as const).map(async (role) => {
            const volumeId = instance.BlockDeviceMappings?.find((mapping) => mapping.DeviceName === devices[role])?.Ebs?.VolumeId;
            if (!volumeId)
                throw new Error(
                    `The local AWS gave the victim ${instance.InstanceId} no volume at ${devices[role]}; its RunInstances did not honour BlockDeviceMappings.`,
                );
            await ec2.send(new CreateTagsCommand({ Resources: [volumeId], Tags: [{ Key: "rehearsal:image", Value: images[role].path }] }));
            return { volumeId, device: devices[role], role, image: images[role] };
        }),
    );
}

async function putBehindLoadBalancer(
    elb: ElasticLoadBalancingV2Client,
    network: Awaited<ReturnType<typeof createNetwork>>,
    instanceId: string,
): Promise<string> {
    const { TargetGroups } = await elb.send(
        new CreateTargetGroupCommand({ Name: name, Protocol: "HTTP", Port: 80, VpcId: network.VpcId, TargetType: "instance" }),
    );
    const TargetGroupArn = TargetGroups![0]!.TargetGroupArn!;
    const { LoadBalancers } = await elb.send(
        new CreateLoadBalancerCommand({ Name: name, Subnets: [...network.subnets], SecurityGroups: [network.webGroup] }),
    );
    await elb.send(
        new CreateListenerCommand({
            LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn,
            Protocol: "HTTP",
            Port: 80,
            DefaultActions: [{ Type: "forward", TargetGroupArn }],
        }),
    );
    await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: instanceId }] }));
    return TargetGroupArn;
}

async function putBehindClassicLoadBalancer(
    elb: ElasticLoadBalancingClient,
    network: Awaited<ReturnType<typeof createNetwork>>,
    instanceId: string,
): Promise<void> {
    await elb.send(
        new CreateClassicLoadBalancerCommand({
            LoadBalancerName: name,
            Subnets: [network.subnets[0]],
            SecurityGroups: [network.webGroup],
            Listeners: [{ Protocol: "HTTP", LoadBalancerPort: 80, InstancePort: 80 }],
        }),
    );
    await elb.send(new RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName: name, Instances: [{ InstanceId: instanceId }] }));
}

async function putInAutoScalingGroup(
    ec2: EC2Client,
    scaling: AutoScalingClient,
    network: Awaited<ReturnType<typeof createNetwork>>,
    imageId: string,
    instanceId: string,
): Promise<void> {
    await ec2.send(
        new CreateLaunchTemplateCommand({ LaunchTemplateName: name, LaunchTemplateData: { ImageId: imageId, InstanceType: "t3.medium" } }),
    );
    await scaling.send(
        new CreateAutoScalingGroupCommand({
            AutoScalingGroupName: name,
            MinSize: 0,
            MaxSize: 2,
            DesiredCapacity: 0,
            LaunchTemplate: { LaunchTemplateName: name, Version: "$Latest" },
            VPCZoneIdentifier: network.subnets[0],
        }),
    );
    await scaling.send(new AttachInstancesCommand({ AutoScalingGroupName: name, InstanceIds: [instanceId] }));
    // At its minimum size, where a careless detach is refused or starts a fight with the group.
    await scaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: name, MinSize: desiredCapacity }));
}

/** Creates the victim. @param images raw files behind its volumes; they are never written. */
export async function createVictim(clients: LocalClients, target: Target, images: Record<"root" | "data", DiskImage>): Promise<Victim> {
    const ec2 = clients(EC2Client, target);
    const roleName = `${name}-${target.region}`;
    const imageId = (await clients(SSMClient, target).send(new GetParameterCommand({ Name: publicImage }))).Parameter!.Value!;
    const [network, instanceProfileArn] = await Promise.all([
        createNetwork(ec2, target.region),
        createProfile(clients(IAMClient, target), roleName),
    ]);
    const instance = await runInstance(ec2, imageId, network, instanceProfileArn, images);
    const instanceId = instance.InstanceId!;
    const [volumes, targetGroupArn] = await Promise.all([
        backWithImages(ec2, instance, images),
        putBehindLoadBalancer(clients(ElasticLoadBalancingV2Client, target), network, instanceId),
        putBehindClassicLoadBalancer(clients(ElasticLoadBalancingClient, target), network, instanceId),
        putInAutoScalingGroup(ec2, clients(AutoScalingClient, target), network, imageId, instanceId),
    ]);
    return {
        instance: { instanceId, accountId: target.accountId, region: target.region },
        imageId,
        vpcId: network.VpcId,
        interfaces: (instance.NetworkInterfaces ?? []).map((one) => ({
            networkInterfaceId: one.NetworkInterfaceId!,
            privateIpAddress: one.PrivateIpAddress!,
            subnetId: one.SubnetId!,
            groups: (one.Groups ?? []).map((group) => group.GroupId!),
        })),
        volumes,
        autoScalingGroup: name,
        desiredCapacity,
        targetGroupArn,
        classicLoadBalancer: name,
        roleName,
        instanceProfileArn,
    };
}
