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
_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522
#: Landlock's system calls, the same on every architecture, and its rights (linux/landlock.h): all that write, make or run something.
_CREATE_RULESET, _RESTRICT_SELF, _ASK_VERSION = 444, 446, 1
_EXECUTE, _WRITE_FILE, _REMOVE_AND_MAKE, _REFER, _TRUNCATE = 1 << 0, 1 << 1, 0x1FF0, 1 << 13, 1 << 14
_BIND_AND_CONNECT_TCP = 0b11
#: What `in_force` says where nothing confines.
UNCONFINED: dict[str, object] = {"landlockVersion": 0, "ownNetworkNamespace": False, "unprivilegedUser": False}


def confine(memory: int | None = None) -> None:
    """Confines the calling process, which must be a forked one with no thread but this; it cannot be undone.

    No network (a network namespace of its own), no writing to files (file size limit 0), no core, no new privileges, and where the
    kernel has Landlock no making, changing, removing or running of any file; where it was root, the user nobody with the one
    capability of reading every file, since the victim's files belong to root. What the kernel refuses is left: the parent's view of
    the results does not depend on it, and `in_force` finds out what holds.

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
    # After the change of user, which the kernel forgets it with.
    die_with_parent()
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _forbid_changes(library)


def die_with_parent() -> None:
    """The calling process is killed when the one that forked it ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _landlock_version(library: ctypes.CDLL) -> int:
    """The version of Landlock that the kernel has, 0 when it has none or does not use it."""
    library.syscall.restype = ctypes.c_long
    return max(0, int(library.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))))


def _forbid_changes(library: ctypes.CDLL) -> None:
    """Landlock without an exception: nothing is written, made, removed or run from here on. Files that are open stay open."""
    version = _landlock_version(library)
    if version == 0:
        return
    files = _EXECUTE | _WRITE_FILE | _REMOVE_AND_MAKE | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    rules = struct.pack("=QQ", files, _BIND_AND_CONNECT_TCP) if version >= 4 else struct.pack("=Q", files)
    ruleset = library.syscall(ctypes.c_long(_CREATE_RULESET), rules, ctypes.c_size_t(len(rules)), ctypes.c_uint32(0))
    if ruleset >= 0:
        library.syscall(ctypes.c_long(_RESTRICT_SELF), ctypes.c_int(ruleset), ctypes.c_uint32(0))
        os.close(ruleset)


def network_namespace() -> str | None:
    """Names the network that this process is in; None where that cannot be read."""
    try:
        return os.readlink("/proc/self/ns/net")
    except OSError:
        return None


def in_force(outside: str | None) -> dict[str, object]:
    """What holds the calling process, which was confined: tried, not what was asked of the kernel. False or 0: the kernel, or the want of
    root, did not give it.

    @param outside the network namespace of the process that started it
    """
    if sys.platform != "linux":
        return dict(UNCONFINED)
    inside = network_namespace()
    version = _landlock_version(ctypes.CDLL(None))
    try:
        # Everybody may write there, and nothing is written.
        os.close(os.open(os.devnull, os.O_WRONLY))
        version = 0
    except PermissionError:
        pass
    return {
        "landlockVersion": version,
        "ownNetworkNamespace": None not in (inside, outside) and inside != outside,
        "unprivilegedUser": os.geteuid() != 0,
    }


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
