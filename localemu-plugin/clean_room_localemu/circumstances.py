"""
What other services and people bring about, for which LocalEmu has no API: a subnet shared through Resource Access Manager, a pod's branch
interface, a Marketplace code, a lifecycle state of Auto Scaling, a crowd of snapshots, an organisation, time that passes, a quota, a StackSet's
instances. Set at /_localemu/clean-room/circumstances on the loopback interface by rehearsals and specs (rehearsal/circumstances.ts).
"""

import json
import threading
from collections.abc import Callable
from typing import Any

from localemu.http import Request, Resource, Response

PATH = "/_localemu/clean-room/circumstances"
Asked = dict[str, Any]


def install() -> None:
    """Adds the control."""
    from localemu.services.internal import get_internal_apis

    get_internal_apis().add(Resource(PATH, Control()))


class Control:
    """POST {kind, accountId, region, ...}; see the functions below for what each kind takes and gives."""

    def on_post(self, request: Request) -> Response:
        """Answers 400 with {error} for what cannot be brought about."""
        try:
            asked = json.loads(request.get_data() or b"{}")
            answer, status = _KINDS[asked["kind"]](asked), 200
        except Exception as error:
            answer, status = {"error": f"{type(error).__name__}: {error}"}, 400
        return Response(json.dumps(answer, default=str), status=status, mimetype="application/json")


def share_subnet(asked: Asked) -> Asked:
    """{subnetId, withAccountId}: as RAM does for the subnets that a resource share names."""
    from .ec2.shared_vpcs import share

    share(asked["accountId"], asked["region"], asked["subnetId"], asked["withAccountId"])
    return {}


def branch_interface(asked: Asked) -> Asked:
    """{instanceId, subnetId, groupIds, tags}: as the VPC resource controller of EKS does for a pod. Gives {networkInterfaceId}."""
    from .ec2.trunk_interfaces import join

    backend = _ec2(asked)
    trunk = backend.get_instance(asked["instanceId"]).nics[0]
    tags = {"vpcresources.k8s.aws/trunk-eni-id": trunk.id, **asked.get("tags", {})}
    branch = backend.create_network_interface(
        backend.get_subnet(asked["subnetId"]), None, [], asked["groupIds"], "aws-k8s-branch-eni", tags
    )
    join(backend, branch.id, trunk.id, asked.get("vlanId"))
    return {"networkInterfaceId": branch.id}


def marketplace(asked: Asked) -> Asked:
    """{volumeId, code}: as launching an image with a product code does."""
    _ec2(asked).get_volume(asked["volumeId"]).codes = (asked["code"],)
    return {}


def lifecycle_state(asked: Asked) -> Asked:
    """{instanceId, state, seconds, then}: such as Pending:Wait; `then` (InService) follows after `seconds`, never without."""
    from moto.autoscaling.models import autoscaling_backends

    groups = autoscaling_backends[asked["accountId"]][asked["region"]].autoscaling_groups.values()
    member = next(each for group in groups for each in group.instance_states if each.instance.id == asked["instanceId"])
    member.lifecycle_state = asked["state"]
    if asked.get("seconds") is not None:
        timer = threading.Timer(float(asked["seconds"]), setattr, (member, "lifecycle_state", asked.get("then", "InService")))
        timer.daemon = True
        timer.start()
    return {}


def snapshots_pending(asked: Asked) -> Asked:
    """{count, seconds}: the account has so many snapshots under way in the Region, for that long."""
    import time

    _ec2(asked).other_snapshots_pending = (int(asked["count"]), time.monotonic() + float(asked["seconds"]))
    return {}


def organization(asked: Asked) -> Asked:
    """{organizationId}: the account is a member of it from now on."""
    from .iam.organizations import join

    join(asked["accountId"], asked["organizationId"])
    return {}


def later(asked: Asked) -> Asked:
    """{seconds}: for functions of every account it is so much later than it is, so that nobody waits for what AWS takes minutes over."""
    from .lambdas import clock

    clock.seconds_ahead = float(asked["seconds"])
    return {}


def service_quota(asked: Asked) -> Asked:
    """{service, quota, value}: what Service Quotas says of the account in the Region; value null: the default again."""
    from .service_quotas import granted

    key = (asked["accountId"], asked["region"], asked["service"], asked["quota"])
    if asked["value"] is None:
        granted.pop(key, None)
    else:
        granted[key] = float(asked["value"])
    return {}


def stack_instances(asked: Asked) -> Asked:
    """{name, instances: [{accountId, region, status}]}: a StackSet as its deployment into organizational units left it, which LocalEmu knows none of."""
    from localemu.services.cloudformation.engine.entities import StackInstance, StackSet
    from localemu.services.cloudformation.stores import get_cloudformation_store

    stack_set = StackSet({"StackSetName": asked["name"]})
    stack_set.stack_instances = [
        StackInstance({"StackSetId": asked["name"], "Account": each["accountId"], "Region": each["region"], "Status": each["status"]})
        for each in asked["instances"]
    ]
    get_cloudformation_store(asked["accountId"], asked["region"]).stack_sets[asked["name"]] = stack_set
    return {}


def _ec2(asked: Asked) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[asked["accountId"]][asked["region"]]


_KINDS: dict[str, Callable[[Asked], Asked]] = {
    "shareSubnet": share_subnet,
    "branchInterface": branch_interface,
    "marketplaceCode": marketplace,
    "lifecycleState": lifecycle_state,
    "snapshotsPending": snapshots_pending,
    "organization": organization,
    "later": later,
    "serviceQuota": service_quota,
    "stackInstances": stack_instances,
}
