# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast the analysis is, against bare tools in the same run: `npm run bench:analysis` (root, loop devices, mkfs.ext4).

Makes an ext4 image of generated files (or takes `--tree DIRECTORY`), then measures SHA-256 of the image plus one YARA pass over its
files, one after the other, and the whole analysis of the same image, each with a cold page cache where that may be dropped.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ANALYSIS = Path(__file__).resolve().parent
sys.path.insert(0, str(ANALYSIS))

import yara_x  # noqa: E402

from clean_room_analysis.rule_bundle import compile_rules  # noqa: E402

MEBIBYTE = 1024 * 1024
#: Of the disk that the forensic instance keeps results on (functions/startForensicInstance.ts).
RESULTS_GIBIBYTES = 64
#: Of files that are not empty, in bytes: each takes a block of 4 KiB of the image.
SMALLEST_AVERAGE = 2048


def run(*command: str) -> str:
    """Output of a command that must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def mounted(image: Path, options: str) -> Iterator[Path]:
    """The image through a loop device."""
    device = run("losetup", "--find", "--show", str(image))
    try:
        run("blockdev", "--setrw", device)
        with tempfile.TemporaryDirectory() as directory:
            run("mount", "-o", options, device, directory)
            try:
                yield Path(directory)
            finally:
                run("umount", directory)
    finally:
        run("losetup", "--detach", device)


def generate(root: Path, files: int, mebibytes: int) -> None:
    """Files of the sizes of a system: most are small, a few are large; half text, half not. Where there are too many for that, most are empty."""
    chance = random.Random(20261128)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz0123456789_(){};= ", k=60)) + b"\n" for _ in range(2000)]
    noise = chance.randbytes(4 * MEBIBYTE)
    now = time.time_ns()
    average = max(mebibytes * MEBIBYTE // files, SMALLEST_AVERAGE)
    # Spread evenly: what stands beside each other in a directory is like what stands elsewhere.
    filled = mebibytes * MEBIBYTE / files / average
    for index in range(files):
        directory = root / f"usr/lib/p{index // 2000}/d{index // 40 % 50}"
        if index % 40 == 0:
            directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"f{index}"
        if int(index * filled) == int((index + 1) * filled):
            path.touch()
            os.utime(path, ns=(now - index * 1_000_000, now - index * 1_000_000_000))
            continue
        size = min(int(chance.paretovariate(1.2) * average / 6), 64 * MEBIBYTE)
        if index % 2:
            content = (
                b"".join(chance.choices(words, k=size // 61 + 1))[:size]
                if size < MEBIBYTE
                else (words[index % 2000] * (size // 61 + 1))[:size]
            )
        else:
            start = chance.randrange(MEBIBYTE)
            content = (noise[start : start + size] if size < 3 * MEBIBYTE else noise * (size // len(noise) + 1))[:size]
        path.write_bytes(content)
        # Each was read, written and made at another time: three events of the timeline.
        os.utime(path, ns=(now - index * 1_000_000, now - index * 1_000_000_000))


def cold() -> None:
    """Drops the page cache, so that each measurement reads from the disk."""
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3\n")


def bare(image: Path, work: Path) -> dict[str, float]:
    """SHA-256 of one copy, then YARA over the files of the other, by one process and nothing else."""
    own = _processor(resource.RUSAGE_SELF)
    cold()
    began = time.monotonic()
    with image.open("rb") as handle:
        hashlib.file_digest(handle, "sha256")
    hashed = time.monotonic() - began
    # The other copy, as the analysis does: evidence and work are two volumes, and what was hashed is not in memory when files are read.
    cold()
    began = time.monotonic()
    scanner, files, size = yara_x.Scanner(compile_rules().rules), 0, 0
    with mounted(work, "ro,noload") as root:
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                if not os.path.islink(path) and os.path.isfile(path):
                    content = Path(path).read_bytes()
                    files, size = files + 1, size + len(content)
                    scanner.scan(content)
    return {
        "files": files,
        "bytes": size,
        "bareSha256Seconds": round(hashed, 2),
        "bareYaraSeconds": round(time.monotonic() - began, 2),
        "bareProcessorSeconds": round(_processor(resource.RUSAGE_SELF) - own, 2),
    }


def _processor(whose: int) -> float:
    """Processor seconds so far; unlike those of a clock they are much the same on a machine that does much beside."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def most_used(disk: Path) -> Iterator[list[int]]:
    """The most bytes used of a disk while the block runs: scratch files have no name, so that only the disk knows of them."""
    used, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            of = os.statvfs(disk)
            used[0] = max(used[0], (of.f_blocks - of.f_bfree) * of.f_frsize)

    before = os.statvfs(disk)
    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield used
    finally:
        ended.set()
        thread.join()
        used[0] -= (before.f_blocks - before.f_bfree) * before.f_frsize


def analysed(image: Path, work: Path, disk: Path) -> dict[str, Any]:
    """The whole analysis, cold, its results on a disk of the size that the forensic instance has for them."""
    out = disk / "out"
    cold()
    began, before = time.monotonic(), _processor(resource.RUSAGE_CHILDREN)
    with most_used(disk) as used:
        done = subprocess.run(
            [sys.executable, "-m", "clean_room_analysis", "--evidence", image, "--work", work, "--role", "data", "--out", out],
            cwd=ANALYSIS,
            check=False,
            stdout=sys.stderr,
        )
        wall = time.monotonic() - began
    processor = _processor(resource.RUSAGE_CHILDREN) - before
    summary = json.loads((out / "summary.json").read_text())
    entries = sum(one["filesSeen"] for one in summary["volumes"][0]["fileSystems"])
    return {
        "analysisSeconds": round(wall, 2),
        "analysisProcessorSeconds": round(processor, 2),
        "firstLookSeconds": summary["firstLookSeconds"],
        "entries": entries,
        "entriesASecond": round(entries / wall),
        "entriesAProcessorSecond": round(entries / processor),
        "timelineEvents": summary["timelineEvents"],
        "largestProcessMebibytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "outputMebibytes": sum(one.stat().st_size for one in out.iterdir()) // MEBIBYTE,
        "resultsDiskMebibytes": used[0] // MEBIBYTE,
        "exitCode": done.returncode,
        "notLookedAt": [f"{one['what']}: {one['why']}" for one in summary["notLookedAt"]],
    }


def main() -> None:
    """Prints the measurements as JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tree", help="a directory to copy into the image in place of generated files")
    arguments.add_argument("--files", type=int, default=20_000)
    arguments.add_argument("--mebibytes", type=int, default=800)
    arguments.add_argument(
        "--alone", action="store_true", help="without the bare tools: what millions of files take is compared with what fewer take"
    )
    arguments.add_argument("--scratch", help="where the images are kept while it runs (default: the temporary directory)")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        image, work, results = (Path(scratch, name) for name in ("disk.img", "work.img", "results.img"))
        needed = int(run("du", "-sm", given.tree).split()[0]) if given.tree else given.mebibytes
        with image.open("wb") as handle:
            # Of each file: an inode of 256 bytes, its name, and half a block that stays empty.
            handle.truncate((needed * 3 // 2 + 512) * MEBIBYTE + (0 if given.tree else given.files * 2560))
        inodes = ("-i", "8192") if given.tree else ("-N", str(given.files + given.files // 10 + 10_000))
        run("mkfs.ext4", "-q", "-F", *inodes, str(image))
        with mounted(image, "rw") as root:
            if given.tree:
                run("cp", "-a", given.tree, str(root))
            else:
                generate(root, given.files, given.mebibytes)
        run("cp", "--sparse=always", str(image), str(work))
        compared = {} if given.alone else bare(image, work)
        with results.open("wb") as handle:
            handle.truncate(RESULTS_GIBIBYTES * 1024 * MEBIBYTE)
        run("mkfs.ext4", "-q", "-F", str(results))
        with mounted(results, "rw") as disk:
            measured = analysed(image, work, disk)
        if compared:
            seconds = compared["bareSha256Seconds"] + compared["bareYaraSeconds"]
            compared["ratio"] = round(measured["analysisSeconds"] / seconds, 2)
            compared["processorRatio"] = round(measured["analysisProcessorSeconds"] / compared["bareProcessorSeconds"], 2)
        print(
            json.dumps(
                {
                    "cores": len(os.sched_getaffinity(0)),
                    "load": os.getloadavg()[0],
                    "imageMebibytes": image.stat().st_size // MEBIBYTE,
                    **compared,
                    **measured,
                },
                indent=2,
            )
        )


if __name__ == "__main__":
    main()
