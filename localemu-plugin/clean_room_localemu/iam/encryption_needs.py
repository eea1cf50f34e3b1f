"""
What a call needs of KMS because S3, SNS, SQS or Systems Manager encrypts for the caller. These services call KMS with the caller's
permissions, so a role without them gets the service's access error. Keys of AWS's own, such as alias/aws/sns, admit whoever of their
account may use the service, and no other service: EventBridge cannot publish to a topic under such a key.
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from collections.abc import Callable
from typing import Any

from ..kms_keys import key_arn
from .evaluation import Need
from .service_calls import encryption_context_key

Params = dict[str, Any]
READ, WRITE = ("kms:Decrypt",), ("kms:GenerateDataKey",)
READ_AND_WRITE = (*WRITE, *READ)


def is_of_aws(need: Need) -> bool:
    """Whether the need is for a key of AWS's own, which only other services are refused."""
    return ":alias/aws/" in need.resource and need.action.startswith("kms:")


def encryption_needs(service: str, operation: str, params: Params, region: str, account: str) -> list[Need]:
    """Empty when nothing is encrypted under a customer's key."""
    find = _BY_SERVICE.get(service)
    return find(operation, params, region, account) if find else []


def _needs(service: str, region: str, account: str, key: str | None, actions: tuple[str, ...], resource: str) -> list[Need]:
    """`resource` is what the service gives to KMS as encryption context: the ARN or id of what is encrypted."""
    if not key or not actions:
        return []
    alias = key.rpartition(":")[2]
    arn = f"arn:aws:kms:{region}:{account}:{alias}" if alias.startswith("alias/aws/") else key_arn(key, account, region)
    context = {"kms:ViaService": f"{service}.{region}.amazonaws.com", "kms:CallerAccount": account}
    name = encryption_context_key(service)
    if name:
        context |= {name: resource, "kms:EncryptionContextKeys": name.removeprefix("kms:EncryptionContext:")}
    return [Need(action, arn, context) for action in actions] if arn else []


def _s3(operation: str, params: Params, region: str, account: str) -> list[Need]:
    from .resource_policies import find_bucket

    bucket = find_bucket(params.get("Bucket", ""))
    if bucket is None:
        return []
    actions = {
        "PutObject": WRITE,
        "CopyObject": WRITE,
        "CreateMultipartUpload": READ_AND_WRITE,
        "UploadPart": READ_AND_WRITE,
        "CompleteMultipartUpload": READ,
    }.get(operation, ())
    bucket_arn = f"arn:aws:s3:::{params['Bucket']}"
    object_arn = f"{bucket_arn}/{params.get('Key', '')}"
    # HeadObject needs the key only when it is asked for the checksum.
    if operation == "GetObject" or (operation == "HeadObject" and params.get("ChecksumMode")):
        stored = bucket.objects.get(params.get("Key", ""))
        with_bucket_key = getattr(stored, "bucket_key_enabled", False)
        return _needs("s3", region, account, getattr(stored, "kms_key_id", None), READ, bucket_arn if with_bucket_key else object_arn)
    rule = bucket.encryption_rule or {}
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    algorithm = params.get("ServerSideEncryption") or default.get("SSEAlgorithm") or ""
    key = (params.get("SSEKMSKeyId") or default.get("KMSMasterKeyID")) if algorithm.startswith("aws:kms") else None
    with_bucket_key = params.get("BucketKeyEnabled", rule.get("BucketKeyEnabled", False))
    return _needs("s3", region, account, key, actions, bucket_arn if with_bucket_key else object_arn)


def _sns(operation: str, params: Params, region: str, account: str) -> list[Need]:
    from localemu.services.sns.models import sns_stores

    arn = params.get("TopicArn") or params.get("TargetArn") or ""
    if operation not in ("Publish", "PublishBatch") or arn.count(":") != 5:
        return []
    _, _, _, of_region, owner, _ = arn.split(":")
    topic = sns_stores[owner][of_region].topics.get(arn)
    return _needs("sns", of_region, owner, topic["attributes"].get("KmsMasterKeyId") if topic else None, READ_AND_WRITE, arn)


def _sqs(operation: str, params: Params, region: str, account: str) -> list[Need]:
    from .resource_policies import find_queue, queue_arn

    actions = {"SendMessage": READ_AND_WRITE, "SendMessageBatch": READ_AND_WRITE, "ReceiveMessage": READ}.get(operation, ())
    arn = queue_arn(params.get("QueueUrl", ""), region, account)
    queue = find_queue(arn)
    return _needs("sqs", region, arn.split(":")[4], queue.attributes.get("KmsMasterKeyId") if queue else None, actions, arn)


def _ssm(operation: str, params: Params, region: str, account: str) -> list[Need]:
    from moto.ssm.models import ssm_backends

    def arn_of(name: str) -> str:
        return f"arn:aws:ssm:{region}:{account}:parameter/{name.lstrip('/')}"

    if operation == "PutParameter":
        key = params.get("KeyId") if params.get("Type") == "SecureString" else None
        return _needs("ssm", region, account, key, ("kms:Encrypt",), arn_of(params.get("Name", "")))
    if operation not in ("GetParameter", "GetParameters") or not params.get("WithDecryption"):
        return []
    store = ssm_backends[account][region]
    found = [store.get_parameter(name) for name in params.get("Names") or [params.get("Name", "")]]
    return [
        need
        for each in found
        if each and each.parameter_type == "SecureString"
        for need in _needs("ssm", region, account, each.keyid, READ, arn_of(each.name))
    ]


_BY_SERVICE: dict[str, Callable[[str, Params, str, str], list[Need]]] = {"s3": _s3, "sns": _sns, "sqs": _sqs, "ssm": _ssm}
