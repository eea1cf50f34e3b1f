/** What goes wrong on request: each kind of fault, on the call it is for and on no other, and AWS's documented throttling. */
import { GetItemCommand, CreateTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import {
    CreateSecurityGroupCommand,
    CreateVolumeCommand,
    DescribeSecurityGroupsCommand,
    DescribeVolumesCommand,
    DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { DescribeTargetGroupsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetRoleCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { ListStateMachinesCommand } from "@aws-sdk/client-sfn";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { faultKinds, readFaults, setFaults } from "../../rehearsal/faults";
import { allow, makeRole } from "./support/functions";
import { clientsOf, errorOf, FORENSICS, localEmu, OUTSIDER, REGION, rootOf, unique, until, type Clients } from "./support/localAws";
import { makeNetwork } from "./support/network";

describe("LocalEmu: faults", function () {
    this.timeout(30_000);
    let aws: Clients;
    let endpoint: string;
    let vpcId: string;
    before(async function () {
        this.timeout(600_000);
        ({ endpoint } = await localEmu());
        aws = await rootOf(FORENSICS);
        ({ vpcId } = await makeNetwork(aws));
    });
    afterEach(() => setFaults(endpoint, { faults: [] }));

    const plan = (...faults: string[]) => setFaults(endpoint, { faults });
    const makeGroup = (GroupName: string) => aws.ec2.send(new CreateSecurityGroupCommand({ VpcId: vpcId, GroupName, Description: "spec" }));
    const groups = async (name: string) =>
        (await aws.ec2.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: "group-name", Values: [name] }] }))).SecurityGroups!;
    /** Name and status of the error a call fails with. */
    const failure = async (call: Promise<unknown>) => {
        const error = (await call.then(
            () => undefined,
            (reason: unknown) => reason,
        )) as { name: string; code?: string; message: string; $metadata?: { httpStatusCode?: number } } | undefined;
        return error && { name: error.name, code: error.code, message: error.message, status: error.$metadata?.httpStatusCode };
    };

    it("throttle: each service refuses in its own words, and only the n-th call", async () => {
        await plan("ec2:DescribeVpcs#2=throttle", "iam:ListRoles=throttle", "states:ListStateMachines=throttle", "s3:ListBuckets=throttle");
        const vpcs = () => aws.ec2.send(new DescribeVpcsCommand({}));
        await vpcs();
        expect(await failure(vpcs())).to.include({ name: "RequestLimitExceeded", status: 503 });
        await vpcs();
        expect(await failure(aws.iam.send(new ListRolesCommand({})))).to.include({ name: "Throttling", status: 400 });
        expect(await failure(aws.sfn.send(new ListStateMachinesCommand({})))).to.include({ name: "ThrottlingException", status: 400 });
        expect(await failure(aws.s3.send(new ListBucketsCommand({})))).to.include({ name: "SlowDown", status: 503 });
        expect((await readFaults(endpoint)).faults[0]).to.deep.equal({ fault: "ec2:DescribeVpcs#2=throttle", calls: 3, hits: 1 });
    });

    it("error and deny: an internal error and a service control policy, without effect", async () => {
        const name = unique("group");
        await plan("ec2:CreateSecurityGroup#1=error", "ec2:CreateSecurityGroup#2=deny");
        expect(await failure(makeGroup(name))).to.include({ name: "InternalError", status: 500 });
        const denied = await failure(makeGroup(name));
        expect(denied).to.include({ name: "UnauthorizedOperation", status: 403 });
        expect(denied!.message).to.contain("with an explicit deny in a service control policy");
        expect(await groups(name)).to.deep.equal([]);
        await makeGroup(name);
    });

    it("lost-request and lost-reply: the connection ends before the effect, or after it", async () => {
        const [before, after] = [unique("group"), unique("group")];
        await plan("ec2:CreateSecurityGroup#1=lost-request", "ec2:CreateSecurityGroup#2=lost-reply");
        expect((await failure(makeGroup(before)))!.code).to.equal("ECONNRESET");
        expect(await groups(before)).to.deep.equal([]);
        expect((await failure(makeGroup(after)))!.code).to.equal("ECONNRESET");
        expect(await groups(after)).to.have.length(1);
        expect(await errorOf(makeGroup(after))).to.equal("InvalidGroup.Duplicate");
    });

    it("slow: the effect is there, the reply comes later", async () => {
        const name = unique("group");
        await plan("ec2:CreateSecurityGroup=slow:1.5");
        const started = Date.now();
        const call = makeGroup(name);
        await until("the effect", async () => ((await groups(name)).length === 1 ? true : undefined), 1_400);
        await call;
        expect(Date.now() - started).to.be.at.least(1_500);
    });

    it("malformed: the effect is there, the reply cannot be read, in XML and in JSON", async () => {
        const name = unique("group");
        await plan("ec2:CreateSecurityGroup=malformed", "states:ListStateMachines=malformed");
        expect(await failure(makeGroup(name))).to.not.equal(undefined);
        expect(await groups(name)).to.have.length(1);
        expect((await failure(aws.sfn.send(new ListStateMachinesCommand({}))))!.name).to.equal("SyntaxError");
    });

    it("stale: a read answers as before the last write, once or while the write is fresh", async () => {
        const name = unique("group");
        await plan("ec2:DescribeSecurityGroups#3=stale", "ec2:DescribeVolumes#*=stale:1");
        expect(await groups(name)).to.have.length(0);
        await makeGroup(name);
        expect(await groups(name)).to.have.length(1);
        expect(await groups(name)).to.have.length(0);
        expect(await groups(name)).to.have.length(1);
        const VolumeId = (await aws.ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${REGION}a`, Size: 1 }))).VolumeId!;
        const described = () => aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
        expect(await errorOf(described())).to.equal("InvalidVolume.NotFound");
        await until("the volume is seen", () => described().catch(() => undefined));
    });

    it("stale: a consistent read of DynamoDB is never stale, and no read of S3 is", async () => {
        const dynamodb = new DynamoDBClient({ endpoint, region: REGION, credentials: { accessKeyId: FORENSICS, secretAccessKey: "x" } });
        const TableName = unique("table");
        await dynamodb.send(
            new CreateTableCommand({
                TableName,
                BillingMode: "PAY_PER_REQUEST",
                KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
                AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
            }),
        );
        await plan("dynamodb:GetItem#2+=stale");
        const get = async (ConsistentRead: boolean) =>
            (await dynamodb.send(new GetItemCommand({ TableName, Key: { k: { S: "a" } }, ConsistentRead }))).Item;
        expect(await get(false)).to.equal(undefined);
        await dynamodb.send(new PutItemCommand({ TableName, Item: { k: { S: "a" } } }));
        expect(await get(true)).to.deep.equal({ k: { S: "a" } });
        expect(await get(false)).to.equal(undefined);
        expect((await plan("s3:GetObject=stale").catch((error: Error) => error)) as Error).to.match(/strongly consistent/);
    });

    it("is for one principal when it names one, and for ranges of calls", async () => {
        const RoleArn = await makeRole(aws, { AWS: `arn:aws:iam::${FORENSICS}:root` }, [allow("ec2:DescribeVpcs", "*")]);
        const { Credentials: made } = await aws.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "spec" }));
        const role = clientsOf(endpoint, {
            accessKeyId: made!.AccessKeyId!,
            secretAccessKey: made!.SecretAccessKey!,
            sessionToken: made!.SessionToken!,
        });
        await plan(`ec2:Describe*@${RoleArn.split("/").pop()}#2-3=error`);
        const outcomes: (string | undefined)[] = [];
        for (let call = 1; call <= 4; call += 1) {
            await aws.ec2.send(new DescribeVpcsCommand({}));
            outcomes.push((await failure(role.ec2.send(new DescribeVpcsCommand({}))))?.name);
        }
        expect(outcomes).to.deep.equal([undefined, "InternalError", "InternalError", undefined]);
    });

    it("stands in the call log", async () => {
        await plan("s3:CreateBucket=lost-reply");
        const Bucket = unique("bucket");
        const configuration = { CreateBucketConfiguration: { LocationConstraint: REGION } } as const;
        await failure(aws.s3.send(new CreateBucketCommand({ Bucket, ...configuration })));
        const line = await until(
            "the line",
            async () =>
                (await readFile((await localEmu()).callLogFile, "utf8"))
                    .split("\n")
                    .filter((each) => each.includes(Bucket))
                    .map((each) => JSON.parse(each) as { fault?: string; status: number })[0],
        );
        expect(line).to.include({ fault: "lost-reply", status: 200 });
    });

    it("says what is wrong with a fault", async () => {
        for (const [fault, why] of [
            ["CreateSnapshots=error", /is no fault/],
            ["ec2:CreateSnapshots=burn", /is no kind of fault/],
            ["ec2:CreateSnapshots#0=error", /counted from 1/],
            ["ec2:CreateSnapshots=error:3", /only slow and stale take seconds/],
        ] as const) {
            expect(await plan(fault).catch((error: Error) => error.message), fault).to.match(why);
        }
        for (const kind of faultKinds) await plan(`ec2:DescribeVpcs#1-2=${kind}`);
    });

    it("throttling: Elastic Load Balancing has 40 tokens for all reads together, refilled by 10 a second; EC2 50 for an action without filters", async () => {
        const outsider = await rootOf(OUTSIDER);
        await setFaults(endpoint, { faults: [], throttling: true });
        const many = async (count: number, call: () => Promise<unknown>) => {
            const names = await Promise.all(Array.from({ length: count }, () => failure(call()).then((each) => each?.name)));
            return { passed: names.filter((each) => each === undefined).length, refused: [...new Set(names.filter(Boolean))] };
        };
        const began = Date.now();
        const elb = await many(80, () => outsider.elbv2.send(new DescribeTargetGroupsCommand({})));
        expect(elb.refused).to.deep.equal(["ThrottlingException"]);
        expect(elb.passed).to.be.within(40, 41 + Math.ceil((Date.now() - began) / 100));
        const refilling = Date.now();
        const ec2 = await many(100, () => outsider.ec2.send(new DescribeVolumesCommand({})));
        expect(ec2.refused).to.deep.equal(["RequestLimitExceeded"]);
        expect(ec2.passed).to.be.within(50, 51 + Math.ceil((Date.now() - refilling) / 100));
        await outsider.ec2.send(new DescribeVpcsCommand({}));
        await until("a token", () => outsider.elbv2.send(new DescribeTargetGroupsCommand({})).catch(() => undefined));
        await aws.elbv2.send(new DescribeTargetGroupsCommand({}));
        expect(await errorOf(aws.iam.send(new GetRoleCommand({ RoleName: "nobody" })))).to.match(/NoSuchEntity/);
    });
});
