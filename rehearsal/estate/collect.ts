/** Reads back from the local AWS, in every Region, what the estate's checks look at. */
import {
    DescribeLockedSnapshotsCommand,
    DescribeNetworkInterfacesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSnapshotsCommand,
    EC2Client,
} from "@aws-sdk/client-ec2";
import { paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { custodySchema, reportSchema, type Incident } from "../../functions/domain/containers";
import { incidentFilters } from "../../functions/domain/tags";
import { roleTag } from "../../functions/domain/tags";
import { readEvidence } from "../collectFacts";
import type { LocalClients } from "../deploy/localClients";
import { deployedIn, forensicsIn } from "../stage";
import type { Victim } from "../victim";
import type { VictimFacts } from "./facts";

async function interfacesOf(clients: LocalClients, victim: Victim): Promise<VictimFacts["interfaces"]> {
    const { accountId, region, instanceId } = victim.instance;
    const ec2 = clients(EC2Client, { accountId, region });
    const { NetworkInterfaces = [] } = await ec2.send(
        new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [instanceId] }] }),
    );
    const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({}));
    return NetworkInterfaces.map((one) => ({
        networkInterfaceId: one.NetworkInterfaceId!,
        groups: (one.Groups ?? []).map(({ GroupId }) => {
            const group = SecurityGroups.find((each) => each.GroupId === GroupId);
            return {
                groupId: GroupId!,
                vpcId: group?.VpcId ?? "unknown",
                isolation: group?.Tags?.some(({ Key, Value }) => Key === roleTag && Value === "isolation") === true,
            };
        }),
    }));
}

async function evidenceIn(clients: LocalClients, region: string, incidentId: string): Promise<VictimFacts["evidence"]> {
    const ec2 = clients(EC2Client, forensicsIn(region));
    const { Snapshots = [] } = await ec2.send(
        new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters: incidentFilters(incidentId, "evidence") }),
    );
    const { Snapshots: locked = [] } = await ec2.send(new DescribeLockedSnapshotsCommand({}));
    return Snapshots.map(({ SnapshotId }) => ({
        region,
        snapshotId: SnapshotId!,
        locked: locked.some((one) => one.SnapshotId === SnapshotId && one.LockState !== "expired"),
    }));
}

async function objectsIn(clients: LocalClients, region: string, prefix: string): Promise<number> {
    let count = 0;
    for await (const page of paginateListObjectsV2(
        { client: clients(S3Client, forensicsIn(region)) },
        { Bucket: deployedIn(region).evidenceBucket, Prefix: prefix },
    ))
        count += page.Contents?.length ?? 0;
    return count;
}

async function reportOf(clients: LocalClients, { prefix, instance }: Incident): Promise<VictimFacts["report"]> {
    const read = (key: string) =>
        readEvidence(clients, forensicsIn(instance.region), deployedIn(instance.region).evidenceBucket, `${prefix}${key}`);
    const [report, custody] = await Promise.all([read("report/report.json"), read("custody.json")]);
    if (!report || !custody) return null;
    const { incidentId, intact } = reportSchema.parse(JSON.parse(report.toString("utf8")));
    return { incidentId, intact, instance: custodySchema.parse(JSON.parse(custody.toString("utf8"))).incident.instance };
}

/** What became of one victim. @param regions all Regions of the estate: what is in the wrong one must be seen */
export async function collectVictim(
    clients: LocalClients,
    regions: readonly string[],
    victim: Victim,
    incident: Incident,
): Promise<VictimFacts> {
    const inEach = <T>(look: (region: string) => Promise<T>) => Promise.all(regions.map(look));
    const executions = await inEach(async (region) => {
        const { executions: all = [] } = await clients(SFNClient, forensicsIn(region)).send(
            new ListExecutionsCommand({ stateMachineArn: deployedIn(region).stateMachineArn }),
        );
        return all
            .filter(({ name }) => name?.startsWith(`${victim.instance.instanceId}-`))
            .map(({ name, status }) => ({ region, name: name!, status: status! }));
    });
    const objects = await inEach(async (region) => ({ region, count: await objectsIn(clients, region, incident.prefix) }));
    return {
        instance: victim.instance,
        vpcId: victim.vpcId,
        incidentId: incident.incidentId,
        executions: executions.flat(),
        interfaces: await interfacesOf(clients, victim),
        volumes: victim.volumes.length,
        evidence: (await inEach((region) => evidenceIn(clients, region, incident.incidentId))).flat(),
        objects: objects.filter(({ count }) => count > 0),
        report: await reportOf(clients, incident),
    };
}
