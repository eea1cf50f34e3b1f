# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is ordinary on a running Linux system, and what is a sign of somebody."""

import ipaddress
import os.path
import re

from clean_room_analysis.checks.places import hidden_part, in_temporary
from clean_room_analysis.memory.state import Process, Socket

#: What the kernel calls its own threads.
KERNEL_THREAD = re.compile(
    r"^(?:\[[^\]]{1,40}\]$|(?:kworker|kswapd|ksoftirqd|kthreadd|rcu_sched|kdevtmpfs|khugepaged|jbd2|migration)(?:[/:\d-]|$))"
)
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "fish"})
INTERPRETERS = re.compile(r"^(?:python|perl|ruby|php|lua|node|socat|nc|ncat|netcat|openssl|telnet)[\d.-]*$")
#: Ports that mining pools listen on, and few others.
MINING_PORTS = frozenset({3333, 3334, 3335, 3336, 3357, 5555, 7777, 8333, 9332, 9999, 14433, 14444, 18081, 20535, 45560, 45700})
#: Programs that hold raw sockets by their trade, where distributions install them.
RAW_BY_TRADE = re.compile(
    r"^/usr/(?:s?bin|lib(?:exec)?)/(?:[\w.-]+/)*(?:dhclient|dhcpcd|NetworkManager|systemd-networkd|wicked[\w-]*|ping|arping|lldpd|keepalived|ntpd|chronyd|"
    r"tcpdump|suricata|zeek|snort|dumpcap|bird|ospfd|pppd|radvd|strongswan|charon|nm-dispatcher|udhcpc|amazon-ssm-agent)$"
)
LIBRARIES = re.compile(r"^/(?:usr/)?lib(?:32|64|x32)?/|^/opt/|^/usr/local/lib")
UPDATED = re.compile(r"^/(?:usr|opt|s?bin|lib\w*|snap|var/lib)/")
#: runc and crun run themselves from a sealed copy in memory (CVE-2019-5736).
CONTAINER_RUNTIME = re.compile(r"^/memfd:(?:runc_cloned:/proc/self/exe|crun_memfd|lxc-monitor)")
MOST = 12


def is_disguised(process: Process) -> bool:
    """A program that calls itself like one of the kernel's threads, by its name or by what it shows as its first argument."""
    return any(KERNEL_THREAD.match(name) is not None for name in (process.name, *process.arguments[:1]))


def is_odd(process: Process) -> bool:
    """Whether the program itself is no part of an installed system: by where it lies, and by what it calls itself."""
    place = process.program
    return UPDATED.match(place) is None or hidden_part(place) is not None or is_disguised(process)


def script_of(process: Process) -> str | None:
    """What an interpreter was given to run, when that lies in a temporary directory or is hidden."""
    name = os.path.basename(process.program)
    if name not in SHELLS and not INTERPRETERS.match(name):
        return None
    given = next((one for one in process.arguments[1:] if not one.startswith("-")), "")
    # What -c is given is code: its first word is what it runs.
    first = given.split()[0] if given.split() else ""
    return first if in_temporary(first) or (first.startswith("/") and hidden_part(first) is not None) else None


def public(address: str) -> bool:
    """Whether an address is of the internet."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def said(one: Socket) -> str:
    """A socket in words."""
    if one.table == "packet":
        return f"packet socket, inode {one.inode}"
    local = f"{one.local}:{one.local_port}" if ":" not in one.local else f"[{one.local}]:{one.local_port}"
    if one.listens:
        return f"{one.table} {local} listens"
    return f"{one.table} {local} to {one.remote if ':' not in one.remote else f'[{one.remote}]'}:{one.remote_port}"
