import { expect } from "chai";
import { handler } from "../../functions/startForensicInstance";
import type { Evidence, Incident } from "../../functions/domain/containers";
import { incidentTags } from "../../functions/domain/tags";
import { evidenceOf, incident, InMemoryAws, thrown } from "./inMemoryAws";
import { awsError } from "../support/aws/errors";

const image = "ami-0123456789abcdef0";

describe("startForensicInstance", () => {
    let aws: InMemoryAws;
    let event: { incident: Incident; evidence: Evidence };

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        aws.ssm = (name) => (name === "GetParameter" ? { Parameter: { Value: image } } : undefined);
        event = { incident, evidence: evidenceOf(aws, [{ root: true, device: "/dev/xvda", sizeGiB: 8 }]) };
    });
    afterEach(() => aws.remove());

    const launches = () =>
        aws.of("RunInstances", aws.forensics) as {
            ClientToken: string;
            ImageId: string;
            InstanceType: string;
            NetworkInterfaces: { SubnetId: string }[];
        }[];

    it("starts one instance that nobody can reach or log in to, and gives it back when it runs again", async () => {
        const first = await handler(event);
        const second = await handler(event);
        expect(second).to.deep.equal(first);
        expect(first).to.include({ imageId: image, availabilityZone: "eu-west-1a" });
        expect(first.volumes).to.deep.equal([]);
        expect(launches()).to.have.length(1);
        const [request] = launches();
        expect(request).not.to.have.property("KeyName");
        expect(request).to.deep.include({
            ImageId: image,
            MinCount: 1,
            MaxCount: 1,
            MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1, HttpEndpoint: "enabled" },
            NetworkInterfaces: [
                {
                    DeviceIndex: 0,
                    SubnetId: "subnet-a",
                    Groups: ["sg-forensic"],
                    AssociatePublicIpAddress: false,
                    DeleteOnTermination: true,
                },
            ],
            BlockDeviceMappings: [
                {
                    DeviceName: "/dev/xvda",
                    Ebs: {
                        VolumeSize: 64,
                        Encrypted: true,
                        KmsKeyId: process.env.EVIDENCE_KEY_ARN,
                        VolumeType: "gp3",
                        DeleteOnTermination: true,
                    },
                },
            ],
        });
    });

    it("starts no second one when its answer was lost, since the token is the same", async () => {
        await handler(event);
        const [id, instance] = [...aws.forensics.instances][0]!;
        instance.Tags = []; // as a describe that lags behind shows it
        expect((await handler(event)).instanceId).to.equal(id);
        expect(aws.forensics.instances.size).to.equal(1);
    });

    it("takes the next subnet where the first has no capacity", async () => {
        aws.forensics.errors.set("RunInstances", ["InsufficientInstanceCapacity"]);
        expect((await handler(event)).availabilityZone).to.equal("eu-west-1b");
        expect(launches().map(({ NetworkInterfaces }) => NetworkInterfaces[0]!.SubnetId)).to.deep.equal(["subnet-a", "subnet-b"]);
        expect(launches()[0]!.ClientToken).not.to.equal(launches()[1]!.ClientToken);
    });

    it("takes another type where none of the zones has the configured one", async () => {
        aws.forensics.errors.set("RunInstances", ["InsufficientInstanceCapacity", "Unsupported"]);
        await handler(event);
        expect(launches().map(({ InstanceType }) => InstanceType)).to.deep.equal(["m6i.large", "m6i.large", "m7i.large"]);
    });

    it("takes an instance that is large enough for its volumes, or the next smaller one where AWS has none or the quota is small", async () => {
        event.evidence.snapshots[0]!.sizeGiB = 16_384;
        const host = await handler(event);
        expect(host.plan).to.deep.include({ instanceType: "m6i.4xlarge", fits: true });
        expect(host.plan!.timeoutSeconds)
            .to.be.greaterThan(2 * host.plan!.expectedSeconds!)
            .and.at.most(172_800);
        aws.forensics.instances.clear();
        aws.forensics.errors.set("RunInstances", ["VcpuLimitExceeded"]);
        const before = launches().length;
        const smaller = await handler({
            ...event,
            incident: { ...incident, incidentId: incident.incidentId.replace(/.$/, (last) => (last === "0" ? "1" : "0")) },
        });
        expect(
            launches()
                .slice(before)
                .map(({ InstanceType }) => InstanceType),
        ).to.deep.equal(["m6i.4xlarge", "m6i.2xlarge"]);
        expect(smaller.plan).to.deep.include({ instanceType: "m6i.2xlarge" });
        expect(smaller.plan!.expectedSeconds).to.be.greaterThan(host.plan!.expectedSeconds!);
    });

    it("waits when nothing has capacity, and tells people after ten minutes, once", async () => {
        aws.forensics.errors.set("RunInstances", Array<string>(200).fill("InsufficientReservedInstancesCapacity"));
        const at = (milliseconds: number) => ({
            ...event,
            evidence: { ...event.evidence, completedAt: new Date(Date.now() - milliseconds).toISOString() },
        });
        const error = await thrown(handler(at(1000)));
        expect(error.name).to.equal("NotYet");
        expect(error.message).to.include("m6i.large in subnet-a: InsufficientReservedInstancesCapacity").and.include("subnet-b");
        const told = () => [...aws.objects.keys()].filter((key) => key.endsWith("errors/StartForensicInstance.error.json"));
        expect(told()).to.have.length(0);
        await thrown(handler(at(11 * 60_000)));
        expect(told()).to.have.length(1);
        expect(aws.objects.get(told()[0]!)).to.include("tried again by itself");
    });

    it("waits for a quota to be raised, and says which", async () => {
        aws.forensics.errors.set("RunInstances", Array<string>(200).fill("VcpuLimitExceeded"));
        const error = await thrown(handler(event));
        expect(error.name).to.equal("NotYet");
        expect(error.message).to.include("quota").and.include("m6i.large");
    });

    it("starts a new one after the former was terminated, however EC2 says so", async () => {
        const former = await handler(event);
        aws.forensics.instances.get(former.instanceId)!.State = { Name: "terminated" };
        const next = await handler(event);
        expect(next.instanceId).not.to.equal(former.instanceId);
        aws.forensics.instances.get(next.instanceId)!.State = { Name: "terminated" };
        aws.forensics.errors.set("RunInstances", [
            "InsufficientInstanceCapacity",
            "IdempotentInstanceTerminated",
            "IdempotentInstanceTerminated",
        ]);
        expect([former.instanceId, next.instanceId]).not.to.include((await handler(event)).instanceId);
    });

    it("names the image and the parameter that stand in its way", async () => {
        aws.forensics.errors.set("DescribeImages", ["InvalidAMIID.NotFound"]);
        expect((await thrown(handler(event))).message).to.include(image);
        aws.ssm = () => {
            throw awsError("ParameterNotFound");
        };
        const error = await thrown(handler(event));
        expect(error.name).to.equal("StepFailed");
        expect(error.message).to.include("/aws/service/image");
        process.env.FORENSIC_IMAGE_ID = "ami-00000000000000001";
        await handler(event);
        expect(launches().at(-1)).to.include({ ImageId: "ami-00000000000000001" });
    });

    it("never makes the root volume smaller than the image's", async () => {
        aws.forensics.imageGiB = 100;
        await handler(event);
        expect(
            (aws.of("RunInstances", aws.forensics)[0]!.BlockDeviceMappings as { Ebs: { VolumeSize: number } }[])[0]!.Ebs.VolumeSize,
        ).to.equal(100);
    });

    it("never takes an instance of another incident", async () => {
        aws.forensics.addInstance({
            Tags: incidentTags("i-0a1b2c3d4e5f60718-0000000000000000", "forensic-host") as { Key: string; Value: string }[],
        });
        await handler(event);
        expect(launches()).to.have.length(1);
    });
});
