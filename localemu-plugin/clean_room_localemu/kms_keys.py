"""KMS keys by any name a caller may give them, out of LocalEmu's own store."""

from typing import Any

#: The key EBS encrypts with when none is named. AWS manages it, so it cannot be shared.
EBS_ALIAS = "alias/aws/ebs"


def find_key(key: str, account: str, region: str) -> Any:
    """
    The key that a caller of the account and Region means by an id, an alias or the ARN of either; None when there is none. Its
    `metadata` has Arn, KeyId and KeyState, its `policy` is JSON text.
    """
    from localemu.services.kms.models import kms_stores

    parts = key.split(":", 5) if key.startswith("arn:") else []
    if len(parts) == 6:
        region, account, key = parts[3], parts[4], parts[5]
    store, name = kms_stores[account][region], key.removeprefix("key/")
    if name.startswith("alias/"):
        alias = store.aliases.get(name)
        name = alias.metadata["TargetKeyId"] if alias else ""
    return store.keys.get(name)


def key_arn(key: str, account: str, region: str) -> str | None:
    """ARN of the key; None when there is none."""
    found = find_key(key, account, region)
    return found.metadata["Arn"] if found else None


def default_ebs_key_arn(account: str, region: str) -> str:
    """ARN of the account's aws/ebs key in the Region, which is made on first use."""
    from localemu.services.kms.provider import KmsProvider

    KmsProvider._create_alias_if_reserved_and_not_exists(account, region, EBS_ALIAS)
    arn = key_arn(EBS_ALIAS, account, region)
    assert arn is not None
    return arn


def is_default_ebs_key(arn: str | None) -> bool:
    """Whether it is an aws/ebs key. What is encrypted without a named key is under that one."""
    if not arn:
        return True
    parts = arn.split(":", 5)
    return arn == key_arn(EBS_ALIAS, parts[4], parts[3])
