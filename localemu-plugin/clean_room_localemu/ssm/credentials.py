"""The role of an instance: whether the agent may use it, and the credentials that the instance metadata service hands out for it."""

from typing import Any

from ..iam.callers import policies_of, remember_instance
from ..iam.evaluation import Decision, Need, Principal, decide
from ..iam.trust import trusts


def role_of(instance: Any) -> Any | None:
    """moto's role behind the instance's profile."""
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    roles = association.iam_instance_profile.roles if association else []
    return roles[0] if roles else None


def may_register(instance: Any) -> bool:
    """Whether EC2 gets the role's credentials and the role's policies let the agent report itself."""
    from localemu.services.iam_enforcement.identity import CallerIdentity

    role = role_of(instance)
    if role is None or not trusts(role, "", "", service_principal="ec2"):
        return False
    account_id, arn = role.arn.split(":")[4], arn_of(instance)
    caller = CallerIdentity("AssumedRole", account_id, role.arn, role_name=role.name, session_name=instance.id)
    need = Need("ssm:UpdateInstanceInformation", arn)
    context = {
        "aws:PrincipalArn": role.arn,
        "aws:PrincipalAccount": account_id,
        "ec2:SourceInstanceARN": arn,
        "aws:SecureTransport": "true",
    }
    return decide(need, context, Principal(account_id, (role.arn,)), policies_of(caller, None), same_account=True) is Decision.ALLOW


def environment_of(instance: Any) -> dict[str, str]:
    """
    A new session of the role, as environment variables; it is bound by the role's policies. Empty without a role. Raises botocore's
    ClientError when the role does not trust EC2.
    """
    from localemu.aws.connect import connect_to

    role = role_of(instance)
    if role is None:
        return {}
    sts = connect_to(aws_access_key_id=role.arn.split(":")[4], region_name=instance.ec2_backend.region_name).sts.request_metadata(
        service_principal="ec2"
    )
    session = sts.assume_role(RoleArn=role.arn, RoleSessionName=instance.id)["Credentials"]
    remember_instance(session["AccessKeyId"], arn_of(instance))
    return {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }


def arn_of(instance: Any) -> str:
    """ARN of the instance."""
    backend = instance.ec2_backend
    return f"arn:{backend.partition}:ec2:{backend.region_name}:{backend.account_id}:instance/{instance.id}"
