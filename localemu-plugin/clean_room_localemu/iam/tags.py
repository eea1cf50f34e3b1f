"""Tags of existing resources, for conditions such as aws:ResourceTag."""

from typing import Any


def ec2_tags(resource_id: str, region: str) -> dict[str, str]:
    """Tags of an EC2 resource in whatever account it lies; ids are unique."""
    from moto.ec2.models import ec2_backends

    for account in list(ec2_backends):
        backend = ec2_backends[account].get(region)
        tags = backend.tags.get(resource_id) if backend else None
        if tags:
            return dict(tags)
    return {}


def auto_scaling_group(name: str, region: str, account: str) -> Any:
    """The group, or None."""
    from moto.autoscaling.models import autoscaling_backends

    return autoscaling_backends[account][region].autoscaling_groups.get(name)


def resource_tag_keys(tags: dict[str, str], *prefixes: str) -> dict[str, str]:
    """Condition keys for the tags: aws:ResourceTag and the service's own prefixes."""
    return {f"{prefix}/{key}": value for prefix in ("aws:ResourceTag", *prefixes) for key, value in tags.items()}


def request_tag_keys(tags: dict[str, str]) -> dict[str, Any]:
    """Condition keys for the tags a request puts on what it creates."""
    return {**{f"aws:RequestTag/{key}": value for key, value in tags.items()}, **({"aws:TagKeys": list(tags)} if tags else {})}


def tag_list(tags: Any) -> dict[str, str]:
    """Tags as the services take them: a dict, or a list of Key and Value in either case."""
    if isinstance(tags, dict):
        return {str(key): str(value) for key, value in tags.items()}
    return {
        str(each.get("Key", each.get("key"))): str(each.get("Value", each.get("value", "")))
        for each in tags or []
        if isinstance(each, dict)
    }
