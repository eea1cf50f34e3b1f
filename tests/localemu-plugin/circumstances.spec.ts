/** What AWS does beside the straight way: races, IPv6, shared VPCs, pods' interfaces, Marketplace volumes, limits, lifecycle states, lost permissions. */
import {
    AttachInstancesCommand,
    CreateAutoScalingGroupCommand,
    DetachInstancesCommand,
    EnterStandbyCommand,
} from "@aws-sdk/client-auto-scaling";
import {
    AssociateVpcCidrBlockCommand,
    AttachVolumeCommand,
    AuthorizeSecurityGroupEgressCommand,
    CreateLaunchTemplateCommand,
    CreateNetworkAclCommand,
    CreateRouteCommand,
    CreateSecurityGroupCommand,
    CreateSnapshotCommand,
    CreateSnapshotsCommand,
    CreateVolumeCommand,
    CreateVpcCommand,
    DeleteNetworkAclEntryCommand,
    DescribeInstancesCommand,
    DescribeNetworkAclsCommand,
    DescribeNetworkInterfacesCommand,
    DescribeRouteTablesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSnapshotsCommand,
    DescribeSubnetsCommand,
    DescribeTrunkInterfaceAssociationsCommand,
    DescribeVolumesCommand,
    DescribeVpcsCommand,
    LockSnapshotCommand,
    ModifyNetworkInterfaceAttributeCommand,
    RevokeSecurityGroupEgressCommand,
    StopInstancesCommand,
    type IpPermission,
} from "@aws-sdk/client-ec2";
import { CreateEventBusCommand, DescribeEventBusCommand, PutPermissionCommand } from "@aws-sdk/client-eventbridge";
import { expect } from "chai";
import { bringAbout, type Circumstance } from "../../rehearsal/circumstances";
import { allow, makeRole } from "./support/functions";
import { clientsOf, errorOf, FORENSICS, localEmu, MEMBER, OUTSIDER, REGION, rootOf, unique, until, type Clients } from "./support/localAws";
import { describeInstance, makeGroup, makeNetwork, startInstance, volumeAt, type Network } from "./support/network";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";

type Kind<K> = Circumstance extends infer C ? (C extends { kind: K } ? Omit<C, "kind" | "accountId" | "region"> : never) : never;

describe("LocalEmu: circumstances", function () {
    this.timeout(30_000);
    let aws: Clients;
    let endpoint: string;
    let network: Network;
    const place = { accountId: MEMBER, region: REGION };
    const bring = <K extends Circumstance["kind"]>(kind: K, rest: Kind<K>, where = place) =>
        bringAbout(endpoint, { ...where, kind, ...rest } as unknown as Circumstance);
    const running = async (clients = aws, SubnetId = network.subnetIds[0]) => {
        const { InstanceId } = await startInstance(clients, { SubnetId });
        await until("it runs", async () => (await describeInstance(clients, InstanceId!)).State!.Name === "running" || undefined);
        return describeInstance(clients, InstanceId!);
    };

    before(async function () {
        this.timeout(600_000);
        ({ endpoint } = await localEmu());
        aws = await rootOf(MEMBER);
        network = await makeNetwork(aws);
    });

    it("of twenty who make a group of one name at once, one does; the others are told of it", async () => {
        const GroupName = unique("raced");
        const make = () => aws.ec2.send(new CreateSecurityGroupCommand({ VpcId: network.vpcId, GroupName, Description: "spec" }));
        const outcomes = await Promise.all(
            Array.from({ length: 20 }, () =>
                make().then(
                    () => "made",
                    (error: Error) => error.name,
                ),
            ),
        );
        expect(outcomes.filter((each) => each === "made")).to.have.length(1);
        expect(new Set(outcomes.filter((each) => each !== "made"))).to.deep.equal(new Set(["InvalidGroup.Duplicate"]));
    });

    it("a call that is refused puts nothing back that another call takes away at the same moment", async function () {
        this.timeout(60_000);
        const groups = await Promise.all(Array.from({ length: 100 }, () => makeGroup(aws, network.vpcId)));
        const close = (GroupId: string, rule: IpPermission) =>
            aws.ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [{ IpProtocol: "-1", ...rule }] }));
        await Promise.all(
            groups.flatMap((id) => [
                // Refused, since there is no such rule; LocalEmu says done where the group has no rule left.
                ...[1, 2, 3].map(() => close(id, { Ipv6Ranges: [{ CidrIpv6: "::/0" }] }).catch(() => undefined)),
                close(id, { IpRanges: [{ CidrIp: "0.0.0.0/0" }] }),
            ]),
        );
        const { SecurityGroups } = await aws.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: groups }));
        expect(SecurityGroups).to.have.length(groups.length);
        expect(SecurityGroups!.filter((each) => each.IpPermissionsEgress!.length > 0).map((each) => each.GroupId)).to.deep.equal([]);
    });

    it("a new group lets everything out, over IPv6 too in a VPC that has it; what is there is a duplicate, what is not cannot be revoked", async () => {
        const ipv6 = (await aws.ec2.send(new CreateVpcCommand({ CidrBlock: "10.60.0.0/16", AmazonProvidedIpv6CidrBlock: true }))).Vpc!
            .VpcId!;
        const everywhere4: IpPermission = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
        const everywhere6: IpPermission = { IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] };
        const [six, four] = [await makeGroup(aws, ipv6), await makeGroup(aws, network.vpcId)];
        const egress = async (id: string) =>
            (await aws.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }))).SecurityGroups![0]!.IpPermissionsEgress!.flatMap(
                (each) => [...each.IpRanges!.map((range) => range.CidrIp), ...each.Ipv6Ranges!.map((range) => range.CidrIpv6)],
            );
        const open = (GroupId: string, ...IpPermissions: IpPermission[]) =>
            aws.ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions }));
        const close = (GroupId: string, ...IpPermissions: IpPermission[]) =>
            aws.ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions }));
        expect(await egress(six)).to.have.members(["0.0.0.0/0", "::/0"]);
        expect(await egress(four)).to.deep.equal(["0.0.0.0/0"]);
        expect(await errorOf(open(six, everywhere6))).to.equal("InvalidPermission.Duplicate");
        expect(await errorOf(close(four, everywhere6))).to.equal("InvalidPermission.NotFound");
        // All of a call or nothing of it.
        const https: IpPermission = { IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: "10.0.0.0/8" }] };
        expect(await errorOf(open(four, https, everywhere4))).to.equal("InvalidPermission.Duplicate");
        expect(await egress(four)).to.deep.equal(["0.0.0.0/0"]);
        await open(four, everywhere6);
        await close(four, everywhere4, everywhere6);
        expect(await egress(four)).to.deep.equal([]);
        await aws.ec2.send(new AssociateVpcCidrBlockCommand({ VpcId: network.vpcId, AmazonProvidedIpv6CidrBlock: true }));
        expect(await egress(four)).to.deep.equal([]);
        expect(await egress(await makeGroup(aws, network.vpcId))).to.have.members(["0.0.0.0/0", "::/0"]);
    });

    it("a shared subnet keeps its owner's account in its ARN; a participant launches and makes groups, and leaves the network alone", async () => {
        const participant = await rootOf(OUTSIDER);
        const subnetId = network.subnetIds[0];
        expect(await errorOf(participant.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] })))).to.equal(
            "InvalidSubnetID.NotFound",
        );
        await bring("shareSubnet", { subnetId, withAccountId: OUTSIDER });
        const subnet = (await participant.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] }))).Subnets![0]!;
        const vpc = (await participant.ec2.send(new DescribeVpcsCommand({ VpcIds: [network.vpcId] }))).Vpcs![0]!;
        expect([subnet.OwnerId, vpc.OwnerId]).to.deep.equal([MEMBER, MEMBER]);
        const instance = await running(participant, subnetId);
        expect(instance.VpcId).to.equal(network.vpcId);
        const group = await makeGroup(participant, network.vpcId);
        const interfaceId = instance.NetworkInterfaces![0]!.NetworkInterfaceId!;
        await participant.ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: interfaceId, Groups: [group] }));
        expect(
            (await describeInstance(participant, instance.InstanceId!)).NetworkInterfaces![0]!.Groups!.map((each) => each.GroupId),
        ).to.deep.equal([group]);
        expect(await errorOf(participant.ec2.send(new CreateNetworkAclCommand({ VpcId: network.vpcId })))).to.equal(
            "UnauthorizedOperation",
        );
        await aws.ec2.send(new CreateNetworkAclCommand({ VpcId: network.vpcId }));
        // It sees the network ACL and the route table of the subnet, which stay the owner's, and nothing else of the VPC's.
        const inVpc = { Filters: [{ Name: "vpc-id", Values: [network.vpcId] }] };
        const acls = (await participant.ec2.send(new DescribeNetworkAclsCommand(inVpc))).NetworkAcls!;
        const tables = (await participant.ec2.send(new DescribeRouteTablesCommand(inVpc))).RouteTables!;
        expect([acls, tables].map((each) => each.map(({ OwnerId }) => OwnerId))).to.deep.equal([[MEMBER], [MEMBER]]);
        expect(acls[0]!.Associations!.map(({ SubnetId }) => SubnetId)).to.include(subnetId);
        const entry = { NetworkAclId: acls[0]!.NetworkAclId, RuleNumber: 100, Egress: false };
        for (const change of [
            participant.ec2.send(new DeleteNetworkAclEntryCommand(entry)),
            participant.ec2.send(
                new CreateRouteCommand({
                    RouteTableId: tables[0]!.RouteTableId,
                    DestinationCidrBlock: "0.0.0.0/0",
                    GatewayId: "igw-00000000000000000",
                }),
            ),
        ])
            expect(await errorOf(change)).to.equal("UnauthorizedOperation");
        // A role that may make groups only in VPCs of its own account cannot make one here.
        const RoleArn = await makeRole(participant, { AWS: `arn:aws:iam::${OUTSIDER}:root` }, [
            allow("ec2:CreateSecurityGroup", [
                `arn:aws:ec2:${REGION}:${OUTSIDER}:vpc/*`,
                `arn:aws:ec2:${REGION}:${OUTSIDER}:security-group/*`,
            ]),
        ]);
        const { Credentials: made } = await participant.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "spec" }));
        const role = clientsOf(endpoint, {
            accessKeyId: made!.AccessKeyId!,
            secretAccessKey: made!.SecretAccessKey!,
            sessionToken: made!.SessionToken!,
        });
        expect(await errorOf(makeGroup(role, network.vpcId))).to.equal("UnauthorizedOperation");
    });

    it("a pod's branch interface stands in no instance, and is found by its trunk", async () => {
        const instance = await running();
        const trunk = instance.NetworkInterfaces![0]!.NetworkInterfaceId!;
        const group = await makeGroup(aws, network.vpcId);
        const { networkInterfaceId } = await bring("branchInterface", {
            instanceId: instance.InstanceId!,
            subnetId: network.subnetIds[0],
            groupIds: [group],
        });
        const { Reservations } = await aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
        expect(Reservations![0]!.Instances![0]!.NetworkInterfaces!.map((each) => each.NetworkInterfaceId)).to.deep.equal([trunk]);
        const described = async (...Filters: { Name: string; Values: string[] }[]) =>
            (await aws.ec2.send(new DescribeNetworkInterfacesCommand({ Filters }))).NetworkInterfaces!;
        const [branch] = await described({ Name: "tag:vpcresources.k8s.aws/trunk-eni-id", Values: [trunk] });
        expect(branch).to.include({ NetworkInterfaceId: networkInterfaceId, InterfaceType: "branch", Status: "in-use" });
        expect((await described({ Name: "interface-type", Values: ["trunk"] })).map((each) => each.NetworkInterfaceId)).to.deep.equal([
            trunk,
        ]);
        const { InterfaceAssociations } = await aws.ec2.send(
            new DescribeTrunkInterfaceAssociationsCommand({
                Filters: [{ Name: "trunk-interface-association.trunk-interface-id", Values: [trunk] }],
            }),
        );
        expect(InterfaceAssociations!.map((each) => [each.BranchInterfaceId, each.TrunkInterfaceId])).to.deep.equal([
            [networkInterfaceId, trunk],
        ]);
        const empty = await makeGroup(aws, network.vpcId);
        await aws.ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: networkInterfaceId!, Groups: [empty] }));
        expect((await described({ Name: "group-id", Values: [empty] })).map((each) => each.NetworkInterfaceId)).to.deep.equal([
            networkInterfaceId,
        ]);
    });

    it("a volume of a Marketplace image, and one made of its snapshot, attaches to a stopped instance only", async () => {
        const [victim, host] = [await running(), await running()];
        await bring("marketplaceCode", { volumeId: volumeAt(victim), code: "abcd1234" });
        const SnapshotId = (await aws.ec2.send(new CreateSnapshotCommand({ VolumeId: volumeAt(victim) }))).SnapshotId!;
        await until(
            "it is complete",
            async () =>
                (await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }))).Snapshots![0]!.State === "completed" ||
                undefined,
        );
        const VolumeId = (await aws.ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, SnapshotId }))).VolumeId!;
        const volume = async () => (await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).Volumes![0]!;
        await until("it is available", async () => (await volume()).State === "available" || undefined);
        const attach = () => aws.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: host.InstanceId!, Device: "/dev/sdf" }));
        expect(await errorOf(attach())).to.equal("OperationNotPermitted");
        await aws.ec2.send(new StopInstancesCommand({ InstanceIds: [host.InstanceId!] }));
        await until("it is stopped", async () => (await describeInstance(aws, host.InstanceId!)).State!.Name === "stopped" || undefined);
        await attach();
    });

    it("snapshots under way are limited, a volume and an account; a pending one can be locked", async () => {
        const victim = await running();
        const snap = () => aws.ec2.send(new CreateSnapshotCommand({ VolumeId: volumeAt(victim) }));
        const first = (await snap()).SnapshotId!;
        const { LockState } = await aws.ec2.send(new LockSnapshotCommand({ SnapshotId: first, LockMode: "governance", LockDuration: 1 }));
        expect(LockState).to.equal("governance");
        // At once: a snapshot is pending for five seconds at the most.
        await Promise.all(Array.from({ length: 4 }, snap));
        expect(await errorOf(snap())).to.equal("ConcurrentSnapshotLimitExceeded");
        const other = await running();
        await bring("snapshotsPending", { count: 100, seconds: 1 });
        const snapAll = () => aws.ec2.send(new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: other.InstanceId! } }));
        expect(await errorOf(snapAll())).to.equal("PendingSnapshotLimitExceeded");
        await until("they are complete", () => snapAll().catch(() => undefined));
    });

    it("Auto Scaling detaches what is in service or standby, and nothing on its way in or out", async () => {
        const instance = await running();
        const LaunchTemplateName = unique("template");
        await aws.ec2.send(
            new CreateLaunchTemplateCommand({
                LaunchTemplateName,
                LaunchTemplateData: { ImageId: instance.ImageId, InstanceType: "t3.micro" },
            }),
        );
        const AutoScalingGroupName = unique("asg");
        await aws.autoscaling.send(
            new CreateAutoScalingGroupCommand({
                AutoScalingGroupName,
                MinSize: 0,
                MaxSize: 2,
                DesiredCapacity: 0,
                LaunchTemplate: { LaunchTemplateName },
                VPCZoneIdentifier: network.subnetIds[0],
            }),
        );
        const InstanceIds = [instance.InstanceId!];
        await aws.autoscaling.send(new AttachInstancesCommand({ AutoScalingGroupName, InstanceIds }));
        const both = { AutoScalingGroupName, InstanceIds, ShouldDecrementDesiredCapacity: true };
        const detach = () => aws.autoscaling.send(new DetachInstancesCommand(both));
        for (const state of ["Pending", "Pending:Wait", "Warmed:Stopped", "Terminating:Wait"]) {
            await bring("lifecycleState", { instanceId: instance.InstanceId!, state });
            expect(await errorOf(detach()), state).to.equal("ValidationError");
            expect(await errorOf(aws.autoscaling.send(new EnterStandbyCommand(both))), state).to.equal("ValidationError");
        }
        await bring("lifecycleState", { instanceId: instance.InstanceId!, state: "Pending:Wait", seconds: 0.3 });
        await until("it is in service", () => detach().catch(() => undefined));
    });

    it("permissions put on one bus at the same time overwrite each other and answer 200; one document stays whole", async () => {
        const forensics = await rootOf(FORENSICS);
        const EventBusName = unique("bus");
        const { EventBusArn } = await forensics.events.send(new CreateEventBusCommand({ Name: EventBusName }));
        const put = (StatementId: string) =>
            forensics.events.send(new PutPermissionCommand({ EventBusName, StatementId, Principal: MEMBER, Action: "events:PutEvents" }));
        const kept = async () => {
            const { Policy } = await forensics.events.send(new DescribeEventBusCommand({ Name: EventBusName }));
            return (JSON.parse(Policy!) as { Statement: { Sid: string }[] }).Statement.map((each) => each.Sid);
        };
        await put("before");
        await Promise.all(["a", "b", "c", "d", "e"].map(put));
        const after = await kept();
        expect(after).to.include("before");
        expect(after.length).to.be.below(6);
        await put("after");
        expect(await kept()).to.deep.equal([...after, "after"]);
        const statement = (Sid: string) => ({
            Sid,
            Effect: "Allow",
            Principal: { AWS: `arn:aws:iam::${MEMBER}:root` },
            Action: "events:PutEvents",
            Resource: EventBusArn,
        });
        const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement("x"), statement("y")] });
        await forensics.events.send(new PutPermissionCommand({ EventBusName, Policy }));
        expect(await kept()).to.deep.equal(["x", "y"]);
    });
});
