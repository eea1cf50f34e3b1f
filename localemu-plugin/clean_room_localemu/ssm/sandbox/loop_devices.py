"""Disk image files as block devices. Needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loop_device(image: str) -> Iterator[str]:
    """
    The image as a writable loop device, by its path. The kernel detaches it when its last user ends: detaching it while we hold it
    open only marks it for that, and so it goes even when we are killed.
    """
    device = _run("losetup", "--find", "--show", image)
    holder = os.open(device, os.O_RDONLY)
    try:
        _run("losetup", "--detach", device)
        # The flag of an earlier life survives, and a device may have been evidence then.
        _run("blockdev", "--setrw", device)
        yield device
        for user in _run("losetup", "--noheadings", "--output", "NAME", "--associated", device).split():
            # What the script had put upon it and, being killed, did not detach.
            _run("losetup", "--detach", user)
    finally:
        os.close(holder)


def _run(*command: str) -> str:
    """Raises RuntimeError with what the command said."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout.strip()
