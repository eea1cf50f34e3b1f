/** What taking memory needs of Systems Manager: another account's document by its hash, an agent's way out, and something that runs on the instance. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
    AuthorizeSecurityGroupEgressCommand,
    AuthorizeSecurityGroupIngressCommand,
    CreateTagsCommand,
    CreateVpcEndpointCommand,
    DescribeVpcEndpointsCommand,
    ModifyInstanceAttributeCommand,
    RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import { DescribeDocumentCommand, ModifyDocumentPermissionCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { expect } from "chai";
import { errorOf, FORENSICS, MEMBER, REGION, rootOf, until, type Clients } from "../support/localAws";
import { makeGroup, makeNetwork, type Network } from "../support/network";
import { ended, isManaged, makeDocument, sendScript, startManaged } from "../support/runCommand";

describe("LocalEmu: Systems Manager on an instance whose memory is taken", function () {
    this.timeout(30_000);
    let forensics: Clients;
    let member: Clients;
    let network: Network;
    let instanceId: string;

    before(async function () {
        this.timeout(600_000);
        [forensics, member] = await Promise.all([rootOf(FORENSICS), rootOf(MEMBER)]);
        network = await makeNetwork(member);
        instanceId = await startManaged(member, network);
    });

    it("runs another account's document by its ARN while it is shared, and only with its own hash", async () => {
        const name = await makeDocument(forensics, ["echo shared"]);
        const DocumentName = `arn:aws:ssm:${REGION}:${FORENSICS}:document/${name}`;
        const DocumentHash = (await forensics.ssm.send(new DescribeDocumentCommand({ Name: name }))).Document!.Hash!;
        const send = (hash: string, document = DocumentName) =>
            member.ssm.send(
                new SendCommandCommand({
                    DocumentName: document,
                    DocumentHash: hash,
                    DocumentHashType: "Sha256",
                    InstanceIds: [instanceId],
                }),
            );
        const share = (change: "AccountIdsToAdd" | "AccountIdsToRemove") =>
            forensics.ssm.send(new ModifyDocumentPermissionCommand({ Name: name, PermissionType: "Share", [change]: [MEMBER] }));
        expect(await errorOf(send(DocumentHash))).to.equal("InvalidDocument");
        await share("AccountIdsToAdd");
        expect(await errorOf(send("0".repeat(64)))).to.equal("InvalidDocument");
        expect(await errorOf(send(DocumentHash, name)), "its bare name").to.equal("InvalidDocument");
        const { Command } = await send(DocumentHash);
        expect((await ended(member, Command!.CommandId!, instanceId)).StandardOutputContent!.trim()).to.equal("shared");
        await share("AccountIdsToRemove");
        expect(await errorOf(send(DocumentHash))).to.equal("InvalidDocument");
    });

    it("reaches an agent whose groups let it out, by the VPC's own endpoints where it has some", async () => {
        const carry = (...Groups: string[]) => member.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: instanceId, Groups }));
        const [closed, theirs] = [await makeGroup(member, network.vpcId), await makeGroup(member, network.vpcId)];
        const everything = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
        await member.ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: closed, IpPermissions: [everything] }));
        await carry(closed);
        expect(await isManaged(member, instanceId), "without a rule").to.equal(false);
        const https = { IpProtocol: "tcp", FromPort: 443, ToPort: 443 };
        const toEndpoints = { ...https, UserIdGroupPairs: [{ GroupId: theirs }] };
        await member.ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: closed, IpPermissions: [toEndpoints] }));
        expect(await isManaged(member, instanceId), "without endpoints").to.equal(false);
        for (const service of ["ssm", "ssmmessages"])
            await member.ec2.send(
                new CreateVpcEndpointCommand({
                    VpcId: network.vpcId,
                    VpcEndpointType: "Interface",
                    ServiceName: `com.amazonaws.${REGION}.${service}`,
                    SubnetIds: [network.subnetIds[0]],
                    SecurityGroupIds: [theirs],
                    PrivateDnsEnabled: true,
                }),
            );
        await until("the endpoints are there", async () => {
            const Filters = [{ Name: "vpc-id", Values: [network.vpcId] }];
            const { VpcEndpoints } = await member.ec2.send(new DescribeVpcEndpointsCommand({ Filters }));
            return VpcEndpoints!.every(({ State }) => State?.toLowerCase() === "available") || undefined;
        });
        expect(await isManaged(member, instanceId), "the endpoints let nobody in").to.equal(false);
        const fromRange = { ...https, IpRanges: [{ CidrIp: "10.20.0.0/16" }] };
        await member.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: theirs, IpPermissions: [fromRange] }));
        expect(await isManaged(member, instanceId), "with a way").to.equal(true);
        expect(await errorOf(sendScript(member, "i-00000000000000000", ["true"]))).to.equal("InvalidInstanceId");
    });

    it("has on the instance what its tag names, before each command", async function () {
        const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "runs-")));
        const file = path.join(folder, "runs.sh");
        writeFileSync(file, "sleep 600 &\necho noise\n");
        try {
            await member.ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: [{ Key: "rehearsal:runs", Value: file }] }));
            const commands = ["for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $each; echo; done | grep -c '^sleep 600'"];
            const { StandardOutputContent } = await ended(member, await sendScript(member, instanceId, commands), instanceId);
            // Without namespaces of its own, an instance has no processes of its own.
            const possible = process.platform === "linux" && process.getuid!() === 0;
            expect(StandardOutputContent!.trim()).to.equal(possible ? "1" : "0");
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    });
});
