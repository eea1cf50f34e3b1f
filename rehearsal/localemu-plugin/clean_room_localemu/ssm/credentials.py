"""Credentials of an instance's role, as the instance metadata service hands them out."""
from typing import Any

from ..iam.callers import remember_instance
from .managed_instances import role_of


def environment_of(instance: Any, account_id: str, region: str) -> dict[str, str]:
    """
    A session of the role, as environment variables; it is bound by the role's policies. Raises botocore's ClientError when the role does
    not trust EC2.
    """
    from localemu.aws.connect import connect_to

    role = role_of(instance)
    if role is None:
        return {}
    sts = connect_to(aws_access_key_id=account_id, region_name=region).sts.request_metadata(service_principal="ec2")
    session = sts.assume_role(RoleArn=role.arn, RoleSessionName=instance.id)["Credentials"]
    partition = role.arn.split(":")[1]
    remember_instance(session["AccessKeyId"], f"arn:{partition}:ec2:{region}:{account_id}:instance/{instance.id}")
    return {"AWS_ACCESS_KEY_ID": session["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"], "AWS_SESSION_TOKEN": session["SessionToken"]}
