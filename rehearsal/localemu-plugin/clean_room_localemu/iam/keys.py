"""Finds KMS keys by any of their names."""
from typing import Any


def key_arn(name: str, region: str, account: str) -> str | None:
    """ARN of the key that an id, an alias or the ARN of either names; None when there is no such key."""
    key = find_key(name, region, account)
    return key.metadata["Arn"] if key else None


def find_key(name: str, region: str, account: str) -> Any:
    """LocalEmu's key, or None."""
    from localemu.services.kms.models import kms_stores

    if name.startswith("arn:"):
        _, _, _, region, account, name = name.split(":", 5)
    store = kms_stores[account][region]
    if name.startswith("alias/"):
        alias = store.aliases.get(name)
        name = alias.metadata["TargetKeyId"] if alias else ""
    return store.keys.get(name.removeprefix("key/"))


def customer_key(name: str, region: str, account: str) -> str | None:
    """ARN of a key that is not AWS's own; None for those, and for one that does not exist."""
    return None if name.rpartition(":")[2].startswith("alias/aws/") else key_arn(name, region, account)
