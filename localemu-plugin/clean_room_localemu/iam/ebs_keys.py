"""
KMS keys that EBS uses for its caller, with the caller's permissions: to copy a snapshot, to make a volume, to launch with an encrypted one.
A key that the caller may not use does not refuse the call: the copy ends in the state error, the volume vanishes, the instance
terminates. Keys of AWS's own (aws/ebs) are left out. https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
"""

import threading
from typing import Any

from localemu.aws.api import RequestContext
from localemu.services.iam_enforcement.identity import CallerIdentity

from ..kms_keys import find_key, is_default_ebs_key, key_arn
from .callers import policies_of
from .evaluation import Decision, Need, Principal, decide
from .organizations import resource_keys
from .resource_policies import resource_policy
from .service_calls import encryption_context_key

#: What AWS asks of the caller for the key of what is made, and for the key of the snapshot it is made from.
NEW = ("kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext")
OLD = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt")
#: Beside these, when the key changes.
CHANGED_OLD, CHANGED_NEW = ("kms:ReEncryptFrom",), ("kms:ReEncryptTo",)

_call = threading.local()


def refusal() -> str | None:
    """Why EBS may not use a key for the call of this thread; None when it may."""
    return getattr(_call, "refusal", None)


def decide_key_use(request: RequestContext, caller: CallerIdentity | None, principal: Principal | None, context: dict[str, Any]) -> None:
    """To be called for every call, before the service; root may everything."""
    _call.refusal = None
    if request.service.service_name not in ("ec2", "ebs") or caller is None or principal is None:
        return
    for need in _needs(request.operation.name, request.service_request or {}, request.region, request.account_id):
        owner = need.resource.split(":")[4]
        decision = decide(
            need,
            {**context, **resource_keys(owner)},
            principal,
            policies_of(caller, resource_policy(need.resource)),
            same_account=owner == caller.account_id,
            key_policy=True,
        )
        if decision is not Decision.ALLOW:
            _call.refusal = f"{caller.arn} may not {need.action} on {need.resource}: {decision.value}"
            return


def _needs(operation: str, params: dict[str, Any], region: str, account: str) -> list[Need]:
    if operation == "CopySnapshot":
        return _of_copy(params, region, account)
    if operation == "StartSnapshot":
        asked = params.get("KmsKeyArn")
        return _new(key_arn(asked, account, region) if asked else None, region, account, None, "snap-*")
    if operation == "CreateVolume":
        return _of_volume(params, region, account)
    if operation == "RunInstances":
        volumes = [each.get("Ebs") or {} for each in params.get("BlockDeviceMappings") or []]
        return [need for each in volumes for need in _of_volume(each, region, account)]
    return []


def _of_copy(params: dict[str, Any], region: str, account: str) -> list[Need]:
    source_region = params.get("SourceRegion") or region
    source = _snapshot(params.get("SourceSnapshotId", ""), source_region)
    asked = params.get("KmsKeyId")
    old = source.kms_key_id if source is not None and source.encrypted else None
    own = source is not None and source.owner_id == account and source_region == region
    new = key_arn(asked, account, region) if asked else (old if own else None)
    return [*_old(old, source_region, account, new, params["SourceSnapshotId"]), *_new(new, region, account, old, "snap-*")]


def _of_volume(params: dict[str, Any], region: str, account: str) -> list[Need]:
    snapshot = _snapshot(params.get("SnapshotId") or "", region)
    old = snapshot.kms_key_id if snapshot is not None and snapshot.encrypted else None
    asked = params.get("KmsKeyId")
    new = key_arn(asked, account, region) if asked else (old if snapshot is not None and snapshot.owner_id == account else None)
    return [*_old(old, region, account, new, "vol-*"), *_new(new, region, account, old, "vol-*")]


def _old(key: str | None, region: str, account: str, new: str | None, resource: str) -> list[Need]:
    return _each((*OLD, *(CHANGED_OLD if new != key else ())), key, region, account, resource)


def _new(key: str | None, region: str, account: str, old: str | None, resource: str) -> list[Need]:
    return _each((*NEW, *(CHANGED_NEW if old and old != key else ())), key, region, account, resource)


def _each(actions: tuple[str, ...], key: str | None, region: str, account: str, resource: str) -> list[Need]:
    if not key or is_default_ebs_key(key) or find_key(key, account, region) is None:
        return []
    general = {"kms:ViaService": f"ec2.{region}.amazonaws.com", "kms:CallerAccount": account}
    with_context = {**general, str(encryption_context_key("ec2")): resource}
    own = {"kms:DescribeKey": general, "kms:CreateGrant": {**with_context, "kms:GrantIsForAWSResource": "true"}}
    return [Need(each, key, own.get(each, with_context)) for each in actions]


def _snapshot(snapshot_id: str, region: str) -> Any:
    from moto.ec2.models import ec2_backends

    backends = [ec2_backends[account].get(region) for account in list(ec2_backends)]
    return next((each.snapshots[snapshot_id] for each in backends if each and snapshot_id in each.snapshots), None)
