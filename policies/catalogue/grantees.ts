/** Properties that let somebody in, or send something out, beside any policy document. */
import { namedIn } from "./byName";
import type { Receiver } from "../lib/serviceSources";
import { at } from "../lib/policyDocuments";
import { listOf, objectOf, UNKNOWN, type Properties, type Value } from "../lib/values";

/** What a property gives to whom, as a statement that AWS could have been told in a policy instead. */
export interface Grant {
    /** Property that names them. */
    path: string;
    statement: Properties;
}

/** What a type gives away: a grant for each of those that its properties name. */
interface Giving {
    grants: (props: Properties) => Grant[];
    receiver?: Receiver;
}

/** Everybody in a list, a single text, or a text with commas, at a path. */
function everyoneAt(props: Properties, path: string): Value[] {
    return at(props, path.split("."))
        .flatMap(listOf)
        .flatMap((each): Value[] => (typeof each === "string" ? each.split(",").map((part) => part.trim()) : [each]))
        .filter((each) => each !== undefined && each !== null && each !== "" && each !== "none");
}

function principalOf(value: Value): Value {
    if (value === UNKNOWN) {
        return { AWS: UNKNOWN };
    }
    const text = String(value as string);
    return /^(\*|all)$/i.test(text) ? "*" : { [/\.amazonaws\.com(\.cn)?$/.test(text) ? "Service" : "AWS"]: text };
}

const grant = (path: string, value: Value, what: string, condition: Properties = {}): Grant => ({
    path,
    statement: { Sid: path, Effect: "Allow", Principal: principalOf(value), Action: what, Condition: condition },
});

/** Accounts, principals, organisations or groups, at these paths. */
const given = (what: string, ...paths: string[]): Giving => ({
    grants: (props) => paths.flatMap((path) => everyoneAt(props, path).map((each) => grant(path, each, what))),
});

/** A resource that something is sent to; an ARN without an account (a bucket, a document of AWS's) says nothing of whose it is. */
const sent = (what: string, ...paths: string[]): Giving => ({
    grants: (props) =>
        paths.flatMap((path) =>
            everyoneAt(props, path)
                .filter((each) => each === UNKNOWN || (typeof each === "string" && /^arn:[^:]*:[^:]*:[^:]*:[^:]+:/.test(each)))
                .map((each) => grant(path, each, what)),
        ),
});

/** Only those keys of a condition that are there. */
function condition(operator: string, keys: Record<string, Value>): Properties {
    const named = Object.entries(keys).filter(([, value]) => value !== undefined && value !== null && value !== "");
    return named.length > 0 ? { [operator]: Object.fromEntries(named) } : {};
}

/** Where the account's policy sends all of its logs; nowhere where the policy is of another kind. */
function destinationIn(policyDocument: Value): Value {
    if (typeof policyDocument !== "string") {
        return policyDocument;
    }
    try {
        const { DestinationArn } = objectOf(JSON.parse(policyDocument) as Value);
        return typeof DestinationArn === "string" && /^arn:[^:]*:[^:]*:[^:]*:[^:]+:/.test(DestinationArn) ? DestinationArn : undefined;
    } catch {
        return undefined; // Not JSON: AWS takes no such policy.
    }
}

/** The objects of a text of JSON that is one, or a list of them. */
function rulesIn(policy: Value): Properties[] {
    try {
        return listOf(typeof policy === "string" ? (JSON.parse(policy) as Value) : policy).map(objectOf);
    } catch {
        return []; // Not JSON: AWS takes no such policy.
    }
}

const ADMINISTRATOR = "the administration of a service for the whole organisation";

/** Every type of the provider that lets somebody in by a property, by its token. */
export const GRANTEES: Readonly<Record<string, Giving>> = {
    "aws:accountaccess/entitlement:Entitlement": given("an entitlement", "entitlement.principalRole.accountId"),
    "aws:acmpca/permission:Permission": {
        grants: ({ principal, sourceAccount }) => [
            grant("principal", principal, "the certificate authority", condition("StringEquals", { "aws:SourceAccount": sourceAccount })),
        ],
        // The only principal AWS takes is its certificate manager, which acts inside the account.
        receiver: "role",
    },
    "aws:backup/plan:Plan": sent("copies of backups", "rules.copyActions.destinationVaultArn"),
    "aws:cfg/aggregateAuthorization:AggregateAuthorization": given("the account's configuration", "accountId"),
    "aws:cleanrooms/collaboration:Collaboration": given("a collaboration over data", "members.accountId"),
    "aws:cloudformation/stackInstances:StackInstances": given("a deployment", "accounts", "deploymentTargets.accounts"),
    "aws:cloudformation/stackSetInstance:StackSetInstance": given("a deployment", "accountId"),
    "aws:cloudtrail/organizationDelegatedAdminAccount:OrganizationDelegatedAdminAccount": given(ADMINISTRATOR, "accountId"),
    "aws:cloudwatch/eventPermission:EventPermission": {
        grants: ({ principal, action, condition: only }) =>
            listOf(principal).map((each) => {
                const { type, key, value } = objectOf(only);
                const binding = typeof type === "string" && typeof key === "string" ? condition(type, { [key]: value }) : {};
                return grant("principal", each, typeof action === "string" ? action : "events:PutEvents", binding);
            }),
    },
    "aws:cloudwatch/eventTarget:EventTarget": sent("events", "arn"),
    "aws:cloudwatch/logAccountPolicy:LogAccountPolicy": {
        grants: ({ policyDocument }) =>
            everyoneAt({ to: destinationIn(policyDocument) }, "to").map((each) => grant("policyDocument", each, "logs")),
    },
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": sent("logs", "destinationArn"),
    "aws:detective/organizationAdminAccount:OrganizationAdminAccount": given(ADMINISTRATOR, "accountId"),
    "aws:detective/invitationAccepter:InvitationAccepter": sent("the account's behaviour", "graphArn"),
    ...Object.fromEntries(
        ["Connection", "PrivateVirtualInterface", "PublicVirtualInterface", "TransitVirtualInterface"].map((what) => [
            `aws:directconnect/hosted${what}:Hosted${what}`,
            given("a line into the network", "ownerAccountId"),
        ]),
    ),
    "aws:directoryservice/sharedDirectory:SharedDirectory": given("a directory", "target.id"),
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": given("snapshots", "policyDetails.schedules.shareRule.targetAccounts"),
    "aws:ec2/amiLaunchPermission:AmiLaunchPermission": given(
        "launching an image",
        "accountId",
        "group",
        "organizationArn",
        "organizationalUnitArn",
    ),
    "aws:ec2/networkInterfacePermission:NetworkInterfacePermission": given("an interface of the network", "awsAccountId"),
    "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission": given("making volumes of a snapshot", "accountId"),
    "aws:ec2/vpcEndpointService:VpcEndpointService": given("connections to an endpoint service", "allowedPrincipals"),
    "aws:ec2/vpcEndpointServiceAllowedPrinciple:VpcEndpointServiceAllowedPrinciple": given(
        "connections to an endpoint service",
        "principalArn",
    ),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": given(
        "copies of images",
        "replicationConfiguration.rules.destinations.registryId",
    ),
    "aws:eks/accessEntry:AccessEntry": given("the cluster", "principalArn"),
    "aws:fms/adminAccount:AdminAccount": given(ADMINISTRATOR, "accountId"),
    "aws:globalaccelerator/crossAccountAttachment:CrossAccountAttachment": given("resources behind an accelerator", "principals"),
    "aws:guardduty/inviteAccepter:InviteAccepter": given("the account's findings", "masterAccountId"),
    "aws:guardduty/organizationAdminAccount:OrganizationAdminAccount": given(ADMINISTRATOR, "adminAccountId"),
    "aws:imagebuilder/distributionConfiguration:DistributionConfiguration": given(
        "an image",
        ...["userIds", "userGroups", "organizationArns", "organizationalUnitArns"].map(
            (whom) => `distributions.amiDistributionConfiguration.launchPermission.${whom}`,
        ),
        "distributions.amiDistributionConfiguration.targetAccountIds",
    ),
    "aws:inspector2/delegatedAdminAccount:DelegatedAdminAccount": given(ADMINISTRATOR, "accountId"),
    "aws:lakeformation/permissions:Permissions": sent("data of the lake", "principal"),
    "aws:lambda/layerVersionPermission:LayerVersionPermission": {
        grants: ({ principal, action, organizationId }) => [
            grant(
                "principal",
                principal,
                typeof action === "string" ? action : "lambda:GetLayerVersion",
                condition("StringEquals", { "aws:PrincipalOrgID": organizationId }),
            ),
        ],
    },
    "aws:lambda/permission:Permission": {
        grants: ({ principal, action, principalOrgId, sourceAccount, sourceArn }) => [
            grant("principal", principal, typeof action === "string" ? action : "lambda:InvokeFunction", {
                ...condition("StringEquals", { "aws:PrincipalOrgID": principalOrgId, "aws:SourceAccount": sourceAccount }),
                ...condition("ArnLike", { "aws:SourceArn": sourceArn }),
            }),
        ],
        receiver: "function",
    },
    "aws:licensemanager/licenseGrant:LicenseGrant": given("a licence", "principal"),
    "aws:macie2/invitationAccepter:InvitationAccepter": given("the account's findings", "administratorAccountId"),
    "aws:macie2/organizationAdminAccount:OrganizationAdminAccount": given(ADMINISTRATOR, "adminAccountId"),
    "aws:oam/link:Link": sent("the account's telemetry", "sinkIdentifier"),
    "aws:opensearch/authorizeVpcEndpointAccess:AuthorizeVpcEndpointAccess": given("an endpoint of the domain", "account"),
    // JSON, but no policy documents of IAM's.
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": {
        grants: ({ policy }) =>
            rulesIn(policy).flatMap(({ Principal }) => listOf(Principal).map((each) => grant("policy", each, "the collection"))),
    },
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": {
        grants: ({ policy }) =>
            rulesIn(policy).flatMap(({ AllowFromPublic }) => (AllowFromPublic === true ? [grant("policy", "*", "connections")] : [])),
    },
    "aws:organizations/delegatedAdministrator:DelegatedAdministrator": given(ADMINISTRATOR, "accountId"),
    "aws:ram/principalAssociation:PrincipalAssociation": given("shared resources", "principal"),
    "aws:ram/resourceShareAssociationsExclusive:ResourceShareAssociationsExclusive": given("shared resources", "principals"),
    "aws:rds/clusterSnapshot:ClusterSnapshot": given("a snapshot of a database", "sharedAccounts"),
    "aws:rds/snapshot:Snapshot": given("a snapshot of a database", "sharedAccounts"),
    "aws:rds/snapshotCopy:SnapshotCopy": given("a snapshot of a database", "sharedAccounts"),
    "aws:redshift/dataShareAuthorization:DataShareAuthorization": given("shared data", "consumerIdentifier"),
    "aws:redshift/endpointAuthorization:EndpointAuthorization": given("the cluster", "account"),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": given("copies of objects", "rules.destination.account"),
    "aws:s3/inventory:Inventory": given("the list of objects", "destination.bucket.accountId"),
    "aws:s3control/accessGrant:AccessGrant": sent("objects of the bucket", "grantee.granteeIdentifier"),
    "aws:securityhub/organizationAdminAccount:OrganizationAdminAccount": given(ADMINISTRATOR, "adminAccountId"),
    "aws:servicecatalog/portfolioShare:PortfolioShare": given("a portfolio", "principalId"),
    "aws:signer/signingProfilePermission:SigningProfilePermission": given("signing code", "principal"),
    "aws:sns/topicSubscription:TopicSubscription": sent("messages", "endpoint"),
    "aws:ssm/document:Document": given("a document", "permissions.account_ids", "permissions.accountIds"),
};

/** What a resource lets somebody do by its properties, each as a policy document of one statement. @param props revealed */
export function grantsOf(type: string, props: Properties): (Grant & { receiver: Receiver })[] {
    const giving = GRANTEES[type];
    const listed = (giving?.grants(props) ?? []).filter(({ statement }) => statement.Principal !== undefined);
    const isListed = (path: string): boolean => listed.some((each) => each.path === path);
    return [
        ...listed,
        ...(type.startsWith("aws:")
            ? namedIn(props)
                  .filter(({ path }) => !isListed(path))
                  .map(({ path, value, what }) => grant(path, value, what))
            : []),
    ].map((each) => ({ ...each, receiver: giving?.receiver ?? "other" }));
}
