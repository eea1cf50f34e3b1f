# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs the analysis in a process of its own and looks whether it goes on.

A kernel that hangs in the walk of a damaged file system cannot be interrupted from inside, and one that dies of it takes the process
along. Whatever ends or stops the process while it reads a file system, the run begins again, once for each way of reading: the state on
the disk (crash_state.py) says which file system it was, and that is read in another way then. What hangs in the kernel does not die; it is
left behind.
"""

import contextlib
import mmap
import os
import re
import select
import signal
import time
from collections.abc import Callable

from clean_room_analysis import limits
from clean_room_analysis.outputs import FILES, MANIFEST
from clean_room_analysis.progress import is_reading, say, share
from clean_room_analysis.sandbox import die_with_parent

#: How often it is looked, in seconds.
_LOOK = 1.0
_ATTEMPTS = 4
_LEFTOVERS = re.compile(r"^(?:evidence-blocks-.*\.bin|.*\.partial|\.reserve)$")


def supervise(run: Callable[[float], int], output: str, quiet: float = limits.QUIET_SECONDS) -> int:
    """Runs until it ends by itself. @returns its exit code, or 128 and the number of the signal that ended it

    @param run gets the seconds that earlier attempts took
    @param output the directory of the results; what an attempt left there without a manifest is removed before the next
    @param quiet seconds without any step after which a walk counts as hanging
    """
    began = time.monotonic()
    for attempt in range(1, _ATTEMPTS + 1):
        beats = mmap.mmap(-1, 8)
        child = os.fork()
        if child == 0:
            die_with_parent()
            share(beats)
            code = 70
            try:
                code = run(time.monotonic() - began)
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
            finally:
                os._exit(code)
        asked, code = _watch(child, beats, quiet)
        if asked or (code is not None and code < 128) or not is_reading(beats):
            return 137 if code is None else code
        published = [name for name in ("first-look.json", MANIFEST) if os.path.exists(os.path.join(output, name))]
        if published or attempt == _ATTEMPTS:
            return 137 if code is None else code
        say(
            f"the process {'did not go on' if code is None else f'died (signal {code - 128})'} while it read a file system: once more, another way"
        )
        _clean(output)
    return 1


def _watch(child: int, beats: mmap.mmap, quiet: float) -> tuple[bool, int | None]:
    """Waits for the process. @returns (whether somebody asked it to stop, its exit code or None when it hung and was killed)"""
    asked: list[int] = []

    def forward(number: int, _: object) -> None:
        asked.append(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)}
    descriptor = os.pidfd_open(child)
    last, since = beats[:], time.monotonic()
    try:
        while True:
            if select.select([descriptor], [], [], _LOOK)[0]:
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                return bool(asked), code if code >= 0 else 128 - code
            if beats[:] != last or not is_reading(beats):
                last, since = beats[:], time.monotonic()
            elif time.monotonic() - since > quiet:
                os.kill(child, signal.SIGKILL)
                # Not waited for without end: what hangs in the kernel does not die.
                select.select([descriptor], [], [], 5.0)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child, os.WNOHANG)
                return bool(asked), None
    finally:
        os.close(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)


def _clean(output: str) -> None:
    for name in os.listdir(output):
        if name in FILES or _LEFTOVERS.match(name):
            os.unlink(os.path.join(output, name))
