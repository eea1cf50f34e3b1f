# SPDX-License-Identifier: AGPL-3.0-or-later
"""The checks, one kind of artefact a file."""

from clean_room_analysis.checks.accounts import Accounts
from clean_room_analysis.checks.activity_logs import ActivityLogs
from clean_room_analysis.checks.base import Check
from clean_room_analysis.checks.containers import Containers
from clean_room_analysis.checks.credentials import Credentials
from clean_room_analysis.checks.cron import Cron
from clean_room_analysis.checks.initramfs import Initramfs
from clean_room_analysis.checks.kernel_modules import KernelModules
from clean_room_analysis.checks.kernel_settings import KernelSettings
from clean_room_analysis.checks.ld_preload import LdPreload
from clean_room_analysis.checks.logins import Logins
from clean_room_analysis.checks.name_services import NameServices
from clean_room_analysis.checks.odd_directories import OddDirectories
from clean_room_analysis.checks.packages import Packages
from clean_room_analysis.checks.remote_trust import RemoteTrust
from clean_room_analysis.checks.shell_history import ShellHistory
from clean_room_analysis.checks.ssh import Ssh
from clean_room_analysis.checks.startup import Startup
from clean_room_analysis.checks.suid import Suid
from clean_room_analysis.checks.systemd import Systemd
from clean_room_analysis.checks.temporary_executables import TemporaryExecutables
from clean_room_analysis.checks.web_logs import FoundShells, WebLogs
from clean_room_analysis.checks.web_shell import WebShell
from clean_room_analysis.checks.windows_events import WindowsEvents
from clean_room_analysis.checks.windows_programs import WindowsPrograms
from clean_room_analysis.checks.windows_registry import WindowsRegistry
from clean_room_analysis.checks.windows_tasks import WindowsTasks
from clean_room_analysis.checks.yara import Yara


def artefact_checks() -> list[Check]:
    """Checks of the first pass, which reads metadata and small artefacts."""
    shells = FoundShells()
    return [
        Accounts(),
        ActivityLogs(),
        Containers(),
        Credentials(),
        Cron(),
        KernelModules(),
        KernelSettings(),
        LdPreload(),
        Logins(),
        NameServices(),
        OddDirectories(),
        Packages(),
        RemoteTrust(),
        ShellHistory(),
        Ssh(),
        Startup(),
        Suid(),
        Systemd(),
        TemporaryExecutables(),
        WindowsEvents(),
        WindowsPrograms(),
        WindowsRegistry(),
        WindowsTasks(),
        WebShell(shells),
        # After the scripts, so that all of them are known when it concludes.
        WebLogs(shells),
    ]


def content_checks() -> list[Check]:
    """Checks of the second pass, which reads every file and so is what a deadline cuts."""
    return [Yara(), Initramfs()]
