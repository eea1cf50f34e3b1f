/**
 * The member account of one instance, the evidence bucket and the incidents table, in memory under the AWS SDK's clients: as far as containing and
 * releasing speak to them. Refuses what a test says, with the error that AWS gives.
 */
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import type { Incident } from "../../functions/domain/containers";
import { instanceArn } from "../../functions/aws/containment/credentials";
import { addDenied } from "../../functions/domain/planCredentialDeny";
import { FakeDynamoDb } from "./aws/dynamoDb";
import { awsError } from "./aws/errors";
import { InMemoryS3 } from "./aws/s3";
import { underClient, withEnvironment, withoutLog } from "./aws/underClients";

type Input = Record<string, never>;
interface Group {
    GroupId: string;
    GroupName: string;
    VpcId: string;
    Tags: { Key: string; Value: string }[];
    ingress: unknown[];
    egress: unknown[];
}

export const targetGroupArn = "arn:aws:elasticloadbalancing:eu-west-1:222222222222:targetgroup/web/1";
const subnets = ["subnet-a", "subnet-b"];
const rule6 = { IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] };
const rule = (cidr: string) => ({ IpProtocol: "-1", IpRanges: [{ CidrIp: cidr }] });

export class MemberAccount {
    /** The evidence bucket. */
    readonly s3 = new InMemoryS3();
    readonly objects = this.s3.objects;
    readonly table = new FakeDynamoDb();
    /** Operations in the order of their calls. */
    readonly calls: string[] = [];
    /** How many calls, this one among them, were made one after another up to each call of {@link calls}; those at the same time count once. */
    readonly depths: number[] = [];
    private answered = 0;
    /** Operations that AWS refuses, with its error's name. `Operation:argument` refuses that argument alone. */
    readonly refusals = new Map<string, string>();
    /** Called after each call; a test ends the process or changes the world here. */
    after: (operation: string) => void = () => undefined;

    state = "running";
    tags: { Key: string; Value: string }[] = [];
    attributes = { disableApiTermination: false, disableApiStop: false, instanceInitiatedShutdownBehavior: "terminate" };
    interfaces = [
        { id: "eni-1", subnet: "subnet-a", groups: ["sg-app", "sg-ssh"], timeout: undefined as number | undefined },
        { id: "eni-2", subnet: "subnet-b", groups: ["sg-app"], timeout: 350 as number | undefined },
    ];
    deleteOnTermination: Record<string, boolean> = { "/dev/xvda": true, "/dev/sdf": false };
    metadata = "enabled";
    lifecycle: "spot" | undefined = undefined;
    autoScaling: string | null = "InService";
    targets = ["web"];
    classic = ["old-web"];
    acls: Record<string, string> = { "subnet-a": "acl-own", "subnet-b": "acl-own" };
    isolationAcls: string[] = [];
    groups: Group[] = [];
    private groupsMade = 0;
    /** Whether the VPC has IPv6. */
    ipv6 = false;
    /** Branch interfaces of the VPC, with the trunk that their tag names. */
    branches: { id: string; trunk: string | null; groups: string[] }[] = [];
    trunk: string | null = null;
    /** Inline policies of the role `app`. */
    policies = new Map<string, string>();
    /** Inline policies of other roles, by the role's name. */
    otherRoles = new Map<string, Map<string, string>>();
    /** The instance's profile, and the role of each profile. */
    profile: string | null = "app";
    profiles: Record<string, string> = { app: "app" };
    launchTime = new Date("2026-11-01T00:00:00.000Z");
    volumeIds: Record<string, string> = {};
    publicIp: string | undefined = undefined;
    /** CloudTrail's event history: records as it writes them, with the resources that they are found by. */
    trail: { resources: string[]; username?: string; record: Record<string, unknown> }[] = [];
    /** Messages to people. */
    published: { Subject: string; Message: string }[] = [];
    /** Interfaces of other instances, by subnet, that carry the isolation group. */
    otherInterfaces: { id: string; subnet: string; groups?: string[] }[] = [];
    /** Whether the network ACL that denies everything lets something through. */
    aclLetsThrough = false;
    private restore: (() => void)[] = [];

    constructor(readonly incident: Incident) {}

    /** Everything containment may change, as plain data to compare. */
    snapshot(): unknown {
        const { attributes, interfaces, deleteOnTermination, metadata, autoScaling, targets, classic, acls, policies } = this;
        return structuredClone({
            attributes,
            interfaces: interfaces.map((each) => ({ ...each, timeout: each.timeout ?? 432_000, groups: [...each.groups].sort() })),
            deleteOnTermination,
            metadata,
            autoScaling,
            targets,
            classic,
            acls,
            policies: [...policies],
        });
    }

    /** Denies another instance's credentials on the same role, as another incident did. */
    denyAnother(instanceId: string): void {
        this.policies.set(
            "clean-room-contained-instances",
            addDenied(this.policies.get("clean-room-contained-instances") ?? null, instanceArn({ ...this.incident.instance, instanceId })),
        );
    }

    install(environment: Record<string, string>): void {
        const variables = {
            AWS_REGION: "eu-west-1",
            PARTITION: "aws",
            RESPONDER_ROLE_NAME: "clean-room-responder",
            EVIDENCE_BUCKET: "evidence",
            CONTAIN_CREDENTIALS: "deny-instance",
            CONTAIN_NETWORK: "groups",
            INCIDENTS_TABLE: "incidents",
            CONTAINMENT_POLICY: "{}",
            ...environment,
        };
        this.restore.push(withEnvironment(variables), withoutLog());
        for (const Client of [
            EC2Client,
            AutoScalingClient,
            ElasticLoadBalancingClient,
            ElasticLoadBalancingV2Client,
            IAMClient,
            S3Client,
            DynamoDBClient,
            SFNClient,
            SNSClient,
            CloudTrailClient,
        ])
            this.replace(Client);
    }

    remove(): void {
        for (const undo of this.restore.splice(0)) undo();
    }

    private replace(Client: { prototype: object }): void {
        this.restore.push(
            underClient(Client, async (_, name, input) => {
                const depth = this.answered + 1;
                this.depths.push(depth);
                this.calls.push(name);
                // Like a call over a network: answered in a later turn, when all that were made with it are on their way.
                await new Promise((resolve) => setImmediate(resolve));
                this.answered = Math.max(this.answered, depth);
                return this.answer(name, input as Input);
            }),
        );
    }

    /** Answers one call. @throws the AWS error when it is refused */
    answer(name: string, input: Input): unknown {
        const variant = `${name}:${Object.keys(input).filter((key) => key !== "InstanceId" && key !== "NetworkInterfaceId")[0] ?? ""}`;
        const refusal = this.refusals.get(name) ?? this.refusals.get(variant);
        if (refusal) throw awsError(refusal);
        const operation = (this as unknown as Record<string, ((input: Input) => unknown) | undefined>)[`on${name}`];
        if (!operation) throw new Error(`${name} is not in this account`);
        const result = operation.call(this, input);
        this.after(name);
        return result;
    }

    private onTable(action: string, input: Input): unknown {
        const { status, body } = this.table.answer(action, input);
        if (status === 200) return body;
        const { __type, ...rest } = body as { __type: string };
        throw Object.assign(awsError(__type), rest);
    }
    onGetItem(input: Input): unknown {
        return this.onTable("GetItem", input);
    }
    onUpdateItem(input: Input): unknown {
        return this.onTable("UpdateItem", input);
    }
    onPutItem(input: Input): unknown {
        return this.onTable("PutItem", input);
    }
    onQuery(input: Input): unknown {
        return this.onTable("Query", input);
    }
    onTransactWriteItems(input: Input): unknown {
        return this.onTable("TransactWriteItems", input);
    }

    onSendTaskSuccess(): unknown {
        return {};
    }
    onPublish(input: { Subject: string; Message: string }): unknown {
        this.published.push(input);
        return {};
    }

    private face(id: string) {
        return [...this.interfaces, ...this.branches.map((each) => Object.assign(each, { timeout: undefined as number | undefined }))].find(
            (each) => each.id === id,
        )!;
    }

    onDescribeInstances(): unknown {
        return {
            Reservations: [
                {
                    Instances: [
                        {
                            InstanceId: this.incident.instance.instanceId,
                            InstanceType: "t3.medium",
                            Tags: this.tags,
                            State: { Name: this.state },
                            LaunchTime: this.launchTime,
                            VpcId: "vpc-1",
                            Placement: { AvailabilityZone: "eu-west-1a" },
                            InstanceLifecycle: this.lifecycle,
                            RootDeviceType: "ebs",
                            RootDeviceName: "/dev/xvda",
                            MetadataOptions: { HttpEndpoint: this.metadata },
                            IamInstanceProfile:
                                this.profile === null ? undefined : { Arn: `arn:aws:iam::222222222222:instance-profile/${this.profile}` },
                            NetworkInterfaces: this.interfaces.map((each) => ({
                                NetworkInterfaceId: each.id,
                                InterfaceType: each.id === this.trunk ? "trunk" : "interface",
                                SubnetId: each.subnet,
                                PrivateIpAddresses: [{ PrivateIpAddress: "10.0.0.4" }],
                                Association: this.publicIp === undefined ? undefined : { PublicIp: this.publicIp },
                                Groups: each.groups.map((GroupId) => ({ GroupId })),
                                ConnectionTrackingConfiguration:
                                    each.timeout === undefined ? undefined : { TcpEstablishedTimeout: each.timeout },
                            })),
                            BlockDeviceMappings: Object.entries(this.deleteOnTermination).map(([DeviceName, DeleteOnTermination]) => ({
                                DeviceName,
                                Ebs: { VolumeId: this.volumeIds[DeviceName] ?? `vol-${DeviceName.slice(-3)}`, DeleteOnTermination },
                            })),
                        },
                    ],
                },
            ],
        };
    }
    onDescribeInstanceAttribute({ Attribute }: { Attribute: string }): unknown {
        return {
            DisableApiTermination: { Value: this.attributes.disableApiTermination },
            DisableApiStop: { Value: this.attributes.disableApiStop },
            InstanceInitiatedShutdownBehavior: { Value: this.attributes.instanceInitiatedShutdownBehavior },
            Attribute,
        };
    }
    onDescribeInstanceTypes(): unknown {
        return { InstanceTypes: [{ NetworkInfo: { ConnectionTrackingConfiguration: { DefaultTcpEstablishedTimeout: 432_000 } } }] };
    }
    onModifyInstanceAttribute(input: {
        DisableApiTermination?: { Value: boolean };
        DisableApiStop?: { Value: boolean };
        InstanceInitiatedShutdownBehavior?: { Value: string };
        BlockDeviceMappings?: { DeviceName: string; Ebs: { DeleteOnTermination: boolean } }[];
    }): unknown {
        if (input.DisableApiTermination) this.attributes.disableApiTermination = input.DisableApiTermination.Value;
        if (input.DisableApiStop) this.attributes.disableApiStop = input.DisableApiStop.Value;
        if (input.InstanceInitiatedShutdownBehavior)
            this.attributes.instanceInitiatedShutdownBehavior = input.InstanceInitiatedShutdownBehavior.Value;
        for (const { DeviceName, Ebs } of input.BlockDeviceMappings ?? []) this.deleteOnTermination[DeviceName] = Ebs.DeleteOnTermination;
        return {};
    }
    onModifyInstanceMetadataOptions({ HttpEndpoint }: { HttpEndpoint: string }): unknown {
        this.metadata = HttpEndpoint;
        return {};
    }
    onModifyNetworkInterfaceAttribute(input: {
        NetworkInterfaceId: string;
        Groups?: string[];
        ConnectionTrackingSpecification?: { TcpEstablishedTimeout: number };
    }): unknown {
        if (input.Groups) this.face(input.NetworkInterfaceId).groups = input.Groups;
        if (input.ConnectionTrackingSpecification)
            this.face(input.NetworkInterfaceId).timeout = input.ConnectionTrackingSpecification.TcpEstablishedTimeout;
        return {};
    }
    onDescribeRouteTables(): unknown {
        return {
            RouteTables: [
                {
                    Associations: [{ Main: true }],
                    Routes: [
                        { NatGatewayId: "nat-1", DestinationCidrBlock: "0.0.0.0/0" },
                        { TransitGatewayId: "tgw-1", DestinationCidrBlock: "10.0.0.0/8" },
                    ],
                },
            ],
        };
    }
    onDescribeVpcEndpoints(): unknown {
        return { VpcEndpoints: [] };
    }
    onDescribeNetworkInterfaces({ Filters }: { Filters: { Name: string; Values: string[] }[] }): unknown {
        if (Filters.some(({ Name }) => Name === "interface-type"))
            return {
                NetworkInterfaces: this.branches.map(({ id, trunk, groups }) => ({
                    NetworkInterfaceId: id,
                    InterfaceType: "branch",
                    SubnetId: "subnet-a",
                    Groups: groups.map((GroupId) => ({ GroupId })),
                    TagSet: trunk === null ? [] : [{ Key: "vpcresources.k8s.aws/trunk-eni-id", Value: trunk }],
                })),
            };
        const wanted = Filters.find(({ Name }) => Name === "group-id")?.Values ?? [];
        const carries = ({ groups = [] }: { groups?: string[] }) => groups.some((each) => wanted.includes(each));
        const Groups = (groups: string[] = []) => groups.map((GroupId) => ({ GroupId }));
        if (!Filters.some(({ Name }) => Name === "subnet-id"))
            return {
                NetworkInterfaces: [
                    ...this.interfaces.filter(carries).map(({ id, groups }) => ({
                        NetworkInterfaceId: id,
                        Groups: Groups(groups),
                        Attachment: { InstanceId: this.incident.instance.instanceId },
                    })),
                    ...this.otherInterfaces.filter(carries).map(({ id, groups }) => ({
                        NetworkInterfaceId: id,
                        Groups: Groups(groups),
                        Attachment: { InstanceId: "i-other" },
                    })),
                ],
            };
        const subnet = Filters.find(({ Name }) => Name === "subnet-id")!.Values[0];
        return {
            NetworkInterfaces: [...this.interfaces, ...this.otherInterfaces]
                .filter((each) => each.subnet === subnet)
                .map(({ id }) => ({ NetworkInterfaceId: id })),
        };
    }

    onDescribeNetworkAcls({
        Filters,
        NetworkAclIds,
    }: {
        Filters?: { Name: string; Values: string[] }[];
        NetworkAclIds?: string[];
    }): unknown {
        const [{ Name, Values }] = (NetworkAclIds ? [{ Name: "network-acl-id", Values: NetworkAclIds }] : Filters) as [
            { Name: string; Values: string[] },
        ];
        const all = ["acl-own", ...this.isolationAcls].map((NetworkAclId) => ({
            NetworkAclId,
            IsDefault: NetworkAclId === "acl-own",
            Entries: [
                { RuleAction: "deny" },
                ...(this.aclLetsThrough && NetworkAclId === this.isolationAcls[0] ? [{ RuleAction: "allow" }] : []),
            ],
            Tags: NetworkAclId === "acl-own" ? [] : [{ Key: "clean-room:role", Value: "isolation-nacl" }],
            Associations: subnets
                .filter((subnet) => this.acls[subnet] === NetworkAclId)
                .map((SubnetId) => ({ SubnetId, NetworkAclId, NetworkAclAssociationId: `aclassoc-${SubnetId}` })),
        }));
        return {
            NetworkAcls:
                Name === "network-acl-id"
                    ? all.filter(({ NetworkAclId }) => Values.includes(NetworkAclId))
                    : Name === "vpc-id"
                      ? all
                      : all.filter((acl) => acl.Associations.some(({ SubnetId }) => Values.includes(SubnetId))),
        };
    }
    onCreateNetworkAcl(): unknown {
        const NetworkAclId = `acl-isolation-${this.isolationAcls.length + 1}`;
        this.isolationAcls.push(NetworkAclId);
        return { NetworkAcl: { NetworkAclId } };
    }
    onReplaceNetworkAclAssociation({ AssociationId, NetworkAclId }: { AssociationId: string; NetworkAclId: string }): unknown {
        this.acls[AssociationId.replace("aclassoc-", "")] = NetworkAclId;
        return {};
    }

    onDescribeSecurityGroups({ GroupIds }: { GroupIds?: string[] }): unknown {
        return {
            SecurityGroups: this.groups
                .filter(({ GroupId }) => GroupIds?.includes(GroupId) ?? true)
                .map(({ ingress, egress, ...group }) => ({
                    OwnerId: this.incident.instance.accountId,
                    ...group,
                    IpPermissions: ingress,
                    IpPermissionsEgress: egress,
                })),
        };
    }
    onCreateSecurityGroup(input: { GroupName: string; VpcId: string; TagSpecifications: { Tags: Group["Tags"] }[] }): unknown {
        if (this.groups.some(({ GroupName, VpcId }) => GroupName === input.GroupName && VpcId === input.VpcId))
            throw awsError("InvalidGroup.Duplicate");
        const GroupId = `sg-made-${++this.groupsMade}`;
        this.groups.push({
            GroupId,
            GroupName: input.GroupName,
            VpcId: input.VpcId,
            Tags: input.TagSpecifications[0]!.Tags,
            ingress: [],
            // In a VPC with IPv6 a group is born with both.
            egress: [rule("0.0.0.0/0"), ...(this.ipv6 ? [rule6] : [])],
        });
        return { GroupId };
    }
    onRevokeSecurityGroupEgress({ GroupId, IpPermissions }: { GroupId: string; IpPermissions: unknown[] }): unknown {
        const group = this.group(GroupId);
        const left = group.egress.filter((each) => JSON.stringify(each) !== JSON.stringify(IpPermissions[0]));
        if (left.length === group.egress.length) throw awsError("InvalidPermission.NotFound");
        group.egress = left;
        return {};
    }
    onDeleteSecurityGroup({ GroupId }: { GroupId: string }): unknown {
        this.group(GroupId);
        if (this.interfaces.some(({ groups }) => groups.includes(GroupId))) throw awsError("DependencyViolation");
        this.groups = this.groups.filter((each) => each.GroupId !== GroupId);
        return {};
    }
    private group(id: string): Group {
        const group = this.groups.find(({ GroupId }) => GroupId === id);
        if (!group) throw awsError("InvalidGroup.NotFound");
        return group;
    }
    /** A rule that a group has already is refused, as EC2 does. */
    private authorize(rules: unknown[], added: unknown[]): unknown {
        if (added.some((each) => rules.some((one) => JSON.stringify(one) === JSON.stringify(each))))
            throw awsError("InvalidPermission.Duplicate");
        rules.push(...added);
        return {};
    }
    onAuthorizeSecurityGroupIngress({ GroupId, IpPermissions }: { GroupId: string; IpPermissions: unknown[] }): unknown {
        return this.authorize(this.group(GroupId).ingress, IpPermissions);
    }
    onAuthorizeSecurityGroupEgress({ GroupId, IpPermissions }: { GroupId: string; IpPermissions: unknown[] }): unknown {
        return this.authorize(this.group(GroupId).egress, IpPermissions);
    }

    onDescribeAutoScalingInstances(): unknown {
        return { AutoScalingInstances: this.autoScaling ? [{ AutoScalingGroupName: "app", LifecycleState: this.autoScaling }] : [] };
    }
    /** Processes of the group `app` that are suspended. */
    suspendedProcesses: string[] = [];
    /** Detaching and standby want an instance in service, or in standby. */
    private wantsInService(): void {
        if (this.autoScaling !== null && !["InService", "Standby"].includes(this.autoScaling))
            throw awsError(
                "ValidationError",
                `The instance ${this.incident.instance.instanceId} is not in a state that allows it: ${this.autoScaling}`,
            );
    }
    onDescribeAutoScalingGroups(): unknown {
        return { AutoScalingGroups: [{ SuspendedProcesses: this.suspendedProcesses.map((ProcessName) => ({ ProcessName })) }] };
    }
    onSuspendProcesses({ ScalingProcesses }: { ScalingProcesses: string[] }): unknown {
        this.suspendedProcesses = [...new Set([...this.suspendedProcesses, ...ScalingProcesses])].sort();
        return {};
    }
    onResumeProcesses({ ScalingProcesses }: { ScalingProcesses: string[] }): unknown {
        this.suspendedProcesses = this.suspendedProcesses.filter((each) => !ScalingProcesses.includes(each));
        return {};
    }
    onDetachInstances(): unknown {
        this.wantsInService();
        this.autoScaling = null;
        return {};
    }
    onEnterStandby(): unknown {
        this.wantsInService();
        this.autoScaling = "Standby";
        return {};
    }
    onAttachInstances(): unknown {
        this.autoScaling = "InService";
        return {};
    }
    onExitStandby(): unknown {
        this.autoScaling = "InService";
        return {};
    }

    onDescribeTargetGroups(): unknown {
        return { TargetGroups: [{ TargetGroupArn: targetGroupArn, VpcId: "vpc-1", TargetType: "instance", Protocol: "HTTP", Port: 80 }] };
    }
    onDescribeTargetHealth(): unknown {
        return {
            TargetHealthDescriptions: this.targets.map(() => ({
                Target: { Id: this.incident.instance.instanceId, Port: 80 },
                TargetHealth: { State: "healthy" },
            })),
        };
    }
    onDeregisterTargets(): unknown {
        this.targets = [];
        return {};
    }
    onRegisterTargets(): unknown {
        this.targets = ["web"];
        return {};
    }
    onDescribeLoadBalancers(): unknown {
        return {
            LoadBalancerDescriptions: ["old-web", "other"].map((LoadBalancerName) => ({
                LoadBalancerName,
                Instances: this.classic.includes(LoadBalancerName) ? [{ InstanceId: this.incident.instance.instanceId }] : [],
            })),
        };
    }
    onDeregisterInstancesFromLoadBalancer({ LoadBalancerName }: { LoadBalancerName: string }): unknown {
        this.classic = this.classic.filter((each) => each !== LoadBalancerName);
        return {};
    }
    onRegisterInstancesWithLoadBalancer({ LoadBalancerName }: { LoadBalancerName: string }): unknown {
        this.classic.push(LoadBalancerName);
        return {};
    }

    onLookupEvents({ LookupAttributes }: { LookupAttributes: { AttributeKey: string; AttributeValue: string }[] }): unknown {
        const [{ AttributeKey, AttributeValue }] = LookupAttributes as [{ AttributeKey: string; AttributeValue: string }];
        return {
            Events: this.trail
                .filter(({ resources, username, record }) =>
                    AttributeKey === "Username"
                        ? username === AttributeValue
                        : AttributeKey === "EventName"
                          ? record.eventName === AttributeValue
                          : resources.includes(AttributeValue),
                )
                .map(({ record }) => ({ CloudTrailEvent: JSON.stringify(record) })),
        };
    }

    private policiesOf(role: string): Map<string, string> {
        const policies = role === "app" ? this.policies : this.otherRoles.get(role);
        if (!policies) throw awsError("NoSuchEntityException", `The role with name ${role} cannot be found.`);
        return policies;
    }
    onGetInstanceProfile({ InstanceProfileName }: { InstanceProfileName: string }): unknown {
        const RoleName = this.profiles[InstanceProfileName];
        if (RoleName === undefined) throw awsError("NoSuchEntityException");
        return { InstanceProfile: { Roles: [{ RoleName }] } };
    }
    onGetRolePolicy({ RoleName, PolicyName }: { RoleName: string; PolicyName: string }): unknown {
        const policy = this.policiesOf(RoleName).get(PolicyName);
        if (policy === undefined) throw awsError("NoSuchEntityException");
        return { PolicyDocument: encodeURIComponent(policy) };
    }
    onPutRolePolicy({ RoleName, PolicyName, PolicyDocument }: { RoleName: string; PolicyName: string; PolicyDocument: string }): unknown {
        this.policiesOf(RoleName).set(PolicyName, PolicyDocument);
        return {};
    }
    onDeleteRolePolicy({ RoleName, PolicyName }: { RoleName: string; PolicyName: string }): unknown {
        if (!this.policiesOf(RoleName).delete(PolicyName)) throw awsError("NoSuchEntityException");
        return {};
    }

    onPutObject(input: Input): unknown {
        return this.s3.send("PutObject", input);
    }
    onGetObject(input: Input): unknown {
        return this.s3.send("GetObject", input);
    }
}
