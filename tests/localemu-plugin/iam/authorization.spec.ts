/** What a role may do is decided as IAM decides it: action, resource, conditions, and the resource's own policy. */
import {
    CreateSecurityGroupCommand,
    CreateSnapshotCommand,
    CreateTagsCommand,
    CreateVolumeCommand,
    CreateVpcCommand,
    DeleteVolumeCommand,
    DescribeImagesCommand,
    DescribeVolumesCommand,
    ModifySnapshotAttributeCommand,
    RunInstancesCommand,
    TerminateInstancesCommand,
    type TagSpecification,
} from "@aws-sdk/client-ec2";
import {
    AddRoleToInstanceProfileCommand,
    CreateInstanceProfileCommand,
    CreateRoleCommand,
    PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { DescribeLoadBalancersCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreateKeyCommand, GenerateDataKeyCommand } from "@aws-sdk/client-kms";
import {
    CreateBucketCommand,
    GetObjectCommand,
    ListObjectsV2Command,
    PutBucketEncryptionCommand,
    PutBucketPolicyCommand,
    PutObjectCommand,
} from "@aws-sdk/client-s3";
import { ListStateMachinesCommand } from "@aws-sdk/client-sfn";
import { CreateTopicCommand, PublishCommand } from "@aws-sdk/client-sns";
import { AssumeRoleCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { allow, document, makeRole, type Statement } from "../support/functions";
import { clientsOf, errorOf, FORENSICS, localEmu, MEMBER, REGION, rootOf, unique, type Clients } from "../support/localAws";

const ec2 = (resource: string, account = FORENSICS) => `arn:aws:ec2:${REGION}:${account}:${resource}`;
const tagged = (ResourceType: TagSpecification["ResourceType"], Key: string, Value: string): TagSpecification => ({
    ResourceType,
    Tags: [{ Key, Value }],
});

describe("LocalEmu: permissions", function () {
    this.timeout(30_000);
    let forensics: Clients;
    let member: Clients;
    /** Clients of a new session of a new role of the forensics account. */
    const withRole = async (statements: Statement[]) => {
        const RoleArn = await makeRole(forensics, { AWS: `arn:aws:iam::${FORENSICS}:root` }, statements);
        return { role: RoleArn, aws: await session(forensics, RoleArn) };
    };
    const session = async (aws: Clients, RoleArn: string, more: { ExternalId?: string; Policy?: string } = {}) => {
        const { Credentials: made } = await aws.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "spec", ...more }));
        return clientsOf((await localEmu()).endpoint, {
            accessKeyId: made!.AccessKeyId!,
            secretAccessKey: made!.SecretAccessKey!,
            sessionToken: made!.SessionToken!,
        });
    };

    before(async function () {
        this.timeout(600_000);
        [forensics, member] = await Promise.all([rootOf(FORENSICS), rootOf(MEMBER)]);
    });

    it("actions carry IAM's prefixes", async () => {
        const { aws } = await withRole([allow(["states:ListStateMachines", "elasticloadbalancing:DescribeLoadBalancers"], "*")]);
        await aws.sfn.send(new ListStateMachinesCommand({}));
        await aws.elbv2.send(new DescribeLoadBalancersCommand({}));
        const { aws: other } = await withRole([allow(["stepfunctions:*", "elbv2:*"], "*")]);
        expect(await errorOf(other.sfn.send(new ListStateMachinesCommand({})))).to.equal("AccessDeniedException");
        expect(await errorOf(other.elbv2.send(new DescribeLoadBalancersCommand({})))).to.match(/^AccessDenied/);
    });

    describe("assuming a role", () => {
        it("is refused for a role that is not there, and without the caller's own permission", async () => {
            expect(
                await errorOf(
                    forensics.sts.send(new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${MEMBER}:role/nobody`, RoleSessionName: "spec" })),
                ),
            ).to.equal("AccessDenied");
            const target = await makeRole(member, { AWS: `arn:aws:iam::${FORENSICS}:root` }, []);
            const { aws } = await withRole([]);
            expect(await errorOf(aws.sts.send(new AssumeRoleCommand({ RoleArn: target, RoleSessionName: "spec" })))).to.equal(
                "AccessDenied",
            );
        });

        it("holds the trust policy's conditions on the caller's role and on the external id", async () => {
            const assume = [allow("sts:AssumeRole", `arn:aws:iam::${MEMBER}:role/*`)];
            const [trusted, stranger] = [await withRole(assume), await withRole(assume)];
            const byArn = await makeRole(member, { AWS: `arn:aws:iam::${FORENSICS}:root` }, [], {
                trustCondition: { ArnEquals: { "aws:PrincipalArn": [trusted.role] } },
            });
            expect((await (await session(trusted.aws, byArn)).sts.send(new GetCallerIdentityCommand({}))).Account).to.equal(MEMBER);
            expect(await errorOf(session(stranger.aws, byArn))).to.equal("AccessDenied");
            const byId = await makeRole(member, { AWS: `arn:aws:iam::${FORENSICS}:root` }, [], {
                trustCondition: { StringEquals: { "sts:ExternalId": "right" } },
            });
            await session(trusted.aws, byId, { ExternalId: "right" });
            expect(await errorOf(session(trusted.aws, byId, { ExternalId: "wrong" }))).to.equal("AccessDenied");
            expect(await errorOf(session(trusted.aws, byId))).to.equal("AccessDenied");
            const ofService = await makeRole(member, { Service: "ec2.amazonaws.com" }, []);
            expect(await errorOf(session(trusted.aws, ofService))).to.equal("AccessDenied");
        });

        it("ends older sessions by a deny on aws:TokenIssueTime, and a session policy narrows", async () => {
            const { role, aws } = await withRole([allow("ec2:DescribeVolumes", "*")]);
            await aws.ec2.send(new DescribeVolumesCommand({}));
            const narrow = await session(forensics, role, { Policy: document(allow("s3:*", "*")) });
            expect(await errorOf(narrow.ec2.send(new DescribeVolumesCommand({})))).to.equal("UnauthorizedOperation");
            const deny = (time: Date) =>
                forensics.iam.send(
                    new PutRolePolicyCommand({
                        RoleName: role.split("/").pop(),
                        PolicyName: "revoke",
                        PolicyDocument: document({
                            Effect: "Deny",
                            Action: "*",
                            Resource: "*",
                            Condition: { DateLessThan: { "aws:TokenIssueTime": time.toISOString() } },
                        }),
                    }),
                );
            await deny(new Date(Date.now() - 3_600_000));
            await aws.ec2.send(new DescribeVolumesCommand({}));
            await deny(new Date(Date.now() + 3_600_000));
            expect(await errorOf(aws.ec2.send(new DescribeVolumesCommand({})))).to.equal("UnauthorizedOperation");
        });
    });

    describe("EC2", () => {
        it("is checked on each resource with its tags, on what is created, and on tagging it", async () => {
            const volumes = ec2("volume/*");
            const { aws } = await withRole([
                allow("ec2:CreateVolume", volumes, { StringLike: { "aws:RequestTag/incident": "i-*" } }),
                allow("ec2:CreateTags", volumes, { StringEquals: { "ec2:CreateAction": ["CreateVolume"] } }),
                allow("ec2:DeleteVolume", volumes, { StringLike: { "aws:ResourceTag/incident": "i-*" } }),
            ]);
            const create = (TagSpecifications?: TagSpecification[]) =>
                new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, Size: 1, TagSpecifications });
            const own = (await aws.ec2.send(create([tagged("volume", "incident", "i-1")]))).VolumeId!;
            expect(await errorOf(aws.ec2.send(create()))).to.equal("UnauthorizedOperation");
            expect(await errorOf(aws.ec2.send(create([tagged("volume", "incident", "x")])))).to.equal("UnauthorizedOperation");
            const foreign = (await forensics.ec2.send(create())).VolumeId!;
            expect(
                await errorOf(aws.ec2.send(new CreateTagsCommand({ Resources: [foreign], Tags: [{ Key: "incident", Value: "i-1" }] }))),
            ).to.equal("UnauthorizedOperation");
            expect(await errorOf(aws.ec2.send(new DeleteVolumeCommand({ VolumeId: foreign })))).to.equal("UnauthorizedOperation");
            await aws.ec2.send(new DeleteVolumeCommand({ VolumeId: own }));
            const { aws: untagged } = await withRole([allow("ec2:CreateVolume", volumes)]);
            expect(await errorOf(untagged.ec2.send(create([tagged("volume", "incident", "i-1")])))).to.equal("UnauthorizedOperation");
        });

        it("terminates several instances only when each may be", async () => {
            const launch = async (incident: string) =>
                (
                    await forensics.ec2.send(
                        new RunInstancesCommand({
                            ImageId: await image(),
                            MinCount: 1,
                            MaxCount: 1,
                            TagSpecifications: [tagged("instance", "incident", incident)],
                        }),
                    )
                ).Instances![0]!.InstanceId!;
            const [mine, foreign] = [await launch("i-1"), await launch("other")];
            const { aws } = await withRole([
                allow("ec2:TerminateInstances", ec2("instance/*"), { StringLike: { "aws:ResourceTag/incident": "i-*" } }),
            ]);
            expect(await errorOf(aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [mine, foreign] })))).to.equal(
                "UnauthorizedOperation",
            );
            await aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [mine] }));
        });

        it("starts an instance only with its image, its volumes and a role that may be passed", async () => {
            const [host, other] = [unique("host"), unique("host")];
            for (const name of [host, other]) {
                await forensics.iam.send(
                    new CreateRoleCommand({
                        RoleName: name,
                        AssumeRolePolicyDocument: document({
                            Effect: "Allow",
                            Principal: { Service: "ec2.amazonaws.com" },
                            Action: "sts:AssumeRole",
                        }),
                    }),
                );
                await forensics.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
                await forensics.iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
            }
            const statements = [
                allow("ec2:RunInstances", [
                    ec2("image/*", ""),
                    ec2("subnet/*"),
                    ec2("security-group/*"),
                    ec2("network-interface/*"),
                    ec2("instance/*"),
                    ec2("volume/*"),
                ]),
                allow("iam:PassRole", `arn:aws:iam::${FORENSICS}:role/${host}`, {
                    StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" },
                }),
            ];
            const run = async (aws: Clients, Name: string) =>
                aws.ec2.send(new RunInstancesCommand({ ImageId: await image(), MinCount: 1, MaxCount: 1, IamInstanceProfile: { Name } }));
            const { aws } = await withRole(statements);
            await run(aws, host);
            expect(await errorOf(run(aws, other))).to.equal("UnauthorizedOperation");
            const { aws: noVolume } = await withRole([
                { ...statements[0]!, Resource: (statements[0]!.Resource as string[]).filter((each) => !each.includes("volume")) },
                statements[1]!,
            ]);
            expect(await errorOf(run(noVolume, host))).to.equal("UnauthorizedOperation");
        });

        it("shares a snapshot only with whom the condition names", async () => {
            const volume = (await forensics.ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, Size: 1 }))).VolumeId!;
            const SnapshotId = (await forensics.ec2.send(new CreateSnapshotCommand({ VolumeId: volume }))).SnapshotId!;
            const { aws } = await withRole([
                allow("ec2:ModifySnapshotAttribute", ec2("snapshot/*", ""), { StringEquals: { "ec2:Add/userId": MEMBER } }),
            ]);
            const share = (UserId: string) =>
                new ModifySnapshotAttributeCommand({
                    SnapshotId,
                    Attribute: "createVolumePermission",
                    CreateVolumePermission: { Add: [{ UserId }] },
                });
            await aws.ec2.send(share(MEMBER));
            expect(await errorOf(aws.ec2.send(share("333333333333")))).to.equal("UnauthorizedOperation");
        });

        it("makes a group only where its VPC is named too", async () => {
            const VpcId = (await forensics.ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/24" }))).Vpc!.VpcId!;
            const make = (aws: Clients) =>
                aws.ec2.send(new CreateSecurityGroupCommand({ GroupName: unique("group"), Description: "spec", VpcId }));
            await make((await withRole([allow("ec2:CreateSecurityGroup", [ec2("security-group/*"), ec2(`vpc/${VpcId}`)])])).aws);
            expect(await errorOf(make((await withRole([allow("ec2:CreateSecurityGroup", ec2("security-group/*"))])).aws))).to.equal(
                "UnauthorizedOperation",
            );
        });
    });

    describe("policies of resources", () => {
        it("let another account in only when both sides do, and deny everybody", async () => {
            const bucket = unique("bucket");
            await forensics.s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }));
            await forensics.s3.send(new PutObjectCommand({ Bucket: bucket, Key: "a/1", Body: "x" }));
            const objects = [`arn:aws:s3:::${bucket}/*`];
            const RoleArn = await makeRole(member, { AWS: `arn:aws:iam::${MEMBER}:root` }, [allow("s3:GetObject", objects)]);
            const aws = await session(member, RoleArn);
            const get = () => new GetObjectCommand({ Bucket: bucket, Key: "a/1" });
            const policy = (...statements: object[]) =>
                forensics.s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: document(...statements) }));
            expect(await errorOf(aws.s3.send(get()))).to.equal("AccessDenied");
            await policy({ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${MEMBER}:root` }, Action: "s3:GetObject", Resource: objects });
            await aws.s3.send(get());
            const without = await session(member, await makeRole(member, { AWS: `arn:aws:iam::${MEMBER}:root` }, []));
            expect(await errorOf(without.s3.send(get()))).to.equal("AccessDenied");
            const { aws: own } = await withRole([
                allow(["s3:GetObject"], objects),
                allow("s3:ListBucket", `arn:aws:s3:::${bucket}`, { StringLike: { "s3:prefix": "a/*" } }),
            ]);
            await own.s3.send(get());
            await own.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "a/" }));
            expect(await errorOf(own.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "b/" })))).to.equal("AccessDenied");
            const missing = (key: string) => errorOf(own.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })));
            expect([await missing("a/2"), await missing("b/2")]).to.deep.equal(["NoSuchKey", "AccessDenied"]);
            // The loopback connection stands for TLS, so that a policy that wants TLS can be rehearsed.
            await policy({
                Effect: "Deny",
                Principal: "*",
                Action: "s3:*",
                Resource: objects,
                Condition: { Bool: { "aws:SecureTransport": "false" } },
            });
            await own.s3.send(get());
            await policy({ Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: objects });
            expect(await errorOf(own.s3.send(get()))).to.equal("AccessDenied");
        });

        it("a key's policy has the last word, also where a service encrypts for its caller", async () => {
            const bucket = unique("encrypted");
            await forensics.s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }));
            const account = {
                Sid: "Own",
                Effect: "Allow",
                Principal: { AWS: `arn:aws:iam::${FORENSICS}:root` },
                Action: "kms:*",
                Resource: "*",
            };
            const key = (await forensics.kms.send(new CreateKeyCommand({ Policy: document(account) }))).KeyMetadata!.Arn!;
            await forensics.s3.send(
                new PutBucketEncryptionCommand({
                    Bucket: bucket,
                    ServerSideEncryptionConfiguration: {
                        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: key } }],
                    },
                }),
            );
            const topic = (
                await forensics.sns.send(new CreateTopicCommand({ Name: unique("encrypted"), Attributes: { KmsMasterKeyId: key } }))
            ).TopicArn!;
            const store = [allow(["s3:PutObject", "s3:GetObject"], `arn:aws:s3:::${bucket}/*`), allow("sns:Publish", topic)];
            const { aws: none } = await withRole(store);
            const { aws: writer } = await withRole([...store, allow("kms:GenerateDataKey", key)]);
            const { aws: both } = await withRole([...store, allow(["kms:GenerateDataKey", "kms:Decrypt"], key)]);
            const put = () => new PutObjectCommand({ Bucket: bucket, Key: "k", Body: "x" });
            const get = () => new GetObjectCommand({ Bucket: bucket, Key: "k" });
            const publish = () => new PublishCommand({ TopicArn: topic, Message: "m" });
            expect(await errorOf(none.s3.send(put()))).to.equal("AccessDenied");
            expect(await errorOf(none.sns.send(publish()))).to.match(/^Authorization|^KMSAccessDenied/);
            await writer.s3.send(put());
            expect(await errorOf(writer.s3.send(get()))).to.equal("AccessDenied");
            expect(await errorOf(writer.sns.send(publish()))).to.match(/^Authorization|^KMSAccessDenied/);
            await both.s3.send(get());
            await both.sns.send(publish());
            const { aws: direct } = await withRole([allow("kms:*", "*")]);
            await direct.kms.send(new GenerateDataKeyCommand({ KeyId: key, KeySpec: "AES_256" }));
            const closed = (
                await forensics.kms.send(
                    new CreateKeyCommand({
                        Policy: document({ ...account, Principal: { AWS: `arn:aws:iam::${MEMBER}:root` } }),
                        BypassPolicyLockoutSafetyCheck: true,
                    }),
                )
            ).KeyMetadata!.Arn!;
            expect(await errorOf(direct.kms.send(new GenerateDataKeyCommand({ KeyId: closed, KeySpec: "AES_256" })))).to.equal(
                "AccessDeniedException",
            );
        });
    });

    const image = async () => (await forensics.ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }))).Images![0]!.ImageId!;
});
