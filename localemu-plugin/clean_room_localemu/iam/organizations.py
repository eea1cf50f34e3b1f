"""
Which organisation an account is a member of. moto's Organizations knows accounts that it made itself and no others, so a rehearsal says it
(circumstances.py). A key is in a request only where the account is a member of one.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
"""

#: Organisation id, such as o-a1b2c3d4e5, by account.
_organizations: dict[str, str] = {}


def join(account: str, organization: str) -> None:
    """An account is a member of one organisation at most."""
    _organizations[account] = organization


def principal_keys(account: str) -> dict[str, str]:
    """Of who calls."""
    return {"aws:PrincipalOrgID": _organizations[account]} if account in _organizations else {}


def resource_keys(account: str) -> dict[str, str]:
    """Of the resource's owner."""
    return {"aws:ResourceAccount": account, **({"aws:ResourceOrgID": _organizations[account]} if account in _organizations else {})}
