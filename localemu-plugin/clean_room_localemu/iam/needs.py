"""What an API call must be allowed: actions, resources and condition keys as the Service Authorization Reference has them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from ..kms_keys import key_arn
from .ec2_needs import arn as ec2_arn
from .ec2_needs import ec2_needs
from .encryption_needs import encryption_needs
from .evaluation import Need
from .resource_policies import find_bucket, queue_arn
from .tags import auto_scaling_group, ec2_tags, request_tag_keys, resource_tag_keys, tag_list

#: IAM prefix of services whose endpoint has another name.
PREFIXES = {"stepfunctions": "states", "elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
Params = dict[str, Any]


def needs(service: str, operation: str, params: Params | None, region: str, account: str) -> list[Need]:
    """Never empty; all must be allowed."""
    from localemu.services.iam_enforcement.arn_builder import build_resource_arn
    from localemu.services.iam_enforcement.service_action_map import map_action

    params = params or {}
    own = _BY_SERVICE.get(service)
    if own:
        return [*own(operation, params, region, account), *encryption_needs(service, operation, params, region, account)]
    actions = [f"{PREFIXES.get(service, service)}:{each.split(':', 1)[1]}" for each in map_action(service, operation)]
    arn = build_resource_arn(service, operation, params, region, account)
    keys = request_tag_keys(tag_list(params.get("Tags") or params.get("tags")))
    return [Need(each, "*" if arn.endswith(":*") else arn, keys) for each in actions]


def _ssm(operation: str, params: Params, region: str, account: str) -> list[Need]:
    action = f"ssm:{operation}"
    prefix = f"arn:aws:ssm:{region}"
    if operation == "SendCommand":
        name = params.get("DocumentName", "")
        document = name if name.startswith("arn:") else f"{prefix}:{'' if name.startswith('AWS-') else account}:document/{name}"
        instances = [
            Need(action, ec2_arn(each, region, account), resource_tag_keys(ec2_tags(each, region), "ssm:resourceTag"))
            for each in params.get("InstanceIds") or []
        ]
        return [Need(action, document), *instances]
    if "Document" in operation and params.get("Name"):
        return [Need(action, f"{prefix}:{account}:document/{params['Name']}")]
    if "Parameter" in operation and not operation.startswith("Describe"):
        names = params.get("Names") or [params.get("Name") or params.get("Path") or ""]
        owner = ["" if each.startswith("/aws/service/") else account for each in names]
        return [
            Need(action, each if each.startswith("arn:") else f"{prefix}:{of}:parameter/{each.lstrip('/')}")
            for each, of in zip(names, owner, strict=True)
        ]
    return [Need(action, "*")]


def _ebs(operation: str, params: Params, region: str, _account: str) -> list[Need]:
    """
    Of the EBS direct APIs, on the snapshot; ec2:CreateTags for tags that it is started with, as for whatever EC2 makes with tags.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticblockstore.html
    """
    action, snapshot_id = f"ebs:{operation}", params.get("SnapshotId")
    if snapshot_id:
        return [
            Need(action, ec2_arn(snapshot_id, region, ""), resource_tag_keys(ec2_tags(snapshot_id, region), "ec2:ResourceTag")),
        ]
    tags = request_tag_keys(tag_list(params.get("Tags")))
    new = f"arn:aws:ec2:{region}::snapshot/*"
    return [Need(action, new, tags), *([Need("ec2:CreateTags", new, tags)] if tags else [])]


def _states(operation: str, params: Params, region: str, account: str) -> list[Need]:
    arn = params.get("stateMachineArn") or params.get("executionArn") or params.get("resourceArn")
    if not arn and operation == "CreateStateMachine":
        arn = f"arn:aws:states:{region}:{account}:stateMachine:{params.get('name')}"
    if params.get("taskToken"):
        arn = _waiting_state_machine(params["taskToken"], region, account)
    return [Need(f"states:{operation}", arn or "*")]


def _waiting_state_machine(token: str, region: str, account: str) -> str | None:
    """ARN of the state machine whose task waits for the token, as which AWS authorizes an answer; None when none does."""
    from localemu.services.stepfunctions.backend.models import sfn_stores

    for execution in list(sfn_stores[account][region].executions.values()):
        worker = execution.exec_worker
        if worker and worker.env.callback_pool_manager.get(token) is not None:
            return execution.state_machine_arn
    return None


def _logs(operation: str, params: Params, region: str, account: str) -> list[Need]:
    group = params.get("logGroupName")
    arn = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{params.get('logStreamName', '')}" if group else "*"
    return [Need(f"logs:{operation}", arn)]


def _kms(operation: str, params: Params, region: str, account: str) -> list[Need]:
    def resource(name: str) -> str:
        return (key_arn(name, account, region) or f"arn:aws:kms:{region}:{account}:key/{name}") if name else "*"

    if operation == "ReEncrypt":
        return [
            Need("kms:ReEncryptFrom", resource(params.get("SourceKeyId", ""))),
            Need("kms:ReEncryptTo", resource(params.get("DestinationKeyId", ""))),
        ]
    return [Need(f"kms:{operation}", resource(params.get("KeyId", "")))]


def _sqs(operation: str, params: Params, region: str, account: str) -> list[Need]:
    action = f"sqs:{operation.removesuffix('Batch')}"
    if operation == "CreateQueue":
        return [Need(action, f"arn:aws:sqs:{region}:{account}:{params.get('QueueName')}", request_tag_keys(tag_list(params.get("tags"))))]
    if params.get("QueueName"):
        return [Need(action, f"arn:aws:sqs:{region}:{params.get('QueueOwnerAWSAccountId') or account}:{params['QueueName']}")]
    return [Need(action, queue_arn(params["QueueUrl"], region, account) if params.get("QueueUrl") else "*")]


def _sns(operation: str, params: Params, region: str, account: str) -> list[Need]:
    action = f"sns:{operation.removesuffix('Batch')}"
    subscription = params.get("SubscriptionArn")
    topic = (
        params.get("TopicArn")
        or params.get("TargetArn")
        or params.get("ResourceArn")
        or (subscription.rpartition(":")[0] if subscription else None)
    )
    name = params.get("Name")
    return [Need(action, topic or (f"arn:aws:sns:{region}:{account}:{name}" if name else "*"))]


def _dynamodb(operation: str, params: Params, region: str, account: str) -> list[Need]:
    def table(name: str, index: str | None = None) -> str:
        arn = name if name.startswith("arn:") else f"arn:aws:dynamodb:{region}:{account}:table/{name}"
        return f"{arn}/index/{index}" if index else arn

    if operation in ("TransactWriteItems", "TransactGetItems"):
        actions = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "ConditionCheck": "ConditionCheckItem",
            "Get": "GetItem",
        }
        return [
            Need(f"dynamodb:{actions[kind]}", table(each["TableName"])) for item in params["TransactItems"] for kind, each in item.items()
        ]
    if operation in ("BatchWriteItem", "BatchGetItem"):
        return [Need(f"dynamodb:{operation}", table(name)) for name in params["RequestItems"]]
    name = params.get("TableName") or params.get("ResourceArn")
    return [Need(f"dynamodb:{operation}", table(name, params.get("IndexName")) if name else "*")]


#: Operations whose action has another name, where LocalEmu takes the operation's.
_S3_ACTIONS = {
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
}


def _s3(operation: str, params: Params, _region: str, _account: str) -> list[Need]:
    from localemu.services.iam_enforcement.service_action_map import map_action

    bucket, key = params.get("Bucket"), params.get("Key")
    target = "*" if not bucket else f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    if operation in ("CopyObject", "UploadPartCopy"):
        source = params.get("CopySource", "")
        source = f"{source['Bucket']}/{source['Key']}" if isinstance(source, dict) else unquote(source.split("?versionId=")[0]).lstrip("/")
        return [Need("s3:GetObject", f"arn:aws:s3:::{source}"), Need("s3:PutObject", target)]
    if operation == "DeleteObjects":
        return [
            Need("s3:DeleteObjectVersion" if each.get("VersionId") else "s3:DeleteObject", f"{target}/{each['Key']}")
            for each in params["Delete"]["Objects"]
        ]
    actions = [_S3_ACTIONS[operation]] if operation in _S3_ACTIONS else map_action("s3", operation)
    if params.get("VersionId") and operation in ("GetObject", "HeadObject", "DeleteObject", "GetObjectTagging"):
        actions = [f"{each}Version" for each in actions]
    also = [
        action
        for action, asked in (
            ("s3:PutObjectRetention", "ObjectLockMode"),
            ("s3:PutObjectLegalHold", "ObjectLockLegalHoldStatus"),
            ("s3:PutObjectTagging", "Tagging"),
            ("s3:PutObjectAcl", "ACL"),
        )
        if operation in ("PutObject", "CreateMultipartUpload") and params.get(asked)
    ]
    context = {
        f"s3:{name}": params[given] for name, given in (("prefix", "Prefix"), ("delimiter", "Delimiter")) if params.get(given) is not None
    }
    if "s3:PutObject" in actions:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        context["s3:ObjectCreationOperation"] = str(operation in ("PutObject", "CompleteMultipartUpload")).lower()
        context |= {
            f"s3:{name}": params[given] for name, given in (("if-none-match", "IfNoneMatch"), ("if-match", "IfMatch")) if params.get(given)
        }
    return [*(Need(each, target, context) for each in (*actions, *also)), *_to_learn_of_absence(operation, bucket, key)]


def _to_learn_of_absence(operation: str, bucket: str | None, key: str | None) -> list[Need]:
    """Who may not list a bucket with this prefix is not told that an object is missing: 403 and not 404."""
    found = find_bucket(bucket) if bucket and key and operation in ("GetObject", "HeadObject") else None
    missing = found is not None and getattr(found.objects.get(key), "etag", None) is None
    return [Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key})] if missing and key else []


def _auto_scaling(operation: str, params: Params, region: str, account: str) -> list[Need]:
    action, name = f"autoscaling:{operation}", params.get("AutoScalingGroupName")
    if operation.startswith("Describe") or not name:
        return [Need(action, "*")]
    group = auto_scaling_group(name, region, account)
    tags = {
        each["key"] if "key" in each else each["Key"]: each["value"] if "value" in each else each["Value"]
        for each in (group.tags if group else [])
    }
    arn = group.arn if group else f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{name}"
    return [Need(action, arn, resource_tag_keys(tags, "autoscaling:ResourceTag"))]


def _load_balancing(operation: str, params: Params, region: str, account: str) -> list[Need]:
    action = f"elasticloadbalancing:{operation}"
    if operation.startswith("Describe"):
        return [Need(action, "*")]
    name = params.get("LoadBalancerName")
    return [
        Need(
            action,
            params.get("TargetGroupArn")
            or params.get("LoadBalancerArn")
            or (f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{name}" if name else "*"),
        )
    ]


def _events(operation: str, params: Params, region: str, account: str) -> list[Need]:
    action = f"events:{operation}"
    if operation == "PutEvents":
        buses = dict.fromkeys(each.get("EventBusName") or "default" for each in params.get("Entries") or [])
        return [Need(action, bus if bus.startswith("arn:") else f"arn:aws:events:{region}:{account}:event-bus/{bus}") for bus in buses]
    if params.get("ArchiveName"):
        return [Need(action, f"arn:aws:events:{region}:{account}:archive/{params['ArchiveName']}")]
    rule, bus = params.get("Rule") or params.get("Name"), params.get("EventBusName") or "default"
    if not rule:
        return [Need(action, "*" if operation.startswith("List") else f"arn:aws:events:{region}:{account}:event-bus/{bus}")]
    return [Need(action, f"arn:aws:events:{region}:{account}:rule/{'' if bus == 'default' else bus + '/'}{rule}")]


def _iam(operation: str, params: Params, _region: str, account: str) -> list[Need]:
    kinds = (("InstanceProfileName", "instance-profile"), ("RoleName", "role"), ("UserName", "user"), ("GroupName", "group"))
    if params.get("PolicySourceArn"):
        return [Need(f"iam:{operation}", params["PolicySourceArn"])]
    arn = params.get("PolicyArn") if operation.startswith(("GetPolicy", "CreatePolicyV", "DeletePolicy", "ListPolicyV")) else None
    arn = arn or next((f"arn:aws:iam::{account}:{kind}/{params[name]}" for name, kind in kinds if params.get(name)), "*")
    return [Need(f"iam:{operation}", arn)]


def _guard_duty(operation: str, params: Params, region: str, account: str) -> list[Need]:
    """Of what concerns findings, AWS names no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonguardduty.html"""
    action, detector = f"guardduty:{operation}", params.get("DetectorId")
    named = detector and operation in ("GetDetector", "UpdateDetector", "DeleteDetector")
    return [Need(action, f"arn:aws:guardduty:{region}:{account}:detector/{detector}" if named else "*")]


def _service_quotas(operation: str, params: Params, region: str, account: str) -> list[Need]:
    code = params.get("QuotaCode")
    return [Need(f"servicequotas:{operation}", f"arn:aws:servicequotas:{region}:{account}:{params['ServiceCode']}/{code}" if code else "*")]


_BY_SERVICE: dict[str, Callable[[str, Params, str, str], list[Need]]] = {
    "autoscaling": _auto_scaling,
    "dynamodb": _dynamodb,
    "ebs": _ebs,
    "ec2": ec2_needs,
    "elb": _load_balancing,
    "elbv2": _load_balancing,
    "events": _events,
    "guardduty": _guard_duty,
    "iam": _iam,
    "kms": _kms,
    "logs": _logs,
    "s3": _s3,
    "service-quotas": _service_quotas,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "stepfunctions": _states,
    # These know no resources.
    "support": lambda operation, *_: [Need(f"support:{operation}", "*")],
}
