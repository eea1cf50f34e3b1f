"""
Real disks behind volumes. A volume tagged `rehearsal:image` shows the raw file the tag names, which is never written: whatever
can write to a volume gets a copy of the file that is the volume's own, made when it is first needed.
"""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localemu.utils.patch import patch
from moto.ec2.models.elastic_block_store import EBSBackend

from ..settings import settings
from .errors import error

TAG = "rehearsal:image"
_CHUNK = 8 * 1024 * 1024
_lock = threading.Lock()


def install() -> None:
    """Hands images on from volume to snapshot, to copy, to volume."""
    folder().mkdir(parents=True, exist_ok=True)

    @patch(EBSBackend.create_snapshot)
    def create_snapshot(fn: Any, self: Any, volume_id: str, *args: Any, **kwargs: Any) -> Any:
        snapshot = fn(self, volume_id, *args, **kwargs)
        snapshot.disk_image = image_for_snapshot(self.get_volume(volume_id))
        return snapshot

    @patch(EBSBackend.create_volume)
    def create_volume(fn: Any, self: Any, size: Any, zone_name: str, snapshot_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        volume = fn(self, size, zone_name, snapshot_id, *args, **kwargs)
        snapshot = self.get_snapshot(snapshot_id) if snapshot_id else None
        volume.disk_image = image_of_snapshot(snapshot) if snapshot else None
        volume.is_larger = snapshot is not None and int(volume.size) > int(snapshot.volume.size)
        return volume

    @patch(EBSBackend.delete_volume)
    def delete_volume(fn: Any, self: Any, volume_id: str) -> Any:
        volume = fn(self, volume_id)
        own_image(volume).unlink(missing_ok=True)
        return volume


def folder() -> Path:
    """Where this LocalEmu keeps its copies."""
    return settings().state_directory / "disks"


def image_of_snapshot(snapshot: Any) -> Path | None:
    """What the snapshot, or the one it was copied from, shows."""
    source = getattr(snapshot, "source", None)
    return image_of_snapshot(source) if source else getattr(snapshot, "disk_image", None)


def image_behind(volume: Any) -> Path | None:
    """What the volume shows until something writes to it: its snapshot's image, or the file its tag names."""
    if volume.snapshot_id:
        return volume.disk_image
    tagged = volume.ec2_backend.tags.get(volume.id, {}).get(TAG)
    if tagged is None:
        return None
    path = Path(tagged)
    if not path.is_absolute() or not path.is_file():
        raise error("InvalidParameterValue", f"The volume {volume.id} is tagged {TAG}={tagged}, which is not the absolute path of a file.")
    return path


def image_for_snapshot(volume: Any) -> Path | None:
    """A file that shows the volume as it is now and will not change. None for a volume without a disk."""
    own = own_image(volume)
    with _lock:
        return sparse_copy(own, folder() / f"{volume.id}-{os.urandom(6).hex()}.snapshot") if own.exists() else image_behind(volume)


def writable_image(volume: Any) -> Path | None:
    """The volume's own file. It has the size of the disk it was made from, and more where the volume is larger than its snapshot. None
    for a volume without a disk."""
    own = own_image(volume)
    with _lock:
        if not own.exists():
            source = image_behind(volume)
            if source is None:
                return None
            sparse_copy(source, own)
            if getattr(volume, "is_larger", False):
                os.truncate(own, int(volume.size) * 2**30)
    return own


def own_image(volume: Any) -> Path:
    """Where the volume's own file is or would be."""
    return folder() / f"{volume.id}.img"


def sparse_copy(source: Path, target: Path) -> Path:
    """Copies what is not a hole, so that a disk takes no more room than its content. The target appears when it is whole."""
    partial = target.with_suffix(".partial")
    with open(source, "rb") as reading, open(partial, "wb") as writing:
        size = os.fstat(reading.fileno()).st_size
        writing.truncate(size)
        for start, end in data_ranges(reading.fileno(), size):
            while start < end:
                chunk = os.pread(reading.fileno(), min(_CHUNK, end - start), start)
                start += os.pwrite(writing.fileno(), chunk, start)
    os.replace(partial, target)
    return target


def data_ranges(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Start and end of what is not a hole in a file, in bytes."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
