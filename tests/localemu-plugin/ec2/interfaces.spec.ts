import {
    AttachNetworkInterfaceCommand,
    CreateNetworkInterfaceCommand,
    DescribeNetworkInterfacesCommand,
    ModifyInstanceAttributeCommand,
    ModifyNetworkInterfaceAttributeCommand,
    TerminateInstancesCommand,
    type Instance,
} from "@aws-sdk/client-ec2";
import { expect } from "chai";
import { errorOf, MEMBER, rootOf, type Clients } from "../support/localAws";
import { describeInstance, makeGroup, makeNetwork, startInstance, type Network } from "../support/network";

describe("LocalEmu: network interfaces", function () {
    this.timeout(20_000);
    let aws: Clients;
    let network: Network;
    let groups: string[];
    const groupsOf = async (interfaceId: string) =>
        (await aws.ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [interfaceId] })))
            .NetworkInterfaces![0]!.Groups!.map((group) => group.GroupId)
            .sort();
    const interfaces = (instance: Instance) =>
        instance.NetworkInterfaces!.toSorted((a, b) => a.Attachment!.DeviceIndex! - b.Attachment!.DeviceIndex!);
    const groupsByInterface = (instance: Instance) => interfaces(instance).map((each) => each.Groups!.map((group) => group.GroupId).sort());

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(MEMBER);
        network = await makeNetwork(aws);
        groups = [await makeGroup(aws, network.vpcId), await makeGroup(aws, network.vpcId), await makeGroup(aws, network.vpcId)].sort();
    });
    const startWithTwo = () =>
        startInstance(aws, {
            NetworkInterfaces: [0, 1].map((index) => ({ DeviceIndex: index, SubnetId: network.subnetIds[0], Groups: [groups[index]!] })),
        });

    it("keeps the groups of each interface apart", async () => {
        const instance = await startWithTwo();
        expect(groupsByInterface(instance)).to.deep.equal([[groups[0]], [groups[1]]]);
        expect(instance.SecurityGroups!.map((group) => group.GroupId)).to.deep.equal([groups[0]]);
        for (const [index, each] of interfaces(instance).entries()) {
            expect(await groupsOf(each.NetworkInterfaceId!)).to.deep.equal([groups[index]]);
        }
    });

    it("replaces the groups of one interface and leaves the other", async () => {
        const instance = await startWithTwo();
        for (const index of [0, 1]) {
            await aws.ec2.send(
                new ModifyNetworkInterfaceAttributeCommand({
                    NetworkInterfaceId: interfaces(instance)[index]!.NetworkInterfaceId,
                    Groups: [groups[2]!],
                }),
            );
            const expected = index === 0 ? [[groups[2]], [groups[1]]] : [[groups[2]], [groups[2]]];
            expect(groupsByInterface(await describeInstance(aws, instance.InstanceId!))).to.deep.equal(expected);
        }
        expect((await describeInstance(aws, instance.InstanceId!)).SecurityGroups!.map((group) => group.GroupId)).to.deep.equal([
            groups[2],
        ]);
    });

    it("refuses a group that does not exist or lies in another VPC, and changes nothing", async () => {
        const instance = await startWithTwo();
        const elsewhere = await makeGroup(aws, (await makeNetwork(aws)).vpcId);
        const swap = (group: string) =>
            errorOf(
                aws.ec2.send(
                    new ModifyNetworkInterfaceAttributeCommand({
                        NetworkInterfaceId: interfaces(instance)[0]!.NetworkInterfaceId,
                        Groups: [group],
                    }),
                ),
            );
        expect(await swap("sg-00000000000000000")).to.equal("InvalidGroup.NotFound");
        expect(await swap(elsewhere)).to.equal("InvalidParameter");
        expect(groupsByInterface(await describeInstance(aws, instance.InstanceId!))).to.deep.equal([[groups[0]], [groups[1]]]);
        expect(
            await errorOf(
                aws.ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: network.subnetIds[0], Groups: ["sg-00000000000000000"] })),
            ),
        ).to.equal("InvalidGroup.NotFound");
    });

    it("changes the groups of an instance with one interface, and refuses with two", async () => {
        const single = await startInstance(aws, { SubnetId: network.subnetIds[0], SecurityGroupIds: [groups[0]!, groups[1]!] });
        expect(groupsByInterface(single)).to.deep.equal([[groups[0], groups[1]]]);
        await aws.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: single.InstanceId, Groups: [groups[2]!] }));
        expect(groupsByInterface(await describeInstance(aws, single.InstanceId!))).to.deep.equal([[groups[2]]]);
        const double = await startWithTwo();
        expect(
            await errorOf(aws.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: double.InstanceId, Groups: [groups[2]!] }))),
        ).to.equal("InvalidInstanceID");
    });

    it("shows an interface attached later, with its own groups, and refuses to attach it twice", async () => {
        const instance = await startInstance(aws, { SubnetId: network.subnetIds[0], SecurityGroupIds: [groups[0]!] });
        const added = (await aws.ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: network.subnetIds[0], Groups: [groups[1]!] })))
            .NetworkInterface!.NetworkInterfaceId!;
        const attach = (index: number) =>
            aws.ec2.send(
                new AttachNetworkInterfaceCommand({ InstanceId: instance.InstanceId, NetworkInterfaceId: added, DeviceIndex: index }),
            );
        await attach(1);
        expect(groupsByInterface(await describeInstance(aws, instance.InstanceId!))).to.deep.equal([[groups[0]], [groups[1]]]);
        const filtered = await aws.ec2.send(
            new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [instance.InstanceId!] }] }),
        );
        expect(filtered.NetworkInterfaces).to.have.length(2);
        expect(await errorOf(attach(2))).to.equal("InvalidNetworkInterface.InUse");
    });

    it("removes launched interfaces with their instance and frees the others", async () => {
        const instance = await startInstance(aws, { SubnetId: network.subnetIds[0], SecurityGroupIds: [groups[0]!] });
        const added = (await aws.ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: network.subnetIds[0], Groups: [groups[1]!] })))
            .NetworkInterface!.NetworkInterfaceId!;
        await aws.ec2.send(
            new AttachNetworkInterfaceCommand({ InstanceId: instance.InstanceId, NetworkInterfaceId: added, DeviceIndex: 1 }),
        );
        await aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
        expect(await errorOf(groupsOf(interfaces(instance)[0]!.NetworkInterfaceId!))).to.equal("InvalidNetworkInterfaceID.NotFound");
        const { NetworkInterfaces } = await aws.ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [added] }));
        expect(NetworkInterfaces![0]).to.include({ Status: "available" });
        expect(NetworkInterfaces![0]!.Attachment).to.equal(undefined);
    });
});
