/** What the metadata of the moment is read from: the event history, the console, the inventory. */
import { CloudTrailClient, LookupEventsCommand, type LookupAttributeKey } from "@aws-sdk/client-cloudtrail";
import { DeleteSecurityGroupCommand, DescribeVpcsCommand, GetConsoleOutputCommand, GetConsoleScreenshotCommand } from "@aws-sdk/client-ec2";
import { GetRoleCommand } from "@aws-sdk/client-iam";
import { ListInventoryEntriesCommand } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { allow, makeRole } from "./support/functions";
import { clientsOf, errorOf, FORENSICS, localEmu, MEMBER, REGION, rootOf, unique, until, type Clients } from "./support/localAws";
import { describeInstance, makeGroup, makeNetwork, startInstance } from "./support/network";

describe("LocalEmu: what is read of the moment", function () {
    this.timeout(30_000);
    let aws: Clients;
    let endpoint: string;

    before(async function () {
        this.timeout(300_000);
        ({ endpoint } = await localEmu());
        aws = await rootOf(MEMBER);
    });

    const lookUp = async (AttributeKey: LookupAttributeKey, AttributeValue: string, accessKeyId = MEMBER, region = REGION) => {
        const client = new CloudTrailClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey: "x" }, maxAttempts: 1 });
        const { Events } = await client.send(new LookupEventsCommand({ LookupAttributes: [{ AttributeKey, AttributeValue }] }));
        return (Events ?? []).map((each) => ({ ...each, record: JSON.parse(each.CloudTrailEvent!) as Record<string, unknown> }));
    };

    it("a session's calls are found by its name and its key, as the session's, in their account and Region and nowhere else", async () => {
        const role = await makeRole(aws, { AWS: MEMBER }, [allow(["ec2:DescribeVpcs", "iam:GetRole"], "*")]);
        const session = unique("i-0123456789abcdef0");
        const { Credentials } = await aws.sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: session }));
        const key = Credentials!.AccessKeyId!;
        const acting = clientsOf(endpoint, {
            accessKeyId: key,
            secretAccessKey: Credentials!.SecretAccessKey!,
            sessionToken: Credentials!.SessionToken,
        });
        await acting.ec2.send(new DescribeVpcsCommand({}));
        await acting.iam.send(new GetRoleCommand({ RoleName: role.split("/").at(-1)! }));

        const found = await lookUp("Username", session);
        expect(found.map(({ EventName }) => EventName)).to.deep.equal(["DescribeVpcs"]);
        expect(found[0]!.record.userIdentity).to.deep.include({
            type: "AssumedRole",
            arn: `arn:aws:sts::${MEMBER}:assumed-role/${role.split("/").at(-1)}/${session}`,
            accessKeyId: key,
        });
        // By the resource too, of which a security group is one.
        const { vpcId } = await makeNetwork(aws);
        const group = await makeGroup(aws, vpcId);
        await aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId: group }));
        expect((await lookUp("ResourceName", group)).map(({ EventName }) => EventName)).to.deep.equal(["DeleteSecurityGroup"]);
        expect((await lookUp("AccessKeyId", key)).map(({ EventName }) => EventName)).to.deep.equal(["DescribeVpcs"]);
        // IAM is global: its events are kept in one Region.
        expect((await lookUp("Username", session, MEMBER, "us-east-1")).map(({ EventName }) => EventName)).to.deep.equal(["GetRole"]);
        expect(await lookUp("Username", session, FORENSICS)).to.deep.equal([]);
        expect(await lookUp("Username", session, MEMBER, "eu-central-1")).to.deep.equal([]);

        const opened = (await lookUp("EventName", "AssumeRole")).find(({ CloudTrailEvent }) => CloudTrailEvent!.includes(session))!;
        const { responseElements } = opened.record as { responseElements: { credentials: Record<string, string> } };
        expect(responseElements.credentials.accessKeyId).to.equal(key);
        expect(opened.CloudTrailEvent).to.not.include(Credentials!.SecretAccessKey!);
    });

    it("the console is shown as the instance type allows, and the inventory of managed instances alone", async () => {
        const { subnetIds } = await makeNetwork(aws);
        const start = async (InstanceType: "m6i.large" | "m6g.large" | "t2.micro") => {
            const id = (await startInstance(aws, { SubnetId: subnetIds[0], InstanceType })).InstanceId!;
            return until(`${id} runs`, async () => ((await describeInstance(aws, id)).State?.Name === "running" ? id : undefined));
        };
        const nitro = await start("m6i.large");
        const { ImageData } = await aws.ec2.send(new GetConsoleScreenshotCommand({ InstanceId: nitro }));
        expect([...Buffer.from(ImageData!, "base64").subarray(0, 3)]).to.deep.equal([0xff, 0xd8, 0xff]);
        expect((await aws.ec2.send(new GetConsoleOutputCommand({ InstanceId: nitro, Latest: true }))).Output).to.be.a("string");
        const older = await start("t2.micro");
        expect(await errorOf(aws.ec2.send(new GetConsoleOutputCommand({ InstanceId: older, Latest: true })))).to.equal(
            "UnsupportedOperation",
        );
        expect((await aws.ec2.send(new GetConsoleOutputCommand({ InstanceId: older }))).Output).to.be.a("string");
        const arm = await start("m6g.large");
        expect(await errorOf(aws.ec2.send(new GetConsoleScreenshotCommand({ InstanceId: arm })))).to.equal("UnsupportedOperation");
        const entries = aws.ssm.send(new ListInventoryEntriesCommand({ InstanceId: nitro, TypeName: "AWS:Application" }));
        expect(await errorOf(entries)).to.equal("InvalidInstanceId");
    });
});
