"""Snapshots across accounts: who sees them, who may use them, and which cannot be shared."""

from collections.abc import Iterator
from typing import Any

from localemu.utils.patch import patch
from moto.ec2.models.elastic_block_store import EBSBackend, Snapshot
from moto.ec2.responses import EC2Response
from moto.ec2.responses import elastic_block_store as responses
from moto.ec2.utils import generic_filter

from ..kms_keys import is_default_ebs_key
from .errors import error


def install() -> None:
    """See each function."""

    @patch(EBSBackend.get_snapshot)
    def get_snapshot(_fn: Any, self: Any, snapshot_id: str) -> Snapshot:
        """Own or shared: what a copy and a volume can be made of."""
        found = next((each for each in usable_snapshots(self) if each.id == snapshot_id), None)
        if found is None:
            raise error("InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist.")
        return found

    def describe_snapshots(self: Any) -> str:
        """By id, owner and who may restore; own, shared and public ones when nothing is asked for."""
        wanted = self._get_param("SnapshotIds", [])
        owners = {self.current_account if each == "self" else each for each in self._get_param("OwnerIds", [])}
        restorers = {self.current_account if each == "self" else each for each in self._get_param("RestorableByUserIds", [])}
        found = [each for each in usable_snapshots(self.ec2_backend) if not wanted or each.id in wanted]
        missing = set(wanted) - {each.id for each in found}
        if missing:
            raise error("InvalidSnapshot.NotFound", f"The snapshot '{min(missing)}' does not exist.")
        found = [
            each
            for each in found
            if (not owners or each.owner_id in owners) and (not restorers or any(_usable_by(each, who) for who in restorers))
        ]
        shown = [each if each.owner_id == self.current_account else SharedSnapshot(each) for each in found]
        snapshots = generic_filter(self._filters_from_querystring(), shown)
        return self.response_template(responses.DESCRIBE_SNAPSHOTS_RESPONSE).render(snapshots=snapshots)

    # On the class that LocalEmu does not correct itself, later than this.
    EC2Response.describe_snapshots = describe_snapshots

    @patch(responses.ElasticBlockStore.modify_snapshot_attribute)
    def modify_snapshot_attribute(fn: Any, self: Any) -> Any:
        """Both ways of asking; the owner only; never under the default key, and encrypted ones not with everybody."""
        snapshot = own_snapshot(self.ec2_backend, self._get_param("SnapshotId"))
        change = self._get_param("CreateVolumePermission", {})
        operation = self._get_param("OperationType")
        adding = [{"UserId": each} for each in self._get_param("UserIds", [])] + [
            {"Group": each} for each in self._get_param("GroupNames", [])
        ]
        added = change.get("Add", []) + (adding if operation == "add" else [])
        removed = change.get("Remove", []) + (adding if operation == "remove" else [])
        if added and snapshot.encrypted:
            if is_default_ebs_key(snapshot.kms_key_id):
                raise error("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
            if any(each.get("Group") for each in added):
                raise error("OperationNotPermitted", "Encrypted snapshots cannot be shared publicly")
        if any(each["UserId"].strip("0123456789") or len(each["UserId"]) != 12 for each in added if each.get("UserId")):
            raise error("InvalidUserID.Malformed", "Invalid user id")
        self.error_on_dryrun()
        backend = self.ec2_backend
        backend.add_create_volume_permission(
            snapshot.id,
            user_ids=[each["UserId"] for each in added if each.get("UserId")],
            groups=[each["Group"] for each in added if each.get("Group")],
        )
        backend.remove_create_volume_permission(
            snapshot.id,
            user_ids=[each["UserId"] for each in removed if each.get("UserId")],
            groups=[each["Group"] for each in removed if each.get("Group")],
        )
        return responses.EmptyResult()

    @patch(responses.ElasticBlockStore.describe_snapshot_attribute)
    def describe_snapshot_attribute(fn: Any, self: Any) -> Any:
        own_snapshot(self.ec2_backend, self._get_param("SnapshotId"))
        return fn(self)


class SharedSnapshot:
    """A snapshot as another account than its owner's sees it: without the owner's tags."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)

    def get_tags(self) -> list[dict[str, str]]:
        return []

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        return None if filter_name.startswith("tag") else self._snapshot.get_filter_value(filter_name, method_name)


def own_snapshot(backend: Any, snapshot_id: str) -> Snapshot:
    """For what only the owner may do; others are told that there is no such snapshot."""
    if snapshot_id not in backend.snapshots:
        raise error("InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist.")
    return backend.snapshots[snapshot_id]


def usable_snapshots(backend: Any) -> Iterator[Snapshot]:
    """The account's own in the Region, and those of other accounts that are shared with it or with everybody."""
    from moto.ec2.models import ec2_backends

    yield from list(backend.snapshots.values())
    for account in list(ec2_backends):
        other = ec2_backends[account].get(backend.region_name) if account != backend.account_id else None
        # The images' own snapshots are in every account's list already.
        yield from (
            each for each in list(other.snapshots.values() if other else []) if not each.from_ami and _usable_by(each, backend.account_id)
        )


def _usable_by(snapshot: Snapshot, account: str) -> bool:
    return (
        account == snapshot.owner_id
        or account in snapshot.create_volume_permission_userids
        or "all" in snapshot.create_volume_permission_groups
    )
