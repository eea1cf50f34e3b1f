/** The log of calls, which the rehearsal counts calls and Regions by. */
import { DescribeVolumesCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { GetRoleCommand } from "@aws-sdk/client-iam";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { CreateTopicCommand } from "@aws-sdk/client-sns";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { readExchangeLog } from "../../rehearsal/callLog";
import { allow, makeFunction, makeRole, zipped } from "./support/functions";
import { clientsOf, errorOf, FORENSICS, localEmu, MEMBER, rootOf, unique, until } from "./support/localAws";

interface Call {
    time: string;
    account: string;
    region: string;
    service: string;
    operation: string;
    principal: string;
    status: number;
    error?: string;
    resource?: string;
    requestId: string;
}

describe("LocalEmu: call log", function () {
    this.timeout(30_000);
    const calls = async (): Promise<Call[]> =>
        readFileSync((await localEmu()).callLogFile, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
    const call = (requestId: string | undefined) =>
        until("the call in the log", async () => (await calls()).find((each) => each.requestId === requestId));
    before(async function () {
        this.timeout(600_000);
        await localEmu();
    });

    it("says when who called what where, and how it ended", async () => {
        const aws = await rootOf(MEMBER, "us-west-2");
        const { $metadata } = await aws.sns.send(new CreateTopicCommand({ Name: unique("topic") }));
        const logged = await call($metadata.requestId);
        expect(logged).to.include({
            account: MEMBER,
            region: "us-west-2",
            service: "sns",
            operation: "CreateTopic",
            principal: `arn:aws:iam::${MEMBER}:root`,
            status: 200,
        });
        expect(logged.time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(Math.abs(Date.parse(logged.time) - Date.now())).to.be.below(60_000);
        expect(logged.resource).to.match(/^Name=topic-/);
    });

    it("names a session, its refusal, and an error", async () => {
        const aws = await rootOf(FORENSICS);
        const role = await makeRole(aws, { AWS: `arn:aws:iam::${FORENSICS}:root` }, [allow("ec2:DescribeVolumes", "*")]);
        const { Credentials: made } = await aws.sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "spec" }));
        const session = clientsOf((await localEmu()).endpoint, {
            accessKeyId: made!.AccessKeyId!,
            secretAccessKey: made!.SecretAccessKey!,
            sessionToken: made!.SessionToken!,
        });
        const principal = `arn:aws:sts::${FORENSICS}:assumed-role/${role.split("/").pop()!}/spec`;
        await session.ec2.send(new DescribeVolumesCommand({}));
        expect(await errorOf(session.ec2.send(new DescribeVpcsCommand({})))).to.equal("UnauthorizedOperation");
        expect(await errorOf(aws.iam.send(new GetRoleCommand({ RoleName: "nobody" })))).to.equal("NoSuchEntityException");
        const all = await until("the calls in the log", async () => {
            const found = await calls();
            return found.some((each) => each.error === "NoSuchEntity") ? found : undefined;
        });
        const own = all
            .filter((each) => each.principal === principal)
            .map(({ operation, status, error }) => ({ operation, status, error }));
        expect(own).to.deep.equal([
            { operation: "DescribeVolumes", status: 200, error: undefined },
            { operation: "DescribeVpcs", status: 403, error: "UnauthorizedOperation" },
        ]);
        expect(all.find((each) => each.error === "NoSuchEntity")).to.include({ operation: "GetRole", status: 404 });
    });

    it("has each call of a function once, and none that services make among themselves", async () => {
        const aws = await rootOf(FORENSICS);
        const role = await makeRole(aws, { Service: "lambda.amazonaws.com" }, []);
        const name = await makeFunction(
            aws,
            role,
            zipped(
                "const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts'); exports.handler = async () => (await new STSClient({}).send(new GetCallerIdentityCommand({}))).$metadata.requestId;",
                true,
            ),
        );
        const { Payload } = await aws.lambda.send(new InvokeCommand({ FunctionName: name }));
        const logged = await call(JSON.parse(new TextDecoder().decode(Payload)));
        const ofFunction = (await calls()).filter((each) => each.principal === logged.principal);
        expect(ofFunction.map((each) => each.operation)).to.deep.equal(["GetCallerIdentity"]);
        expect(ofFunction[0]!.principal).to.match(new RegExp(`^arn:aws:sts::${FORENSICS}:assumed-role/${role.split("/").pop()!}/`));
    });

    it("has the function's own times beside it, which tell calls sent side by side from calls sent one after the other", async () => {
        const aws = await rootOf(FORENSICS);
        const role = await makeRole(aws, { Service: "lambda.amazonaws.com" }, []);
        const name = await makeFunction(
            aws,
            role,
            zipped(
                `const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts'); exports.handler = async () => {
            const sts = new STSClient({}); const ask = async () => (await sts.send(new GetCallerIdentityCommand({}))).$metadata.requestId;
            const first = await ask(); return [first, ...await Promise.all([ask(), ask()])];
        };`,
                true,
            ),
        );
        const { Payload } = await aws.lambda.send(new InvokeCommand({ FunctionName: name }));
        const ids = JSON.parse(new TextDecoder().decode(Payload)) as string[];
        const exchanges = await readExchangeLog((await localEmu()).exchangeLogFile);
        const [first, second, third] = ids.map((id) => exchanges.find((one) => one.requestId === id)!);
        expect(second!.sentAt).to.be.at.least(first!.answeredAt);
        expect(third!.sentAt).to.be.below(second!.answeredAt);
        expect(second!.sentAt).to.be.below(third!.answeredAt);
    });
});
