# SPDX-License-Identifier: AGPL-3.0-or-later
"""Counts how many scripts below a folder the web shell check takes for web shells (medium or worse): recall over a collection of web
shells, false positives over clean software. Run it outside the project: collections hold real malware. docs/analysis.md, "Recall".

    python measure_web_shells.py FOLDER [--list-hits | --list-misses]
"""

import argparse
import os
from collections import Counter

from clean_room_analysis import limits
from clean_room_analysis.checks.web_shell import judge
from clean_room_analysis.model import Severity
from clean_room_analysis.text import decode

_EXTENSIONS = ("php", "jsp", "jspx", "aspx", "ashx", "asp", "py", "js", "mjs", "cjs", "pl", "cgi", "sh", "cfm")


def main() -> None:
    """Prints a line for each extension: hits, files, per cent."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder")
    arguments.add_argument("--list-hits", action="store_true")
    arguments.add_argument("--list-misses", action="store_true")
    given = arguments.parse_args()
    files: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    for directory, _, names in os.walk(given.folder):
        for name in sorted(names):
            path = os.path.join(directory, name)
            extension = name.rpartition(".")[2].lower()
            if extension not in _EXTENSIONS or os.path.islink(path):
                continue
            with open(path, "rb") as handle:
                found = judge(f"/var/www/html/{os.path.relpath(path, given.folder)}", decode(handle.read(limits.TEXT_BYTES)))
            hit = found is not None and found[0] in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
            files[extension] += 1
            hits[extension] += hit
            if given.list_hits if hit else given.list_misses:
                print(path, found)
    for extension, count in files.most_common():
        print(f"{extension}: {hits[extension]} of {count} ({100 * hits[extension] / count:.1f} %)")


if __name__ == "__main__":
    main()
