import { readDocument, type PolicyDocument } from "./iamDocument";
import type { Receiver } from "./serviceSources";
import { deferWhereUnknown } from "./unknown";
import { listOf, objectOf, UNKNOWN, type Properties, type Value } from "./values";

/** What a policy document governs: who may use a resource, who may become a role, what an identity may do, what a VPC endpoint carries. */
export type DocumentKind = "resource" | "trust" | "identity" | "endpoint";

/** Where a resource type has a policy document. */
export interface DocumentPlace {
    /** Path of property names; a list on the way stands for each of its elements. */
    path: string;
    kind: DocumentKind;
    /** What a service principal in it acts upon. @default "other" */
    receiver?: Receiver;
}

const resource = (path = "policy", receiver?: Receiver): DocumentPlace => ({
    path,
    kind: "resource",
    ...(receiver === undefined ? {} : { receiver }),
});
const identity = (path = "policy"): DocumentPlace => ({ path, kind: "identity" });
const endpoint = (path = "policy"): DocumentPlace => ({ path, kind: "endpoint" });
/** Endpoints that a function of the program makes while an incident needs them, with the policies that it is given (functions/openEndpoints.ts). */
const laterEndpoints = ["LOGS", "SSM", "SSMMESSAGES"].map((service) => endpoint(`environment.variables.ENDPOINT_POLICY_${service}`));
const key = resource("policy", "key");
const topic = resource("policy", "topic");
const trust: DocumentPlace = { path: "assumeRolePolicy", kind: "trust", receiver: "role" };

/** Every resource type of the provider with a policy document in it, by its token. A new type is one line here. */
export const POLICY_DOCUMENTS: Readonly<Record<string, readonly DocumentPlace[]>> = {
    "aws:acmpca/policy:Policy": [resource()],
    "aws:amp/resourcePolicy:ResourcePolicy": [resource("policyDocument")],
    "aws:apigateway/domainName:DomainName": [resource()],
    "aws:apigateway/restApi:RestApi": [resource()],
    "aws:apigateway/restApiPolicy:RestApiPolicy": [resource()],
    "aws:backup/vaultPolicy:VaultPolicy": [resource()],
    "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy": [resource()],
    "aws:cloudsearch/domainServiceAccessPolicy:DomainServiceAccessPolicy": [resource("accessPolicy")],
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": [resource()],
    "aws:cloudwatch/logDeliveryDestinationPolicy:LogDeliveryDestinationPolicy": [resource("deliveryDestinationPolicy")],
    "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy": [resource("accessPolicy")],
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": [resource("policyDocument")],
    "aws:codeartifact/domainPermissions:DomainPermissions": [resource("policyDocument")],
    "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy": [resource("policyDocument")],
    "aws:codebuild/resourcePolicy:ResourcePolicy": [resource()],
    "aws:dsql/clusterPolicy:ClusterPolicy": [resource()],
    "aws:dynamodb/resourcePolicy:ResourcePolicy": [resource()],
    "aws:ec2/vpcEndpoint:VpcEndpoint": [endpoint()],
    "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy": [endpoint()],
    "aws:ecr/registryPolicy:RegistryPolicy": [resource()],
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": [resource("repositoryPolicy")],
    "aws:ecr/repositoryPolicy:RepositoryPolicy": [resource()],
    "aws:ecrpublic/repositoryPolicy:RepositoryPolicy": [resource()],
    "aws:efs/fileSystemPolicy:FileSystemPolicy": [resource()],
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": [identity()],
    "aws:elasticsearch/domain:Domain": [resource("accessPolicies")],
    "aws:elasticsearch/domainPolicy:DomainPolicy": [resource("accessPolicies")],
    "aws:fsx/s3AccessPointAttachment:S3AccessPointAttachment": [resource("s3AccessPoint.policy")],
    "aws:glacier/vault:Vault": [resource("accessPolicy")],
    "aws:glacier/vaultLock:VaultLock": [resource()],
    "aws:glue/resourcePolicy:ResourcePolicy": [resource()],
    "aws:iam/groupPolicy:GroupPolicy": [identity()],
    "aws:iam/policy:Policy": [identity()],
    "aws:iam/role:Role": [trust, identity("inlinePolicies.policy")],
    "aws:iam/rolePolicy:RolePolicy": [identity()],
    "aws:iam/userPolicy:UserPolicy": [identity()],
    "aws:iot/policy:Policy": [identity()],
    "aws:kinesis/resourcePolicy:ResourcePolicy": [resource()],
    "aws:kms/externalKey:ExternalKey": [key],
    "aws:kms/key:Key": [key],
    "aws:kms/keyPolicy:KeyPolicy": [key],
    "aws:kms/replicaExternalKey:ReplicaExternalKey": [key],
    "aws:kms/replicaKey:ReplicaKey": [key],
    "aws:lambda/function:Function": laterEndpoints,
    "aws:lambda/resourcePolicy:ResourcePolicy": [resource("policy", "function")],
    "aws:mediastore/containerPolicy:ContainerPolicy": [resource()],
    "aws:msk/clusterPolicy:ClusterPolicy": [resource()],
    "aws:networkfirewall/resourcePolicy:ResourcePolicy": [resource()],
    "aws:oam/sinkPolicy:SinkPolicy": [resource()],
    "aws:odb/network:Network": [endpoint("s3PolicyDocument"), endpoint("kmsPolicyDocument"), endpoint("stsPolicyDocument")],
    "aws:opensearch/domain:Domain": [resource("accessPolicies")],
    "aws:opensearch/domainPolicy:DomainPolicy": [resource("accessPolicies")],
    "aws:opensearchingest/resourcePolicy:ResourcePolicy": [resource()],
    "aws:organizations/resourcePolicy:ResourcePolicy": [resource("content")],
    "aws:pinpoint/smsvoicev2ResourcePolicy:Smsvoicev2ResourcePolicy": [resource()],
    "aws:redshift/resourcePolicy:ResourcePolicy": [resource()],
    "aws:redshiftserverless/resourcePolicy:ResourcePolicy": [resource()],
    "aws:rolesanywhere/profile:Profile": [identity("sessionPolicy")],
    "aws:s3/accessPoint:AccessPoint": [resource()],
    "aws:s3/bucket:Bucket": [resource()],
    "aws:s3/bucketPolicy:BucketPolicy": [resource()],
    "aws:s3/bucketV2:BucketV2": [resource()],
    "aws:s3/filesFileSystemPolicy:FilesFileSystemPolicy": [resource()],
    "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy": [resource()],
    "aws:s3control/accessGrantsInstanceResourcePolicy:AccessGrantsInstanceResourcePolicy": [resource()],
    "aws:s3control/accessPointPolicy:AccessPointPolicy": [resource()],
    "aws:s3control/bucketPolicy:BucketPolicy": [resource()],
    "aws:s3control/multiRegionAccessPointPolicy:MultiRegionAccessPointPolicy": [resource("details.policy")],
    "aws:s3control/objectLambdaAccessPointPolicy:ObjectLambdaAccessPointPolicy": [resource()],
    "aws:s3tables/tableBucketPolicy:TableBucketPolicy": [resource("resourcePolicy")],
    "aws:s3tables/tablePolicy:TablePolicy": [resource("resourcePolicy")],
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": [resource("resourcePolicy")],
    "aws:schemas/registryPolicy:RegistryPolicy": [resource()],
    "aws:secretsmanager/secret:Secret": [resource()],
    "aws:secretsmanager/secretPolicy:SecretPolicy": [resource()],
    "aws:ses/identityPolicy:IdentityPolicy": [resource()],
    "aws:sesv2/emailIdentityPolicy:EmailIdentityPolicy": [resource()],
    "aws:sns/topic:Topic": [topic],
    "aws:sns/topicPolicy:TopicPolicy": [topic],
    "aws:sqs/queue:Queue": [resource()],
    "aws:sqs/queuePolicy:QueuePolicy": [resource()],
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": [identity("inlinePolicy")],
    "aws:transfer/access:Access": [identity()],
    "aws:transfer/user:User": [identity()],
    "aws:vpclattice/authPolicy:AuthPolicy": [resource()],
    "aws:vpclattice/resourcePolicy:ResourcePolicy": [resource()],
    "aws:xray/resourcePolicy:ResourcePolicy": [resource("policyDocument")],
};

/** A document of a resource, read, and where it stands. */
export type FoundDocument = DocumentPlace & PolicyDocument;

/** The documents of a resource, of the kinds that are asked for; one that is absent is left out. @param props revealed */
export function documentsOf(type: string, props: Properties, ...kinds: DocumentKind[]): FoundDocument[] {
    return (POLICY_DOCUMENTS[type] ?? [])
        .filter(({ kind }) => kinds.includes(kind))
        .flatMap((place) =>
            at(props, place.path.split("."))
                .filter((value) => value !== undefined && value !== null && value !== "")
                .map((value) => ({ ...place, ...readDocument(value) })),
        );
}

/** Hands to the update what is not known of these documents, and nothing else. To be called last. @param props a policy's own `props` */
export function deferUnknownDocuments(props: object, documents: readonly { path: string; unknown: boolean }[]): void {
    for (const { path } of documents.filter(({ unknown }) => unknown)) {
        deferWhereUnknown((props as Record<string, unknown>)[path.split(".")[0]]);
    }
}

/** What lies at a path of property names; every element of a list on the way. UNKNOWN on the way is what is found. */
export function at(value: Value, path: string[]): Value[] {
    if (path.length === 0) {
        return [value];
    }
    return listOf(value).flatMap((each) => (each === UNKNOWN ? [UNKNOWN] : at(objectOf(each)[path[0]], path.slice(1))));
}
