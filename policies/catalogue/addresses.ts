/** By which properties each type that may stand in a clean room gets an address that the internet reaches. Held to the provider by network.spec.ts. */
import type { Value } from "../lib/values";
import { token } from "./tokens";

export interface AddressRule {
    /** Paths that give a public address unless they are absent, false, zero or empty. A path goes through lists. */
    off?: string[];
    /** Paths that must be written with this value: without it AWS gives a public address. */
    must?: Record<string, Value>;
    /** Paths whose name only sounds like it. */
    harmless?: string[];
    /** Whether the type is itself a public address. */
    always?: string;
}

const launch = ["associatePublicIpAddress", "enablePrimaryIpv6", "ipv6AddressCount", "ipv6Addresses"];
const loadBalancer: AddressRule = { must: { internal: true }, off: ["subnetMappings.allocationId"] };
const task = (path: string): AddressRule => ({ off: [`${path}assignPublicIp`] });
const database: AddressRule = { off: ["publiclyAccessible"] };

const rules: Record<string, AddressRule> = {
    "ec2.Vpc": { off: ["assignGeneratedIpv6CidrBlock", "ipv6CidrBlock", "ipv6IpamPoolId", "ipv6NetmaskLength"] },
    "ec2.VpcIpv6CidrBlockAssociation": { always: "gives the VPC an IPv6 range", harmless: ["assignGeneratedIpv6CidrBlock"] },
    "ec2.Subnet": {
        off: [
            "mapPublicIpOnLaunch",
            "assignIpv6AddressOnCreation",
            "mapCustomerOwnedIpOnLaunch",
            "ipv6CidrBlock",
            "ipv6IpamPoolId",
            "ipv6NetmaskLength",
            "ipv6Native",
        ],
    },
    "ec2.Instance": { off: launch },
    "ec2.SpotInstanceRequest": { off: launch },
    "ec2.SpotFleetRequest": { off: ["launchSpecifications.associatePublicIpAddress"] },
    "ec2.LaunchConfiguration": { off: ["associatePublicIpAddress"] },
    "ec2.LaunchTemplate": {
        off: [
            "associatePublicIpAddress",
            "associateCarrierIpAddress",
            "ipv6AddressCount",
            "ipv6Addresses",
            "ipv6PrefixCount",
            "ipv6Prefixes",
            "primaryIpv6",
        ].map((each) => `networkInterfaces.${each}`),
    },
    "ec2.NetworkInterface": {
        off: [
            "enablePrimaryIpv6",
            "ipv6AddressCount",
            "ipv6Addresses",
            "ipv6AddressLists",
            "ipv6AddressListEnabled",
            "ipv6PrefixCount",
            "ipv6Prefixes",
        ],
    },
    "ec2.Eip": { always: "makes an elastic IP address", harmless: ["publicIpv4Pool", "associateWithPrivateIp"] },
    "ec2.EipAssociation": { always: "associates an elastic IP address", harmless: ["publicIp"] },
    "alb.LoadBalancer": loadBalancer,
    "lb.LoadBalancer": loadBalancer,
    "elb.LoadBalancer": { must: { internal: true } },
    "ecs.Service": task("networkConfiguration."),
    "ecs.TaskSet": task("networkConfiguration."),
    "cloudwatch.EventTarget": task("ecsTarget.networkConfiguration."),
    "scheduler.Schedule": task("target.ecsParameters.networkConfiguration."),
    "pipes.Pipe": task("targetParameters.ecsTaskParameters.networkConfiguration.awsVpcConfiguration."),
    "eks.Cluster": { must: { "vpcConfig.endpointPublicAccess": false } },
    "m2.Environment": database,
    "mq.Broker": database,
    "msk.Cluster": {
        off: ["brokerNodeGroupInfo.connectivityInfo.publicAccess.type"],
        harmless: ["brokerNodeGroupInfo.connectivityInfo.publicAccess"],
    },
    "neptune.ClusterInstance": database,
    "neptunegraph.Graph": { must: { publicConnectivity: false } },
    "rds.ClusterInstance": database,
    "rds.Instance": database,
    "rds.ShardGroup": database,
    "redshift.Cluster": { must: { publiclyAccessible: false } },
    "redshiftserverless.Workgroup": database,
    "sagemaker.NotebookInstance": { must: { directInternetAccess: "Disabled" } },
    "timestreaminfluxdb.DbCluster": database,
    "timestreaminfluxdb.DbInstance": database,
};

export const ADDRESSES: Readonly<Record<string, AddressRule>> = Object.fromEntries(
    Object.entries(rules).map(([short, rule]) => [token(short), rule]),
);
