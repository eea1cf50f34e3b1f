import { StopInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateLogGroupCommand, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import {
    CancelCommandCommand,
    DescribeInstanceInformationCommand,
    GetCommandInvocationCommand,
    ListCommandInvocationsCommand,
    ListCommandsCommand,
    SendCommandCommand,
} from "@aws-sdk/client-ssm";
import { expect } from "chai";
import { readdirSync, readFileSync } from "node:fs";
import { errorOf, FORENSICS, MEMBER, REGION, rootOf, unique, until, type Clients } from "../support/localAws";
import { describeInstance, makeNetwork, startInstance, type Network } from "../support/network";
import { ended, isManaged, makeDocument, makeInstanceProfile, sendScript, startManaged } from "../support/runCommand";

describe("LocalEmu: Run Command", function () {
    this.timeout(30_000);
    let aws: Clients;
    let network: Network;
    let bucket: string;
    let instanceId: string;
    const run = async (...commands: string[]) => ended(aws, await sendScript(aws, instanceId, commands), instanceId);

    before(async function () {
        this.timeout(600_000);
        aws = await rootOf(FORENSICS);
        network = await makeNetwork(aws);
        bucket = unique("results");
        await aws.s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }));
        instanceId = await startManaged(aws, network, [
            { Effect: "Allow", Action: "s3:PutObject", Resource: `arn:aws:s3:::${bucket}/results/*` },
            { Effect: "Allow", Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: "*" },
        ]);
    });

    it("lists an instance once its agent has registered, by either kind of filter", async () => {
        const byId = await aws.ssm.send(
            new DescribeInstanceInformationCommand({ InstanceInformationFilterList: [{ key: "InstanceIds", valueSet: [instanceId] }] }),
        );
        expect(byId.InstanceInformationList).to.have.length(1);
        expect(byId.InstanceInformationList![0]).to.include({
            InstanceId: instanceId,
            PingStatus: "Online",
            PlatformType: "Linux",
            ResourceType: "EC2Instance",
        });
        expect(byId.InstanceInformationList![0]!.LastPingDateTime).to.be.instanceOf(Date);
        const none = await aws.ssm.send(
            new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: ["i-00000000000000000"] }] }),
        );
        expect(none.InstanceInformationList).to.deep.equal([]);
        const elsewhere = await (await rootOf(MEMBER)).ssm.send(new DescribeInstanceInformationCommand({}));
        expect(elsewhere.InstanceInformationList!.map((each) => each.InstanceId)).not.to.include(instanceId);
    });

    it("does not reach an instance that just started, has no profile, may not register, or is stopped", async () => {
        const Arn = await makeInstanceProfile(aws, [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }]);
        const withoutProfile = (await startInstance(aws, { SubnetId: network.subnetIds[0] })).InstanceId!;
        const withoutRight = (await startInstance(aws, { SubnetId: network.subnetIds[0], IamInstanceProfile: { Arn } })).InstanceId!;
        const stopped = await startManaged(aws, network);
        const starting = (
            await startInstance(aws, {
                SubnetId: network.subnetIds[0],
                IamInstanceProfile: { Arn: (await describeInstance(aws, stopped)).IamInstanceProfile!.Arn },
            })
        ).InstanceId!;
        expect(await isManaged(aws, starting)).to.equal(false);
        await aws.ec2.send(new StopInstancesCommand({ InstanceIds: [stopped] }));
        // Started last, so by the time it is managed the others would be.
        await until("the last one is managed", async () => (await isManaged(aws, starting)) || undefined);
        for (const id of [withoutProfile, withoutRight, stopped, "i-00000000000000000"]) {
            expect(await isManaged(aws, id), id).to.equal(false);
            expect(await errorOf(sendScript(aws, id, ["true"])), id).to.equal("InvalidInstanceId");
        }
    });

    it("is pending when sent, and in the end has what the script printed and its exit code", async () => {
        const { Command } = await aws.ssm.send(
            new SendCommandCommand({
                DocumentName: "AWS-RunShellScript",
                InstanceIds: [instanceId],
                Comment: "a spec",
                Parameters: { commands: ["echo to stdout", "echo to stderr >&2", "exit 7"] },
            }),
        );
        expect(Command).to.include({
            Status: "Pending",
            DocumentName: "AWS-RunShellScript",
            TargetCount: 1,
            CompletedCount: 0,
            Comment: "a spec",
        });
        expect(
            await errorOf(aws.ssm.send(new GetCommandInvocationCommand({ CommandId: Command!.CommandId, InstanceId: instanceId }))),
        ).to.equal("InvocationDoesNotExist");
        const end = await ended(aws, Command!.CommandId!, instanceId);
        expect(end).to.include({
            Status: "Failed",
            StatusDetails: "Failed",
            ResponseCode: 7,
            StandardOutputContent: "to stdout\n",
            StandardErrorContent: "to stderr\n\nfailed to run commands: exit status 7",
            PluginName: "runShellScript",
        });
        expect(Date.parse(end.ExecutionEndDateTime!)).to.be.at.least(Date.parse(end.ExecutionStartDateTime!));
        const { CommandInvocations } = await aws.ssm.send(
            new ListCommandInvocationsCommand({ CommandId: Command!.CommandId, Details: true }),
        );
        expect(CommandInvocations).to.have.length(1);
        expect(CommandInvocations![0]).to.include({ Status: "Failed", InstanceId: instanceId, DocumentName: "AWS-RunShellScript" });
        expect(CommandInvocations![0]!.CommandPlugins![0]).to.include({
            ResponseCode: 7,
            Output: "to stdout\n\n----------ERROR-------\nto stderr\n\nfailed to run commands: exit status 7",
        });
        const { Commands } = await aws.ssm.send(
            new ListCommandsCommand({ InstanceId: instanceId, Filters: [{ key: "Status", value: "Failed" }] }),
        );
        expect(Commands!.find((each) => each.CommandId === Command!.CommandId)).to.include({
            Status: "Failed",
            CompletedCount: 1,
            ErrorCount: 1,
        });
        expect((await run("exit 0")).Status).to.equal("Success");
    });

    it("keeps the beginning of long output", async () => {
        const end = await run("head -c 30000 /dev/zero | tr '\\0' a", "head -c 9000 /dev/zero | tr '\\0' b >&2");
        expect(end.StandardOutputContent).to.have.length(24_000);
        expect(end.StandardErrorContent).to.have.length(8_000);
        expect(end.StandardOutputContent).to.match(/^a+\n---Output truncated---$/);
    });

    it("refuses documents that do not exist, and versions", async () => {
        const send = (DocumentName: string, DocumentVersion?: string) =>
            errorOf(aws.ssm.send(new SendCommandCommand({ DocumentName, DocumentVersion, InstanceIds: [instanceId] })));
        expect(await send("no-such-document")).to.equal("InvalidDocument");
        expect(await send(await makeDocument(aws, ["true"]), "7")).to.equal("InvalidDocumentVersion");
        expect(await send(await makeDocument(aws, ["true"], {}, { workingDirectory: "/var" }))).to.equal("InvalidDocument");
    });

    it("puts checked parameters into the text of the document's script", async () => {
        const name = await makeDocument(
            aws,
            ["#!/bin/bash", "word='{{ Word }}'; echo \"$BASH_VERSION\" > /dev/null", 'echo "$word {{Count}} {{ Unknown }}" [[ ok ]]'],
            {
                Word: { type: "String", allowedPattern: "^[a-z]{1,9}$" },
                Count: { type: "String", default: "3", allowedValues: ["3", "4"] },
            },
        );
        const send = (Parameters: Record<string, string[]>) =>
            aws.ssm.send(new SendCommandCommand({ DocumentName: name, InstanceIds: [instanceId], Parameters }));
        const { Command } = await send({ Word: ["hello"] });
        const end = await ended(aws, Command!.CommandId!, instanceId);
        expect(end).to.include({
            StandardOutputContent: "hello 3 {{ Unknown }} [[ ok ]]\n",
            PluginName: "run",
            DocumentVersion: "$DEFAULT",
        });
        for (const wrong of [
            {},
            { Word: ["x'; id; '"] },
            { Word: ["a", "b"] },
            { Word: ["a"], Count: ["5"] },
            { Word: ["a"], Other: ["b"] },
        ]) {
            expect(await errorOf(send(wrong as Record<string, string[]>)), JSON.stringify(wrong)).to.equal("InvalidParameters");
        }
    });

    it("ends a script whose time is over, with all it started", async () => {
        const marker = unique("sleep");
        const name = await makeDocument(aws, ["#!/bin/bash", `exec -a ${marker} sleep 60 & wait`], {}, { timeoutSeconds: "5" });
        const { Command } = await aws.ssm.send(new SendCommandCommand({ DocumentName: name, InstanceIds: [instanceId] }));
        expect(await ended(aws, Command!.CommandId!, instanceId)).to.include({
            Status: "TimedOut",
            StatusDetails: "ExecutionTimedOut",
            ResponseCode: 137,
        });
        const processes = readdirSync("/proc")
            .filter((each) => /^[0-9]+$/.test(each))
            .map((each) => {
                try {
                    return readFileSync(`/proc/${each}/cmdline`, "utf8");
                } catch {
                    return ""; // it has ended
                }
            });
        expect(processes.join("\n")).to.include(process.argv[1]).and.not.to.include(marker);
    });

    it("cancels a command", async () => {
        const commandId = await sendScript(aws, instanceId, ["sleep 60"]);
        await until(
            "it runs",
            async () =>
                (await aws.ssm.send(new ListCommandInvocationsCommand({ CommandId: commandId }))).CommandInvocations?.some(
                    (each) => each.Status === "InProgress",
                ) || undefined,
        );
        await aws.ssm.send(new CancelCommandCommand({ CommandId: commandId }));
        expect((await ended(aws, commandId, instanceId)).Status).to.equal("Cancelled");
    });

    it("gives the script its role's credentials, and no more than they allow", async () => {
        const end = await run(
            "aws sts get-caller-identity --query Arn --output text",
            `echo result > r && aws s3api put-object --bucket ${bucket} --key results/r --body r > /dev/null && echo put`,
            `aws s3api put-object --bucket ${bucket} --key elsewhere --body r`,
        );
        const lines = end.StandardOutputContent!.trim().split("\n");
        expect(lines[0]).to.match(new RegExp(`^arn:aws:sts::${FORENSICS}:assumed-role/profile-[^/]+/${instanceId}$`));
        expect(lines[1]).to.equal("put");
        expect(end.StandardErrorContent).to.match(/AccessDenied/);
    });

    it("writes output to the log group that was asked for", async () => {
        const group = unique("commands");
        await aws.logs.send(new CreateLogGroupCommand({ logGroupName: group }));
        const { Command } = await aws.ssm.send(
            new SendCommandCommand({
                DocumentName: "AWS-RunShellScript",
                InstanceIds: [instanceId],
                Parameters: { commands: ["echo for the log"] },
                CloudWatchOutputConfig: { CloudWatchLogGroupName: group, CloudWatchOutputEnabled: true },
            }),
        );
        await ended(aws, Command!.CommandId!, instanceId);
        const { events } = await aws.logs.send(new FilterLogEventsCommand({ logGroupName: group }));
        expect(events!.map((each) => each.message)).to.deep.equal(["for the log\n"]);
        expect(events![0]!.logStreamName).to.equal(`${Command!.CommandId}/${instanceId}/runShellScript/stdout`);
    });

    it("writes it there while the command runs, in whole lines", async () => {
        const group = unique("commands");
        await aws.logs.send(new CreateLogGroupCommand({ logGroupName: group }));
        const { Command } = await aws.ssm.send(
            new SendCommandCommand({
                DocumentName: "AWS-RunShellScript",
                InstanceIds: [instanceId],
                Parameters: { commands: ["echo first", "printf unfinished", "sleep 60"] },
                CloudWatchOutputConfig: { CloudWatchLogGroupName: group, CloudWatchOutputEnabled: true },
            }),
        );
        const said = () =>
            aws.logs
                .send(new FilterLogEventsCommand({ logGroupName: group }))
                .then(({ events = [] }) => events.map((each) => each.message).join(""));
        await until("the first line in the log", async () => (await said()) || undefined);
        expect(await said()).to.equal("first\n");
        const { Status } = await aws.ssm.send(new GetCommandInvocationCommand({ CommandId: Command!.CommandId!, InstanceId: instanceId }));
        expect(Status).to.equal("InProgress");
        await aws.ssm.send(new CancelCommandCommand({ CommandId: Command!.CommandId! }));
        await ended(aws, Command!.CommandId!, instanceId);
        expect(await said()).to.equal("first\nunfinished");
    });

    it("gives root's scripts namespaces of their own, with LocalEmu as the only way out", async function () {
        if (process.platform !== "linux" || process.getuid!() !== 0) {
            const end = await run('echo "$CLEAN_ROOM_DEVICE_DIRECTORY"');
            expect(end.StandardOutputContent!.trim()).to.match(/^\//);
            return;
        }
        const end = await run(
            "cat /proc/net/dev | tail -n +3 | wc -l",
            "ls /proc | grep -c '^[0-9]'",
            "touch /usr/intruder || echo refused",
            "echo kept > kept && cat kept",
            "ls /dev/disk/by-id | wc -l",
        );
        const [interfaces, processes, refused, kept, devices] = end.StandardOutputContent!.trim().split("\n");
        expect({ interfaces, refused, kept, devices }).to.deep.equal({ interfaces: "1", refused: "refused", kept: "kept", devices: "0" });
        expect(Number(processes)).to.be.lessThan(10);
    });
});
