"""
Subnets that their owner shares with other accounts. A participant sees subnet and VPC with the owner's account, and the route table and network
ACL of the subnet; it launches into the subnet and makes security groups of its own in the VPC. The VPC's network stays the owner's.
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-share-limitations.html (participant permissions)
"""

from typing import Any

#: What only the owner of a VPC, a subnet, a route table or a network ACL may do to it.
OF_THE_OWNER = (
    "AssociateRouteTable",
    "CreateFlowLogs",
    "CreateInternetGateway",
    "CreateNatGateway",
    "CreateNetworkAcl",
    "CreateNetworkAclEntry",
    "CreateRoute",
    "CreateRouteTable",
    "CreateSubnet",
    "CreateVpcEndpoint",
    "DeleteNetworkAcl",
    "DeleteNetworkAclEntry",
    "DeleteRoute",
    "DeleteRouteTable",
    "DeleteSubnet",
    "DeleteVpc",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
    "ReplaceNetworkAclAssociation",
    "ReplaceNetworkAclEntry",
    "ReplaceRoute",
    "ReplaceRouteTableAssociation",
)


def share(owner: str, region: str, subnet_id: str, participant: str) -> None:
    """The participant has the owner's own records, so that both see the same. Raises as EC2 does when there is no such subnet."""
    from moto.ec2.models import ec2_backends

    ours, theirs = ec2_backends[owner][region], ec2_backends[participant][region]
    subnet = ours.get_subnet(subnet_id)
    theirs.subnets[subnet.availability_zone][subnet.id] = subnet
    theirs.vpcs[subnet.vpc_id] = ours.vpcs[subnet.vpc_id]
    for acl in ours.network_acls.values():
        if any(each.subnet_id == subnet_id for each in acl.associations.values()):
            theirs.network_acls[acl.id] = acl
    tables = [each for each in ours.route_tables.values() if each.vpc_id == subnet.vpc_id]
    explicit = [each for each in tables if subnet_id in each.associations.values()]
    for table in explicit or [each for each in tables if each.main_association_id]:
        theirs.route_tables[table.id] = table


def owner_of(resource_id: str, region: str, account: str) -> str:
    """Account that a part of a network belongs to, as the account sees it; the account itself for all else."""
    if not resource_id.startswith(("vpc-", "subnet-", "acl-", "rtb-")):
        return account
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[account][region]
    kinds: list[dict[str, Any]] = [backend.vpcs, backend.network_acls, backend.route_tables, *backend.subnets.values()]
    found = next((kind[resource_id] for kind in kinds if resource_id in kind), None)
    return found.ec2_backend.account_id if found else account
