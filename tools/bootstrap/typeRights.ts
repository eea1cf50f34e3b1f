/**
 * The IAM actions by which the AWS provider reads, creates, changes and deletes each resource type that the program declares, and on what.
 *
 * Written by hand from the calls of terraform-provider-aws and AWS's Service Authorization Reference: cfn-lint's copy of CloudFormation's
 * schemas comes without their `handlers`. tests/bootstrap holds it to what the program declares.
 */

/** Managed policies that a role's rights are split into; IAM takes 6,144 characters in each. */
export const groups = ["network", "compute", "data", "messages", "account"] as const;
export type Group = (typeof groups)[number];

export interface TypeRights {
    group: Group;
    /** ARNs behind `arn:PARTITION:`; `${AWS::AccountId}` and `${RolePath}` are CloudFormation's. */
    on: readonly string[];
    /** Enough for a preview with --refresh. `service:Action Action …`. */
    read: string;
    write: string;
    /** Actions on what has no name yet, or is not the program's; on `*`. So are those of `read` and `write` that AWS limits to no resource. */
    readAnything?: string;
    writeAnything?: string;
    /** Services that it hands roles to (iam:PassRole). */
    passesRolesTo?: readonly string[];
}

/** ARN behind the partition of something in this account, in any Region. */
const here = (service: string, resource: string) => `${service}:*:\${AWS::AccountId}:${resource}`;
const globally = (resource: string) => `iam::\${AWS::AccountId}:${resource}`;
/** Of the program's own roles, and of the drill range's. */
const roles = ["role${RolePath}clean-room-*", "role${RolePath}drill-range-victim"].map(globally);
const profiles = ["instance-profile${RolePath}clean-room-*", "instance-profile${RolePath}drill-range-victim"].map(globally);
const rules = [here("events", "rule/clean-room*")];
const buckets = ["s3:::clean-room-evidence-${AWS::AccountId}-*", "s3:::clean-room-tools-${AWS::AccountId}-*"];
const keys = [here("kms", "key/*")];
const topics = [here("sns", "clean-room-*")];
const queues = [here("sqs", "clean-room-*")];
const stackSets = [
    // With a delegated administrator they are the management account's.
    "cloudformation:*:*:stackset/clean-room-member:*",
    "cloudformation:*:*:stackset-target/clean-room-member:*",
    "cloudformation:*::type/resource/*",
];

const ec2 = (kinds: readonly string[], read: string, write: string, anything: Partial<TypeRights> = {}): TypeRights => ({
    group: "network",
    // An image has no account in its ARN.
    on: kinds.map((kind) => (kind === "image" ? "ec2:*::image/*" : here("ec2", `${kind}/*`))),
    read: `ec2:${read}`,
    write: `ec2:${write} CreateTags DeleteTags`,
    ...anything,
});
const accountSetting = (read: string, write: string): TypeRights => ({
    group: "account",
    on: [],
    read: "",
    write: "",
    readAnything: `ec2:${read}`,
    writeAnything: `ec2:${write}`,
});
const ofBucket = (read: string, write: string): TypeRights => ({
    group: "data",
    on: buckets,
    read: `s3:ListBucket GetBucketLocation ${read}`,
    write: `s3:${write}`,
});
const ofDetector = (read: string, write: string): TypeRights => ({
    group: "account",
    on: [here("guardduty", "detector/*")],
    read: `guardduty:${read}`,
    write: `guardduty:${write}`,
    readAnything: "guardduty:ListDetectors",
});
const ofFirewall = (kinds: readonly string[], read: string, write: string): TypeRights => ({
    group: "network",
    on: kinds.map((kind) => here("route53resolver", `${kind}/*`)),
    read: `route53resolver:${read} ListTagsForResource`,
    write: `route53resolver:${write} TagResource UntagResource`,
});
const ofBuilder = (kind: string, what: string): TypeRights => ({
    group: "compute",
    on: [here("imagebuilder", `${kind}/clean-room-*`)],
    read: `imagebuilder:Get${what} ListTagsForResource`,
    write: `imagebuilder:Create${what} Delete${what} TagResource UntagResource`,
});
/** Where the provider updates and does not replace. */
const updated = (rights: TypeRights, what: string): TypeRights => ({ ...rights, write: `${rights.write} Update${what}` });

export const typeRights: Readonly<Record<string, TypeRights>> = {
    "aws:cloudformation/stackSet:StackSet": {
        group: "account",
        on: stackSets,
        read: "cloudformation:DescribeStackSet DescribeStackSetOperation GetTemplateSummary",
        write: "cloudformation:CreateStackSet UpdateStackSet DeleteStackSet TagResource UntagResource",
        // Its own rights as the delegated administrator of StackSets.
        readAnything: "organizations:DescribeOrganization ListDelegatedAdministrators",
    },
    "aws:cloudformation/stackInstances:StackInstances": {
        group: "account",
        on: stackSets,
        read: "cloudformation:DescribeStackInstance ListStackInstances DescribeStackSet DescribeStackSetOperation ListStackSetOperationResults",
        write: "cloudformation:CreateStackInstances UpdateStackInstances DeleteStackInstances",
        readAnything: "organizations:ListAccounts ListAccountsForParent ListOrganizationalUnitsForParent ListDelegatedAdministrators",
    },
    "aws:cloudwatch/eventArchive:EventArchive": {
        group: "messages",
        on: [here("events", "archive/clean-room-*"), here("events", "event-bus/default"), here("events", "event-bus/clean-room")],
        read: "events:DescribeArchive",
        write: "events:CreateArchive UpdateArchive DeleteArchive",
    },
    "aws:cloudwatch/eventBus:EventBus": {
        group: "messages",
        on: [here("events", "event-bus/clean-room")],
        read: "events:DescribeEventBus ListTagsForResource",
        write: "events:CreateEventBus UpdateEventBus DeleteEventBus TagResource UntagResource",
    },
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": {
        group: "messages",
        on: [here("events", "event-bus/clean-room")],
        read: "events:DescribeEventBus",
        write: "events:PutPermission RemovePermission",
    },
    "aws:cloudwatch/eventRule:EventRule": {
        group: "messages",
        on: rules,
        read: "events:DescribeRule ListTagsForResource",
        write: "events:PutRule DeleteRule EnableRule DisableRule TagResource UntagResource",
    },
    "aws:cloudwatch/eventTarget:EventTarget": {
        group: "messages",
        on: rules,
        read: "events:ListTargetsByRule",
        write: "events:PutTargets RemoveTargets",
        passesRolesTo: ["events.amazonaws.com"],
    },
    "aws:cloudwatch/logGroup:LogGroup": {
        group: "messages",
        on: ["/aws/lambda/clean-room-*", "/aws/vendedlogs/states/clean-room-*", "/clean-room/*"].map((name) =>
            here("logs", `log-group:${name}`),
        ),
        read: "logs:ListTagsForResource",
        write: "logs:CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey DisassociateKmsKey TagResource UntagResource",
        readAnything: "logs:DescribeLogGroups",
    },
    "aws:cloudwatch/dashboard:Dashboard": {
        group: "messages",
        // A dashboard is of no Region, and its tags are none of its creation.
        on: ["cloudwatch::${AWS::AccountId}:dashboard/clean-room-*"],
        read: "cloudwatch:GetDashboard",
        write: "cloudwatch:PutDashboard DeleteDashboards",
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        group: "messages",
        on: [here("cloudwatch", "alarm:clean-room*")],
        read: "cloudwatch:ListTagsForResource",
        write: "cloudwatch:PutMetricAlarm DeleteAlarms TagResource UntagResource",
        readAnything: "cloudwatch:DescribeAlarms",
    },
    "aws:dynamodb/table:Table": {
        group: "data",
        on: [here("dynamodb", "table/clean-room-*")],
        read: "dynamodb:DescribeTable DescribeContinuousBackups DescribeTimeToLive ListTagsOfResource",
        write: "dynamodb:CreateTable UpdateTable DeleteTable UpdateContinuousBackups UpdateTimeToLive TagResource UntagResource",
    },
    "aws:ebs/encryptionByDefault:EncryptionByDefault": accountSetting(
        "GetEbsEncryptionByDefault",
        "EnableEbsEncryptionByDefault DisableEbsEncryptionByDefault",
    ),
    "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": accountSetting(
        "GetSnapshotBlockPublicAccessState",
        "EnableSnapshotBlockPublicAccess DisableSnapshotBlockPublicAccess",
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ec2(
        ["security-group", "security-group-rule", "vpc"],
        "DescribeSecurityGroups DescribeSecurityGroupRules",
        "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress",
    ),
    "aws:ec2/flowLog:FlowLog": ec2(["vpc", "vpc-flow-log"], "DescribeFlowLogs", "CreateFlowLogs DeleteFlowLogs", {
        // AWS's VPC guide asks for them of who makes a flow log.
        writeAnything: "logs:CreateLogDelivery DeleteLogDelivery",
        passesRolesTo: ["vpc-flow-logs.amazonaws.com"],
    }),
    "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": accountSetting(
        "GetImageBlockPublicAccessState",
        "EnableImageBlockPublicAccess DisableImageBlockPublicAccess",
    ),
    "aws:ec2/instance:Instance": ec2(
        ["instance", "image", "volume", "network-interface", "subnet", "security-group"],
        "DescribeInstances DescribeInstanceAttribute DescribeInstanceTypes DescribeInstanceCreditSpecifications DescribeVolumes DescribeTags DescribeImages DescribeIamInstanceProfileAssociations DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs",
        "RunInstances TerminateInstances StartInstances StopInstances ModifyInstanceAttribute ModifyInstanceMetadataOptions ModifyVolume",
        { passesRolesTo: ["ec2.amazonaws.com"] },
    ),
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults": accountSetting(
        "GetInstanceMetadataDefaults",
        "ModifyInstanceMetadataDefaults",
    ),
    "aws:ec2/internetGateway:InternetGateway": ec2(
        ["internet-gateway", "vpc"],
        "DescribeInternetGateways",
        "CreateInternetGateway DeleteInternetGateway AttachInternetGateway DetachInternetGateway",
    ),
    "aws:ec2/route:Route": ec2(["route-table"], "DescribeRouteTables", "CreateRoute ReplaceRoute DeleteRoute"),
    "aws:ec2/routeTable:RouteTable": ec2(
        ["route-table", "vpc"],
        "DescribeRouteTables",
        "CreateRouteTable DeleteRouteTable CreateRoute ReplaceRoute DeleteRoute DisassociateRouteTable",
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ec2(
        ["route-table", "subnet"],
        "DescribeRouteTables",
        "AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation",
    ),
    "aws:ec2/securityGroup:SecurityGroup": ec2(
        ["security-group", "security-group-rule", "vpc"],
        "DescribeSecurityGroups DescribeSecurityGroupRules DescribeNetworkInterfaces",
        "CreateSecurityGroup DeleteSecurityGroup AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress",
    ),
    "aws:ec2/serialConsoleAccess:SerialConsoleAccess": accountSetting(
        "GetSerialConsoleAccessStatus",
        "EnableSerialConsoleAccess DisableSerialConsoleAccess",
    ),
    "aws:ec2/subnet:Subnet": ec2(
        ["subnet", "vpc"],
        "DescribeSubnets DescribeAvailabilityZones DescribeNetworkInterfaces",
        "CreateSubnet DeleteSubnet ModifySubnetAttribute",
    ),
    "aws:ec2/vpc:Vpc": ec2(
        ["vpc"],
        "DescribeVpcs DescribeVpcAttribute DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroups",
        "CreateVpc DeleteVpc ModifyVpcAttribute ModifyVpcTenancy",
    ),
    "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions": accountSetting(
        "DescribeVpcBlockPublicAccessOptions",
        "ModifyVpcBlockPublicAccessOptions",
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ec2(
        ["vpc-endpoint", "vpc", "subnet", "route-table", "security-group"],
        "DescribeVpcEndpoints DescribePrefixLists DescribeVpcEndpointServices DescribeNetworkInterfaces",
        "CreateVpcEndpoint ModifyVpcEndpoint DeleteVpcEndpoints",
        // Private DNS (AWS PrivateLink guide, identity-based policies).
        { writeAnything: "route53:AssociateVPCWithHostedZone" },
    ),
    "aws:guardduty/detector:Detector": {
        ...ofDetector("GetDetector ListTagsForResource", "UpdateDetector DeleteDetector TagResource UntagResource"),
        writeAnything: "guardduty:CreateDetector",
    },
    "aws:guardduty/detectorFeature:DetectorFeature": ofDetector("GetDetector", "UpdateDetector"),
    "aws:guardduty/organizationAdminAccount:OrganizationAdminAccount": {
        group: "account",
        on: [],
        read: "",
        write: "",
        readAnything: "guardduty:ListOrganizationAdminAccounts organizations:DescribeOrganization ListDelegatedAdministrators",
        // The GuardDuty guide asks for those of Organizations of who designates the administrator.
        writeAnything:
            "guardduty:EnableOrganizationAdminAccount DisableOrganizationAdminAccount organizations:EnableAWSServiceAccess RegisterDelegatedAdministrator DeregisterDelegatedAdministrator DescribeAccount DescribeOrganizationalUnit ListAWSServiceAccessForOrganization ListAccounts",
    },
    "aws:guardduty/organizationConfiguration:OrganizationConfiguration": ofDetector(
        "DescribeOrganizationConfiguration",
        "UpdateOrganizationConfiguration",
    ),
    "aws:guardduty/organizationConfigurationFeature:OrganizationConfigurationFeature": ofDetector(
        "DescribeOrganizationConfiguration",
        "UpdateOrganizationConfiguration",
    ),
    "aws:iam/instanceProfile:InstanceProfile": {
        group: "compute",
        on: [...profiles, ...roles],
        read: "iam:GetInstanceProfile ListInstanceProfileTags",
        write: "iam:CreateInstanceProfile DeleteInstanceProfile AddRoleToInstanceProfile RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile",
        passesRolesTo: ["ec2.amazonaws.com"],
    },
    "aws:iam/role:Role": {
        group: "compute",
        on: roles,
        read: "iam:GetRole ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole ListRoleTags",
        // With a permissions boundary, what gives a role rights hangs on it: templates.ts.
        write: "iam:CreateRole DeleteRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy PutRolePermissionsBoundary TagRole UntagRole DeleteRolePolicy DetachRolePolicy",
    },
    "aws:iam/rolePolicy:RolePolicy": {
        group: "compute",
        on: roles,
        read: "iam:GetRolePolicy",
        write: "iam:PutRolePolicy DeleteRolePolicy",
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
        group: "compute",
        on: roles,
        read: "iam:ListAttachedRolePolicies",
        write: "iam:AttachRolePolicy DetachRolePolicy",
    },
    "aws:imagebuilder/component:Component": ofBuilder("component", "Component"),
    "aws:imagebuilder/distributionConfiguration:DistributionConfiguration": updated(
        ofBuilder("distribution-configuration", "DistributionConfiguration"),
        "DistributionConfiguration",
    ),
    "aws:imagebuilder/imagePipeline:ImagePipeline": {
        ...updated(ofBuilder("image-pipeline", "ImagePipeline"), "ImagePipeline"),
        passesRolesTo: ["imagebuilder.amazonaws.com"],
    },
    "aws:imagebuilder/imageRecipe:ImageRecipe": {
        ...ofBuilder("image-recipe", "ImageRecipe"),
        on: [
            here("imagebuilder", "image-recipe/clean-room-*"),
            here("imagebuilder", "component/clean-room-*"),
            "imagebuilder:*:aws:image/*",
        ],
        write: "imagebuilder:CreateImageRecipe DeleteImageRecipe GetComponent GetImage TagResource UntagResource ec2:DescribeImages",
    },
    "aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration": {
        ...updated(ofBuilder("infrastructure-configuration", "InfrastructureConfiguration"), "InfrastructureConfiguration"),
        passesRolesTo: ["ec2.amazonaws.com"],
    },
    "aws:kms/alias:Alias": {
        group: "data",
        on: [here("kms", "alias/clean-room-*"), ...keys],
        read: "",
        write: "kms:CreateAlias UpdateAlias DeleteAlias",
        readAnything: "kms:ListAliases",
    },
    "aws:kms/key:Key": {
        group: "data",
        on: keys,
        read: "kms:DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
        // Use of it: the services that encrypt by it ask for the caller's right.
        write: "kms:PutKeyPolicy EnableKeyRotation DisableKeyRotation UpdateKeyDescription ScheduleKeyDeletion TagResource UntagResource CreateGrant Decrypt GenerateDataKey",
        writeAnything: "kms:CreateKey",
    },
    "aws:lambda/function:Function": {
        group: "compute",
        on: [here("lambda", "function:clean-room-*")],
        read: "lambda:GetFunction GetFunctionConfiguration GetFunctionCodeSigningConfig ListVersionsByFunction ListTags",
        write: "lambda:CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction TagResource UntagResource",
        passesRolesTo: ["lambda.amazonaws.com"],
    },
    // Of the function that writes the acquisition images, as part of the deployment.
    "aws:lambda/invocation:Invocation": {
        group: "compute",
        on: [here("lambda", "function:clean-room-writeAcquisitionImage")],
        read: "",
        write: "lambda:InvokeFunction",
    },
    "aws:lambda/permission:Permission": {
        group: "compute",
        on: [here("lambda", "function:clean-room-*")],
        read: "lambda:GetPolicy",
        write: "lambda:AddPermission RemovePermission",
    },
    "aws:route53/resolverFirewallConfig:ResolverFirewallConfig": {
        ...ofFirewall(["firewall-config"], "GetFirewallConfig", "UpdateFirewallConfig"),
        // It looks for the VPC's own among all of them.
        readAnything: "route53resolver:ListFirewallConfigs ec2:DescribeVpcs",
    },
    "aws:route53/resolverFirewallDomainList:ResolverFirewallDomainList": ofFirewall(
        ["firewall-domain-list"],
        "GetFirewallDomainList ListFirewallDomains",
        "CreateFirewallDomainList UpdateFirewallDomains DeleteFirewallDomainList",
    ),
    "aws:route53/resolverFirewallRule:ResolverFirewallRule": ofFirewall(
        ["firewall-rule-group", "firewall-domain-list"],
        "ListFirewallRules",
        "CreateFirewallRule UpdateFirewallRule DeleteFirewallRule",
    ),
    "aws:route53/resolverFirewallRuleGroup:ResolverFirewallRuleGroup": ofFirewall(
        ["firewall-rule-group"],
        "GetFirewallRuleGroup",
        "CreateFirewallRuleGroup DeleteFirewallRuleGroup",
    ),
    "aws:route53/resolverFirewallRuleGroupAssociation:ResolverFirewallRuleGroupAssociation": {
        ...ofFirewall(
            ["firewall-rule-group-association", "firewall-rule-group"],
            "GetFirewallRuleGroupAssociation",
            "AssociateFirewallRuleGroup UpdateFirewallRuleGroupAssociation DisassociateFirewallRuleGroup",
        ),
        readAnything: "ec2:DescribeVpcs",
    },
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": {
        group: "account",
        on: [],
        read: "",
        write: "",
        readAnything: "s3:GetAccountPublicAccessBlock",
        writeAnything: "s3:PutAccountPublicAccessBlock",
    },
    "aws:s3/bucket:Bucket": ofBucket(
        "GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLogging GetBucketObjectLockConfiguration GetBucketPolicy GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration ListTagsForResource",
        "CreateBucket DeleteBucket ListBucketVersions PutBucketTagging TagResource UntagResource PutBucketObjectLockConfiguration PutBucketVersioning",
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ofBucket("GetLifecycleConfiguration", "PutLifecycleConfiguration"),
    "aws:s3/bucketNotification:BucketNotification": ofBucket("GetBucketNotification", "PutBucketNotification"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": ofBucket(
        "GetBucketObjectLockConfiguration",
        "PutBucketObjectLockConfiguration",
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": {
        group: "data",
        on: ["s3:::clean-room-tools-${AWS::AccountId}-*/*"],
        // A preview reads no evidence and no tool: HeadObject asks for GetObject.
        read: "s3:GetObjectTagging",
        write: "s3:GetObject GetObjectVersion PutObject DeleteObject DeleteObjectVersion PutObjectTagging",
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ofBucket("GetBucketOwnershipControls", "PutBucketOwnershipControls"),
    "aws:s3/bucketPolicy:BucketPolicy": ofBucket("GetBucketPolicy", "PutBucketPolicy DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ofBucket("GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ofBucket(
        "GetEncryptionConfiguration",
        "PutEncryptionConfiguration",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": ofBucket("GetBucketVersioning", "PutBucketVersioning"),
    "aws:sfn/stateMachine:StateMachine": {
        group: "compute",
        on: [here("states", "stateMachine:clean-room-*")],
        read: "states:DescribeStateMachine ListStateMachineVersions ListTagsForResource",
        write: "states:CreateStateMachine UpdateStateMachine DeleteStateMachine TagResource UntagResource",
        // AWS limits it to no resource of ours before the machine is there.
        readAnything: "states:ValidateStateMachineDefinition",
        passesRolesTo: ["states.amazonaws.com"],
    },
    "aws:sns/topic:Topic": {
        group: "messages",
        on: topics,
        read: "sns:GetTopicAttributes ListTagsForResource",
        write: "sns:CreateTopic SetTopicAttributes DeleteTopic TagResource UntagResource",
    },
    "aws:sns/topicPolicy:TopicPolicy": { group: "messages", on: topics, read: "sns:GetTopicAttributes", write: "sns:SetTopicAttributes" },
    "aws:sns/topicSubscription:TopicSubscription": {
        group: "messages",
        on: topics,
        read: "sns:GetSubscriptionAttributes ListSubscriptionsByTopic",
        write: "sns:Subscribe SetSubscriptionAttributes",
        writeAnything: "sns:Unsubscribe",
    },
    "aws:sqs/queue:Queue": {
        group: "messages",
        on: queues,
        read: "sqs:GetQueueAttributes GetQueueUrl ListQueueTags",
        write: "sqs:CreateQueue SetQueueAttributes DeleteQueue TagQueue UntagQueue",
    },
    "aws:sqs/queuePolicy:QueuePolicy": { group: "messages", on: queues, read: "sqs:GetQueueAttributes", write: "sqs:SetQueueAttributes" },
    "aws:ssm/document:Document": {
        group: "compute",
        on: [here("ssm", "document/clean-room-*")],
        read: "ssm:DescribeDocument GetDocument DescribeDocumentPermission ListTagsForResource",
        write: "ssm:CreateDocument UpdateDocument UpdateDocumentDefaultVersion DeleteDocument AddTagsToResource RemoveTagsFromResource",
    },
    "aws:ssm/parameter:Parameter": {
        group: "compute",
        on: [here("ssm", "parameter/clean-room/*")],
        // What a preview may read of parameters is in `invokeRights`: another of them is a secret.
        read: "ssm:ListTagsForResource",
        write: "ssm:PutParameter GetParameter GetParameters DeleteParameter AddTagsToResource RemoveTagsFromResource",
        readAnything: "ssm:DescribeParameters",
    },
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ec2(
        ["security-group", "security-group-rule"],
        "DescribeSecurityGroupRules",
        "AuthorizeSecurityGroupEgress ModifySecurityGroupRules RevokeSecurityGroupEgress",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ec2(
        ["security-group", "security-group-rule"],
        "DescribeSecurityGroupRules",
        "AuthorizeSecurityGroupIngress ModifySecurityGroupRules RevokeSecurityGroupIngress",
    ),
};

/** What the program asks AWS before it declares anything, in a preview too; by the data source's name in `@pulumi/aws`. */
export const invokeRights: Readonly<Record<string, { actions: string; on: readonly string[] }>> = {
    getAvailabilityZones: { actions: "ec2:DescribeAvailabilityZones", on: ["*"] },
    getRegions: { actions: "ec2:DescribeRegions", on: ["*"] },
    getInstanceTypeOfferings: { actions: "ec2:DescribeInstanceTypeOfferings", on: ["*"] },
    getVpcEndpointService: { actions: "ec2:DescribeVpcEndpointServices", on: ["*"] },
    getSecurityGroups: { actions: "ec2:DescribeSecurityGroups", on: ["*"] },
    getDetector: { actions: "guardduty:ListDetectors GetDetector ListTagsForResource", on: ["*"] },
    getParameter: { actions: "ssm:GetParameter", on: ["ssm:*::parameter/aws/service/*"] },
    getParametersByPath: { actions: "ssm:GetParametersByPath", on: [here("ssm", "parameter/clean-room/deployed-by*")] },
};

/** What awsx.ec2.Vpc of the drill range makes: its plug-in does, so the mocked program does not declare it. */
export const drillRangeTypes = [
    "aws:ec2/vpc:Vpc",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
] as const;
