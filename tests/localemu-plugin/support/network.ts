/** A VPC with two subnets in two zones, and instances in it. */
import {
    CreateSecurityGroupCommand,
    CreateSubnetCommand,
    CreateVpcCommand,
    DescribeImagesCommand,
    DescribeInstancesCommand,
    RunInstancesCommand,
    type Instance,
    type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { unique, type Clients } from "./localAws";

export interface Network {
    vpcId: string;
    /** In zones a and b. */
    subnetIds: [string, string];
}

export async function makeNetwork(aws: Clients): Promise<Network> {
    const region = await aws.ec2.config.region();
    const vpcId = (await aws.ec2.send(new CreateVpcCommand({ CidrBlock: "10.20.0.0/16" }))).Vpc!.VpcId!;
    const subnet = async (block: string, zone: string) =>
        (await aws.ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: block, AvailabilityZone: `${region}${zone}` }))).Subnet!
            .SubnetId!;
    return { vpcId, subnetIds: [await subnet("10.20.1.0/24", "a"), await subnet("10.20.2.0/24", "b")] };
}

export async function makeGroup(aws: Clients, vpcId: string): Promise<string> {
    return (await aws.ec2.send(new CreateSecurityGroupCommand({ VpcId: vpcId, GroupName: unique("group"), Description: "spec" }))).GroupId!;
}

let imageId: string | undefined;

/** Starts one instance of a public Amazon image. */
export async function startInstance(aws: Clients, input: Partial<RunInstancesCommandInput>): Promise<Instance> {
    imageId ??= (await aws.ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }))).Images!.find(
        (image) => image.RootDeviceName === "/dev/xvda",
    )!.ImageId!;
    const { Instances } = await aws.ec2.send(
        new RunInstancesCommand({ ImageId: imageId, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1, ...input }),
    );
    return describeInstance(aws, Instances![0]!.InstanceId!);
}

export async function describeInstance(aws: Clients, instanceId: string): Promise<Instance> {
    return (await aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }))).Reservations![0]!.Instances![0]!;
}

/** The volume at a device; the root device when none is named. */
export const volumeAt = (instance: Instance, device = instance.RootDeviceName): string =>
    instance.BlockDeviceMappings!.find((each) => each.DeviceName === device)!.Ebs!.VolumeId!;
