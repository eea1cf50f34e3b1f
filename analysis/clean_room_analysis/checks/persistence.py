# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judges a command that the system runs by itself (a job, a unit, a start-up script), where more stands out than in a shell."""

import re

from clean_room_analysis.checks.commands import Suspicion, rank, suspicions
from clean_room_analysis.checks.places import hidden_path_in, temporary_path_in
from clean_room_analysis.model import Severity

#: A script that tests, makes or remembers a temporary file does what scripts do.
_MENTION = re.compile(r"\bmktemp\b|(?:^|\s)(?:\[\[?|test)\s|^\s*(?:export\s+|local\s+|readonly\s+)?\w{1,64}=[\"']?/")


def persistent_suspicions(command: str, attack: str) -> tuple[Suspicion, ...]:
    """What stands out about a command that runs unattended, worst first.

    @param attack the technique of the place it was found in, for programs in odd directories
    """
    found = list(suspicions(command))
    temporary = temporary_path_in(command)
    if temporary is not None:
        severity = Severity.LOW if _MENTION.search(command) else Severity.HIGH
        found.append(Suspicion(severity, "names a path in a temporary directory", attack))
    elif hidden_path_in(command) is not None:
        found.append(Suspicion(Severity.HIGH, "names a hidden path", attack))
    return tuple(sorted(found, key=lambda one: rank(one.severity)))
