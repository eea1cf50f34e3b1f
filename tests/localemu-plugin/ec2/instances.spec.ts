import {
    AssociateIamInstanceProfileCommand,
    CreateLaunchTemplateCommand,
    CreateTagsCommand,
    DescribeIamInstanceProfileAssociationsCommand,
    DescribeInstanceAttributeCommand,
    ModifyInstanceAttributeCommand,
    ModifyInstanceMetadataOptionsCommand,
    ReplaceIamInstanceProfileAssociationCommand,
    RunInstancesCommand,
    StartInstancesCommand,
    StopInstancesCommand,
    TerminateInstancesCommand,
    type InstanceAttributeName,
    type ModifyInstanceAttributeCommandInput,
} from "@aws-sdk/client-ec2";
import { CreateInstanceProfileCommand } from "@aws-sdk/client-iam";
import { expect } from "chai";
import { errorOf, MEMBER, rootOf, unique, until, type Clients } from "../support/localAws";
import { describeInstance, makeNetwork, startInstance, type Network } from "../support/network";

describe("LocalEmu: instances", function () {
    this.timeout(20_000);
    let aws: Clients;
    let network: Network;

    const inState = (id: string, state: string) =>
        until(`${id} is ${state}`, async () => ((await describeInstance(aws, id)).State?.Name === state ? id : undefined));
    const start = async (input = {}) => (await startInstance(aws, { SubnetId: network.subnetIds[0], ...input })).InstanceId!;
    const running = async (input = {}) => inState(await start(input), "running");
    const change = (InstanceId: string, input: Omit<ModifyInstanceAttributeCommandInput, "InstanceId">) =>
        aws.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, ...input }));
    const attribute = (InstanceId: string, Attribute: InstanceAttributeName) =>
        aws.ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute }));
    const terminate = (id: string) => aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    const makeProfile = async () =>
        (await aws.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: unique("profile") }))).InstanceProfile!.Arn!;

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(MEMBER);
        network = await makeNetwork(aws);
    });

    it("are pending before they run, also when started again", async () => {
        const instance = await startInstance(aws, { SubnetId: network.subnetIds[0] });
        expect(instance.State!.Name).to.equal("pending");
        const id = await inState(instance.InstanceId!, "running");
        await aws.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
        await inState(id, "stopped");
        await aws.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
        await inState(id, "running");
    });

    it("are started once for each client token", async () => {
        const { ImageId } = await describeInstance(aws, await start());
        const launch = async (ClientToken: string, input = {}) =>
            (
                await aws.ec2.send(
                    new RunInstancesCommand({
                        ImageId,
                        InstanceType: "t3.micro",
                        MinCount: 1,
                        MaxCount: 1,
                        SubnetId: network.subnetIds[0],
                        ClientToken,
                        ...input,
                    }),
                )
            ).Instances![0]!.InstanceId!;
        const token = unique("token");
        const ids = await Promise.all([1, 2, 3].map(() => launch(token)));
        expect(new Set(ids).size).to.equal(1);
        expect(await launch(unique("token"))).not.to.equal(ids[0]);
        expect(await errorOf(launch(token, { InstanceType: "t3.small" }))).to.equal("IdempotentParameterMismatch");
        await terminate(ids[0]!);
        expect(await errorOf(launch(token))).to.equal("IdempotentInstanceTerminated");
    });

    it("have the profile of their launch, each of them", async () => {
        const Arn = await makeProfile();
        const { ImageId } = await describeInstance(aws, await start());
        const { Instances } = await aws.ec2.send(
            new RunInstancesCommand({
                ImageId,
                InstanceType: "t3.micro",
                MinCount: 3,
                MaxCount: 3,
                SubnetId: network.subnetIds[0],
                IamInstanceProfile: { Arn },
            }),
        );
        const ids = Instances!.map(({ InstanceId }) => InstanceId!);
        expect(ids).to.have.length(3);
        for (const id of ids) expect((await describeInstance(aws, id)).IamInstanceProfile?.Arn, id).to.equal(Arn);
        const { IamInstanceProfileAssociations } = await aws.ec2.send(
            new DescribeIamInstanceProfileAssociationsCommand({ Filters: [{ Name: "instance-id", Values: ids }] }),
        );
        expect(IamInstanceProfileAssociations!.map(({ InstanceId }) => InstanceId)).to.have.members(ids);
    });

    it("are refused with an image that does not exist, and not tagged when they do not exist", async () => {
        expect(await errorOf(start({ ImageId: "ami-00000000000000000" }))).to.equal("InvalidAMIID.NotFound");
        const tag = (id: string) => errorOf(aws.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "a", Value: "b" }] })));
        expect(await tag("i-00000000000000000")).to.equal("InvalidInstanceID.NotFound");
        expect(await tag("vol-00000000000000000")).to.equal("InvalidVolume.NotFound");
        expect(await tag("snap-00000000000000000")).to.equal("InvalidSnapshot.NotFound");
        expect(await errorOf(describeInstance(aws, "i-00000000000000000"))).to.equal("InvalidInstanceID.NotFound");
    });

    it("have the root device of their image beside the devices of the launch or its template", async () => {
        const devices = async (input: object) =>
            (await describeInstance(aws, await start(input))).BlockDeviceMappings!.map((each) => each.DeviceName).sort();
        const BlockDeviceMappings = [{ DeviceName: "/dev/sdf", Ebs: { VolumeSize: 2 } }];
        expect(await devices({})).to.deep.equal(["/dev/xvda"]);
        expect(await devices({ BlockDeviceMappings })).to.deep.equal(["/dev/sdf", "/dev/xvda"]);
        const LaunchTemplateName = unique("template");
        const LaunchTemplateData = {
            InstanceType: "t3.micro" as const,
            BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: 9 } }, ...BlockDeviceMappings],
        };
        await aws.ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName, LaunchTemplateData }));
        expect(await devices({ LaunchTemplate: { LaunchTemplateName } })).to.deep.equal(["/dev/sdf", "/dev/xvda"]);
    });

    it("are protected from being ended and stopped, and take one change a call", async () => {
        const id = await running();
        await change(id, { DisableApiTermination: { Value: true } });
        await change(id, { DisableApiStop: { Value: true } });
        await change(id, { InstanceInitiatedShutdownBehavior: { Value: "terminate" } });
        expect((await attribute(id, "disableApiTermination")).DisableApiTermination!.Value).to.equal(true);
        expect((await attribute(id, "disableApiStop")).DisableApiStop!.Value).to.equal(true);
        expect((await attribute(id, "instanceInitiatedShutdownBehavior")).InstanceInitiatedShutdownBehavior!.Value).to.equal("terminate");
        expect(await errorOf(terminate(id))).to.equal("OperationNotPermitted");
        expect(await errorOf(aws.ec2.send(new StopInstancesCommand({ InstanceIds: [id] })))).to.match(
            /^OperationNotPermitted|^UnsupportedOperation/,
        );
        expect(await errorOf(change(id, { DisableApiTermination: { Value: false }, DisableApiStop: { Value: false } }))).to.equal(
            "InvalidParameterCombination",
        );
        expect(await errorOf(change(id, { InstanceType: { Value: "t3.small" } }))).to.equal("IncorrectInstanceState");
        await change(id, { DisableApiTermination: { Value: false } });
        await terminate(id);
        expect((await describeInstance(aws, id)).State!.Name).to.equal("terminated");
        await terminate(id);
    });

    it("keep metadata options that a change does not name", async () => {
        const id = await running({ MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 3 } });
        await aws.ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, HttpEndpoint: "disabled" }));
        expect((await describeInstance(aws, id)).MetadataOptions).to.include({
            HttpEndpoint: "disabled",
            HttpTokens: "required",
            HttpPutResponseHopLimit: 3,
        });
        await aws.ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, HttpEndpoint: "enabled" }));
        expect((await describeInstance(aws, id)).MetadataOptions).to.include({
            HttpEndpoint: "enabled",
            HttpTokens: "required",
            HttpPutResponseHopLimit: 3,
        });
    });

    it("show the profile that replaces another", async () => {
        const [first, second] = [await makeProfile(), await makeProfile()];
        const id = await running();
        await aws.ec2.send(new AssociateIamInstanceProfileCommand({ InstanceId: id, IamInstanceProfile: { Arn: first } }));
        expect((await describeInstance(aws, id)).IamInstanceProfile!.Arn).to.equal(first);
        const { IamInstanceProfileAssociations } = await aws.ec2.send(
            new DescribeIamInstanceProfileAssociationsCommand({ Filters: [{ Name: "instance-id", Values: [id] }] }),
        );
        expect(IamInstanceProfileAssociations).to.have.length(1);
        await aws.ec2.send(
            new ReplaceIamInstanceProfileAssociationCommand({
                AssociationId: IamInstanceProfileAssociations![0]!.AssociationId!,
                IamInstanceProfile: { Arn: second },
            }),
        );
        expect((await describeInstance(aws, id)).IamInstanceProfile!.Arn).to.equal(second);
    });
});
