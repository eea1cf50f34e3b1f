"""
EBS direct APIs that write a snapshot: begun, filled block by block, completed, and then a snapshot as any other. LocalEmu keeps neither key nor
client token, checks no checksum, and its blocks are on no disk that a volume shows.
https://docs.aws.amazon.com/ebs/latest/APIReference/API_StartSnapshot.html
https://docs.aws.amazon.com/ebs/latest/APIReference/API_PutSnapshotBlock.html
https://docs.aws.amazon.com/ebs/latest/APIReference/API_CompleteSnapshot.html
"""

import base64
import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localemu.aws.api import CommonServiceException, RequestContext
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.utils import random_snapshot_id

from ..iam.ebs_keys import refusal
from ..kms_keys import default_ebs_key_arn, key_arn
from .disk_images import folder
from .first_state import FirstState
from .snapshots import NO_VOLUME, PENDING_SECONDS, SourceVolume

#: Bytes of a block; the API takes no other.
BLOCK_SIZE = 524_288
GIBIBYTE = 2**30
#: GiB of a volume, and minutes until EBS gives up a snapshot that nothing is written to.
SIZES, TIMEOUTS = range(1, 65_537), range(10, 4_321)
_starting = threading.Lock()


class Writing:
    """The state of a snapshot that is being written: pending, for as long as nobody completes it."""

    def lasts(self) -> bool:
        return True

    def is_seen(self) -> bool:
        return True


def install() -> None:
    """Before LocalEmu makes the service, whose own bridge to EC2 would keep the blocks a second time."""
    from localemu.services.ebs import moto_bridge, provider

    moto_bridge.apply_patches = lambda: None
    provider._INTERCEPTED_OPS |= {
        "StartSnapshot": start_snapshot,
        "PutSnapshotBlock": put_snapshot_block,
        "CompleteSnapshot": complete_snapshot,
    }


def start_snapshot(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """Pending until it is completed; the same ClientToken gives the same snapshot."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[context.account_id][context.region]
    _check(request)
    with _starting:
        made: dict[str, tuple[dict[str, Any], str]] = backend.__dict__.setdefault("_snapshots_by_token", {})
        token = request.get("ClientToken")
        if token in made:
            first, snapshot_id = made[token]
            if first != dict(request):
                raise _error("ConflictException", "The client token was used before with other parameters.", 503)
            return _described(backend.snapshots[snapshot_id], request)
        snapshot = _start(backend, request)
        if token:
            made[token] = (dict(request), snapshot.id)
    return _described(snapshot, request)


def _check(request: dict[str, Any]) -> None:
    if request.get("VolumeSize") not in SIZES:
        raise _error("ValidationException", f"VolumeSize must be {SIZES.start} to {SIZES.stop - 1} GiB.")
    if request.get("Timeout") is not None and request["Timeout"] not in TIMEOUTS:
        raise _error("ValidationException", f"Timeout must be {TIMEOUTS.start} to {TIMEOUTS.stop - 1} minutes.")
    if request.get("KmsKeyArn") and not request.get("Encrypted"):
        raise _error("ValidationException", "If you specify KmsKeyArn, then you must also set Encrypted to true.")
    if request.get("ParentSnapshotId"):
        raise _error("ValidationException", "A snapshot with a parent cannot be started here: nothing rehearsed does so.")


def _start(backend: Any, request: dict[str, Any]) -> Snapshot:
    if refusal():
        raise _error("AccessDeniedException", f"The KMS key cannot be used: {refusal()}", 403)
    encrypted = bool(request.get("Encrypted")) or backend.ebs_encryption_by_default
    asked = request.get("KmsKeyArn")
    key = (key_arn(asked, backend.account_id, backend.region_name) if asked else None) or default_ebs_key_arn(
        backend.account_id, backend.region_name
    )
    snapshot = Snapshot(
        backend,
        random_snapshot_id(),
        volume=SourceVolume(NO_VOLUME, request["VolumeSize"]),
        description=request.get("Description") or "",
        encrypted=encrypted,
        kms_key_id=key if encrypted else None,
    )
    snapshot.pending, snapshot.blocks = Writing(), set()
    snapshot.disk_image = folder() / f"{snapshot.id}.snapshot"
    with open(snapshot.disk_image, "wb") as file:
        file.truncate(request["VolumeSize"] * GIBIBYTE)
    snapshot.add_tags({each["Key"]: each["Value"] for each in request.get("Tags") or []})
    backend.snapshots[snapshot.id] = snapshot
    return snapshot


def put_snapshot_block(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """Writes one block, whose SHA-256 must be that which comes with it."""
    snapshot = _being_written(context, request["SnapshotId"])
    data, index = request["BlockData"].read(), int(request["BlockIndex"])
    if int(request["DataLength"]) != BLOCK_SIZE or len(data) != BLOCK_SIZE:
        raise _error("ValidationException", f"DataLength must be {BLOCK_SIZE}, and the block as long.")
    if not 0 <= index < snapshot.volume.size * GIBIBYTE // BLOCK_SIZE:
        raise _error("ValidationException", f"The block index {index} lies beyond the snapshot's {snapshot.volume.size} GiB.")
    if request.get("ChecksumAlgorithm") != "SHA256":
        raise _error("ValidationException", "ChecksumAlgorithm must be SHA256.")
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    if request.get("Checksum") != checksum:
        raise _error("ValidationException", f"The checksum of block {index} is not that of its data.")
    _write(snapshot.disk_image, index, data)
    snapshot.blocks.add(index)
    return {"Checksum": checksum, "ChecksumAlgorithm": "SHA256"}


def _write(image: Path, index: int, data: bytes) -> None:
    descriptor = os.open(image, os.O_WRONLY)
    try:
        os.pwrite(descriptor, data, index * BLOCK_SIZE)
    finally:
        os.close(descriptor)


def complete_snapshot(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """Seals it. As many blocks must have been written as the caller says."""
    snapshot = _being_written(context, request["SnapshotId"])
    changed = int(request["ChangedBlocksCount"])
    if changed != len(snapshot.blocks):
        raise _error("ValidationException", f"ChangedBlocksCount is {changed}, and {len(snapshot.blocks)} blocks were written.")
    snapshot.pending = FirstState(PENDING_SECONDS)
    return {"Status": "pending"}


def _being_written(context: RequestContext, snapshot_id: str) -> Any:
    from moto.ec2.models import ec2_backends

    snapshot = ec2_backends[context.account_id][context.region].snapshots.get(snapshot_id)
    if snapshot is None:
        raise _error("ResourceNotFoundException", f"The snapshot '{snapshot_id}' does not exist.", 404)
    if not isinstance(snapshot.pending, Writing):
        raise _error("ValidationException", f"The snapshot '{snapshot_id}' is not being written by the EBS direct APIs.")
    return snapshot


def _described(snapshot: Snapshot, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "SnapshotId": snapshot.id,
        "OwnerId": snapshot.owner_id,
        "Status": "pending",
        "StartTime": datetime.now(UTC),
        "VolumeSize": snapshot.volume.size,
        "BlockSize": BLOCK_SIZE,
        "Description": snapshot.description,
        "Tags": request.get("Tags") or [],
        **({"KmsKeyArn": snapshot.kms_key_id} if snapshot.kms_key_id else {}),
    }


def _error(code: str, message: str, status: int = 400) -> CommonServiceException:
    return CommonServiceException(code, message, status_code=status, sender_fault=True)
