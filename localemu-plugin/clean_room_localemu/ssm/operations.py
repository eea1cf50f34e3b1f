"""The API operations of Run Command."""

import hashlib
from collections.abc import Callable
from typing import Any

from localemu.aws.api import RequestContext, handler

from . import documents, managed_instances, views
from .commands import Command, Commands, Invocation
from .errors import (
    DuplicateInstanceId,
    InvalidCommandId,
    InvalidDocument,
    InvalidDocumentVersion,
    InvalidInstanceId,
    InvalidPluginName,
    InvocationDoesNotExist,
)

_commands = Commands()


def install() -> None:
    """Puts the operations into LocalEmu's provider, before it is made."""
    from localemu.services.ssm.provider import SsmProvider

    operations: dict[str, Callable[[RequestContext, dict[str, Any]], dict[str, Any]]] = {
        "SendCommand": send_command,
        "GetCommandInvocation": get_command_invocation,
        "ListCommandInvocations": list_command_invocations,
        "ListCommands": list_commands,
        "CancelCommand": cancel_command,
        "DescribeInstanceInformation": describe_instance_information,
        "ListInventoryEntries": list_inventory_entries,
    }
    for name, operation in operations.items():
        setattr(SsmProvider, operation.__name__, _method(name, operation))


def _method(name: str, operation: Callable[[RequestContext, dict[str, Any]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def method(_provider: object, context: RequestContext, request: dict[str, Any], **_: object) -> dict[str, Any]:
        return operation(context, request)

    # LocalEmu finds an operation by the name of its function.
    method.__name__ = operation.__name__
    return handler(name, expand=False)(method)


def describe_instance_information(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """Filters by InstanceIds and PingStatus, in the new form and in the old one."""
    wanted = {each["Key"]: each["Values"] for each in request.get("Filters") or []} | {
        each["key"]: each["valueSet"] for each in request.get("InstanceInformationFilterList") or []
    }
    found = [managed_instances.information(each) for each in managed_instances.instances(context.account_id, context.region)]
    fields = {"InstanceIds": "InstanceId", "PingStatus": "PingStatus", "PlatformTypes": "PlatformType", "ResourceType": "ResourceType"}
    return {
        "InstanceInformationList": [
            each for each in found if all(each[fields[key]] in values for key, values in wanted.items() if key in fields)
        ]
    }


def list_inventory_entries(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """
    What the agent itself reports of every managed instance. The rest is collected by an association with AWS-GatherSoftwareInventory, which
    nobody has made here: https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-inventory.html
    """
    managed = {each.id: each for each in managed_instances.instances(context.account_id, context.region)}
    instance_id, kind = request["InstanceId"], request["TypeName"]
    if instance_id not in managed:
        raise InvalidInstanceId(f"Instance {instance_id} is not a managed instance of account {context.account_id}")
    known = managed_instances.information(managed[instance_id])
    names = ("InstanceId", "AgentVersion", "ComputerName", "PlatformType", "PlatformName", "PlatformVersion", "ResourceType")
    entries = (
        [{**{name: str(known[name]) for name in names}, "IpAddress": str(known["IPAddress"])}] if kind == "AWS:InstanceInformation" else []
    )
    captured = known["LastPingDateTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"TypeName": kind, "InstanceId": instance_id, "SchemaVersion": "1.0", "CaptureTime": captured, "Entries": entries}


def send_command(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """Refuses what AWS refuses; the command is Pending when this returns."""
    document = _document(context, request["DocumentName"], request.get("DocumentVersion") or "$DEFAULT")
    _check_hash(document, request)
    script = documents.script_of(document, request.get("Parameters") or {})
    instances = _targets(context, request)
    command = Command(
        context.account_id, context.region, document, script, dict(request), {each.id: Invocation(each.id) for each in instances}
    )
    answer = {"Command": views.command(command)}
    _commands.add(command)
    command.start(instances)
    return answer


def _document(context: RequestContext, name: str, version: str) -> documents.Document:
    """
    The stored document, by its name or ARN; another account's only by its ARN, and while that account shares it.
    https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-ssm-sharing.html
    """
    from moto.ssm.models import ssm_backends

    owner = name.split(":")[4] if name.startswith("arn:") else context.account_id
    name = name.rsplit("document/", 1)[-1]
    stored = ssm_backends[owner][context.region]._documents.get(name) if owner else None
    if stored is not None and owner != context.account_id and not {context.account_id, "all"} & set(stored.permissions):
        stored = None
    if stored is None:
        if found := documents.managed(name):
            return found
        raise InvalidDocument(f"Document with name {name} does not exist.")
    found = stored.find(None if version == "$DEFAULT" else version, strict=False)
    if found is None:
        raise InvalidDocumentVersion(f"The document {name} has no version {version}.")
    if found.document_type != "Command":
        raise InvalidDocument(f"The document {name} is of type {found.document_type}, not Command.")
    return documents.parse(name, found.document_version, found.content)


def _check_hash(document: documents.Document, request: dict[str, Any]) -> None:
    """The hash that a caller gives must be the one that Systems Manager made of the document."""
    wanted, kind = request.get("DocumentHash"), request.get("DocumentHashType") or "Sha256"
    if wanted and wanted != hashlib.new(kind.lower(), document.text.encode()).hexdigest():
        raise InvalidDocument(f"The {kind} hash of the document {document.name} is another one than {wanted}.")


def _targets(context: RequestContext, request: dict[str, Any]) -> list[Any]:
    """Instances named one by one must all be managed; those found by tags are those of them that are."""
    managed = {each.id: each for each in managed_instances.instances(context.account_id, context.region)}
    named = list(request.get("InstanceIds") or [])
    for target in request.get("Targets") or []:
        if target["Key"] == "InstanceIds":
            named += target["Values"]
    if len(set(named)) < len(named):
        raise DuplicateInstanceId("An instance is named twice.")
    if missing := [each for each in named if each not in managed]:
        raise InvalidInstanceId(f"Instances [[{', '.join(missing)}]] not in a valid state for account {context.account_id}")
    tags = {
        target["Key"].removeprefix("tag:"): target["Values"] for target in request.get("Targets") or [] if target["Key"].startswith("tag:")
    }
    tagged = [
        each
        for each in managed.values()
        if tags and all({tag["key"]: tag["value"] for tag in each.get_tags()}.get(key) in values for key, values in tags.items())
    ]
    return [managed[each] for each in named] + [each for each in tagged if each.id not in named]


def get_command_invocation(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """Of a step when one is named."""
    command = next(_commands.newest_first(context.account_id, context.region, request["CommandId"]), None)
    invocation = command.invocations.get(request["InstanceId"]) if command else None
    if command is None or invocation is None or not command.is_visible():
        raise InvocationDoesNotExist()
    if request.get("PluginName") not in (None, command.script.step):
        raise InvalidPluginName()
    return views.invocation(command, invocation)


def list_command_invocations(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """In one page."""
    found = [
        views.invocation_in_list(command, invocation, bool(request.get("Details")))
        for command in _commands.newest_first(context.account_id, context.region, request.get("CommandId"))
        if command.is_visible()
        for invocation in command.invocations.values()
        if request.get("InstanceId") in (None, invocation.instance_id)
    ]
    return {"CommandInvocations": [each for each in found if _passes(each, request.get("Filters") or [])]}


def list_commands(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """In one page."""
    found = [
        views.command(each)
        for each in _commands.newest_first(context.account_id, context.region, request.get("CommandId"))
        if request.get("InstanceId") is None or request["InstanceId"] in each.invocations
    ]
    return {"Commands": [each for each in found if _passes(each, request.get("Filters") or [])]}


def _passes(shown: dict[str, Any], filters: list[dict[str, str]]) -> bool:
    requested = shown["RequestedDateTime"].isoformat()
    tests: dict[str, Callable[[str], bool]] = {
        "Status": lambda value: shown["Status"] == value,
        "DocumentName": lambda value: shown["DocumentName"] == value,
        "InvokedAfter": lambda value: requested > value,
        "InvokedBefore": lambda value: requested < value,
    }
    return all(tests[each["key"]](each["value"]) for each in filters if each["key"] in tests)


def cancel_command(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """Asks what is under way to end; what has ended stays as it is."""
    command = next(_commands.newest_first(context.account_id, context.region, request["CommandId"]), None)
    if command is None:
        raise InvalidCommandId()
    for instance_id, invocation in command.invocations.items():
        if instance_id in (request.get("InstanceIds") or command.invocations):
            invocation.cancelled.set()
    return {}
