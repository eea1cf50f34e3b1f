# SPDX-License-Identifier: AGPL-3.0-or-later
"""Takes from a process what it does not need to parse hostile content: the network, writing, and root's rights but reading."""

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys

_NOBODY = 65534
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522


def confine(memory: int | None = None) -> None:
    """Confines the calling process, which must be a forked one with no thread but this; it cannot be undone.

    No network (a network namespace of its own), no writing to files (file size limit 0), no core, no new privileges; where it was
    root, the user nobody with the one capability of reading every file, since the victim's files belong to root. What the kernel
    refuses is left: the parent's view of the results does not depend on it.

    @param memory bytes of address space beyond what it uses now
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform != "linux":
        return
    if memory is not None:
        with open("/proc/self/statm", encoding="ascii") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    library = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        with contextlib.suppress(OSError, AttributeError):
            os.unshare(os.CLONE_NEWNET)
        _drop_root(library)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _drop_root(library: ctypes.CDLL) -> None:
    if library.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0:
        return
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    kept = 1 << _CAP_DAC_READ_SEARCH
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    # Two sets of 32 capabilities each: effective, permitted, inheritable.
    library.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0))
