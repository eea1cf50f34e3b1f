/** What an incident needs for memory to be taken: a way to Systems Manager that a quarantine can leave, and something that runs on the victim. */
import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
    AuthorizeSecurityGroupIngressCommand,
    CreateSecurityGroupCommand,
    CreateTagsCommand,
    CreateVpcEndpointCommand,
    DescribeVpcEndpointsCommand,
    EC2Client,
} from "@aws-sdk/client-ec2";
import { keptBusybox } from "../../packaging/acquisitionImage";
import type { CleanUp } from "../cleanUp";
import type { LocalClients } from "../deploy/localClients";
import { architecture } from "../setUp";
import type { Victim } from "../victim";
import { until } from "../watch";

/** What runs on the victim: deleted after it started, with LD_PRELOAD, listening. */
export const planted = { program: "/run/.x/nc", preload: "/run/.x/libhide.so", port: 14_444 } as const;

/** Started before each command, whose processes are all that this instance has. @param busybox a static one, whose name decides what it does */
const script = (busybox: string) => `set -eu
mkdir -p ${path.dirname(planted.program)}
cp ${busybox} ${planted.program}
chmod 755 ${planted.program}
LD_PRELOAD=${planted.preload} ${planted.program} -l -p ${planted.port} > /dev/null 2>&1 < /dev/null &
until grep -qi ':${planted.port.toString(16).padStart(4, "0")} 0*:0000 0A' /proc/net/tcp /proc/net/tcp6; do sleep 0.05; done
rm ${planted.program}
`;

/** The groups of the endpoints: what the quarantine must lead to, and to nothing else. */
export interface MemoryStage {
    endpointGroup: string;
}

async function makeEndpoints(ec2: EC2Client, { vpcId, interfaces, instance }: Victim): Promise<string> {
    const { GroupId } = await ec2.send(
        new CreateSecurityGroupCommand({ VpcId: vpcId, GroupName: "rehearsal-endpoints", Description: "Endpoints of Systems Manager" }),
    );
    await ec2.send(
        new AuthorizeSecurityGroupIngressCommand({
            GroupId,
            IpPermissions: [{ IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: "10.20.0.0/16" }] }],
        }),
    );
    for (const service of ["ssm", "ssmmessages"])
        await ec2.send(
            new CreateVpcEndpointCommand({
                VpcId: vpcId,
                VpcEndpointType: "Interface",
                ServiceName: `com.amazonaws.${instance.region}.${service}`,
                SubnetIds: [interfaces[0]!.subnetId],
                SecurityGroupIds: [GroupId!],
                PrivateDnsEnabled: true,
            }),
        );
    const filters = [{ Name: "vpc-id", Values: [vpcId] }];
    await until(
        "the endpoints of the victim's VPC",
        async () => {
            const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters: filters }));
            return VpcEndpoints.every(({ State }) => State?.toLowerCase() === "available") || null;
        },
        Date.now() + 60_000,
    );
    return GroupId!;
}

/** Gives the victim's VPC endpoints, and the victim something to find. */
export async function prepareForMemory(clients: LocalClients, victim: Victim, cleanUp: CleanUp): Promise<MemoryStage> {
    const { accountId, region, instanceId } = victim.instance;
    const ec2 = clients(EC2Client, { accountId, region });
    const folder = await mkdtemp(path.join(tmpdir(), "rehearsal-memory-"));
    cleanUp.add("what runs on the victim", () => rm(folder, { recursive: true, force: true }));
    const [busybox, file] = [path.join(folder, "busybox"), path.join(folder, "runs.sh")];
    await copyFile(await keptBusybox(architecture), busybox);
    await chmod(busybox, 0o755);
    await writeFile(file, script(busybox));
    const endpointGroup = await makeEndpoints(ec2, victim);
    await ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: [{ Key: "rehearsal:runs", Value: file }] }));
    return { endpointGroup };
}
