"""Snapshots: born pending, tagged, encrypted and copied as EBS does."""

import time
from dataclasses import dataclass
from typing import Any

from localemu.utils.patch import patch
from moto.ec2.models.elastic_block_store import EBSBackend, Snapshot
from moto.ec2.responses import elastic_block_store as responses
from moto.ec2.utils import random_snapshot_id

from ..iam.ebs_keys import refusal
from ..kms_keys import default_ebs_key_arn, find_key, key_arn
from .errors import error
from .first_state import FirstState

#: Seconds a snapshot stays pending; minutes to hours on AWS.
PENDING_SECONDS = 0.3
#: AWS's volume id of a snapshot that was copied.
NO_VOLUME = "vol-ffffffff"


#: Copies under way into one Region, at most.
MOST_COPIES = 20
#: Snapshots under way of one volume (gp2, gp3, io1, io2; st1 and sc1 allow one) and of an account in a Region, at most.
#: https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
MOST_OF_A_VOLUME, MOST_PENDING = 5, 100


@dataclass(frozen=True)
class SourceVolume:
    """What a snapshot keeps of its volume, whatever becomes of the volume. `size` is in GiB."""

    id: str
    size: int


def install() -> None:
    """See each function."""
    _correct_state()
    _correct_creation()
    _correct_copy()


def _correct_state() -> None:
    @patch(Snapshot.__init__)
    def init(fn: Any, self: Snapshot, ec2_backend: Any, snapshot_id: str, volume: Any, description: str, *args: Any, **kwargs: Any) -> None:
        """`failure` is why a copy ends in the state error; None for a good one."""
        self.pending, self.failure = FirstState(PENDING_SECONDS), None
        fn(self, ec2_backend, snapshot_id, volume, description or "", *args, **kwargs)

    def status(snapshot: Snapshot) -> str:
        if not snapshot.from_ami and snapshot.pending.is_seen():
            return "pending"
        return "error" if snapshot.failure else "completed"

    # moto sets it to completed at birth.
    Snapshot.status = property(status, lambda _snapshot, _value: None)
    Snapshot.progress = property(lambda snapshot: {"pending": "40%", "error": "0%"}.get(snapshot.status, "100%"))
    responses.DESCRIBE_SNAPSHOTS_RESPONSE = responses.DESCRIBE_SNAPSHOTS_RESPONSE.replace(
        "<progress>100%</progress>",
        "<progress>{{ snapshot.progress }}</progress>{% if snapshot.status == 'error' %}<statusMessage>{{ snapshot.failure }}</statusMessage>{% endif %}",
    )


def _correct_creation() -> None:
    @patch(EBSBackend.create_snapshot)
    def create_snapshot(fn: Any, self: Any, volume_id: str, description: str, *args: Any, **kwargs: Any) -> Snapshot:
        """Under the volume's key, and as large as the volume is now."""
        volume = self.get_volume(volume_id)
        _refuse_too_many(self, volume)
        snapshot = fn(self, volume_id, description, *args, **kwargs)
        snapshot.kms_key_id = volume.kms_key_id if volume.encrypted else None
        snapshot.volume = SourceVolume(volume.id, int(volume.size))
        return snapshot

    @patch(responses.ElasticBlockStore.create_snapshots)
    def create_snapshots(_fn: Any, self: Any) -> str:
        """One of each attached volume but those left out; the volume's tags on request, below those of the call."""
        spec = self._get_param("InstanceSpecification", {})
        instance = self.ec2_backend.get_instance(spec["InstanceId"])
        if instance.state == "terminated":
            raise error("IncorrectState", f"The instance '{instance.id}' is terminated and has no volumes.")
        if self._get_param("CopyTagsFromSource", "volume") != "volume":
            raise error("InvalidParameterValue", "CopyTagsFromSource takes only the value volume.")
        left_out = set(spec.get("ExcludeDataVolumeIds", spec.get("ExcludeDataVolumeId", [])))
        if str(spec.get("ExcludeBootVolume", False)).lower() == "true":
            left_out |= {device.volume_id for name, device in instance.block_device_mapping.items() if name == instance.root_device_name}
        volume_ids = [device.volume_id for device in instance.block_device_mapping.values() if device.volume_id not in left_out]
        if not volume_ids:
            raise error("InvalidParameterCombination", f"No volume of instance '{instance.id}' is left to snapshot.")
        self.error_on_dryrun()
        asked = self._parse_tag_specification().get("snapshot", {})
        snapshots = []
        for volume_id in volume_ids:
            snapshot = self.ec2_backend.create_snapshot(volume_id, self._get_param("Description", ""))
            tags = self.ec2_backend.tags.get(volume_id, {}) if self._get_param("CopyTagsFromSource") else {}
            copied = {key: value for key, value in tags.items() if not key.startswith("aws:")}
            snapshot.add_tags({**copied, **asked})
            snapshots.append(snapshot)
        return self.response_template(responses.CREATE_SNAPSHOTS_RESPONSE).render(snapshots=snapshots)


def _refuse_too_many(backend: Any, volume: Any) -> None:
    """Both limits are waits and not failures: they pass as snapshots complete."""
    if getattr(volume, "from_ami", False):
        return
    pending = [each for each in list(backend.snapshots.values()) if not each.from_ami and each.pending.lasts()]
    others, until = getattr(backend, "other_snapshots_pending", (0, 0.0))
    if len(pending) + (others if time.monotonic() < until else 0) >= MOST_PENDING:
        raise error("PendingSnapshotLimitExceeded", f"You have too many pending snapshots in this Region; the limit is {MOST_PENDING}.")
    most = 1 if volume.volume_type in ("st1", "sc1") else MOST_OF_A_VOLUME
    if sum(each.volume.id == volume.id for each in pending) >= most:
        raise error("ConcurrentSnapshotLimitExceeded", f"Maximum allowed in-progress snapshots for a single volume exceeded: {volume.id}")


def _correct_copy() -> None:
    @patch(responses.ElasticBlockStore.copy_snapshot)
    def copy_snapshot(_fn: Any, self: Any) -> str:
        """Across Regions, and of what another account shares; encrypted when the source is, or when asked."""
        from moto.ec2.models import ec2_backends

        source = ec2_backends[self.current_account][self._get_param("SourceRegion")].get_snapshot(self._get_param("SourceSnapshotId"))
        if source.status != "completed":
            raise error("IncorrectState", f"Snapshot is in invalid state - {source.status}")
        self.error_on_dryrun()
        backend = self.ec2_backend
        under_way = [each for each in list(backend.snapshots.values()) if hasattr(each, "source") and each.pending.lasts()]
        if len(under_way) >= MOST_COPIES:
            raise error(
                "ResourceLimitExceeded", f"Too many snapshot copies in progress. The limit is {MOST_COPIES} for this destination region."
            )
        asked = self._get_param("KmsKeyId")
        encrypted = source.encrypted or self._get_bool_param("Encrypted", False) or backend.ebs_encryption_by_default
        if asked and not encrypted:
            raise error("InvalidParameterDependency", "The parameter [KmsKeyId] requires the parameter Encrypted to be set.")
        copy = Snapshot(
            backend,
            random_snapshot_id(),
            volume=SourceVolume(NO_VOLUME, source.volume.size),
            description=self._get_param("Description"),
            encrypted=encrypted,
            kms_key_id=_key_of_copy(backend, source, asked) if encrypted else None,
        )
        copy.failure = _why_it_fails(backend, source, copy) or ("Given key ID is not accessible" if refusal() else None)
        copy.source = source
        # AWS's pages do not say that a copy loses a Marketplace code: it keeps it, which asks more of whoever uses the copy.
        copy.codes = source.codes
        copy.add_tags(self._parse_tag_specification().get("snapshot", {}))
        backend.snapshots[copy.id] = copy
        return self.response_template(responses.COPY_SNAPSHOT_RESPONSE).render(snapshot=copy)


def _key_of_copy(backend: Any, source: Snapshot, asked: str | None) -> str:
    """The key asked for; else the source's where the account may go on using it; else the default key."""
    if asked:
        return key_arn(asked, backend.account_id, backend.region_name) or asked
    own = source.owner_id == backend.account_id and source.ec2_backend.region_name == backend.region_name
    return source.kms_key_id if own and source.kms_key_id else default_ebs_key_arn(backend.account_id, backend.region_name)


def _why_it_fails(backend: Any, source: Snapshot, copy: Snapshot) -> str | None:
    """A key that cannot be used shows only after the copy has begun."""
    for arn, region in ((source.kms_key_id, source.ec2_backend.region_name), (copy.kms_key_id, backend.region_name)):
        key = find_key(arn, backend.account_id, region) if arn else None
        if arn and (key is None or key.metadata["KeyState"] != "Enabled" or key.metadata["Arn"].split(":")[3] != region):
            return "Given key ID is not accessible"
    return None
