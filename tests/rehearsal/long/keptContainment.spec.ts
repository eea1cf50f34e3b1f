/**
 * Containment that is kept, on the local AWS with the deployed functions and the workflow: four victims at once, a swapped profile, drift, a shared
 * VPC, a second incident after a failed analysis.
 */
import {
    AllocateAddressCommand,
    AuthorizeSecurityGroupEgressCommand,
    CreateNatGatewayCommand,
    CreateRouteCommand,
    CreateSecurityGroupCommand,
    CreateSubnetCommand,
    CreateVpcCommand,
    DescribeIamInstanceProfileAssociationsCommand,
    DescribeInstanceAttributeCommand,
    DescribeInstancesCommand,
    DescribeNetworkAclsCommand,
    DescribeRouteTablesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSnapshotsCommand,
    EC2Client,
    ModifyInstanceAttributeCommand,
    ModifyInstanceMetadataOptionsCommand,
    ModifyNetworkInterfaceAttributeCommand,
    ReplaceIamInstanceProfileAssociationCommand,
    RunInstancesCommand,
    waitUntilInstanceRunning,
    type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import {
    AddRoleToInstanceProfileCommand,
    CreateInstanceProfileCommand,
    CreateRoleCommand,
    DeleteRolePolicyCommand,
    GetRolePolicyCommand,
    IAMClient,
} from "@aws-sdk/client-iam";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { DescribeExecutionCommand, GetExecutionHistoryCommand, ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { expect } from "chai";
import { deniedInstances, denyPolicyName } from "../../../functions/domain/planCredentialDeny";
import type { Containment, Incident, InstanceRef } from "../../../functions/domain/containers";
import { executionName } from "../../../functions/domain/executions";
import { findingFactsSchema } from "../../../functions/domain/findingFacts";
import { proposeIncidents } from "../../../functions/domain/proposeIncidents";
import { parseMessage } from "../../../functions/domain/parseMessage";
import type { LocalClients, Target } from "../../../rehearsal/deploy/localClients";
import { bringAbout } from "../../../rehearsal/circumstances";
import { setFaults } from "../../../rehearsal/faults";
import type { Victim } from "../../../rehearsal/victim";
import { until } from "../../../rehearsal/watch";
import { evidenceBucketName, findingsTopicName, stateMachineName } from "../../../infra/names";
import { forensics, member, region, startLocalEstate, type LocalEstate } from "../support/localEstate";

const stateMachineArn = `arn:aws:states:${region}:${forensics.accountId}:stateMachine:${stateMachineName}`;

describe("containment that is kept, on the local AWS", function () {
    this.timeout(240_000);
    let estate: LocalEstate;
    let clients: LocalClients;
    let victim: Victim;

    before(async function () {
        this.timeout(600_000);
        estate = await startLocalEstate({ evidence: { retentionDays: 1 }, support: { enabled: false } });
        ({ clients, victim } = estate);
    });
    after(() => estate?.stop());

    const ec2 = () => clients(EC2Client, member);
    const describeOne = async (instanceId: string) =>
        (await ec2().send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }))).Reservations![0]!.Instances![0]!;
    const groupsOf = async (instanceId: string) =>
        (await describeOne(instanceId))
            .NetworkInterfaces!.map((each) => [each.NetworkInterfaceId!, ...each.Groups!.map(({ GroupId }) => GroupId!).sort()])
            .sort();
    const deniedBy = async (RoleName: string) => {
        const { PolicyDocument } = await clients(IAMClient, member).send(
            new GetRolePolicyCommand({ RoleName, PolicyName: denyPolicyName }),
        );
        return deniedInstances(decodeURIComponent(PolicyDocument!)).map((arn) => arn.split("/").at(-1));
    };
    /** @param profileArn that the finding names; null for none */
    const incidentOf = (instance: InstanceRef, profileArn: string | null): Incident => {
        const [incident] = proposeIncidents(parseMessage(JSON.stringify({ ...instance })).findings, new Date());
        const { finding } = incident!;
        return { ...incident!, finding: { ...finding, facts: findingFactsSchema.parse({ instance: { profileArn } }) } };
    };

    async function launch(count: number, input: Partial<RunInstancesCommandInput>): Promise<string[]> {
        const { Instances } = await ec2().send(
            new RunInstancesCommand({
                ImageId: victim.imageId,
                InstanceType: "t3.medium",
                MinCount: count,
                MaxCount: count,
                IamInstanceProfile: { Arn: victim.instanceProfileArn },
                ...input,
            }),
        );
        const InstanceIds = Instances!.map(({ InstanceId }) => InstanceId!);
        await waitUntilInstanceRunning({ client: ec2(), minDelay: 1, maxDelay: 1, maxWaitTime: 60 }, { InstanceIds });
        return InstanceIds;
    }

    const contain = (incident: Incident) => estate.invoke("isolateInstance", { incident }) as Promise<Containment>;

    let incidents: Incident[];
    let contained: Containment[];

    it("contains four victims in one VPC at once, and denies the role of a profile that was swapped before", async () => {
        const ids = await launch(4, { SubnetId: victim.interfaces[0]!.subnetId });
        const iam = clients(IAMClient, member);
        const name = "harmless";
        await iam.send(
            new CreateRoleCommand({
                RoleName: name,
                AssumeRolePolicyDocument: JSON.stringify({
                    Version: "2012-10-17",
                    Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
                }),
            }),
        );
        const { InstanceProfile } = await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
        await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
        const [swapped] = ids as [string];
        const { IamInstanceProfileAssociations } = await ec2().send(
            new DescribeIamInstanceProfileAssociationsCommand({ Filters: [{ Name: "instance-id", Values: [swapped] }] }),
        );
        await ec2().send(
            new ReplaceIamInstanceProfileAssociationCommand({
                AssociationId: IamInstanceProfileAssociations![0]!.AssociationId,
                IamInstanceProfile: { Arn: InstanceProfile!.Arn! },
            }),
        );
        expect((await describeOne(swapped)).IamInstanceProfile?.Arn).to.equal(InstanceProfile!.Arn);

        incidents = ids.map((instanceId) =>
            incidentOf({ ...member, instanceId }, instanceId === swapped ? victim.instanceProfileArn : null),
        );
        contained = await Promise.all(incidents.map(contain));
        expect(contained.map((each) => [each.contained, each.steps.filter(({ outcome }) => outcome === "failed")])).to.deep.equal(
            contained.map(() => [true, []]),
        );
        expect(new Set(contained.map(({ isolationGroupId }) => isolationGroupId)).size, "each has a group of its own").to.equal(4);
        for (const [index, id] of ids.entries())
            for (const [, ...groups] of await groupsOf(id)) expect(groups).to.deep.equal([contained[index]!.isolationGroupId]);
        expect(await deniedBy(name)).to.deep.equal([swapped]);
        expect(await deniedBy(victim.roleName)).to.have.members(ids);
    });

    it("tells of what an intruder with the member's rights undid, with who did it, and puts it back", async () => {
        const { instance, incidentId } = incidents[1]!;
        const { instanceId } = instance;
        const [interfaceId, isolation] = (await groupsOf(instanceId))[0] as [string, string];
        const open = victim.interfaces[0]!.groups;
        await ec2().send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: interfaceId, Groups: open }));
        await ec2().send(
            new AuthorizeSecurityGroupEgressCommand({
                GroupId: isolation,
                IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
            }),
        );
        await ec2().send(new ModifyInstanceAttributeCommand({ InstanceId: instanceId, DisableApiTermination: { Value: false } }));
        await ec2().send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: instanceId, HttpEndpoint: "enabled" }));
        await clients(IAMClient, member).send(new DeleteRolePolicyCommand({ RoleName: victim.roleName, PolicyName: denyPolicyName }));

        expect(await estate.invoke("watchContainment", { instance })).to.deep.equal({ standing: 1, looked: 1 });
        const [[, now] = []] = await groupsOf(instanceId);
        const { SecurityGroups } = await ec2().send(new DescribeSecurityGroupsCommand({ GroupIds: [now!] }));
        expect(SecurityGroups!.map(({ IpPermissions, IpPermissionsEgress }) => [IpPermissions, IpPermissionsEgress])).to.deep.equal([
            [[], []],
        ]);
        expect((await describeOne(instanceId)).MetadataOptions?.HttpEndpoint).to.equal("disabled");
        expect(await deniedBy(victim.roleName)).to.include(instanceId);
        const attribute = await ec2().send(
            new DescribeInstanceAttributeCommand({ InstanceId: instanceId, Attribute: "disableApiTermination" }),
        );
        expect(attribute.DisableApiTermination?.Value).to.equal(true);

        const [look] = await readObjects<{ drifts: { what: string; by: string | null; outcome: string }[] }>(`${incidentId}/watch/`);
        const drifts = new Map(look!.drifts.map((each) => [each.what.split(" ").slice(0, 3).join(" "), each]));
        expect(look!.drifts.map(({ outcome }) => outcome)).to.deep.equal(look!.drifts.map(() => "put-back"));
        expect([...drifts.keys()]).to.have.members([
            `the interface ${interfaceId}`,
            "the isolation group",
            "the metadata endpoint",
            "termination protection is",
            `the role ${victim.roleName}`,
        ]);
        expect(drifts.get(`the interface ${interfaceId}`)!.by).to.contain(`arn:aws:iam::${member.accountId}:root`);
        // The others are as they were.
        expect(await estate.invoke("watchContainment", {})).to.deep.equal({ standing: 4, looked: 4 });
        expect(await readObjects(`${incidents[2]!.incidentId}/watch/`)).to.have.length(1);
        expect(await deniedBy(victim.roleName)).to.have.members(incidents.map((each) => each.instance.instanceId));
    });

    it("contains an instance in a subnet that another account shares, names the owner's NAT gateway, and leaves the owner's network alone", async () => {
        const owner = clients(EC2Client, { accountId: "333333333333", region });
        const VpcId = (await owner.send(new CreateVpcCommand({ CidrBlock: "10.30.0.0/16" }))).Vpc!.VpcId!;
        const SubnetId = (await owner.send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.30.1.0/24", AvailabilityZone: `${region}a` })))
            .Subnet!.SubnetId!;
        const { AllocationId } = await owner.send(new AllocateAddressCommand({ Domain: "vpc" }));
        const { NatGateway } = await owner.send(new CreateNatGatewayCommand({ SubnetId, AllocationId }));
        const inVpc = { Filters: [{ Name: "vpc-id", Values: [VpcId] }] };
        const network = async () => [
            (await owner.send(new DescribeRouteTablesCommand(inVpc))).RouteTables,
            (await owner.send(new DescribeNetworkAclsCommand(inVpc))).NetworkAcls,
            (await owner.send(new DescribeSecurityGroupsCommand(inVpc))).SecurityGroups,
        ];
        const RouteTableId = (await owner.send(new DescribeRouteTablesCommand(inVpc))).RouteTables![0]!.RouteTableId;
        const { NatGatewayId } = NatGateway!;
        await owner.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: "0.0.0.0/0", NatGatewayId }));
        await bringAbout(estate.localEmu.endpoint, {
            kind: "shareSubnet",
            accountId: "333333333333",
            region,
            subnetId: SubnetId,
            withAccountId: member.accountId,
        });
        const groups = async () => (await ec2().send(new DescribeSecurityGroupsCommand(inVpc))).SecurityGroups!;
        const { GroupId } = await ec2().send(
            new CreateSecurityGroupCommand({ VpcId, GroupName: "app", Description: "of the participant" }),
        );
        const [instanceId] = (await launch(1, { SubnetId, SecurityGroupIds: [GroupId!] })) as [string];
        const before = { network: await network(), groups: await groups(), carried: await groupsOf(instanceId) };

        const incident = incidentOf({ ...member, instanceId }, null);
        const containment = await contain(incident);
        expect(containment.contained, JSON.stringify(containment.steps)).to.equal(true);
        expect(containment.steps.filter(({ outcome }) => outcome === "failed")).to.deep.equal([]);
        expect(containment.uncut.join("\n")).to.contain(NatGatewayId);
        const own = (await groups()).find((each) => each.GroupId === containment.isolationGroupId);
        expect(own).to.include({ VpcId, OwnerId: member.accountId });
        expect((await groupsOf(instanceId)).map(([, ...carried]) => carried)).to.deep.equal([[containment.isolationGroupId]]);
        expect(await network()).to.deep.equal(before.network);

        const released = await estate.operate("tools/release.ts", incident.incidentId, "--accept-risk", "a rehearsal");
        expect(released.code, `${released.out}${released.err}`).to.equal(0);
        expect({ network: await network(), groups: await groups(), carried: await groupsOf(instanceId) }).to.deep.equal(before);
    });

    /** Says to the findings topic what an operator does. @returns the incident that it opened */
    async function ask(reason: string, known: readonly string[]): Promise<string> {
        await clients(SNSClient, forensics).send(
            new PublishCommand({
                TopicArn: `arn:aws:sns:${region}:${forensics.accountId}:${findingsTopicName}`,
                Message: JSON.stringify({ ...victim.instance, reason }),
            }),
        );
        return until(
            "an execution of another incident",
            async () => {
                const { executions = [] } = await clients(SFNClient, forensics).send(new ListExecutionsCommand({ stateMachineArn }));
                return executions
                    .map((each) => each.name!)
                    .find((each) => each.startsWith(victim.instance.instanceId) && !known.includes(each));
            },
            Date.now() + 30_000,
        );
    }
    const arnOf = (name: string) => `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
    const ended = (name: string) =>
        until(
            `${name} to end`,
            async () => {
                const { status } = await clients(SFNClient, forensics).send(new DescribeExecutionCommand({ executionArn: arnOf(name) }));
                return status === "RUNNING" ? null : status;
            },
            Date.now() + 120_000,
        );
    /** Names of the states that an execution went into. */
    async function statesOf(name: string): Promise<string[]> {
        const { events = [] } = await clients(SFNClient, forensics).send(
            new GetExecutionHistoryCommand({ executionArn: arnOf(name), maxResults: 1000 }),
        );
        return events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);
    }
    /** Objects of the evidence bucket below incidents/. */
    async function readObjects<T>(prefix: string): Promise<T[]> {
        const s3 = clients(S3Client, forensics);
        const Bucket = evidenceBucketName(forensics.accountId, region);
        const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: `incidents/${prefix}` }));
        return Promise.all(
            Contents.map(
                async ({ Key }) =>
                    JSON.parse(await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString("utf8")) as T,
            ),
        );
    }
    const pinsOf = (incidentId: string) =>
        readObjects<{ volumeId: string; stage: string; snapshotId: string; from?: string }>(`${incidentId}/preservation/`);
    it("takes over what stands by a second incident after a failed analysis, resumes that, and releases the first state", async () => {
        const before = await groupsOf(victim.instance.instanceId);
        await setFaults(estate.localEmu.endpoint, { faults: ["ec2:RunInstances#*=deny"] });
        const first = await ask("the first look", []);
        expect(await ended(first)).to.equal("FAILED");
        const evidence = (await pinsOf(first)).filter(({ stage }) => stage === "evidence").map(({ snapshotId }) => snapshotId);
        expect(evidence).to.have.length(victim.volumes.length);
        const snapshots = async (target: Target) =>
            (await clients(EC2Client, target).send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots!.length;
        const made = [await snapshots(member), await snapshots(forensics)];

        const second = await ask("a second look", [first]);
        expect(await ended(second)).to.equal("FAILED");
        const inherited = (await pinsOf(second)).filter(({ stage }) => stage === "evidence");
        expect(inherited.map(({ snapshotId }) => snapshotId)).to.have.members(evidence);
        expect(inherited.map(({ from }) => from)).to.deep.equal(inherited.map(() => first));
        expect([await snapshots(member), await snapshots(forensics)], "nothing is snapshotted or copied again").to.deep.equal(made);

        // It goes on past the step that failed, to the next that does.
        await setFaults(estate.localEmu.endpoint, { faults: ["ec2:AttachVolume#*=deny"] });
        const resumed = await estate.operate("tools/resume.ts", second);
        expect(resumed.code, `${resumed.out}${resumed.err}`).to.equal(0);
        const name = executionName(second, 2);
        expect(resumed.out).to.contain(`Started: ${name}`);
        expect(await ended(name)).to.equal("FAILED");
        expect(await statesOf(second)).to.not.include("AttachEvidenceVolumes");
        expect(await statesOf(name)).to.include.members(["StartForensicInstance", "AttachEvidenceVolumes", "TearDown"]);
        expect([await snapshots(member), await snapshots(forensics)]).to.deep.equal(made);

        const old = await estate.operate("tools/release.ts", first, "--accept-risk", "a rehearsal");
        expect(old.code, `${old.out}${old.err}`).to.equal(0);
        expect(old.out).to.contain(`ends too    ${second}`);
        expect(await groupsOf(victim.instance.instanceId)).to.deep.equal(before);
        const again = await estate.operate("tools/release.ts", second, "--accept-risk", "a rehearsal");
        expect(again.out).to.contain("Nothing was left to do");
    });
});
