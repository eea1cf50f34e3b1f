/** The clean room: a VPC that has no way out. What the forensic instance needs of AWS comes through endpoints. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { roleTag } from "../functions/domain/tags";
import { DnsFirewall } from "./dnsFirewall";
import { cleanRoomSubnets, planSubnets } from "./planSubnets";
import { policyDocument, trustService } from "./policyDocument";
import { zonesFor } from "./zones";
import { endpointPolicy, endpointServiceName, endpointServices } from "../functions/domain/endpoints";
import { incidentsRoot } from "../functions/domain/evidenceKeys";

export interface NetworkArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** Bucket that results are written to. */
    readonly evidenceBucketArn: pulumi.Input<string>;
    /** Bucket that the analysis program is read from. */
    readonly toolBucketArn: pulumi.Input<string>;
    /** Provider whose own Region it is (accounts.ts). */
    readonly lookingHere: aws.Provider;
    /** Key that the flow log is encrypted under. */
    readonly messageKeyArn: pulumi.Input<string>;
}

export class Network extends pulumi.ComponentResource {
    readonly vpc: aws.ec2.Vpc;
    readonly subnets: aws.ec2.Subnet[];
    /** Group of forensic instances: out to the endpoints, nothing in. */
    readonly forensicGroup: aws.ec2.SecurityGroup;
    /** Group of the interface endpoints, standing or on demand. */
    readonly endpointGroup: aws.ec2.SecurityGroup;

    constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Network", name, {}, opts);
        const { settings, region } = args;
        const parent = { parent: this };
        const tags = (what: string) => ({ Name: `clean-room ${what}`, [roleTag]: "clean-room" });
        const accountId = settings.forensics.accountId;

        this.vpc = new aws.ec2.Vpc(
            name,
            { cidrBlock: settings.network.cidrBlock, enableDnsHostnames: true, enableDnsSupport: true, tags: tags("VPC") },
            parent,
        );
        // The default group lets its members talk to each other and to anyone; emptied, it is no trap.
        new aws.ec2.DefaultSecurityGroup(name, { vpcId: this.vpc.id, ingress: [], egress: [], tags: tags("default, empty") }, parent);
        const ranges = planSubnets(settings.network.cidrBlock, cleanRoomSubnets);
        const zones = zonesFor(
            {
                region,
                instanceType: settings.forensicInstance.types[region] ?? settings.forensicInstance.type,
                services: endpointServices,
                count: ranges.length,
            },
            { parent: this },
            args.lookingHere,
        );
        const routes = new aws.ec2.RouteTable(name, { vpcId: this.vpc.id, tags: tags("routes") }, parent);
        this.subnets = ranges.map((cidrBlock, index) => {
            const subnet = new aws.ec2.Subnet(
                `${name}-${index}`,
                {
                    vpcId: this.vpc.id,
                    cidrBlock,
                    availabilityZone: zones.apply((names) => names[index]!),
                    mapPublicIpOnLaunch: false,
                    tags: tags(`subnet ${index}`),
                },
                // Chosen once: a zone that AWS adds or fills later must not make the subnet, and all that stands in it, anew.
                { ...parent, ignoreChanges: ["availabilityZone"] },
            );
            new aws.ec2.RouteTableAssociation(`${name}-${index}`, { subnetId: subnet.id, routeTableId: routes.id }, parent);
            return subnet;
        });

        this.endpointGroup = new aws.ec2.SecurityGroup(
            `${name}-endpoints`,
            { description: "Interface endpoints of the clean room", vpcId: this.vpc.id, tags: tags("endpoints") },
            parent,
        );
        this.forensicGroup = new aws.ec2.SecurityGroup(
            `${name}-forensic`,
            {
                description: "Forensic instances: out to the endpoints alone, nothing in",
                vpcId: this.vpc.id,
                tags: tags("forensic instances"),
            },
            parent,
        );
        const https = { ipProtocol: "tcp", fromPort: 443, toPort: 443 };
        new aws.vpc.SecurityGroupIngressRule(
            `${name}-endpoints`,
            {
                securityGroupId: this.endpointGroup.id,
                referencedSecurityGroupId: this.forensicGroup.id,
                description: "HTTPS from forensic instances",
                ...https,
            },
            parent,
        );
        new aws.vpc.SecurityGroupEgressRule(
            `${name}-to-endpoints`,
            {
                securityGroupId: this.forensicGroup.id,
                referencedSecurityGroupId: this.endpointGroup.id,
                description: "HTTPS to the interface endpoints",
                ...https,
            },
            parent,
        );

        // Otherwise they are made by openEndpoints, with the same policies, while an incident needs them.
        for (const service of settings.network.endpoints === "standing" ? endpointServices : [])
            new aws.ec2.VpcEndpoint(
                `${name}-${service}`,
                {
                    vpcId: this.vpc.id,
                    vpcEndpointType: "Interface",
                    serviceName: endpointServiceName(region, service),
                    privateDnsEnabled: true,
                    subnetIds: this.subnets.map((subnet) => subnet.id),
                    securityGroupIds: [this.endpointGroup.id],
                    policy: endpointPolicy(service, accountId),
                    tags: tags(service),
                },
                parent,
            );
        const s3 = new aws.ec2.VpcEndpoint(
            `${name}-s3`,
            {
                vpcId: this.vpc.id,
                vpcEndpointType: "Gateway",
                serviceName: `com.amazonaws.${region}.s3`,
                routeTableIds: [routes.id],
                policy: policyDocument([
                    {
                        Sid: "ReadTools",
                        Effect: "Allow",
                        Principal: "*",
                        Action: ["s3:GetObject"],
                        Resource: [pulumi.interpolate`${args.toolBucketArn}/*`],
                        Condition: { StringEquals: { "aws:PrincipalAccount": accountId } },
                    },
                    {
                        Sid: "WriteResults",
                        Effect: "Allow",
                        Principal: "*",
                        Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
                        Resource: [pulumi.interpolate`${args.evidenceBucketArn}/${incidentsRoot}*`],
                        Condition: { StringEquals: { "aws:PrincipalAccount": accountId } },
                    },
                    // Amazon Linux's package repositories are public buckets of Amazon's, read without credentials.
                    {
                        Sid: "ReadAmazonLinuxRepositories",
                        Effect: "Allow",
                        Principal: "*",
                        Action: ["s3:GetObject"],
                        Resource: [`arn:${args.partition}:s3:::al2023-repos-${region}-de612dc2/*`],
                    },
                ]),
                tags: tags("s3"),
            },
            parent,
        );
        new aws.vpc.SecurityGroupEgressRule(
            `${name}-to-s3`,
            {
                securityGroupId: this.forensicGroup.id,
                prefixListId: s3.prefixListId,
                description: "HTTPS to S3 through the gateway endpoint",
                ...https,
            },
            parent,
        );
        new DnsFirewall(`${name}-dns`, { vpcId: this.vpc.id, region, services: endpointServices }, parent);
        this.recordFlows(name, settings, args.messageKeyArn);
        this.registerOutputs({ vpcId: this.vpc.id });
    }

    private recordFlows(name: string, settings: Settings, messageKeyArn: pulumi.Input<string>): void {
        const parent = { parent: this };
        const log = new aws.cloudwatch.LogGroup(
            `${name}-flows`,
            { name: "/clean-room/vpc-flow-logs", retentionInDays: settings.logRetentionDays, kmsKeyId: messageKeyArn },
            parent,
        );
        const role = new aws.iam.Role(
            `${name}-flows`,
            { assumeRolePolicy: trustService("vpc-flow-logs.amazonaws.com", settings.forensics.accountId) },
            parent,
        );
        new aws.iam.RolePolicy(
            `${name}-flows`,
            {
                role: role.id,
                policy: policyDocument([
                    {
                        Effect: "Allow",
                        Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                        Resource: [pulumi.interpolate`${log.arn}:*`],
                    },
                ]),
            },
            parent,
        );
        new aws.ec2.FlowLog(
            name,
            {
                vpcId: this.vpc.id,
                trafficType: "ALL",
                logDestinationType: "cloud-watch-logs",
                logDestination: log.arn,
                iamRoleArn: role.arn,
                maxAggregationInterval: 60,
            },
            parent,
        );
    }
}
