/** The metadata of the moment, over an account in memory: what is read, what is kept, and what a refusal costs. */
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { EC2Client } from "@aws-sdk/client-ec2";
import { GuardDutyClient } from "@aws-sdk/client-guardduty";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { SSMClient } from "@aws-sdk/client-ssm";
import { expect } from "chai";
import { handler } from "../../functions/captureMetadata";
import { metadataIndexSchema, metadataParts, type MetadataIndex } from "../../functions/domain/metadata/metadataIndex";
import { siblingsSchema } from "../../functions/domain/metadata/siblings";
import { memberClient } from "../../functions/aws/clients";
import { trailEventsSchema } from "../../functions/domain/metadata/trailEvents";
import { awsError } from "../support/aws/errors";
import { InMemoryS3 } from "../support/aws/s3";
import { underClient, withEnvironment, withoutLog } from "../support/aws/underClients";
import { VirtualTime } from "../support/virtualTime";
import { incident } from "./inMemoryAws";

type Input = Record<string, unknown>;
const { instanceId } = incident.instance;
const base64 = (text: string) => Buffer.from(text).toString("base64");
const profile = "arn:aws:iam::222222222222:instance-profile/app";
const victim = {
    InstanceId: instanceId,
    ImageId: "ami-1",
    KeyName: "ops",
    State: { Name: "running" },
    VpcId: "vpc-1",
    IamInstanceProfile: { Arn: profile },
    Tags: [{ Key: "Name", Value: "web" }],
    NetworkInterfaces: [{ NetworkInterfaceId: "eni-1", SubnetId: "subnet-a", Groups: [{ GroupId: "sg-isolation" }] }],
    BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeId: "vol-1" } }],
};
const other = (id: string, more: Input = {}) => ({
    InstanceId: id,
    State: { Name: "running" },
    NetworkInterfaces: [{ SubnetId: "subnet-z", Groups: [{ GroupId: "sg-z" }] }],
    ...more,
});
/** Written by containment before the first change. */
const restoreRecord = {
    schemaVersion: 1,
    instance: incident.instance,
    readAt: "2026-11-01T10:00:00.000Z",
    state: "running",
    vpcId: "vpc-1",
    availabilityZone: "eu-west-1a",
    lifecycle: "on-demand",
    rootDeviceType: "ebs",
    interfaces: [{ networkInterfaceId: "eni-1", subnetId: "subnet-a", privateIps: ["10.0.0.4"], ipv6: false, groups: ["sg-app"] }],
    volumes: [{ volumeId: "vol-1", device: "/dev/xvda", root: true, deleteOnTermination: true }],
    terminationProtection: false,
    stopProtection: false,
    shutdownBehavior: "stop",
    metadataEndpoint: "enabled",
    instanceProfileArn: profile,
    autoScaling: { group: "web", lifecycleState: "InService" },
    targets: [],
    classicLoadBalancers: [],
    trackedPaths: [],
};
const event = (eventID: string, eventName: string, more: Input = {}) => ({
    CloudTrailEvent: JSON.stringify({
        eventID,
        eventName,
        eventTime: "2026-11-01T09:00:00Z",
        userIdentity: { type: "AssumedRole", arn: `arn:aws:sts::222222222222:assumed-role/app/${instanceId}` },
        ...more,
    }),
});

describe("captureMetadata", () => {
    const s3 = new InMemoryS3();
    const time = new VirtualTime();
    let refusals: Map<string, string>;
    let calls: { name: string; input: Input; region: string; at: number }[];
    let restore: (() => void)[];
    /** By what is asked: `attribute=value` and Region. */
    let trail: Record<string, unknown[]>;
    let answers: Record<string, (input: Input) => unknown>;
    /** Accounts in which the responder role cannot be assumed. */
    let refusedAccounts: string[];

    beforeEach(() => {
        time.install();
        s3.objects.clear();
        s3.objects.set(`${incident.prefix}restore-record.json`, JSON.stringify(restoreRecord));
        refusals = new Map();
        refusedAccounts = [];
        calls = [];
        trail = {};
        answers = {
            DescribeInstances: ({ InstanceIds }) => ({
                Reservations: [
                    {
                        Instances: InstanceIds
                            ? [victim]
                            : [
                                  victim,
                                  other("i-replacement", {
                                      LaunchTime: new Date("2099-01-01"),
                                      Tags: [{ Key: "aws:autoscaling:groupName", Value: "web" }],
                                      PublicIpAddress: "203.0.113.9",
                                  }),
                                  other("i-neighbour", { NetworkInterfaces: [{ Groups: [{ GroupId: "sg-app" }] }] }),
                                  other("i-stranger"),
                              ],
                    },
                ],
            }),
            DescribeNetworkInterfaces: () => ({ NetworkInterfaces: [{ NetworkInterfaceId: "eni-1", TagSet: [{ Key: "a", Value: "b" }] }] }),
            DescribeSecurityGroups: () => ({ SecurityGroups: [{ GroupId: "sg-app", IpPermissions: [{ FromPort: 22 }] }] }),
            DescribeRouteTables: () => ({ RouteTables: [{ RouteTableId: "rtb-1" }] }),
            DescribeNetworkAcls: () => ({ NetworkAcls: [{ NetworkAclId: "acl-1" }] }),
            DescribeNatGateways: () => ({ NatGateways: [] }),
            DescribeVolumes: () => ({ Volumes: [{ VolumeId: "vol-1", Tags: [] }] }),
            DescribeInstanceAttribute: () => ({ UserData: { Value: base64("#!/bin/sh\n\0secret") } }),
            GetConsoleOutput: () => ({ Output: base64("login:") }),
            GetConsoleScreenshot: () => ({ ImageData: base64("jpeg") }),
            DescribeFlowLogs: () => ({ FlowLogs: [{ LogDestination: "arn:aws:s3:::flow-logs" }] }),
            DescribeTrails: () => ({ trailList: [{ S3BucketName: "trail-bucket" }] }),
            DescribeRegions: () => ({ Regions: [{ RegionName: "eu-west-1" }, { RegionName: "ap-south-1" }] }),
            ListDetectors: () => ({ DetectorIds: ["d1"] }),
            ListFindings: () => ({ FindingIds: ["f1"] }),
            GetFindings: () => ({ Findings: [{ Id: "f1", Type: "Recon:EC2/Portscan" }] }),
            GetInstanceProfile: () => ({ InstanceProfile: { Roles: [{ RoleName: "app" }] } }),
            GetRole: () => ({ Role: { RoleName: "app", AssumeRolePolicyDocument: encodeURIComponent('{"Version":"2012-10-17"}') } }),
            ListRolePolicies: () => ({ PolicyNames: ["inline"] }),
            GetRolePolicy: () => ({ PolicyDocument: encodeURIComponent('{"Statement":[]}') }),
            ListAttachedRolePolicies: () => ({ AttachedPolicies: [{ PolicyName: "S3", PolicyArn: "arn:aws:iam::aws:policy/S3" }] }),
            GetPolicy: () => ({ Policy: { DefaultVersionId: "v7" } }),
            GetPolicyVersion: () => ({ PolicyVersion: { Document: encodeURIComponent('{"Statement":["s3"]}') } }),
            ListInventoryEntries: ({ TypeName }) => ({ Entries: TypeName === "AWS:Application" ? [{ Name: "openssl" }] : [] }),
        };
        restore = [
            withEnvironment({
                AWS_REGION: "eu-west-1",
                PARTITION: "aws",
                RESPONDER_ROLE_NAME: "clean-room-responder",
                EVIDENCE_BUCKET: "evidence",
            }),
            withoutLog(),
            underClient(S3Client, (_, name, input) => Promise.resolve(s3.send(name, input))),
            ...[EC2Client, CloudTrailClient, GuardDutyClient, IAMClient, SSMClient].map((Client) =>
                underClient(Client, async (client, name, input) => {
                    const region = await (client as EC2Client).config.region();
                    calls.push({ name, input, region, at: Date.now() });
                    const refusal = refusals.get(name) ?? refusals.get(`${name} in ${region}`);
                    if (refusal) throw awsError(refusal);
                    if (name !== "LookupEvents") return answers[name]!(input);
                    const isOf = (accountId: string) =>
                        client === memberClient(CloudTrailClient, { ...incident.instance, accountId, region }, incident.incidentId);
                    if (refusedAccounts.some(isOf)) throw awsError("AccessDenied");
                    const [{ AttributeKey, AttributeValue }] = input.LookupAttributes as [{ AttributeKey: string; AttributeValue: string }];
                    return { Events: trail[`${AttributeKey}=${AttributeValue} ${region}`] ?? [] };
                }),
            ),
        ];
    });
    afterEach(() => {
        restore.forEach((undo) => undo());
        time.remove();
    });

    const capture = async (round: "now" | "later" = "now"): Promise<MetadataIndex> => {
        const { index } = (await handler({ incident, containment: null, round })) as { index: string };
        return metadataIndexSchema.parse(JSON.parse(s3.objects.get(index)!));
    };
    const part = ({ parts }: MetadataIndex, name: string) => parts.find((each) => each.name === name)!;
    const read = (index: MetadataIndex, name: string) => s3.objects.get(part(index, name).object!.key)!;

    it("keeps every part as an object of its own, and says of each what became of it", async () => {
        const index = await capture();
        expect(index.parts.map(({ name }) => name)).to.deep.equal([...metadataParts]);
        expect(Object.fromEntries(index.parts.map(({ name, outcome }) => [name, outcome]))).to.deep.equal({
            ...Object.fromEntries(metadataParts.map((name) => [name, "read"])),
            // The group that containment made was not found by its id.
            "security-groups": "partly",
            "nat-gateways": "none",
        });
        expect(read(index, "user-data")).to.equal("#!/bin/sh\n\0secret");
        expect(JSON.parse(read(index, "role"))).to.deep.include({
            roles: [
                {
                    role: { RoleName: "app", AssumeRolePolicyDocument: { Version: "2012-10-17" } },
                    inlinePolicies: [{ PolicyName: "inline", PolicyDocument: { Statement: [] } }],
                    attachedPolicies: [
                        { PolicyName: "S3", PolicyArn: "arn:aws:iam::aws:policy/S3", VersionId: "v7", Document: { Statement: ["s3"] } },
                    ],
                },
            ],
        });
        expect(JSON.parse(read(index, "tags"))).to.have.all.keys(instanceId, "eni-1", "vol-1");
    });

    it("looks for the rules of the groups that the instance was attacked with, and for who shares them", async () => {
        const index = await capture();
        const groups = calls.find(({ name }) => name === "DescribeSecurityGroups")!.input;
        expect(groups.Filters).to.deep.equal([{ Name: "group-id", Values: ["sg-app", "sg-isolation"] }]);
        const { siblings, compared } = siblingsSchema.parse(JSON.parse(read(index, "siblings")));
        expect(compared).to.equal(3);
        expect(siblings.map(({ instanceId: id, shares, replacement }) => ({ id, shares, replacement }))).to.deep.equal([
            { id: "i-replacement", shares: ["Auto Scaling group"], replacement: true },
            { id: "i-neighbour", shares: ["security group"], replacement: false },
        ]);
        expect(siblings[0]!.publicAddresses).to.deep.equal(["203.0.113.9"]);
    });

    for (const operation of [
        "DescribeInstances",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeVolumes",
        "DescribeInstanceAttribute",
        "GetConsoleOutput",
        "GetConsoleScreenshot",
        "DescribeFlowLogs",
        "DescribeTrails",
        "DescribeRegions",
        "LookupEvents",
        "ListDetectors",
        "GetFindings",
        "GetInstanceProfile",
        "GetPolicyVersion",
        "ListInventoryEntries",
    ])
        it(`loses no other part when ${operation} is refused, and names what is missing`, async () => {
            refusals.set(operation, "AccessDeniedException");
            const index = await capture();
            const wanting = index.parts.filter(({ missing }) => missing.join().includes("AccessDeniedException"));
            expect(wanting.length, JSON.stringify(index.parts)).to.be.within(1, 2);
            for (const { name, outcome } of index.parts)
                if (!wanting.some((each) => each.name === name) && name !== "nat-gateways" && operation !== "DescribeInstances")
                    expect(outcome, name).to.be.oneOf(["read", ...(name === "security-groups" ? ["partly"] : [])]);
        });

    it("knows the surroundings of an instance that is gone from what containment wrote", async () => {
        answers.DescribeInstances = ({ InstanceIds }) => {
            if (InstanceIds) throw awsError("InvalidInstanceID.NotFound");
            return { Reservations: [] };
        };
        const index = await capture();
        expect(part(index, "instance").outcome).to.equal("none");
        expect(part(index, "route-tables").outcome).to.equal("read");
        expect(part(index, "role").outcome).to.equal("read");
        expect(part(index, "siblings").missing.join()).to.contain("image or key pair");
    });

    it("follows what the instance's credentials opened, in every Region, at the pace that CloudTrail allows", async () => {
        const opens = (key: string) => ({ responseElements: { credentials: { accessKeyId: key } } });
        trail = {
            [`Username=${instanceId} ap-south-1`]: [event("1", "AssumeRole", opens("ASIAADMIN00000000001"))],
            "AccessKeyId=ASIAADMIN00000000001 eu-west-1": [
                event("2", "AssumeRole", opens("ASIAADMIN00000000002")),
                event("2", "AssumeRole"),
            ],
            "AccessKeyId=ASIAADMIN00000000002 us-east-1": [event("3", "CreateUser")],
            // Ours opened this one, not the instance's.
            [`ResourceName=${instanceId} eu-west-1`]: [event("4", "ModifyInstanceAttribute")],
        };
        const index = await capture();
        const { events, lookups } = trailEventsSchema.parse(JSON.parse(read(index, "trail-events")));
        expect(events.map(({ about, region, record }) => `${record.eventID} ${about} ${region}`).sort()).to.deep.equal([
            "1 credentials ap-south-1",
            "2 session eu-west-1",
            "3 session us-east-1",
            "4 instance eu-west-1",
        ]);
        expect(new Set(lookups.map(({ region }) => region))).to.deep.equal(new Set(["eu-west-1", "us-east-1", "ap-south-1"]));
        for (const region of ["eu-west-1", "us-east-1"]) {
            const times = calls.filter((each) => each.name === "LookupEvents" && each.region === region).map(({ at }) => at);
            expect(times.length).to.be.at.least(3);
            times.slice(1).forEach((at, index) => expect(at - times[index]!).to.be.at.least(500));
        }
    });

    it("follows sessions into the accounts whose roles they assumed, and names an account where the responder may not look", async () => {
        const [estate, foreign] = ["333333333333", "444444444444"];
        const opens = (key: string, account: string) => ({
            responseElements: {
                credentials: { accessKeyId: key },
                assumedRoleUser: { arn: `arn:aws:sts::${account}:assumed-role/admin/x` },
            },
        });
        trail = {
            [`Username=${instanceId} eu-west-1`]: [
                event("1", "AssumeRole", opens("ASIAESTATE0000000001", estate)),
                event("2", "AssumeRole", opens("ASIAFOREIGN000000001", foreign)),
                event("3", "AssumeRole", opens("ASIAFOREIGN000000002", foreign)),
            ],
            "AccessKeyId=ASIAESTATE0000000001 us-east-1": [event("4", "CreateUser")],
        };
        refusedAccounts = [foreign];
        const index = await capture();
        const { events, lookups } = trailEventsSchema.parse(JSON.parse(read(index, "trail-events")));
        expect(events.find(({ record }) => record.eventID === "4")).to.deep.include({ about: "session", account: estate });
        // In the account that the role is of, and not where the session was opened.
        for (const { what, account } of lookups.filter(({ about }) => about === "session"))
            expect(account).to.equal(what.includes("ESTATE") ? estate : foreign);
        // One refusal says it of the account: no Region is asked after it for nothing.
        expect(lookups.filter(({ account }) => account === foreign)).to.have.length(2);
        expect(part(index, "trail-events").missing).to.deep.equal([
            `what sessions opened by its credentials did in account ${foreign} (AccessDenied): look in that account's CloudTrail, by AccessKeyId=ASIAFOREIGN000000001, AccessKeyId=ASIAFOREIGN000000002`,
        ]);
    });

    it("names the Region that did not answer", async () => {
        refusals.set("LookupEvents in ap-south-1", "OptInRequired");
        const index = await capture();
        expect(part(index, "trail-events")).to.deep.include({
            outcome: "partly",
            missing: [`events of Username=${instanceId} (OptInRequired) in ap-south-1`],
        });
    });

    it("keeps what was read first when it is called again, and reads the late parts anew in the second round", async () => {
        const first = await capture();
        answers.GetConsoleOutput = () => ({ Output: base64("wiped") });
        const before = calls.length;
        expect(await capture()).to.deep.equal(first);
        expect(calls.length).to.equal(before);
        const later = await capture("later");
        expect(later.parts.map(({ name }) => name)).to.deep.equal(["trail-events", "guardduty-findings", "siblings"]);
        expect(part(later, "siblings").object!.key).to.contain("/metadata/later/");
        expect(read(first, "console-output")).to.equal("login:");
    });
});
