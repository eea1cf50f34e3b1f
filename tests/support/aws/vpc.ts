/** The network of one account's EC2 in memory: interfaces with their groups, security groups, network ACLs, routes. One VPC, two subnets. */
import { awsError } from "./errors";

export interface Face {
    id: string;
    subnet: string;
    groups: string[];
    /** Idle time-out of established connections in seconds; undefined: the instance type's. */
    timeout: number | undefined;
}
export interface Group {
    GroupId: string;
    GroupName: string;
    VpcId: string;
    Tags: { Key: string; Value: string }[];
    ingress: unknown[];
    egress: unknown[];
}
interface Filter {
    Name: string;
    Values: string[];
}

const subnets = ["subnet-a", "subnet-b"];
const rule6 = { IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] };
const rule = (cidr: string) => ({ IpProtocol: "-1", IpRanges: [{ CidrIp: cidr }] });
const shown = (groups: string[] = []) => groups.map((GroupId) => ({ GroupId }));

export class InMemoryVpc {
    /** Interfaces by the instance that has them. */
    readonly faces = new Map<string, Face[]>();
    /** Public address by instance. */
    readonly publicIps = new Map<string, string>();
    /** Interfaces that are trunks. */
    readonly trunks = new Set<string>();
    /** Branch interfaces, with the trunk that their tag names. */
    branches: { id: string; trunk: string | null; groups: string[] }[] = [];
    /** Interfaces of an instance that is not in this EC2. */
    otherInterfaces: { id: string; subnet: string; groups?: string[] }[] = [];
    groups: Group[] = [];
    private groupsMade = 0;
    /** Whether the VPC has IPv6. */
    ipv6 = false;
    /** Network ACL by subnet. */
    acls: Record<string, string> = { "subnet-a": "acl-own", "subnet-b": "acl-own" };
    isolationAcls: string[] = [];
    /** Whether the network ACL that denies everything lets something through. */
    aclLetsThrough = false;

    constructor(private readonly accountId: string) {}

    /** Network interfaces of an instance, as DescribeInstances shows them; undefined where the instance was made without any. */
    shownOf(instanceId: string): object[] | undefined {
        const publicIp = this.publicIps.get(instanceId);
        return this.faces.get(instanceId)?.map((each) => ({
            NetworkInterfaceId: each.id,
            InterfaceType: this.trunks.has(each.id) ? "trunk" : "interface",
            SubnetId: each.subnet,
            PrivateIpAddresses: [{ PrivateIpAddress: "10.0.0.4" }],
            Association: publicIp === undefined ? undefined : { PublicIp: publicIp },
            Groups: shown(each.groups),
            ConnectionTrackingConfiguration: each.timeout === undefined ? undefined : { TcpEstablishedTimeout: each.timeout },
        }));
    }

    onModifyNetworkInterfaceAttribute(input: {
        NetworkInterfaceId: string;
        Groups?: string[];
        ConnectionTrackingSpecification?: { TcpEstablishedTimeout: number };
    }): unknown {
        const all: { id: string; groups: string[]; timeout?: number }[] = [...[...this.faces.values()].flat(), ...this.branches];
        const face = all.find(({ id }) => id === input.NetworkInterfaceId);
        if (!face) throw awsError("InvalidNetworkInterfaceID.NotFound");
        if (input.Groups) face.groups = input.Groups;
        if (input.ConnectionTrackingSpecification) face.timeout = input.ConnectionTrackingSpecification.TcpEstablishedTimeout;
        return {};
    }

    onDescribeNetworkInterfaces({ Filters }: { Filters: Filter[] }): unknown {
        const values = (name: string) => Filters.find(({ Name }) => Name === name)?.Values;
        if (values("interface-type"))
            return {
                NetworkInterfaces: [
                    ...this.branches.map(({ id, trunk, groups }) => ({
                        NetworkInterfaceId: id,
                        InterfaceType: "branch",
                        SubnetId: "subnet-a",
                        Groups: shown(groups),
                        TagSet: trunk === null ? [] : [{ Key: "vpcresources.k8s.aws/trunk-eni-id", Value: trunk }],
                    })),
                    ...[...this.trunks].map((NetworkInterfaceId) => ({ NetworkInterfaceId, InterfaceType: "trunk" })),
                ],
            };
        const [inSubnets, withGroups] = [values("subnet-id"), values("group-id")];
        const all = [
            ...[...this.faces].flatMap(([instanceId, faces]) => faces.map((each) => ({ ...each, instanceId }))),
            ...this.otherInterfaces.map((each) => ({ ...each, instanceId: "i-other" })),
        ];
        return {
            NetworkInterfaces: all
                .filter(({ subnet }) => inSubnets?.includes(subnet) ?? true)
                .filter(({ groups = [] }) => !withGroups || groups.some((each) => withGroups.includes(each)))
                .map(({ id, subnet, groups, instanceId }) => ({
                    NetworkInterfaceId: id,
                    SubnetId: subnet,
                    Groups: shown(groups),
                    Attachment: { InstanceId: instanceId },
                })),
        };
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
    /** Interface endpoints, as EC2 shows them. */
    endpoints: object[] = [];
    onDescribeVpcEndpoints(): unknown {
        return { VpcEndpoints: this.endpoints };
    }

    onDescribeNetworkAcls({ Filters, NetworkAclIds }: { Filters?: Filter[]; NetworkAclIds?: string[] }): unknown {
        const [{ Name, Values }] = (NetworkAclIds ? [{ Name: "network-acl-id", Values: NetworkAclIds }] : Filters) as [Filter];
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
                    OwnerId: this.accountId,
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
        if ([...this.faces.values()].flat().some(({ groups }) => groups.includes(GroupId))) throw awsError("DependencyViolation");
        this.groups = this.groups.filter((each) => each.GroupId !== GroupId);
        return {};
    }
    onAuthorizeSecurityGroupIngress({ GroupId, IpPermissions }: { GroupId: string; IpPermissions: unknown[] }): unknown {
        return this.authorize(this.group(GroupId).ingress, IpPermissions);
    }
    onAuthorizeSecurityGroupEgress({ GroupId, IpPermissions }: { GroupId: string; IpPermissions: unknown[] }): unknown {
        return this.authorize(this.group(GroupId).egress, IpPermissions);
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
}
