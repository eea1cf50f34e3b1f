"""
Subnets that their owner shares with other accounts. A participant sees subnet and VPC with the owner's account, launches into the subnet
and makes security groups of its own in the VPC; the VPC's network stays the owner's.
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html
"""

from typing import Any

#: What only the owner of a VPC or subnet may do to it.
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
    "DeleteSubnet",
    "DeleteVpc",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
    "ReplaceNetworkAclAssociation",
)


def share(owner: str, region: str, subnet_id: str, participant: str) -> None:
    """The participant has the owner's own records, so that both see the same. Raises as EC2 does when there is no such subnet."""
    from moto.ec2.models import ec2_backends

    theirs = ec2_backends[participant][region]
    subnet = ec2_backends[owner][region].get_subnet(subnet_id)
    theirs.subnets[subnet.availability_zone][subnet.id] = subnet
    theirs.vpcs[subnet.vpc_id] = ec2_backends[owner][region].vpcs[subnet.vpc_id]


def owner_of(resource_id: str, region: str, account: str) -> str:
    """Account that a VPC or subnet belongs to, as the account sees it; the account itself for all else."""
    if not resource_id.startswith(("vpc-", "subnet-")):
        return account
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[account][region]
    found: Any = backend.vpcs.get(resource_id) or next(
        (zone[resource_id] for zone in backend.subnets.values() if resource_id in zone), None
    )
    return found.ec2_backend.account_id if found else account
