/** Pulumi functions (data sources), asked from the local AWS. */
import {
    DescribeAvailabilityZonesCommand,
    DescribeInstanceTypeOfferingsCommand,
    DescribeManagedPrefixListsCommand,
    DescribeRegionsCommand,
    DescribeSecurityGroupsCommand,
    DescribeVpcEndpointServicesCommand,
    EC2Client,
} from "@aws-sdk/client-ec2";
import { GetDetectorCommand, GuardDutyClient, ListDetectorsCommand } from "@aws-sdk/client-guardduty";
import { GetParameterCommand, GetParametersByPathCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { LocalClients, Target } from "./localClients";

/** What the real provider answers with an error too, and a program may ask for: no failure of the deployment by itself. */
export class NothingFound extends Error {}

type Inputs = Record<string, unknown>;
type DataSource = (inputs: Inputs, target: Target, clients: LocalClients) => Promise<Record<string, unknown>>;

/** The partition a Region belongs to, as the provider tells it without asking AWS. */
function partitionOf(region: string): { partition: string; dnsSuffix: string } {
    if (region.startsWith("cn-")) return { partition: "aws-cn", dnsSuffix: "amazonaws.com.cn" };
    return { partition: region.startsWith("us-gov-") ? "aws-us-gov" : "aws", dnsSuffix: "amazonaws.com" };
}

const dataSources: Record<string, DataSource> = {
    "aws:index/getCallerIdentity:getCallerIdentity": async (_inputs, target, clients) => {
        const { Account, Arn, UserId } = await clients(STSClient, target).send(new GetCallerIdentityCommand({}));
        return { id: Account, accountId: Account, arn: Arn, userId: UserId };
    },
    "aws:index/getPartition:getPartition": async (_inputs, { region }) => {
        const { partition, dnsSuffix } = partitionOf(region);
        return { id: partition, partition, dnsSuffix, reverseDnsPrefix: dnsSuffix.split(".").reverse().join(".") };
    },
    "aws:index/getRegion:getRegion": async (_inputs, { region }) => ({
        id: region,
        name: region,
        region,
        endpoint: `ec2.${region}.amazonaws.com`,
    }),
    "aws:index/getAvailabilityZones:getAvailabilityZones": async (inputs, target, clients) => {
        const Filters = [
            ...(inputs.state ? [{ Name: "state", Values: [inputs.state as string] }] : []),
            ...((inputs.filters as { name: string; values: string[] }[] | undefined) ?? []).map(({ name, values }) => ({
                Name: name,
                Values: values,
            })),
        ];
        const { AvailabilityZones = [] } = await clients(EC2Client, target).send(new DescribeAvailabilityZonesCommand({ Filters }));
        return {
            id: target.region,
            names: AvailabilityZones.map((zone) => zone.ZoneName),
            zoneIds: AvailabilityZones.map((zone) => zone.ZoneId),
            groupNames: [target.region],
        };
    },
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": async (inputs, target, clients) => {
        const { InstanceTypeOfferings = [] } = await clients(EC2Client, target).send(
            new DescribeInstanceTypeOfferingsCommand({
                LocationType: inputs.locationType as "availability-zone",
                Filters: (inputs.filters as { name: string; values: string[] }[]).map(({ name, values }) => ({
                    Name: name,
                    Values: values,
                })),
            }),
        );
        return { id: target.region, locations: InstanceTypeOfferings.map((one) => one.Location) };
    },
    "aws:ec2/getVpcEndpointService:getVpcEndpointService": async (inputs, target, clients) => {
        const name = inputs.serviceName as string;
        const { ServiceDetails = [] } = await clients(EC2Client, target).send(
            new DescribeVpcEndpointServicesCommand({ ServiceNames: [name] }),
        );
        const service = ServiceDetails.find((one) => one.ServiceName === name);
        if (!service) throw new Error(`there is no endpoint service ${name} in ${target.region}`);
        return { id: name, serviceName: name, availabilityZones: service.AvailabilityZones ?? [] };
    },
    "aws:ec2/getSecurityGroups:getSecurityGroups": async (inputs, target, clients) => {
        const { SecurityGroups = [] } = await clients(EC2Client, target).send(
            new DescribeSecurityGroupsCommand({
                Filters: (inputs.filters as { name: string; values: string[] }[]).map(({ name, values }) => ({
                    Name: name,
                    Values: values,
                })),
            }),
        );
        return { id: target.region, ids: SecurityGroups.map((one) => one.GroupId), arns: [], vpcIds: [] };
    },
    "aws:index/getRegions:getRegions": async (inputs, target, clients) => {
        const { Regions = [] } = await clients(EC2Client, target).send(
            new DescribeRegionsCommand({ AllRegions: inputs.allRegions === true }),
        );
        return { id: "aws", names: Regions.map((one) => one.RegionName) };
    },
    "aws:guardduty/getDetector:getDetector": async (_inputs, target, clients) => {
        const guardDuty = clients(GuardDutyClient, target);
        const { DetectorIds = [] } = await guardDuty.send(new ListDetectorsCommand({}));
        if (DetectorIds.length !== 1)
            throw new NothingFound(`there are ${DetectorIds.length} GuardDuty detectors in ${target.accountId}, ${target.region}`);
        const detector = await guardDuty.send(new GetDetectorCommand({ DetectorId: DetectorIds[0] }));
        return {
            id: DetectorIds[0],
            status: detector.Status,
            serviceRoleArn: detector.ServiceRole,
            findingPublishingFrequency: detector.FindingPublishingFrequency,
            features: [],
            tags: detector.Tags ?? {},
        };
    },
    "aws:ssm/getParameter:getParameter": async (inputs, target, clients) => {
        const { Parameter } = await clients(SSMClient, target).send(
            new GetParameterCommand({ Name: inputs.name as string, WithDecryption: inputs.withDecryption !== false }),
        );
        return {
            id: inputs.name,
            name: inputs.name,
            arn: Parameter!.ARN,
            type: Parameter!.Type,
            value: Parameter!.Value,
            insecureValue: Parameter!.Value,
            version: Parameter!.Version,
        };
    },
    "aws:ssm/getParametersByPath:getParametersByPath": async (inputs, target, clients) => {
        const { Parameters = [] } = await clients(SSMClient, target).send(
            new GetParametersByPathCommand({ Path: inputs.path as string, WithDecryption: true }),
        );
        const of = (key: "ARN" | "Name" | "Type" | "Value") => Parameters.map((one) => one[key]);
        return { id: inputs.path, path: inputs.path, arns: of("ARN"), names: of("Name"), types: of("Type"), values: of("Value") };
    },
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": async (inputs, target, clients) => {
        const filters = inputs.name ? [{ Name: "prefix-list-name", Values: [inputs.name as string] }] : [];
        const { PrefixLists = [] } = await clients(EC2Client, target).send(new DescribeManagedPrefixListsCommand({ Filters: filters }));
        const list = PrefixLists.find((one) => !inputs.name || one.PrefixListName === inputs.name);
        if (!list) throw new Error(`there is no managed prefix list ${inputs.name as string} in ${target.region}`);
        return {
            id: list.PrefixListId,
            name: list.PrefixListName,
            arn: list.PrefixListArn,
            addressFamily: list.AddressFamily,
            entries: [],
            maxEntries: list.MaxEntries ?? 0,
        };
    },
};

/** Answers one invoke. @throws on a function that is not known here. */
export async function askDataSource(
    token: string,
    inputs: Inputs,
    target: Target,
    clients: LocalClients,
): Promise<Record<string, unknown>> {
    const ask = dataSources[token];
    if (!ask) throw new Error(`The Pulumi function ${token} is not known to the rehearsal; add it to rehearsal/deploy/dataSources.ts.`);
    return { ...inputs, ...(await ask(inputs, target, clients)) };
}
