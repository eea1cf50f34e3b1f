/**
 * What each resource type of the AWS provider means for a clean room's network. A person decided; `network.spec.ts` fails for every type of
 * the installed provider that says where it is in a network, or belongs to a module about networks, and is in none of these lists. A type
 * that is in none of them (a provider newer than this file) is refused in a clean room.
 */
import { token, tokens } from "./tokens";

/** Joins a VPC to another network, or lets people of another network in. With the name people know it by. */
export const GATEWAYS: ReadonlyMap<string, string> = new Map(
    Object.entries({
        // The internet.
        "ec2.InternetGateway": "an internet gateway",
        "ec2.InternetGatewayAttachment": "the attachment of an internet gateway",
        "ec2.NatGateway": "a NAT gateway",
        "ec2.NatGatewayEipAssociation": "an address of a NAT gateway",
        "ec2.EgressOnlyInternetGateway": "an egress-only internet gateway",
        "ec2.CarrierGateway": "a carrier gateway",
        "ec2.DefaultVpc": "the account's default VPC, which has an internet gateway",
        "ec2.DefaultSubnet": "a subnet of the account's default VPC, which has an internet gateway",
        "ec2.VpcBlockPublicAccessExclusion": "an exclusion from the account's block of internet gateways",
        "globalaccelerator.EndpointGroup": "an endpoint of Global Accelerator, which brings requests from the internet",
        "globalaccelerator.CustomRoutingEndpointGroup": "an endpoint of Global Accelerator, which brings requests from the internet",
        // Other VPCs, offices and partners.
        "ec2.VpcPeeringConnection": "a peering connection",
        "ec2.VpcPeeringConnectionAccepter": "an accepted peering connection",
        "ec2.PeeringConnectionOptions": "a peering connection's options",
        "ec2transitgateway.VpcAttachment": "a transit gateway attachment",
        "ec2transitgateway.VpcAttachmentAccepter": "an accepted transit gateway attachment",
        "ec2transitgateway.MulticastDomainAssociation": "a subnet in a transit gateway's multicast domain",
        "ec2transitgateway.MulticastGroupMember": "an interface in a transit gateway's multicast group",
        "ec2transitgateway.MulticastGroupSource": "an interface in a transit gateway's multicast group",
        "networkmanager.VpcAttachment": "a Cloud WAN attachment",
        "networkmanager.ConnectAttachment": "a Cloud WAN attachment",
        "networkmanager.AttachmentAccepter": "an accepted Cloud WAN attachment",
        "networkmanager.ConnectPeer": "a Cloud WAN peer",
        "ec2.LocalGatewayRouteTableVpcAssociation": "the association with an Outpost's local gateway",
        "ec2.VpnGateway": "a virtual private gateway",
        "ec2.VpnGatewayAttachment": "the attachment of a virtual private gateway",
        "ec2.VpnConnection": "a VPN connection",
        "ec2.VpnConnectionRoute": "a route through a VPN connection",
        "ec2.VpnConcentrator": "a VPN concentrator",
        "directconnect.GatewayAssociation": "the association with a Direct Connect gateway",
        "directconnect.GatewayAssociationProposal": "the association with a Direct Connect gateway",
        "directconnect.PrivateVirtualInterface": "a Direct Connect interface",
        "directconnect.HostedPrivateVirtualInterfaceAccepter": "a Direct Connect interface",
        "networkfirewall.Firewall": "a network firewall, which is of use only in front of a way out",
        "networkfirewall.VpcEndpointAssociation": "a network firewall's endpoint, which is of use only in front of a way out",
        "vpc.RouteServerVpcAssociation": "a route server, which writes routes that it learns by BGP",
        "vpc.RouteServerEndpoint": "a route server's endpoint, which writes routes that it learns by BGP",
        "ec2.NetworkInterfacePermission": "leave for another account to attach an interface of the VPC to an instance of its own",
        "ec2.TrafficMirrorSession": "a copy of all traffic, sent to another interface",
        "ec2.TrafficMirrorTarget": "a place that copies of other networks' traffic are sent to",
        "ec2.SecondarySubnet": "a second network beside the VPC",
        // Services of others by PrivateLink and Lattice.
        "ec2.VpcEndpointService": "an endpoint service, by which other accounts reach into the VPC",
        "ec2.VpcEndpointServiceAllowedPrinciple": "leave for another account to use an endpoint service",
        "ec2.VpcEndpointConnectionAccepter": "an accepted endpoint connection",
        "vpclattice.ServiceNetworkVpcAssociation": "a VPC Lattice service network's association",
        "vpclattice.ResourceGateway": "a VPC Lattice resource gateway, by which other networks reach into the VPC",
        "lambda.CoreNetworkConnector": "a connector from Lambda's network into the VPC",
        "msk.VpcConnection": "a connection to another VPC's Kafka cluster",
        "redshift.EndpointAuthorization": "leave for another account's VPC to reach a Redshift cluster",
        // The resolver: DNS carries data out through every wall.
        "route53.ResolverEndpoint": "a Resolver endpoint, by which DNS queries leave or enter the VPC",
        "route53.ResolverRuleAssociation": "a Resolver rule, which sends the VPC's DNS queries to servers elsewhere",
        "route53.ProfilesAssociation": "a Route 53 profile, which may bring Resolver rules with it",
        // People and services that come in from outside.
        "ec2transitgateway.InstanceConnectEndpoint": "an EC2 Instance Connect Endpoint, which brings ssh and RDP from the internet",
        "ec2clientvpn.Endpoint": "a Client VPN endpoint",
        "ec2clientvpn.NetworkAssociation": "a Client VPN endpoint's association",
        "ec2clientvpn.Route": "a Client VPN endpoint's route",
        "ec2clientvpn.AuthorizationRule": "a Client VPN endpoint's authorization rule",
        "verifiedaccess.Endpoint": "a Verified Access endpoint, which brings people from the internet",
        "apigatewayv2.VpcLink": "a VPC link, by which API Gateway reaches into the VPC",
        "apigateway.VpcLink": "a VPC link, by which API Gateway reaches into the VPC",
        "cloudfront.VpcOrigin": "a VPC origin, by which CloudFront reaches into the VPC",
    }).map(([short, what]) => [token(short), what]),
);

/** Has a foot outside: such a service is a way in or out wherever it is placed in a VPC, and none of the clean room's business elsewhere. */
export const FEET_OUTSIDE: ReadonlyMap<string, string> = new Map(
    Object.entries({
        "apprunner.VpcConnector": "a connector, by which App Runner's public services reach into the VPC",
        "apprunner.VpcIngressConnection": "a connection between the VPC and an App Runner service",
        "iot.TopicRuleDestination": "a destination, by which AWS IoT reaches into the VPC",
        "quicksight.VpcConnection": "a connection, by which QuickSight reaches into the VPC",
        "codeconnections.Host": "a host connection, by which a code service outside is joined to the VPC",
        "codestarconnections.Host": "a host connection, by which a code service outside is joined to the VPC",
        "grafana.Workspace": "a Grafana workspace, which people use from the internet",
        "appstream.Fleet": "an AppStream fleet, which people use from the internet",
        "appstream.ImageBuilder": "an AppStream image builder, which people use from the internet",
        "workspaces.Directory": "a WorkSpaces directory, whose desktops people use from the internet",
        "workspacesweb.NetworkSettings": "WorkSpaces browsers' network settings, which people use from the internet",
        "cloud9.EnvironmentEC2": "a Cloud9 environment, which people use from the internet",
        "emr.Studio": "an EMR Studio, which people use from the internet",
        "devicefarm.TestGridProject": "a Device Farm project, whose browsers reach into the VPC",
        "glue.DevEndpoint": "a Glue development endpoint, which people use from the internet",
        "sagemaker.Domain": "a SageMaker domain, which people use from the internet",
        "sagemaker.Workforce": "a SageMaker workforce portal, which people use from elsewhere",
        "finspace.KxEnvironment": "a FinSpace environment, which is joined to a transit gateway",
        "directoryservice.Directory": "a directory, whose connectors and trusts join other networks",
        "directoryservice.ServiceRegion": "a directory, whose connectors and trusts join other networks",
        "drs.ReplicationConfigurationTemplate": "a staging area, to which servers elsewhere copy their disks",
        "medialive.Input": "a MediaLive input, which takes streams from elsewhere",
        "medialive.Channel": "a MediaLive channel, which sends streams elsewhere",
        "transfer.Server": "a file transfer server, which people elsewhere use",
        "transfer.WebApp": "a file transfer application, which people elsewhere use",
        "datasync.Agent": "a DataSync agent, which copies data between networks",
        "msk.Replicator": "a replicator, which copies topics between networks",
        "dms.ReplicationInstance": "a replication instance, which copies databases between networks",
        "dms.ReplicationConfig": "a replication, which copies databases between networks",
        "dms.InstanceProfile": "a replication's profile, which copies databases between networks",
        "mailmanager.IngressPoint": "a mail ingress point, which takes mail from elsewhere",
        "bedrock.AgentcoreBrowser": "an agent's browser",
        "ecs.ExpressGatewayService": "an ECS express service, which has a public load balancer",
        "vpclattice.TargetGroup": "a VPC Lattice target group, by which other networks reach into the VPC",
    }).map(([short, what]) => [token(short), what]),
);

/** Writes routes, or joins a subnet to a table: judged by `clean-room-has-no-route-out`. */
export const ROUTES = tokens(`
    ec2: Route RouteTable DefaultRouteTable RouteTableAssociation MainRouteTableAssociation VpnGatewayRoutePropagation LocalGatewayRoute
    vpc: RouteServerPropagation`);

/** Rules of security groups, by each resource that makes them: judged by `isolation-group-has-no-rules`, egress and public ingress. */
export const RULES = tokens(`
    ec2: SecurityGroup DefaultSecurityGroup SecurityGroupRule VpcSecurityGroupRulesExclusive
    vpc: SecurityGroupIngressRule SecurityGroupEgressRule SecurityGroupVpcAssociation`);

/** May stand in a clean room: leads nowhere by itself. Public addresses are judged by `addresses.ts`, groups and endpoints by their policies. */
export const INSIDE = tokens(`
    alb: TargetGroup LoadBalancer
    autoscaling: Group
    amp: Scraper
    batch: ComputeEnvironment
    bedrock: AgentcoreAgentRuntime AgentcoreCodeInterpreter AgentcoreGateway AgentcoreGatewayTarget AgentcoreHarness AgentcoreOauth2CredentialProvider AgentcoreRegistry CustomModel
    agentregistry: Registry
    bedrockmodel: InvocationJob
    cloudhsmv2: Cluster Hsm
    cloudwatch: EventTarget
    codebuild: Fleet Project
    comprehend: DocumentClassifier EntityRecognizer
    datasync: EfsLocation FsxOpenZfsFileSystem LocationFsxLustre LocationFsxOntapFileSystem LocationFsxWindows
    dax: Cluster SubnetGroup
    dms: ReplicationSubnetGroup
    docdb: Cluster ElasticCluster SubnetGroup
    ec2: DefaultNetworkAcl Eip EipAssociation EncryptionControl Fleet FlowLog Instance LaunchConfiguration LaunchTemplate NetworkAcl NetworkAclAssociation NetworkAclRule NetworkInsightsPath NetworkInterface NetworkInterfaceAttachment NetworkInterfaceSecurityGroupAttachment SecurityGroupAssociation SpotFleetRequest SpotInstanceRequest Subnet SubnetCidrReservation Vpc VpcDhcpOptions VpcDhcpOptionsAssociation VpcEncryptionControl VpcEndpoint VpcEndpointConnectionNotification VpcEndpointPolicy VpcEndpointRouteTableAssociation VpcEndpointSubnetAssociation VpcIpv4CidrBlockAssociation VpcIpv6CidrBlockAssociation
    ecs: CapacityProvider Service TaskSet
    efs: MountTarget
    eks: Capability Cluster FargateProfile NodeGroup
    elasticache: Cluster ReplicationGroup ServerlessCache SubnetGroup
    elasticsearch: Domain VpcEndpoint
    elb: LoadBalancer
    emr: Cluster
    emrserverless: Application
    finspace: KxCluster
    fsx: FileCache LustreFileSystem OntapFileSystem OpenZfsFileSystem S3AccessPointAttachment WindowsFileSystem
    gamelift: GameServerGroup
    glue: Connection
    imagebuilder: InfrastructureConfiguration
    kinesis: FirehoseDeliveryStream
    kinesisanalyticsv2: Application
    lambda: CapacityProvider Function
    lb: TargetGroup LoadBalancer
    m2: Environment
    memorydb: Cluster SubnetGroup
    mq: Broker
    msk: Cluster ServerlessCluster
    mskconnect: Connector
    mwaa: Environment
    neptune: Cluster ClusterInstance SubnetGroup
    neptunegraph: PrivateGraphEndpoint
    opensearch: Domain ServerlessVpcEndpoint VpcEndpoint
    opensearchingest: Pipeline PipelineEndpoint
    pipes: Pipe
    rds: Cluster ClusterInstance Instance OptionGroup Proxy ProxyEndpoint ShardGroup SubnetGroup
    redshift: Cluster EndpointAccess SubnetGroup
    redshiftserverless: EndpointAccess Workgroup
    route53: ResolverFirewallRuleGroupAssociation ResolverConfig ResolverDnsSecConfig ResolverFirewallConfig ResolverQueryLogConfigAssociation VpcAssociationAuthorization Zone ZoneAssociation
    s3: AccessPoint FilesMountTarget
    s3outposts: Endpoint
    sagemaker: DataQualityJobDefinition HyperParameterTuningJob LabelingJob Model MonitoringSchedule NotebookInstance TrainingJob UserProfile
    scheduler: Schedule
    servicediscovery: PrivateDnsNamespace
    storagegateway: CachesIscsiVolume StoredIscsiVolume
    synthetics: Canary
    timestreaminfluxdb: DbCluster DbInstance
    vpc: EndpointPrivateDns`);

/** Stands in no VPC of ours, or only tells of one: a name that looks like a place, a filter, a thing outside every network. */
export const ELSEWHERE = tokens(`
    alb: ListenerRule
    apigateway: RestApi
    apprunner: Service
    appstream: Stack
    bedrock: AgentcoreGatewayRule
    cloudfront: ConnectionGroup Distribution MultitenantDistribution
    cloudwatch: InternetMonitor LogTransformer
    directconnect: BgpPeer Connection ConnectionAssociation ConnectionConfirmation Gateway HostedConnection HostedPrivateVirtualInterface HostedPublicVirtualInterface HostedPublicVirtualInterfaceAccepter HostedTransitVirtualInterface HostedTransitVirtualInterfaceAcceptor LinkAggregationGroup MacsecKeyAssociation PublicVirtualInterface TransitVirtualInterface
    ec2: AllowedImagesSettings Ami AmiCopy AmiFromInstance AmiLaunchPermission AvailabilityZoneGroup CapacityBlockReservation CapacityReservation CustomerGateway DedicatedHost DefaultCreditSpecification DefaultVpcDhcpOptions EipDomainName ImageBlockPublicAccess InstanceMetadataDefaults KeyPair LocalGatewayRouteTable LocalGatewayRouteTableVirtualInterfaceGroupAssociation ManagedPrefixList ManagedPrefixListEntry NetworkInsightsAccessScope NetworkInsightsAnalysis PlacementGroup ProxyProtocolPolicy SecondaryNetwork SerialConsoleAccess SnapshotCreateVolumePermission SpotDatafeedSubscription Tag TrafficMirrorFilter TrafficMirrorFilterRule VolumeAttachment VpcBlockPublicAccessOptions VpcIpam VpcIpamOrganizationAdminAccount VpcIpamPool VpcIpamPoolCidr VpcIpamPoolCidrAllocation VpcIpamPreviewNextCidr VpcIpamResourceDiscovery VpcIpamResourceDiscoveryAssociation VpcIpamScope VpcNetworkPerformanceMetricSubscription
    ec2transitgateway: Connect ConnectPeer DefaultRouteTableAssociation DefaultRouteTablePropagation InstanceState MeteringPolicy MeteringPolicyEntry MulticastDomain PeeringAttachment PeeringAttachmentAccepter PolicyTable PolicyTableAssociation PolicyTableEntry PrefixListReference Route RouteTable RouteTableAssociation RouteTablePropagation TransitGateway
    fms: Policy
    iam: GroupPolicy Policy Role RolePolicy UserPolicy
    globalaccelerator: Accelerator CrossAccountAttachment CustomRoutingAccelerator CustomRoutingListener Listener
    inspector2: Filter
    lb: ListenerRule
    lightsail: Bucket BucketAccessKey BucketResourceAccess Certificate ContainerService ContainerServiceDeploymentVersion Database Disk Disk_attachment Distribution Domain DomainEntry Instance InstancePublicPorts KeyPair Lb LbAttachment LbCertificate LbCertificateAttachment LbHttpsRedirectionPolicy LbStickinessPolicy StaticIp StaticIpAttachment
    mailmanager: TrafficPolicy
    networkfirewall: ContainerAssociation FirewallPolicy FirewallTransitGatewayAttachmentAccepter LoggingConfiguration ResourcePolicy RuleGroup TlsInspectionConfiguration
    networkmanager: AttachmentRoutingPolicyLabel Connection CoreNetwork CoreNetworkPolicyAttachment CustomerGatewayAssociation Device DxGatewayAttachment GlobalNetwork Link LinkAssociation PrefixListAssociation Site SiteToSiteVpnAttachment TransitGatewayConnectPeerAssociation TransitGatewayPeering TransitGatewayRegistration TransitGatewayRouteTableAttachment
    observabilityadmin: TelemetryRule TelemetryRuleForOrganization
    quicksight: DataSource IpRestriction
    ram: Permission PrincipalAssociation ResourceAssociation ResourceShare ResourceShareAccepter ResourceShareAssociationsExclusive SharingWithOrganization
    route53: CidrCollection CidrLocation DelegationSet HealthCheck HostedZoneDnsSec KeySigningKey ProfilesProfile ProfilesResourceAssociation QueryLog Record RecordsExclusive ResolverFirewallDomainList ResolverFirewallRule ResolverFirewallRuleGroup ResolverQueryLogConfig ResolverRule TrafficPolicy TrafficPolicyInstance
    route53domains: Domain RegisteredDomain
    route53recoverycontrol: Cluster ControlPanel RoutingControl SafetyRule
    sagemaker: Workteam
    securityhub: Insight
    storagegateway: NfsFileShare SmbFileShare
    transfer: Connector
    verifiedaccess: Group Instance InstanceLoggingConfiguration InstanceTrustProviderAttachment TrustProvider
    vpc: EndpointServicePrivateDnsVerification RouteServer RouteServerPeer
    vpclattice: AccessLogSubscription AuthPolicy DomainVerification Listener ListenerRule ResourceConfiguration ResourcePolicy Service ServiceNetwork ServiceNetworkResourceAssociation ServiceNetworkServiceAssociation TargetGroupAttachment`);

/** Modules of the provider that are about networks: each of their types is looked at. */
export const NETWORK_MODULES = new Set(
    "ec2 vpc ec2clientvpn ec2transitgateway networkmanager directconnect globalaccelerator verifiedaccess vpclattice networkfirewall route53 ram lightsail".split(
        " ",
    ),
);

/** Names of properties that tell where in a network something is, or that it can be reached from outside. */
export const PLACE =
    /^(vpc|subnet|securityGroup|routeTable|networkInterface)|(Vpc|Subnet|Subnets|SecurityGroup|RouteTable|NetworkInterface)(s|Id|Ids|Arn|Arns|Identifier|Identifiers)?$|publicIp|publicly|publicAccess$|^ipv6|eip|allocationId|gatewayId|peering|internet|corenetwork|loadBalancerArns/i;

const looked = new Set([...GATEWAYS.keys(), ...FEET_OUTSIDE.keys(), ...ROUTES, ...RULES, ...INSIDE, ...ELSEWHERE]);

/** Whether a person has decided what a type means for a clean room's network. */
export const isLookedAt = (type: string): boolean => looked.has(type);
