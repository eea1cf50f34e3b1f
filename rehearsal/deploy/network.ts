/** VPCs, subnets, routes, endpoints and flow logs. */
import {
    AssociateRouteTableCommand,
    CreateFlowLogsCommand,
    CreateRouteCommand,
    CreateRouteTableCommand,
    CreateSubnetCommand,
    CreateVpcCommand,
    CreateVpcEndpointCommand,
    DescribeNetworkAclsCommand,
    DescribePrefixListsCommand,
    DescribeRouteTablesCommand,
    DescribeSecurityGroupsCommand,
    EC2Client,
    ModifySubnetAttributeCommand,
    ModifyVpcAttributeCommand,
    type DnsRecordIpType,
    type FlowLogsResourceType,
    type IpAddressType,
    type LogDestinationType,
    type ResourceType,
    type Tag,
    type Tenancy,
    type TrafficType,
    type VpcEndpointType,
} from "@aws-sdk/client-ec2";
import type * as aws from "@pulumi/aws";
import { clientOf, entry, policyText, tagList, type DeployTable, type ResourceContext } from "./resource";

/** Tags given in the call that creates, as the provider does it. */
export function tagSpecifications(
    context: ResourceContext,
    type: ResourceType,
    tags?: Record<string, string>,
): { ResourceType: ResourceType; Tags: Tag[] }[] | undefined {
    const Tags = tagList(context, tags);
    return Tags && [{ ResourceType: type, Tags }];
}

/** `arn:aws:ec2:<region>:<account>:<kind>/<id>` */
export function ec2ResourceArn(context: ResourceContext, kind: string, id: string): string {
    return `arn:aws:ec2:${context.target.region}:${context.target.accountId}:${kind}/${id}`;
}

const vpc = entry<aws.ec2.VpcArgs>(async (inputs, context) => {
    const ec2 = clientOf(context, EC2Client);
    const { Vpc } = await ec2.send(
        new CreateVpcCommand({
            CidrBlock: inputs.cidrBlock,
            InstanceTenancy: inputs.instanceTenancy as Tenancy | undefined,
            AmazonProvidedIpv6CidrBlock: inputs.assignGeneratedIpv6CidrBlock,
            TagSpecifications: tagSpecifications(context, "vpc", inputs.tags),
        }),
    );
    const id = Vpc!.VpcId!;
    if (inputs.enableDnsSupport !== undefined)
        await ec2.send(new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsSupport: { Value: inputs.enableDnsSupport } }));
    if (inputs.enableDnsHostnames !== undefined)
        await ec2.send(new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsHostnames: { Value: inputs.enableDnsHostnames } }));
    const Filters = [{ Name: "vpc-id", Values: [id] }];
    const [groups, tables, acls] = await Promise.all([
        ec2.send(new DescribeSecurityGroupsCommand({ Filters: [...Filters, { Name: "group-name", Values: ["default"] }] })),
        ec2.send(new DescribeRouteTablesCommand({ Filters: [...Filters, { Name: "association.main", Values: ["true"] }] })),
        ec2.send(new DescribeNetworkAclsCommand({ Filters })),
    ]);
    return {
        id,
        state: {
            arn: ec2ResourceArn(context, "vpc", id),
            defaultSecurityGroupId: groups.SecurityGroups?.[0]?.GroupId,
            mainRouteTableId: tables.RouteTables?.[0]?.RouteTableId,
            defaultRouteTableId: tables.RouteTables?.[0]?.RouteTableId,
            defaultNetworkAclId: acls.NetworkAcls?.[0]?.NetworkAclId,
        },
    };
});

const subnet = entry<aws.ec2.SubnetArgs>(async (inputs, context) => {
    const ec2 = clientOf(context, EC2Client);
    const { Subnet } = await ec2.send(
        new CreateSubnetCommand({
            VpcId: inputs.vpcId,
            CidrBlock: inputs.cidrBlock,
            AvailabilityZone: inputs.availabilityZone,
            AvailabilityZoneId: inputs.availabilityZoneId,
            TagSpecifications: tagSpecifications(context, "subnet", inputs.tags),
        }),
    );
    const SubnetId = Subnet!.SubnetId!;
    if (inputs.mapPublicIpOnLaunch !== undefined) {
        await ec2.send(new ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value: inputs.mapPublicIpOnLaunch } }));
    }
    return { id: SubnetId, state: { arn: ec2ResourceArn(context, "subnet", SubnetId), availabilityZone: Subnet!.AvailabilityZone } };
});

const routeTable = entry<aws.ec2.RouteTableArgs>(async (inputs, context) => {
    const ec2 = clientOf(context, EC2Client);
    const { RouteTable } = await ec2.send(
        new CreateRouteTableCommand({ VpcId: inputs.vpcId, TagSpecifications: tagSpecifications(context, "route-table", inputs.tags) }),
    );
    const RouteTableId = RouteTable!.RouteTableId!;
    for (const route of inputs.routes ?? []) {
        await ec2.send(
            new CreateRouteCommand({
                RouteTableId,
                DestinationCidrBlock: route.cidrBlock,
                DestinationIpv6CidrBlock: route.ipv6CidrBlock,
                DestinationPrefixListId: route.destinationPrefixListId,
                GatewayId: route.gatewayId,
                NatGatewayId: route.natGatewayId,
                TransitGatewayId: route.transitGatewayId,
                VpcPeeringConnectionId: route.vpcPeeringConnectionId,
                NetworkInterfaceId: route.networkInterfaceId,
                VpcEndpointId: route.vpcEndpointId,
                EgressOnlyInternetGatewayId: route.egressOnlyGatewayId,
            }),
        );
    }
    return { id: RouteTableId, state: { arn: ec2ResourceArn(context, "route-table", RouteTableId) } };
});

const routeTableAssociation = entry<aws.ec2.RouteTableAssociationArgs>(async (inputs, context) => {
    const { AssociationId } = await clientOf(context, EC2Client).send(
        new AssociateRouteTableCommand({ RouteTableId: inputs.routeTableId, SubnetId: inputs.subnetId, GatewayId: inputs.gatewayId }),
    );
    return { id: AssociationId! };
});

/** The addresses behind a gateway endpoint, as a rule of a security group names them. */
async function prefixListOf(ec2: EC2Client, serviceName: string): Promise<string> {
    const { PrefixLists = [] } = await ec2.send(
        new DescribePrefixListsCommand({ Filters: [{ Name: "prefix-list-name", Values: [serviceName] }] }),
    );
    const id = PrefixLists.find((one) => one.PrefixListName === serviceName)?.PrefixListId;
    if (!id) throw new Error(`there is no prefix list of ${serviceName}`);
    return id;
}

const vpcEndpoint = entry<aws.ec2.VpcEndpointArgs>(async (inputs, context) => {
    const { VpcEndpoint } = await clientOf(context, EC2Client).send(
        new CreateVpcEndpointCommand({
            VpcId: inputs.vpcId,
            ServiceName: inputs.serviceName,
            VpcEndpointType: inputs.vpcEndpointType as VpcEndpointType | undefined,
            PolicyDocument: inputs.policy === undefined ? undefined : policyText(inputs.policy),
            RouteTableIds: inputs.routeTableIds,
            SubnetIds: inputs.subnetIds,
            SecurityGroupIds: inputs.securityGroupIds,
            PrivateDnsEnabled: inputs.privateDnsEnabled,
            IpAddressType: inputs.ipAddressType as IpAddressType | undefined,
            DnsOptions: inputs.dnsOptions && { DnsRecordIpType: inputs.dnsOptions.dnsRecordIpType as DnsRecordIpType | undefined },
            TagSpecifications: tagSpecifications(context, "vpc-endpoint", inputs.tags),
        }),
    );
    const id = VpcEndpoint!.VpcEndpointId!;
    const prefixListId =
        VpcEndpoint!.VpcEndpointType === "Gateway" ? await prefixListOf(clientOf(context, EC2Client), inputs.serviceName!) : undefined;
    return {
        id,
        state: {
            prefixListId,
            arn: ec2ResourceArn(context, "vpc-endpoint", id),
            networkInterfaceIds: VpcEndpoint!.NetworkInterfaceIds ?? [],
            state: VpcEndpoint!.State,
        },
    };
});

const flowLog = entry<aws.ec2.FlowLogArgs>(async (inputs, context) => {
    const [ResourceId, kind] = inputs.vpcId
        ? [inputs.vpcId, "VPC"]
        : inputs.subnetId
          ? [inputs.subnetId, "Subnet"]
          : [inputs.eniId!, "NetworkInterface"];
    const { FlowLogIds, Unsuccessful } = await clientOf(context, EC2Client).send(
        new CreateFlowLogsCommand({
            ResourceIds: [ResourceId],
            ResourceType: kind as FlowLogsResourceType,
            TrafficType: inputs.trafficType as TrafficType | undefined,
            LogDestinationType: inputs.logDestinationType as LogDestinationType | undefined,
            LogDestination: inputs.logDestination,
            DeliverLogsPermissionArn: inputs.iamRoleArn,
            LogFormat: inputs.logFormat,
            MaxAggregationInterval: inputs.maxAggregationInterval,
            TagSpecifications: tagSpecifications(context, "vpc-flow-log", inputs.tags),
        }),
    );
    if (!FlowLogIds?.[0]) throw new Error(Unsuccessful?.[0]?.Error?.Message ?? "no flow log was created");
    return { id: FlowLogIds[0], state: { arn: ec2ResourceArn(context, "vpc-flow-log", FlowLogIds[0]) } };
});

export const networkTable: DeployTable = {
    "aws:ec2/vpc:Vpc": vpc,
    "aws:ec2/subnet:Subnet": subnet,
    "aws:ec2/routeTable:RouteTable": routeTable,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": routeTableAssociation,
    "aws:ec2/vpcEndpoint:VpcEndpoint": vpcEndpoint,
    "aws:ec2/flowLog:FlowLog": flowLog,
};
