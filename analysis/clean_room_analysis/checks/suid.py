# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs that run with more rights than their caller: set-user-id, set-group-id, file capabilities."""

import struct
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.places import hidden_part, in_home, in_temporary
from clean_room_analysis.model import Entry, Severity

#: What Amazon Linux, RHEL, Debian and Ubuntu ship set-user-id or set-group-id, by name, in the directories below.
_KNOWN = frozenset(
    (
        "su sudo sudoedit mount umount chage gpasswd newgrp passwd chfn chsh pkexec at crontab ping ping6 fusermount fusermount3 unix_chkpwd pam_timestamp_check userhelper usernetctl "
        "newuidmap newgidmap mount.nfs umount.nfs mount.cifs mount.ecryptfs_private polkit-agent-helper-1 dbus-daemon-launch-helper ssh-keysign ssh-agent utempter write wall locate plocate "
        "mlocate expiry bsd-write ssh-keysign screen exim4 postdrop postqueue sendmail.sendmail lockfile dotlockfile traceroute6.iputils chkpwd unix2_chkpwd grub2-set-bootflag cockpit-session "
        "snap-confine suexec netreport staprun krb5_child ldap_child proxy_child selinux_child p11_child sssd_pam Xorg.wrap mail-lock mail-unlock mail-touchlock pppd ntfs-3g vmware-user-suid-wrapper"
    ).split()
)
_KNOWN_DIRECTORIES = (
    "/usr/bin/",
    "/usr/sbin/",
    "/bin/",
    "/sbin/",
    "/usr/lib/",
    "/usr/lib64/",
    "/usr/libexec/",
    "/lib/",
    "/lib64/",
    "/opt/",
    "/snap/",
)
#: Capabilities that are as good as root, by bit number (linux/capability.h).
_DANGEROUS = {
    0: "cap_chown",
    1: "cap_dac_override",
    2: "cap_dac_read_search",
    3: "cap_fowner",
    6: "cap_setgid",
    7: "cap_setuid",
    8: "cap_setpcap",
    16: "cap_sys_module",
    17: "cap_sys_rawio",
    18: "cap_sys_chroot",
    19: "cap_sys_ptrace",
    21: "cap_sys_admin",
    31: "cap_setfcap",
    39: "cap_bpf",
}
#: Programs that distributions give dangerous capabilities.
_KNOWN_CAPABLE = frozenset(
    {"newuidmap", "newgidmap", "suexec", "snap-confine", "sssd_pam", "krb5_child", "ldap_child", "selinux_child", "gst-ptp-helper"}
)


def dangerous_capabilities(attribute: bytes) -> list[str]:
    """Names of the dangerous permitted capabilities in a security.capability attribute (struct vfs_cap_data, revision 1 to 3)."""
    if len(attribute) < 8:
        return []
    permitted = struct.unpack_from("<I", attribute, 4)[0]
    if len(attribute) >= 16:
        permitted |= struct.unpack_from("<I", attribute, 12)[0] << 32
    return [name for bit, name in _DANGEROUS.items() if permitted >> bit & 1]


class Suid(Check):
    """T1548.001 (setuid and setgid)."""

    name = "suid"

    def wants(self, entry: Entry) -> bool:
        return entry.executable or (entry.is_file and bool(entry.mode & 0o6000))

    def look(self, item: Item) -> Iterator[Result]:
        entry, path = item.entry, item.path
        if entry.mode & 0o6000:
            yield from self._set_id(item)
        capable = item.tree.attribute(entry.path, "security.capability")
        dangerous = dangerous_capabilities(capable) if capable else []
        if dangerous and not (entry.name in _KNOWN_CAPABLE and path.startswith(_KNOWN_DIRECTORIES)):
            yield self.found(
                item,
                Severity.HIGH,
                "File capabilities make this program as good as root",
                ", ".join(dangerous),
                ("T1548.001",),
                hashed=True,
            )

    def _set_id(self, item: Item) -> Iterator[Result]:
        entry, path = item.entry, item.path
        if entry.name in _KNOWN and path.startswith(_KNOWN_DIRECTORIES) and not hidden_part(path):
            return
        bits = " and ".join(word for bit, word in ((0o4000, "set-user-id"), (0o2000, "set-group-id")) if entry.mode & bit)
        odd = in_temporary(path) or in_home(path) or hidden_part(path) is not None
        if entry.mode & 0o4000:
            severity = (Severity.CRITICAL if odd else Severity.HIGH) if entry.user == 0 else Severity.MEDIUM
        else:
            severity = Severity.HIGH if odd else Severity.LOW
        yield self.found(
            item,
            severity,
            f"Program outside the known list is {bits}",
            f"mode {entry.mode & 0o7777:04o}, owner {entry.user}:{entry.group}, {entry.size} bytes",
            ("T1548.001",),
            hashed=True,
        )
