/**
 * CloudFormation's resource types in the provider's words, so that the same policies judge a template, a Cloud Control resource or one of
 * aws-native. A type that is neither here, nor has the provider's own name in the catalogue, nor is harmless, is refused: nobody has read it.
 */
import { textOf, type Properties, type Value } from "../lib/values";
import { isLookedAt } from "./network";
import { token, tokens } from "./tokens";

/** What a CloudFormation type is in the provider: its token, and the properties (in lower case) that have another name there. */
export interface Translation {
    type: string;
    rename: Record<string, string>;
    /** For what a name alone does not carry over. */
    reshape?: (props: Properties) => Properties;
}

const TABLE: Record<string, [short: string, rename?: Record<string, string>, reshape?: Translation["reshape"]]> = {
    "AWS::EC2::VPC": ["ec2.Vpc"],
    "AWS::EC2::VPCGatewayAttachment": ["ec2.InternetGatewayAttachment"],
    "AWS::EC2::VPCPeeringConnection": ["ec2.VpcPeeringConnection"],
    "AWS::EC2::TransitGatewayAttachment": ["ec2transitgateway.VpcAttachment"],
    "AWS::EC2::TransitGatewayVpcAttachment": ["ec2transitgateway.VpcAttachment"],
    "AWS::EC2::VPNGateway": ["ec2.VpnGateway"],
    "AWS::EC2::VPNConnection": ["ec2.VpnConnection"],
    "AWS::EC2::VPNConnectionRoute": ["ec2.VpnConnectionRoute"],
    "AWS::EC2::VPNGatewayRoutePropagation": ["ec2.VpnGatewayRoutePropagation", { routeTableIds: "routeTableId" }],
    "AWS::EC2::SubnetRouteTableAssociation": ["ec2.RouteTableAssociation"],
    "AWS::EC2::GatewayRouteTableAssociation": ["ec2.RouteTableAssociation"],
    "AWS::EC2::VPCCidrBlock": ["ec2.VpcIpv6CidrBlockAssociation"],
    "AWS::EC2::VPCEndpoint": ["ec2.VpcEndpoint", { policyDocument: "policy" }],
    "AWS::EC2::VPCEndpointService": ["ec2.VpcEndpointService"],
    "AWS::EC2::VPCEndpointServicePermissions": ["ec2.VpcEndpointServiceAllowedPrinciple"],
    "AWS::EC2::EIP": ["ec2.Eip", { instanceId: "instance" }],
    "AWS::EC2::EIPAssociation": ["ec2.EipAssociation", { eIP: "publicIp" }],
    "AWS::EC2::InstanceConnectEndpoint": ["ec2transitgateway.InstanceConnectEndpoint"],
    "AWS::EC2::ClientVpnEndpoint": ["ec2clientvpn.Endpoint"],
    "AWS::EC2::ClientVpnTargetNetworkAssociation": ["ec2clientvpn.NetworkAssociation"],
    "AWS::EC2::ClientVpnRoute": ["ec2clientvpn.Route"],
    "AWS::EC2::ClientVpnAuthorizationRule": ["ec2clientvpn.AuthorizationRule"],
    "AWS::EC2::RouteServerAssociation": ["vpc.RouteServerVpcAssociation"],
    "AWS::EC2::RouteServerEndpoint": ["vpc.RouteServerEndpoint"],
    "AWS::EC2::RouteServerPropagation": ["vpc.RouteServerPropagation"],
    "AWS::EC2::VPCBlockPublicAccessExclusion": ["ec2.VpcBlockPublicAccessExclusion"],
    "AWS::EC2::VPCBlockPublicAccessOptions": ["ec2.VpcBlockPublicAccessOptions"],
    "AWS::EC2::SnapshotBlockPublicAccess": ["ebs.SnapshotBlockPublicAccess"],
    "AWS::EC2::LocalGatewayRouteTableVPCAssociation": ["ec2.LocalGatewayRouteTableVpcAssociation"],
    "AWS::EC2::PrefixList": ["ec2.ManagedPrefixList", {}, (props) => ({ ...props, entries: props.entries ?? [] })],
    "AWS::EC2::DHCPOptions": ["ec2.VpcDhcpOptions"],
    "AWS::EC2::VPCDHCPOptionsAssociation": ["ec2.VpcDhcpOptionsAssociation"],
    "AWS::EC2::NetworkAclEntry": ["ec2.NetworkAclRule"],
    "AWS::EC2::SubnetNetworkAclAssociation": ["ec2.NetworkAclAssociation"],
    "AWS::EC2::LaunchTemplate": ["ec2.LaunchTemplate", {}, flattened("launchTemplateData")],
    "AWS::EC2::SecurityGroup": [
        "ec2.SecurityGroup",
        { securityGroupIngress: "ingress", securityGroupEgress: "egress", groupName: "name", groupDescription: "description" },
        groupRules,
    ],
    "AWS::EC2::SecurityGroupIngress": ["vpc.SecurityGroupIngressRule", rule("sourceSecurityGroupId", "sourcePrefixListId")],
    "AWS::EC2::SecurityGroupEgress": ["vpc.SecurityGroupEgressRule", rule("destinationSecurityGroupId", "destinationPrefixListId")],
    "AWS::NetworkManager::VpcAttachment": ["networkmanager.VpcAttachment"],
    "AWS::Route53Resolver::ResolverEndpoint": ["route53.ResolverEndpoint"],
    "AWS::Route53Resolver::ResolverRuleAssociation": ["route53.ResolverRuleAssociation", { vPCId: "vpcId" }],
    "AWS::Route53Resolver::FirewallRuleGroupAssociation": ["route53.ResolverFirewallRuleGroupAssociation"],
    "AWS::Route53Resolver::FirewallRuleGroup": ["route53.ResolverFirewallRuleGroup"],
    "AWS::Route53Resolver::FirewallDomainList": ["route53.ResolverFirewallDomainList"],
    "AWS::Route53Profiles::ProfileAssociation": ["route53.ProfilesAssociation"],
    "AWS::VpcLattice::ServiceNetworkVpcAssociation": ["vpclattice.ServiceNetworkVpcAssociation"],
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ["lb.LoadBalancer", {}, (props) => ({ ...props, internal: props.scheme === "internal" })],
    "AWS::ElasticLoadBalancing::LoadBalancer": ["elb.LoadBalancer", {}, (props) => ({ ...props, internal: props.scheme === "internal" })],
    "AWS::AutoScaling::AutoScalingGroup": ["autoscaling.Group", { vPCZoneIdentifier: "vpcZoneIdentifiers" }],
    "AWS::AutoScaling::LaunchConfiguration": ["ec2.LaunchConfiguration"],
    "AWS::GlobalAccelerator::EndpointGroup": ["globalaccelerator.EndpointGroup"],
    "AWS::IAM::Role": [
        "iam.Role",
        { assumeRolePolicyDocument: "assumeRolePolicy", policies: "inlinePolicies", roleName: "name" },
        inlinePolicies,
    ],
    "AWS::IAM::User": ["iam.Role", { policies: "inlinePolicies", userName: "name" }, inlinePolicies],
    "AWS::IAM::Group": ["iam.Role", { policies: "inlinePolicies", groupName: "name" }, inlinePolicies],
    "AWS::IAM::Policy": ["iam.RolePolicy", { policyDocument: "policy", policyName: "name" }],
    "AWS::IAM::RolePolicy": ["iam.RolePolicy", { policyDocument: "policy", policyName: "name", roleName: "role" }],
    "AWS::IAM::UserPolicy": ["iam.UserPolicy", { policyDocument: "policy", policyName: "name", userName: "user" }],
    "AWS::IAM::GroupPolicy": ["iam.GroupPolicy", { policyDocument: "policy", policyName: "name", groupName: "group" }],
    "AWS::IAM::ManagedPolicy": ["iam.Policy", { policyDocument: "policy", managedPolicyName: "name" }],
    "AWS::S3::Bucket": ["s3.Bucket", { bucketName: "bucket", accessControl: "acl" }],
    "AWS::S3::BucketPolicy": ["s3.BucketPolicy", { policyDocument: "policy" }],
    "AWS::S3::AccessPoint": ["s3.AccessPoint"],
    "AWS::S3::MultiRegionAccessPointPolicy": ["s3.AccessPoint"],
    "AWS::SNS::Topic": ["sns.Topic", { topicName: "name" }],
    "AWS::SNS::TopicPolicy": ["sns.TopicPolicy", { policyDocument: "policy" }],
    "AWS::SNS::TopicInlinePolicy": ["sns.TopicPolicy", { policyDocument: "policy", topicArn: "arn" }],
    "AWS::SNS::Subscription": ["sns.TopicSubscription", { topicArn: "topic" }],
    "AWS::SQS::Queue": ["sqs.Queue", { queueName: "name" }],
    "AWS::SQS::QueuePolicy": ["sqs.QueuePolicy", { policyDocument: "policy" }],
    "AWS::SQS::QueueInlinePolicy": ["sqs.QueuePolicy", { policyDocument: "policy" }],
    "AWS::KMS::Key": ["kms.Key", { keyPolicy: "policy", pendingWindowInDays: "deletionWindowInDays", enabled: "isEnabled" }],
    "AWS::KMS::ReplicaKey": ["kms.ReplicaKey", { keyPolicy: "policy", pendingWindowInDays: "deletionWindowInDays" }],
    "AWS::Lambda::Function": ["lambda.Function", { functionName: "name" }],
    "AWS::Lambda::Permission": ["lambda.Permission", { functionName: "function", principalOrgID: "principalOrgId" }],
    "AWS::Lambda::Url": ["lambda.FunctionUrl", { authType: "authorizationType" }],
    "AWS::Lambda::LayerVersionPermission": ["lambda.LayerVersionPermission"],
    "AWS::Lambda::EventInvokeConfig": ["lambda.FunctionEventInvokeConfig"],
    "AWS::Logs::LogGroup": ["cloudwatch.LogGroup", { logGroupName: "name" }],
    "AWS::Logs::ResourcePolicy": ["cloudwatch.LogResourcePolicy"],
    "AWS::Logs::Destination": ["cloudwatch.LogDestinationPolicy", { destinationPolicy: "accessPolicy" }],
    "AWS::Events::Rule": ["cloudwatch.EventRule"],
    "AWS::Events::EventBusPolicy": ["cloudwatch.EventBusPolicy", {}, busPolicy],
    "AWS::Events::EventBus": ["cloudwatch.EventBusPolicy"],
    "AWS::CloudWatch::Alarm": ["cloudwatch.MetricAlarm", { alarmName: "name", oKActions: "okActions" }],
    "AWS::SecretsManager::ResourcePolicy": ["secretsmanager.SecretPolicy", { resourcePolicy: "policy" }],
    "AWS::ECR::Repository": ["ecr.RepositoryPolicy", { repositoryPolicyText: "policy" }],
    "AWS::ECR::RegistryPolicy": ["ecr.RegistryPolicy", { policyText: "policy" }],
    "AWS::EFS::FileSystem": ["efs.FileSystemPolicy", { fileSystemPolicy: "policy" }],
    "AWS::Backup::BackupVault": ["backup.VaultPolicy", { accessPolicy: "policy" }],
    "AWS::OpenSearchService::Domain": ["opensearch.Domain", { vPCOptions: "vpcOptions" }],
    "AWS::Elasticsearch::Domain": ["elasticsearch.Domain", { vPCOptions: "vpcOptions" }],
    "AWS::DynamoDB::Table": ["dynamodb.Table", { tableName: "name" }, table],
    "AWS::DynamoDB::GlobalTable": ["dynamodb.Table", { tableName: "name" }, table],
    "AWS::SSM::Parameter": ["ssm.Parameter"],
    "AWS::GuardDuty::Detector": ["guardduty.Detector"],
    "AWS::SSO::PermissionSet": ["ssoadmin.PermissionSetInlinePolicy"],
    "AWS::StepFunctions::StateMachine": ["sfn.StateMachine"],
    "AWS::RAM::ResourceShare": ["ram.ResourceShare"],
    "AWS::RDS::DBInstance": ["rds.Instance"],
    "AWS::CloudFormation::Stack": ["cloudformation.Stack", { templateURL: "templateUrl" }],
    "AWS::CloudFormation::StackSet": [
        "cloudformation.StackSet",
        { templateURL: "templateUrl" },
        (props) => ({ ...props, parameters: pairs(props.parameters, "parameterKey", "parameterValue") }),
    ],
};

/** CloudFormation types that give nobody anything and open nothing, whatever is in them. */
const HARMLESS = new Set(
    (
        "AWS::CloudFormation::WaitConditionHandle AWS::CloudFormation::WaitCondition AWS::IAM::InstanceProfile AWS::KMS::Alias AWS::CloudWatch::Dashboard AWS::Logs::LogStream " +
        "AWS::Logs::MetricFilter AWS::Logs::QueryDefinition AWS::Events::Archive AWS::Lambda::Version AWS::Lambda::Alias AWS::Lambda::EventSourceMapping AWS::EC2::Volume " +
        "AWS::EC2::VolumeAttachment AWS::EC2::KeyPair AWS::SSM::Association AWS::SSM::MaintenanceWindow AWS::ResourceGroups::Group AWS::Budgets::Budget AWS::GuardDuty::Filter " +
        "AWS::SecurityHub::Hub AWS::Config::ConfigRule AWS::CodeDeploy::Application AWS::XRay::Group AWS::Scheduler::ScheduleGroup AWS::Route53::HealthCheck"
    ).split(" "),
);

/** Types of the provider, beside those of networks, that a policy of this pack judges and that CloudFormation calls by the same name. */
const SAME_NAME = new Set(
    tokens(`
    kms: ReplicaKey
    lambda: Function Permission
    guardduty: Detector
    ssm: Parameter`),
);

const byLowerCase = new Map(Object.entries(TABLE).map(([name, entry]) => [name.toLowerCase(), entry]));
const harmlessByLowerCase = new Set([...HARMLESS].map((name) => name.toLowerCase()));

/** What a CloudFormation type is for the policies: a type of the provider, `harmless`, or `unread` where nobody has decided. @param name such as `AWS::EC2::SecurityGroup`, in any case */
export function translationOf(name: string): Translation | "harmless" | "unread" {
    const entry = byLowerCase.get(name.toLowerCase());
    if (entry !== undefined) {
        const rename = Object.fromEntries(Object.entries(entry[1] ?? {}).map(([theirs, ours]) => [theirs.toLowerCase(), ours]));
        return { type: token(entry[0]), rename, ...(entry[2] === undefined ? {} : { reshape: entry[2] }) };
    }
    if (harmlessByLowerCase.has(name.toLowerCase())) {
        return "harmless";
    }
    const [, module, resource] = name.split("::");
    const same = /^\w+$/.test(module ?? "") && /^\w+$/.test(resource ?? "") ? token(`${module.toLowerCase()}.${resource}`) : "";
    return isLookedAt(same) || SAME_NAME.has(same) ? { type: same, rename: {} } : "unread";
}

function rule(group: string, list: string): Record<string, string> {
    return { groupId: "securityGroupId", cidrIp: "cidrIpv4", [group]: "referencedSecurityGroupId", [list]: "prefixListId" };
}

function flattened(property: string): Translation["reshape"] {
    return (props) => ({ ...props, ...(isObject(props[property]) ? props[property] : {}) });
}

/** Inline rules with the provider's lists; a group that writes no egress gets AWS's own rule, which lets everything out. */
function groupRules(props: Properties): Properties {
    const listed = (value: Value): Value =>
        Array.isArray(value)
            ? value.map((each) =>
                  isObject(each) ? { ...each, cidrBlocks: single(each.cidrIp), ipv6CidrBlocks: single(each.cidrIpv6) } : each,
              )
            : value;
    return {
        ...props,
        ingress: listed(props.ingress) ?? [],
        egress: listed(props.egress) ?? [{ protocol: "-1", cidrBlocks: ["0.0.0.0/0"] }],
    };
}

function inlinePolicies(props: Properties): Properties {
    const policies = props.inlinePolicies;
    return Array.isArray(policies)
        ? {
              ...props,
              inlinePolicies: policies.map((each) => (isObject(each) ? { name: each.policyName, policy: each.policyDocument } : each)),
          }
        : props;
}

/** A permission on a bus, by a statement of its own or by the properties that came before. */
function busPolicy(props: Properties): Properties {
    const { statement, principal, action, condition } = props;
    const condition_: Properties = isObject(condition) ? { [textOf(condition.type)]: { [textOf(condition.key)]: condition.value } } : {};
    const old: Properties = {
        Effect: "Allow",
        Principal: principal === "*" ? "*" : { AWS: principal },
        Action: action,
        Condition: condition_,
    };
    return { ...props, policy: { Statement: [statement ?? old] } };
}

function table(props: Properties): Properties {
    const recovery = isObject(props.pointInTimeRecoverySpecification) ? props.pointInTimeRecoverySpecification : undefined;
    return { ...props, ...(recovery === undefined ? {} : { pointInTimeRecovery: { enabled: recovery.pointInTimeRecoveryEnabled } }) };
}

/** `[{ Key: a, Value: b }]` as `{ a: b }`. */
export function pairs(value: Value, key = "key", content = "value"): Value {
    return Array.isArray(value) ? Object.fromEntries(value.filter(isObject).map((each) => [textOf(each[key]), each[content]])) : value;
}

const single = (value: Value): Value => (value === undefined ? undefined : [value]);
const isObject = (value: Value): value is Properties => typeof value === "object" && value !== null && !Array.isArray(value);
