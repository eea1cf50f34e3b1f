/** Reads what `npm run incidents` lists: the incidents table whole, and from EC2 the locks of evidence and the forensic instances that live. */
import { DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { EC2Client, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { recordOf } from "../../functions/aws/incidentsTable";
import { caseOf, type CaseItem } from "../../functions/aws/pinsTable";
import { locksOf, snapshotsById } from "../../functions/aws/snapshots";
import { listStanding } from "../../functions/aws/standingContainments";
import type { IncidentRecord } from "../../functions/domain/incidentRecord";
import { incidentTag, purposeTag, tagValue } from "../../functions/domain/tags";
import { incidentsTableName } from "../../infra/names";
import type { IncidentsRead, LivingHost } from "./incidentList";

/**
 * Every incident and every case's pins. A scan: the table has an item an incident, and people ask for the list now and then. What else is in it is
 * left out here: a filter by the key saves nothing of the reading, and not every DynamoDB beside AWS's takes one.
 */
async function scan(region: string): Promise<{ records: IncidentRecord[]; cases: CaseItem[] }> {
    const [records, cases]: [IncidentRecord[], CaseItem[]] = [[], []];
    const pages = paginateScan({ client: new DynamoDBClient({ region }) }, { TableName: incidentsTableName });
    for await (const { Items = [] } of pages)
        for (const item of Items)
            if (item.pk!.S!.startsWith("pins#")) cases.push(caseOf(item));
            else if (item.pk!.S!.startsWith("incident#")) records.push(recordOf(item));
    return { records, cases };
}

async function livingHosts(ec2: EC2Client): Promise<LivingHost[]> {
    const hosts: LivingHost[] = [];
    const Filters = [
        { Name: `tag:${purposeTag}`, Values: ["forensic-host"] },
        { Name: "instance-state-name", Values: ["pending", "running"] },
    ];
    for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters }))
        for (const one of Reservations.flatMap(({ Instances = [] }) => Instances))
            hosts.push({
                incidentId: tagValue(one.Tags, incidentTag) ?? "",
                instanceId: one.InstanceId!,
                instanceType: one.InstanceType ?? "",
            });
    return hosts;
}

/** @throws where the table cannot be read; what EC2 does not tell is null */
export async function readIncidents(region: string): Promise<IncidentsRead> {
    const [{ records, cases }, standing] = await Promise.all([scan(region), listStanding()]);
    const ec2 = new EC2Client({ region });
    const ids = cases.flatMap(({ pins }) => pins.filter(({ stage }) => stage === "evidence").map(({ snapshotId }) => snapshotId));
    try {
        const snapshots = await snapshotsById(ec2, ids);
        const locks = await locksOf(
            ec2,
            snapshots.map(({ snapshotId }) => snapshotId),
        );
        return { records, cases, standing, ec2: { snapshots, locks, hosts: await livingHosts(ec2) } };
    } catch (error) {
        return {
            records,
            cases,
            standing,
            ec2: null,
            problem: `EC2 did not tell: ${error instanceof Error ? error.message : String(error)}`,
        };
    }
}
