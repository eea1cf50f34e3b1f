# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every bound of the analysis in one place. What is cut by one of them is named in `notLookedAt`, never dropped silently."""

import time

MEBIBYTE = 1024 * 1024

#: Bytes read at once while a device is hashed.
HASH_BLOCK_BYTES = 4 * MEBIBYTE
#: The evidence is hashed in blocks of this size as well: the block size of an EBS snapshot.
EVIDENCE_BLOCK_BYTES = 512 * 1024
#: Text artefacts that are needed in one piece (scripts, units) are read up to here; what is longer is named as cut.
TEXT_BYTES = 16 * MEBIBYTE
#: Text artefacts that are read line by line (histories, crontabs, keys, logs) are read up to here; what is longer is named as cut.
STREAM_BYTES = 512 * MEBIBYTE
#: Lines longer than this come in overlapping pieces, so that a pattern sees all of them and never an endless one.
LINE_BYTES = 4096
LINE_OVERLAP_BYTES = 1024
#: Characters of one log message that are kept.
LINE_CHARACTERS = 4096
#: Large files are read in windows of this size, each overlapping the one before it.
WINDOW_BYTES = 32 * MEBIBYTE
WINDOW_OVERLAP_BYTES = 1 * MEBIBYTE
#: Log files (secure, auth.log, wtmp, btmp) are read up to here.
LOG_BYTES = 64 * MEBIBYTE
#: One journald file.
JOURNAL_BYTES = 256 * MEBIBYTE
#: Journal entries read in all.
JOURNAL_ENTRIES = 200_000
#: Records of one log-in database.
LOGIN_RECORDS = 200_000
#: Log-in records that become timeline events.
LOGIN_EVENTS = 20_000
#: One registry hive, and one of its transaction logs; values taken of a hive; of one value; keys below each other.
HIVE_BYTES = 512 * MEBIBYTE
HIVE_VALUES = 100_000
HIVE_DATA_BYTES = 16 * 1024
HIVE_DEPTH = 32
#: One Windows event log, and what is kept of one of its values (a block of PowerShell is up to 32 KiB).
EVENT_LOG_BYTES = 1024 * MEBIBYTE
EVENT_CHARACTERS = 40_000
#: Content of one file that YARA sees at most, in windows; sparse parts do not count.
YARA_FILE_BYTES = 8 * 1024 * MEBIBYTE
#: Files handed to a scanning process at once, and bytes after which such a batch ends.
SCAN_BATCH_FILES = 200
SCAN_BATCH_BYTES = 64 * MEBIBYTE
#: Seconds one YARA scan may take.
YARA_SECONDS = 20
#: Seconds for the free space of one file system.
FREE_SPACE_SECONDS = 900.0
#: Seconds for the deleted files of one file system by its journal; content of one that is looked at; of how many the timeline tells.
DELETED_SECONDS = 300.0
DELETED_BYTES = 64 * MEBIBYTE
DELETED_EVENTS = 20_000
#: Content of one initial RAM disk, unpacked.
INITRAMFS_BYTES = 2 * 1024 * MEBIBYTE
#: Findings one check may report over the whole run, by severity: a flood of small ones takes no room from grave ones.
FINDINGS_PER_CHECK = {"critical": 5000, "high": 2000, "medium": 500, "low": 200, "informational": 200}
#: Findings in the first look, the gravest.
FIRST_LOOK_FINDINGS = 500
#: Characters of an excerpt.
EVIDENCE_CHARACTERS = 2000
#: Characters of a path in its display form.
PATH_CHARACTERS = 4096
#: Seconds without a step after which the reading of a file system counts as hanging (supervisor.py). More than any one check may take.
QUIET_SECONDS = 600.0
#: Seconds for one batch of files that a process scans, after which it counts as hanging.
BATCH_SECONDS = 1800.0
#: Directories below the root of a file system.
DEPTH = 200
#: Symbolic links followed, inside the tree, to reach one artefact: as many as the kernel follows (MAXSYMLINKS), or the victim reads what we do not.
LINKS = 40
#: Entries looked at again under the well-known path of a directory that is a link.
LINKED_ENTRIES = 200_000
#: Roots below the top of one file system: every container layer is one.
ROOTS = 10_000
#: Names read from one directory.
DIRECTORY_ENTRIES = 1_000_000
#: Partitions read from one table; GPT's own tools make room for 128, and more on demand.
PARTITIONS = 4096
#: Logical volumes read from one group.
LOGICAL_VOLUMES = 4096
#: Tables and groups inside each other.
LAYERS = 4
#: Places at which file systems are looked for in what no table owns.
PROBES = 20_000
#: Regions of a disk listed in summary.json; the gravest are kept.
REGIONS = 1000
#: Start of an LVM physical volume in which its metadata is looked for; LVM itself gives it one MiB.
LVM_METADATA_BYTES = 16 * MEBIBYTE
#: Metadata of LVM or md that is taken for such at most. Either says itself how much it is: what lies beyond must be zeros, or is judged.
METADATA_BYTES = 1 * MEBIBYTE
#: Distinct things listed in `notLookedAt`.
NOT_LOOKED_AT = 500
#: The acquisition volume: one line of its JSON lines, processes and sockets that are kept of it, and files of it that are listed.
VOLATILE_LINE_BYTES = 32 * MEBIBYTE
VOLATILE_PROCESSES = 100_000
VOLATILE_SOCKETS = 500_000
VOLATILE_FILES = 20_000
#: Its parser's time and memory.
VOLATILE_SECONDS = 600.0
VOLATILE_MEMORY = 2048 * MEBIBYTE
#: Its manifest.
VOLATILE_MANIFEST_BYTES = 16 * MEBIBYTE
#: One block of a memory image: AVML writes at most 16 MiB.
MEMORY_BLOCK_BYTES = 64 * MEBIBYTE
#: Timeline events held in memory before they are sorted into a file.
TIMELINE_CHUNK = 100_000


class Deadline:
    """The time the analysis may take. Hashing the evidence does not count: it always runs to its end."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, 0 once the time is over."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """True once the time is over."""
        return time.monotonic() >= self._end
