"""Snapshot Lock. https://docs.aws.amazon.com/ebs/latest/userguide/ebs-snapshot-lock.html"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from localemu.utils.patch import patch
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.responses import EC2Response

from .errors import error
from .snapshot_sharing import own_snapshot

MAX_DAYS, MAX_COOL_OFF_HOURS = 36_500, 72


@dataclass(frozen=True)
class Lock:
    """`days` is counted from `created`; `cool_off` is in hours, for compliance mode only."""

    mode: str
    created: datetime
    days: int
    expires: datetime
    cool_off: int

    def state(self, now: datetime) -> str:
        """As DescribeLockedSnapshots words it."""
        if now >= self.expires:
            return "expired"
        return "compliance-cooloff" if self.mode == "compliance" and now < self.cool_off_ends() else self.mode

    def cool_off_ends(self) -> datetime:
        return self.created + timedelta(hours=self.cool_off)

    def described(self, snapshot_id: str, now: datetime) -> dict[str, Any]:
        """Fields of LockSnapshot's answer."""
        cool_off = {"CoolOffPeriod": self.cool_off, "CoolOffPeriodExpiresOn": self.cool_off_ends()} if self.cool_off else {}
        return {
            "SnapshotId": snapshot_id,
            "LockState": self.state(now),
            "LockDuration": self.days,
            "LockCreatedOn": self.created,
            "LockDurationStartTime": self.created,
            "LockExpiresOn": self.expires,
            **cool_off,
        }


def install() -> None:
    """LocalEmu has none of the three operations."""
    EC2Response.lock_snapshot = lock_snapshot
    EC2Response.unlock_snapshot = unlock_snapshot
    EC2Response.describe_locked_snapshots = describe_locked_snapshots

    @patch(EBSBackend.delete_snapshot)
    def delete_snapshot(fn: Any, self: Any, snapshot_id: str) -> Any:
        lock = getattr(self.snapshots.get(snapshot_id), "lock", None)
        if lock and lock.state(datetime.now(UTC)) != "expired":
            raise error(
                "OperationNotPermitted", f"The snapshot '{snapshot_id}' is locked until {lock.expires.isoformat(timespec='seconds')}."
            )
        return fn(self, snapshot_id)


def lock_snapshot(self: Any) -> ActionResult:
    """Governance or compliance; a compliance lock whose cool-off is over can only be extended."""
    snapshot = own_snapshot(self.ec2_backend, self._get_param("SnapshotId"))
    now = datetime.now(UTC)
    lock = _asked_lock(self, now)
    old = getattr(snapshot, "lock", None)
    if old and old.state(now) == "compliance" and (lock.mode != "compliance" or lock.expires < old.expires):
        raise error("OperationNotPermitted", f"The snapshot '{snapshot.id}' is locked in compliance mode; its lock can only be extended.")
    if old and old.state(now) == "compliance" and lock.cool_off:
        raise error("InvalidParameterCombination", "CoolOffPeriod cannot be specified when a compliance lock is extended.")
    self.error_on_dryrun()
    snapshot.lock = lock
    return ActionResult(lock.described(snapshot.id, now))


def _asked_lock(response: Any, now: datetime) -> Lock:
    mode, days, expiration = response._get_param("LockMode"), response._get_param("LockDuration"), response._get_param("ExpirationDate")
    cool_off = int(response._get_param("CoolOffPeriod") or 0)
    if mode not in ("governance", "compliance"):
        raise error("InvalidParameterValue", f"LockMode '{mode}' is not governance or compliance.")
    if (days is None) == (expiration is None):
        raise error("InvalidParameterCombination", "Either LockDuration or ExpirationDate must be specified, and not both.")
    if mode == "governance" and cool_off:
        raise error("InvalidParameterCombination", "CoolOffPeriod applies to compliance mode only.")
    if not 0 <= cool_off <= MAX_COOL_OFF_HOURS:
        raise error("InvalidParameterValue", f"CoolOffPeriod must be 1 to {MAX_COOL_OFF_HOURS} hours.")
    if expiration is None:
        if not 1 <= int(days) <= MAX_DAYS:
            raise error("InvalidParameterValue", f"LockDuration must be 1 to {MAX_DAYS} days.")
        return Lock(mode, now, int(days), now + timedelta(days=int(days)), cool_off)
    expires = expiration if isinstance(expiration, datetime) else datetime.fromisoformat(str(expiration))
    expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
    if expires < now + timedelta(days=1):
        raise error("InvalidParameterValue", "ExpirationDate must be at least one day from now.")
    return Lock(mode, now, (expires - now).days, expires, cool_off)


def unlock_snapshot(self: Any) -> ActionResult:
    """Refused once a compliance lock has cooled off."""
    snapshot = own_snapshot(self.ec2_backend, self._get_param("SnapshotId"))
    lock, now = getattr(snapshot, "lock", None), datetime.now(UTC)
    if lock is None or lock.state(now) == "expired":
        raise error("InvalidParameterValue", f"The snapshot '{snapshot.id}' is not locked.")
    if lock.state(now) == "compliance":
        raise error("OperationNotPermitted", f"The snapshot '{snapshot.id}' is locked in compliance mode and cannot be unlocked.")
    self.error_on_dryrun()
    snapshot.lock = None
    return ActionResult({"SnapshotId": snapshot.id})


def describe_locked_snapshots(self: Any) -> ActionResult:
    """The account's locked snapshots, by id or by the filter lock-state."""
    now, wanted = datetime.now(UTC), self._get_param("SnapshotIds", [])
    states = self._filters_from_querystring().get("lock-state")
    found = []
    for snapshot in list(self.ec2_backend.snapshots.values()):
        lock = getattr(snapshot, "lock", None)
        if lock and (not wanted or snapshot.id in wanted) and (not states or lock.state(now) in states):
            found.append({"OwnerId": snapshot.owner_id, **lock.described(snapshot.id, now)})
    return ActionResult({"Snapshots": found})
