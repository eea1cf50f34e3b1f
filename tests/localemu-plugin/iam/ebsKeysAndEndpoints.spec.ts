/** Keys that EBS uses for its caller, and the policies of VPC endpoints that an instance's calls come through. */
import {
    CopySnapshotCommand,
    CreateRouteTableCommand,
    AssociateRouteTableCommand,
    CreateSnapshotCommand,
    CreateVolumeCommand,
    CreateVpcEndpointCommand,
    DescribeSnapshotsCommand,
    DescribeVolumesCommand,
    RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { CreateBucketCommand, GetObjectCommand, PutBucketPolicyCommand } from "@aws-sdk/client-s3";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { bringAbout } from "../../../rehearsal/circumstances";
import { allow, document, makeRole, type Statement } from "../support/functions";
import { clientsOf, errorOf, FORENSICS, localEmu, MEMBER, REGION, rootOf, unique, until, type Clients } from "../support/localAws";
import { describeInstance, makeNetwork, startInstance } from "../support/network";
import { ended, sendScript, startManaged } from "../support/runCommand";

const ROOT = { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${FORENSICS}:root` }, Action: "kms:*", Resource: "*" };
const VIA = { StringEquals: { "kms:ViaService": `ec2.${REGION}.amazonaws.com` } };

describe("LocalEmu: keys of volumes, and endpoints", function () {
    this.timeout(40_000);
    let aws: Clients;
    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(FORENSICS);
    });
    const session = async (statements: Statement[]) => {
        const RoleArn = await makeRole(aws, { AWS: `arn:aws:iam::${FORENSICS}:root` }, [allow("ec2:*", "*"), ...statements]);
        const { Credentials: made } = await aws.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "spec" }));
        const credentials = { accessKeyId: made!.AccessKeyId!, secretAccessKey: made!.SecretAccessKey!, sessionToken: made!.SessionToken! };
        return clientsOf((await localEmu()).endpoint, credentials);
    };
    const useKey = (key: string) => [
        allow(["kms:DescribeKey", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKeyWithoutPlaintext"], key, VIA),
        allow("kms:CreateGrant", key, { ...VIA, Bool: { "kms:GrantIsForAWSResource": "true" } }),
    ];
    const makeKey = async () => (await aws.kms.send(new CreateKeyCommand({ Policy: document(ROOT) }))).KeyMetadata!.Arn!;
    const stateOfSnapshot = (id: string) =>
        until("its end", async () => {
            const { State } = (await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots![0]!;
            return State === "pending" ? undefined : State;
        });

    it("a copy under a key that the caller may not use ends in the state error; with the key's use by EBS it completes", async () => {
        const [old, own] = [await makeKey(), await makeKey()];
        const volume = await aws.ec2.send(
            new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, Size: 1, Encrypted: true, KmsKeyId: old }),
        );
        const SourceSnapshotId = (await aws.ec2.send(new CreateSnapshotCommand({ VolumeId: volume.VolumeId! }))).SnapshotId!;
        expect(await stateOfSnapshot(SourceSnapshotId)).to.equal("completed");
        const copy = async (statements: Statement[]) => {
            const role = await session(statements);
            const input = { SourceRegion: REGION, SourceSnapshotId, Encrypted: true, KmsKeyId: own };
            return stateOfSnapshot((await role.ec2.send(new CopySnapshotCommand(input))).SnapshotId!);
        };
        expect(await copy([])).to.equal("error");
        expect(await copy(useKey(own)), "without the source's key").to.equal("error");
        expect(await copy([...useKey(old), ...useKey(own).slice(0, 1)]), "without a grant").to.equal("error");
        expect(await copy([...useKey(old), ...useKey(own)])).to.equal("completed");
    });

    it("a key of another account that lets in an organisation is read by its members' copies, and by nobody else's", async () => {
        const member = await rootOf(MEMBER);
        const organizationId = "o-ofthisspec0";
        const readers = {
            Effect: "Allow",
            Principal: { AWS: "*" },
            Action: ["kms:DescribeKey", "kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant"],
            Resource: "*",
            Condition: { StringEquals: { "aws:PrincipalOrgID": organizationId }, StringLike: { "kms:ViaService": "ec2.*.amazonaws.com" } },
        };
        const owner = { ...ROOT, Principal: { AWS: `arn:aws:iam::${MEMBER}:root` } };
        const central = (await member.kms.send(new CreateKeyCommand({ Policy: document(owner, readers) }))).KeyMetadata!.Arn!;
        const own = await makeKey();
        const volume = await aws.ec2.send(
            new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, Size: 1, Encrypted: true, KmsKeyId: central }),
        );
        const SourceSnapshotId = (await aws.ec2.send(new CreateSnapshotCommand({ VolumeId: volume.VolumeId! }))).SnapshotId!;
        expect(await stateOfSnapshot(SourceSnapshotId)).to.equal("completed");
        const ofOrganization = (statements: Statement[]) =>
            statements.map((each) => ({ ...each, Condition: { ...each.Condition, StringLike: { "aws:ResourceOrgID": organizationId } } }));
        const copy = async () => {
            const role = await session([...ofOrganization(useKey(central)), ...useKey(own)]);
            const input = { SourceRegion: REGION, SourceSnapshotId, Encrypted: true, KmsKeyId: own };
            return stateOfSnapshot((await role.ec2.send(new CopySnapshotCommand(input))).SnapshotId!);
        };
        const join = async (accountId: string) =>
            bringAbout((await localEmu()).endpoint, { accountId, region: REGION, kind: "organization", organizationId });
        expect(await copy()).to.equal("error");
        await join(FORENSICS);
        expect(await copy(), "while the key's account is no member").to.equal("error");
        await join(MEMBER);
        expect(await copy()).to.equal("completed");
    });

    it("a volume under a key that the caller may not use vanishes, and an instance with one terminates", async () => {
        const key = await makeKey();
        const network = await makeNetwork(aws);
        const ImageId = (await startInstance(aws, { SubnetId: network.subnetIds[0] })).ImageId!;
        const [without, withKey] = [await session([]), await session(useKey(key))];
        const make = async (clients: Clients) =>
            (await clients.ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, Size: 1, Encrypted: true, KmsKeyId: key })))
                .VolumeId!;
        const look = (id: string) => aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }));
        const gone = await make(without);
        await until("it is gone", async () =>
            (await look(gone).catch((error: Error) => error.name)) === "InvalidVolume.NotFound" ? true : undefined,
        );
        const kept = await make(withKey);
        await until("it is there", async () => (await look(kept)).Volumes![0]!.State === "available" || undefined);
        const launch = async (clients: Clients) =>
            (
                await clients.ec2.send(
                    new RunInstancesCommand({
                        ImageId,
                        MinCount: 1,
                        MaxCount: 1,
                        SubnetId: network.subnetIds[0],
                        BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { Encrypted: true, KmsKeyId: key, VolumeSize: 8 } }],
                    }),
                )
            ).Instances![0]!.InstanceId!;
        const ends = (id: string) =>
            until("it is pending no longer", async () => {
                const { State, StateReason } = await describeInstance(aws, id);
                return State!.Name === "pending" ? undefined : { state: State!.Name, reason: StateReason?.Code };
            });
        const refused = await launch(without);
        await until("it terminates for that reason", async () =>
            (await ends(refused)).reason === "Client.InternalError" ? true : undefined,
        );
        expect((await ends(refused)).state).to.equal("terminated");
        const runs = await launch(withKey);
        await until("it runs", async () => ((await ends(runs)).state === "running" ? true : undefined));
    });

    it("a call from an instance is bound by the policy of the endpoint it comes through, and says which; a call from elsewhere is not", async () => {
        const network = await makeNetwork(aws);
        const [open, closed] = [unique("bucket"), unique("bucket")];
        for (const Bucket of [open, closed]) {
            await aws.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }));
        }
        const RouteTableId = (await aws.ec2.send(new CreateRouteTableCommand({ VpcId: network.vpcId }))).RouteTable!.RouteTableId!;
        await aws.ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId: network.subnetIds[0] }));
        const everything = allow("s3:*", ["arn:aws:s3:::*"]);
        const instance = await startManaged(aws, network, [everything, allow("sts:GetCallerIdentity", "*")]);
        const put = async (bucket: string) => {
            const script = `echo x > x; aws s3api put-object --bucket ${bucket} --key a --body x > /dev/null`;
            const { Status, StandardErrorContent } = await ended(aws, await sendScript(aws, instance, [script]), instance);
            return Status === "Success" ? "written" : StandardErrorContent!;
        };
        expect(await put(closed), "before there is an endpoint").to.equal("written");
        const policy = {
            Effect: "Allow",
            Principal: "*",
            Action: ["s3:PutObject"],
            Resource: [`arn:aws:s3:::${open}/*`],
            Condition: { StringEquals: { "aws:PrincipalAccount": FORENSICS } },
        };
        const { VpcEndpoint } = await aws.ec2.send(
            new CreateVpcEndpointCommand({
                VpcId: network.vpcId,
                VpcEndpointType: "Gateway",
                ServiceName: `com.amazonaws.${REGION}.s3`,
                RouteTableIds: [RouteTableId],
                PolicyDocument: document(policy),
            }),
        );
        expect(await put(open)).to.equal("written");
        expect(await put(closed)).to.match(/no VPC endpoint policy allows the s3:PutObject action/);
        // The bucket can ask for the endpoint.
        const throughEndpoint = {
            Effect: "Deny",
            Principal: "*",
            Action: "s3:PutObject",
            Resource: `arn:aws:s3:::${open}/*`,
            Condition: { StringNotEquals: { "aws:SourceVpce": VpcEndpoint!.VpcEndpointId! } },
        };
        await aws.s3.send(new PutBucketPolicyCommand({ Bucket: open, Policy: document(throughEndpoint) }));
        expect(await put(open)).to.equal("written");
        const role = await session([everything]);
        expect((await role.s3.send(new GetObjectCommand({ Bucket: closed, Key: "a" }))).ContentLength).to.equal(2);
        const { PutObjectCommand } = await import("@aws-sdk/client-s3");
        expect(await errorOf(role.s3.send(new PutObjectCommand({ Bucket: open, Key: "a", Body: "x" })))).to.equal("AccessDenied");
    });
});
