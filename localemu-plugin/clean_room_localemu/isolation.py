"""Keeps this LocalEmu to itself: loopback only, its own folders, and gone when its launcher is."""

import functools
import os
import shutil
import signal
import sys
import threading
from types import SimpleNamespace

from .settings import settings


def install() -> None:
    """See the functions below."""
    listen_on_loopback()
    keep_files_in_state_directory()
    if settings().end_with_launcher:
        threading.Thread(target=_end_with_launcher, name="launcher-watch", daemon=True).start()


def listen_on_loopback() -> None:
    """LocalEmu passes no interface to Twisted, which then listens on all of them."""
    from localemu.runtime.server import twisted as server
    from twisted.internet import endpoints

    server.endpoints = SimpleNamespace(
        TCP4ServerEndpoint=functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1"),
        TCP6ServerEndpoint=endpoints.TCP6ServerEndpoint,
    )


def keep_files_in_state_directory() -> None:
    """Two folders are fixed paths; the others follow TMPDIR and FILESYSTEM_ROOT, which the launcher sets."""
    from localemu.services.ebs import block_store
    from localemu.services.s3 import provider as s3

    s3.DEFAULT_S3_TMP_DIR = str(settings().state_directory / "s3")
    ebs = settings().state_directory / "ebs"
    for name in ("snapshots", "volumes"):
        (ebs / name).mkdir(parents=True, exist_ok=True)
    block_store.set_root(ebs)


def _end_with_launcher() -> None:
    """
    Blocks until the pipe closes, then ends the process group: this process, its functions and its commands. A launcher that was killed
    could not remove the files.
    """
    sys.stdin.buffer.read()
    shutil.rmtree(settings().state_directory, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)
