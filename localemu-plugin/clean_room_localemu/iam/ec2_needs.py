"""
What an EC2 call must be allowed. EC2 checks the action on every resource the call names or creates, each with its own tags, and
ec2:CreateTags on what is created with tags.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

import re
from collections.abc import Iterator
from typing import Any

from .evaluation import Need
from .tags import ec2_tags, request_tag_keys, resource_tag_keys, tag_list

#: Resource type by the prefix of an id.
TYPES = {
    "ami": "image",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "i": "instance",
    "igw": "internet-gateway",
    "lt": "launch-template",
    "nat": "natgateway",
    "acl": "network-acl",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
#: Types whose ARN names no account.
WITHOUT_ACCOUNT = ("image", "snapshot")
#: What a call creates, beside what it names.
CREATES = {
    "RunInstances": ("instance", "volume", "network-interface"),
    "CreateVolume": ("volume",),
    "CreateSnapshot": ("snapshot",),
    "CreateSnapshots": ("snapshot",),
    "CopySnapshot": ("snapshot",),
    "CreateSecurityGroup": ("security-group",),
    "CreateVpc": ("vpc",),
    "CreateSubnet": ("subnet",),
    "CreateVpcEndpoint": ("vpc-endpoint",),
    "CreateNetworkInterface": ("network-interface",),
    "CopyImage": ("image",),
    "CreateImage": ("image",),
}
#: Reading calls that nevertheless are checked on the resource.
READ_ON_RESOURCE = (
    "DescribeInstanceAttribute",
    "DescribeSnapshotAttribute",
    "DescribeVolumeAttribute",
    "DescribeNetworkInterfaceAttribute",
    "GetConsoleOutput",
    "GetConsoleScreenshot",
)
#: Parameters that refer to what the call does not act on: the groups that a rule lets in or out to.
REFERENCES = ("UserIdGroupPairs",)
_ID = re.compile(r"([a-z]+)-[0-9a-f]{8,17}")


def ec2_needs(operation: str, params: dict[str, Any], region: str, account: str) -> list[Need]:
    """Never empty. A call that names nothing needs the action on `*`."""
    action = f"ec2:{operation}"
    if operation.startswith(("Describe", "Get", "Search")) and operation not in READ_ON_RESOURCE:
        return [Need(action, "*")]
    extra = _own_keys(operation, params)
    named = [
        Need(action, arn(resource_id, region, account), {**resource_tag_keys(ec2_tags(resource_id, region), "ec2:ResourceTag"), **extra})
        for resource_id in dict.fromkeys(_ids(params))
    ]
    asked = {spec.get("ResourceType"): tag_list(spec.get("Tags")) for spec in params.get("TagSpecifications") or []}
    created = [
        Need(action, new_arn(kind, region, account), {**request_tag_keys(asked.get(kind, {})), **extra})
        for kind in CREATES.get(operation, ())
        if not (kind == "network-interface" and any(each.resource.find(":network-interface/") > 0 for each in named))
    ]
    tagging = [
        Need("ec2:CreateTags", new_arn(kind, region, account), {**request_tag_keys(tags), "ec2:CreateAction": operation})
        for kind, tags in asked.items()
        if kind and tags
    ]
    passing = [*_passed_role(params, account), *_private_names(operation, params, region, account)]
    if operation == "CreateTags":
        keys = request_tag_keys(tag_list(params.get("Tags")))
        named = [Need(each.action, each.resource, {**each.context, **keys}) for each in named]
    return [*named, *created, *tagging, *passing] or [Need(action, "*", extra)]


def arn(resource_id: str, region: str, account: str) -> str:
    """ARN of an EC2 resource by its id; a shared VPC and its subnets have their owner's account in it."""
    from ..ec2.shared_vpcs import owner_of

    kind = TYPES.get(resource_id.split("-", 1)[0], "*")
    account = owner_of(resource_id, region, account)
    return f"arn:aws:ec2:{region}:{'' if kind in WITHOUT_ACCOUNT else account}:{kind}/{resource_id}"


def new_arn(kind: str, region: str, account: str) -> str:
    """ARN of a resource that has no id yet."""
    return f"arn:aws:ec2:{region}:{'' if kind in WITHOUT_ACCOUNT else account}:{kind}/*"


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in ("TagSpecifications", "Tags", "Description", "ClientToken", "UserData", *REFERENCES):
                yield from _ids(each)
    elif isinstance(value, list):
        for each in value:
            yield from _ids(each)
    elif isinstance(value, str) and (match := _ID.fullmatch(value)) and match[1] in TYPES:
        yield value


def _own_keys(operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Condition keys of EC2's own that the permissions of this project use."""
    if operation == "ModifySnapshotAttribute":
        change = params.get("CreateVolumePermission") or {}
        added = [
            *(params.get("UserIds") or [] if params.get("OperationType") == "add" else []),
            *(each.get("UserId") for each in change.get("Add") or [] if each.get("UserId")),
        ]
        removed = [
            *(params.get("UserIds") or [] if params.get("OperationType") == "remove" else []),
            *(each.get("UserId") for each in change.get("Remove") or [] if each.get("UserId")),
        ]
        return {key: value for key, value in (("ec2:Add/userId", added), ("ec2:Remove/userId", removed)) if value}
    if operation == "CreateVpcEndpoint":
        return {"ec2:VpceServiceName": params.get("ServiceName", "")}
    return {}


def _private_names(operation: str, params: dict[str, Any], region: str, account: str) -> list[Need]:
    """
    An interface endpoint with private DNS puts a hosted zone of AWS's on the VPC, which the caller must be allowed: a dependent action in EC2's
    page of the service authorization reference. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-vpc-permissions.html
    """
    if operation != "CreateVpcEndpoint" or params.get("VpcEndpointType") != "Interface" or params.get("PrivateDnsEnabled") is False:
        return []
    context = {"route53:VPCs": [f"VPCId={params.get('VpcId')},VPCRegion={region}"]}
    resources = ("arn:aws:route53:::hostedzone/Z00000000000AWSOWNED", arn(str(params.get("VpcId")), region, account))
    return [Need("route53:AssociateVPCWithHostedZone", each, context) for each in resources]


def _passed_role(params: dict[str, Any], account: str) -> list[Need]:
    """iam:PassRole for the role in an instance profile that the call attaches."""
    from moto.iam.models import iam_backends

    profile = params.get("IamInstanceProfile") or {}
    name = profile.get("Name") or str(profile.get("Arn", "")).rsplit("/", 1)[-1]
    found = next((each for each in iam_backends[account]["aws"].instance_profiles.values() if each.name == name), None) if name else None
    return [Need("iam:PassRole", role.arn, {"iam:PassedToService": "ec2.amazonaws.com"}) for role in (found.roles if found else [])]
