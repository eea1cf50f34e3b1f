import {
    AttachInstancesCommand,
    CreateAutoScalingGroupCommand,
    DescribeAutoScalingGroupsCommand,
    DescribeAutoScalingInstancesCommand,
    DetachInstancesCommand,
    EnterStandbyCommand,
    UpdateAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { CreateLaunchTemplateCommand } from "@aws-sdk/client-ec2";
import {
    CreateLoadBalancerCommand as CreateClassicLoadBalancerCommand,
    DeregisterInstancesFromLoadBalancerCommand,
    DescribeLoadBalancersCommand,
    RegisterInstancesWithLoadBalancerCommand,
} from "@aws-sdk/client-elastic-load-balancing";
import {
    CreateListenerCommand,
    CreateLoadBalancerCommand,
    CreateTargetGroupCommand,
    DeregisterTargetsCommand,
    DescribeTargetHealthCommand,
    RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { expect } from "chai";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { errorOf, localEmu, MEMBER, rootOf, unique, until, type Clients } from "./support/localAws";
import { describeInstance, makeNetwork, startInstance, type Network } from "./support/network";

/** Local addresses, in hexadecimal, that a process listens on. Linux tells. */
function listeningAddresses(pid: number): string[] {
    const sockets = new Set(
        readdirSync(`/proc/${pid}/fd`).map((each) => {
            try {
                return readlinkSync(`/proc/${pid}/fd/${each}`);
            } catch {
                return ""; // closed meanwhile
            }
        }),
    );
    const rows = ["tcp", "tcp6"]
        .filter((each) => existsSync(`/proc/net/${each}`))
        .flatMap((each) => readFileSync(`/proc/net/${each}`, "utf8").trim().split("\n").slice(1));
    return rows
        .map((each) => each.trim().split(/\s+/))
        .filter(([, , , state, , , , , , inode]) => state === "0A" && sockets.has(`socket:[${inode}]`))
        .map((each) => each[1]!)
        .sort();
}

describe("LocalEmu: Auto Scaling and load balancers", function () {
    this.timeout(20_000);
    let aws: Clients;
    let network: Network;
    let template: string;

    async function running(): Promise<string> {
        const id = (await startInstance(aws, { SubnetId: network.subnetIds[0] })).InstanceId!;
        return until("the instance runs", async () => ((await describeInstance(aws, id)).State?.Name === "running" ? id : undefined));
    }
    /** A group with the instances and one more place, at its minimum. */
    async function groupOf(ids: string[], minimum: number, TargetGroupARNs: string[] = []): Promise<string> {
        const name = unique("group");
        await aws.autoscaling.send(
            new CreateAutoScalingGroupCommand({
                AutoScalingGroupName: name,
                MinSize: 0,
                MaxSize: ids.length + 1,
                DesiredCapacity: 0,
                LaunchTemplate: { LaunchTemplateName: template },
                VPCZoneIdentifier: network.subnetIds[0],
                TargetGroupARNs,
            }),
        );
        await aws.autoscaling.send(new AttachInstancesCommand({ AutoScalingGroupName: name, InstanceIds: ids }));
        await aws.autoscaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: name, MinSize: minimum }));
        return name;
    }
    const group = async (name: string) =>
        (await aws.autoscaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }))).AutoScalingGroups![0]!;
    const detach = (AutoScalingGroupName: string, id: string, ShouldDecrementDesiredCapacity = false) =>
        aws.autoscaling.send(new DetachInstancesCommand({ AutoScalingGroupName, InstanceIds: [id], ShouldDecrementDesiredCapacity }));
    const makeTargetGroup = async () =>
        (
            await aws.elbv2.send(
                new CreateTargetGroupCommand({
                    Name: unique("tg").slice(-32),
                    Protocol: "HTTP",
                    Port: 80,
                    VpcId: network.vpcId,
                    TargetType: "instance",
                }),
            )
        ).TargetGroups![0]!.TargetGroupArn!;
    const targets = async (TargetGroupArn: string) =>
        (await aws.elbv2.send(new DescribeTargetHealthCommand({ TargetGroupArn })))
            .TargetHealthDescriptions!.filter((each) => each.TargetHealth!.State !== "draining")
            .map((each) => each.Target!.Id);

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(MEMBER);
        network = await makeNetwork(aws);
        template = unique("template");
        const { ImageId } = await startInstance(aws, { SubnetId: network.subnetIds[0] });
        await aws.ec2.send(
            new CreateLaunchTemplateCommand({ LaunchTemplateName: template, LaunchTemplateData: { ImageId, InstanceType: "t3.micro" } }),
        );
    });

    it("starts a replacement for a detached instance and leaves it running", async () => {
        const id = await running();
        const name = await groupOf([id], 1);
        expect(
            (await aws.autoscaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [id] }))).AutoScalingInstances![0],
        ).to.include({ AutoScalingGroupName: name, LifecycleState: "InService" });
        await detach(name, id);
        const after = await group(name);
        expect(after.DesiredCapacity).to.equal(1);
        expect(after.Instances).to.have.length(1);
        expect(after.Instances![0]!.InstanceId).not.to.equal(id);
        expect((await describeInstance(aws, id)).State!.Name).to.equal("running");
        expect((await describeInstance(aws, after.Instances![0]!.InstanceId!)).SubnetId).to.equal(network.subnetIds[0]);
        expect(
            (await aws.autoscaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [id] }))).AutoScalingInstances,
        ).to.deep.equal([]);
    });

    it("refuses to detach what is not in the group, twice, or below the minimum", async () => {
        const [id, stranger] = [await running(), await running()];
        const name = await groupOf([id], 1);
        expect(await errorOf(detach(name, stranger))).to.equal("ValidationError");
        expect(await errorOf(detach(name, id, true))).to.equal("ValidationError");
        expect(
            await errorOf(
                aws.autoscaling.send(
                    new EnterStandbyCommand({ AutoScalingGroupName: name, InstanceIds: [id], ShouldDecrementDesiredCapacity: true }),
                ),
            ),
        ).to.equal("ValidationError");
        expect(await errorOf(detach("no-such-group", id))).to.equal("ValidationError");
        expect((await group(name)).Instances!.map((each) => each.InstanceId)).to.deep.equal([id]);
        await detach(name, id);
        expect(await errorOf(detach(name, id))).to.equal("ValidationError");
    });

    it("lowers the capacity on request, and starts nothing", async () => {
        const [first, second] = [await running(), await running()];
        const name = await groupOf([first, second], 1);
        await detach(name, first, true);
        const after = await group(name);
        expect(after.DesiredCapacity).to.equal(1);
        expect(after.Instances!.map((each) => each.InstanceId)).to.deep.equal([second]);
    });

    it("refuses to attach an instance that is in a group", async () => {
        const id = await running();
        await groupOf([id], 1);
        const other = await groupOf([await running()], 0);
        expect(
            await errorOf(aws.autoscaling.send(new AttachInstancesCommand({ AutoScalingGroupName: other, InstanceIds: [id] }))),
        ).to.equal("ValidationError");
    });

    it("takes a detached instance off the group's target groups", async () => {
        const id = await running();
        const targetGroup = await makeTargetGroup();
        const name = await groupOf([id], 1, [targetGroup]);
        expect(await targets(targetGroup)).to.include(id);
        await detach(name, id);
        expect(await targets(targetGroup)).not.to.include(id);
    });

    it("registers and deregisters at target groups and classic load balancers", async () => {
        const id = await running();
        const targetGroup = await makeTargetGroup();
        const { LoadBalancers } = await aws.elbv2.send(
            new CreateLoadBalancerCommand({ Name: unique("lb").slice(-32), Subnets: [...network.subnetIds] }),
        );
        await aws.elbv2.send(
            new CreateListenerCommand({
                LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn,
                Protocol: "HTTP",
                Port: 80,
                DefaultActions: [{ Type: "forward", TargetGroupArn: targetGroup }],
            }),
        );
        await aws.elbv2.send(new RegisterTargetsCommand({ TargetGroupArn: targetGroup, Targets: [{ Id: id }] }));
        expect(await targets(targetGroup)).to.deep.equal([id]);
        await aws.elbv2.send(new DeregisterTargetsCommand({ TargetGroupArn: targetGroup, Targets: [{ Id: id }] }));
        expect(await targets(targetGroup)).to.deep.equal([]);
        await aws.elbv2.send(new DeregisterTargetsCommand({ TargetGroupArn: targetGroup, Targets: [{ Id: id }] }));

        const LoadBalancerName = unique("classic").slice(-32);
        await aws.elb.send(
            new CreateClassicLoadBalancerCommand({
                LoadBalancerName,
                Subnets: [network.subnetIds[0]],
                Listeners: [{ Protocol: "HTTP", LoadBalancerPort: 80, InstancePort: 80 }],
            }),
        );
        const instances = async () =>
            (
                await aws.elb.send(new DescribeLoadBalancersCommand({ LoadBalancerNames: [LoadBalancerName] }))
            ).LoadBalancerDescriptions![0]!.Instances!.map((each) => each.InstanceId);
        await aws.elb.send(new RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName, Instances: [{ InstanceId: id }] }));
        expect(await instances()).to.deep.equal([id]);
        await aws.elb.send(new DeregisterInstancesFromLoadBalancerCommand({ LoadBalancerName, Instances: [{ InstanceId: id }] }));
        expect(await instances()).to.deep.equal([]);
    });

    it("opens no port of this machine for a listener", async () => {
        const { pid } = await localEmu();
        const addresses = () => (existsSync("/proc/net/tcp") ? listeningAddresses(pid) : []);
        const before = addresses();
        expect(before.length > 0, "its own port was found").to.equal(existsSync("/proc/net/tcp"));
        const { LoadBalancers } = await aws.elbv2.send(
            new CreateLoadBalancerCommand({ Name: unique("lb").slice(-32), Subnets: [...network.subnetIds] }),
        );
        await aws.elbv2.send(
            new CreateListenerCommand({
                LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn,
                Protocol: "HTTP",
                Port: 80,
                DefaultActions: [{ Type: "forward", TargetGroupArn: await makeTargetGroup() }],
            }),
        );
        expect(addresses()).to.deep.equal(before);
    });
});
