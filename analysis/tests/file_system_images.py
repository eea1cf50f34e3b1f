# SPDX-License-Identifier: AGPL-3.0-or-later
"""Makes file systems of many features, fills them with what is hard to read, and lists what the kernel says they hold.

`python analysis/tests/file_system_images.py` as root writes the small images in tests/data/file-systems, each with the kernel's list,
so that machines that may not mount compare as well.
"""

import contextlib
import functools
import hashlib
import json
import lzma
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data/file-systems"
MEBIBYTE = 1024 * 1024
#: Name, size in MiB, command (the image is appended), kind.
FEATURES: tuple[tuple[str, int, tuple[str, ...], str], ...] = (
    ("ext2", 8, ("mkfs.ext2", "-q", "-F"), "ext4"),
    ("ext2-old", 8, ("mkfs.ext2", "-q", "-F", "-r", "0"), "ext4"),
    ("ext3", 12, ("mkfs.ext3", "-q", "-F"), "ext4"),
    ("ext4", 12, ("mkfs.ext4", "-q", "-F"), "ext4"),
    ("ext4-4k", 24, ("mkfs.ext4", "-q", "-F", "-b", "4096"), "ext4"),
    ("ext4-inode128", 12, ("mkfs.ext4", "-q", "-F", "-I", "128"), "ext4"),
    ("ext4-inode512", 12, ("mkfs.ext4", "-q", "-F", "-I", "512"), "ext4"),
    ("ext4-inode1024-inline", 12, ("mkfs.ext4", "-q", "-F", "-I", "1024", "-O", "inline_data"), "ext4"),
    ("ext4-inline", 12, ("mkfs.ext4", "-q", "-F", "-O", "inline_data"), "ext4"),
    ("ext4-meta_bg", 40, ("mkfs.ext4", "-q", "-F", "-O", "meta_bg,^resize_inode"), "ext4"),
    (
        "ext4-meta_bg-two-copies",
        40,
        ("mkfs.ext4", "-q", "-F", "-b", "1024", "-g", "1024", "-O", "meta_bg,^resize_inode,sparse_super2"),
        "ext4",
    ),
    ("ext4-bigalloc", 24, ("mkfs.ext4", "-q", "-F", "-O", "bigalloc", "-C", "16384"), "ext4"),
    ("ext4-32bit", 12, ("mkfs.ext4", "-q", "-F", "-O", "^64bit,^metadata_csum"), "ext4"),
    ("ext4-no-extents", 12, ("mkfs.ext4", "-q", "-F", "-O", "^extents,^64bit,^metadata_csum"), "ext4"),
    ("ext4-ea_inode", 12, ("mkfs.ext4", "-q", "-F", "-O", "ea_inode"), "ext4"),
    ("ext4-no-filetype", 12, ("mkfs.ext4", "-q", "-F", "-O", "^filetype"), "ext4"),
    ("ext4-no-index", 12, ("mkfs.ext4", "-q", "-F", "-O", "^dir_index"), "ext4"),
    ("ext4-few-inodes", 12, ("mkfs.ext4", "-q", "-F", "-N", "1024"), "ext4"),
    ("xfs", 320, ("mkfs.xfs", "-q", "-f"), "xfs"),
    ("xfs-v4", 320, ("mkfs.xfs", "-q", "-f", "-m", "crc=0"), "xfs"),
    ("xfs-big-directories", 320, ("mkfs.xfs", "-q", "-f", "-n", "size=16384"), "xfs"),
    ("xfs-1k", 320, ("mkfs.xfs", "-q", "-f", "-b", "size=1024"), "xfs"),
    ("xfs-no-bigtime", 320, ("mkfs.xfs", "-q", "-f", "-m", "bigtime=0"), "xfs"),
    ("xfs-inode2048", 320, ("mkfs.xfs", "-q", "-f", "-i", "size=2048"), "xfs"),
    ("xfs-rmapbt", 320, ("mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=1"), "xfs"),
    ("xfs-nrext64", 320, ("mkfs.xfs", "-q", "-f", "-i", "nrext64=1"), "xfs"),
    ("btrfs", 120, ("mkfs.btrfs", "-q", "-f"), "btrfs"),
    ("btrfs-mixed", 24, ("mkfs.btrfs", "-q", "-f", "--mixed"), "btrfs"),
)
#: Of these the images travel with the tests.
SHIPPED = (
    "ext2-old",
    "ext4",
    "ext4-inode1024-inline",
    "ext4-meta_bg",
    "ext4-no-extents",
    "ext4-few-inodes",
    "xfs",
    "xfs-big-directories",
    "btrfs-mixed",
)


def populate(root: Path) -> None:
    """Fills a mounted file system with what its readers get wrong."""
    many = root / "many"
    many.mkdir()
    for index in range(700):
        (many / f"a name of some length so that directories grow {index:04d}").write_bytes(b"")
    exact = root / "exact"
    exact.mkdir()
    for index in range(90):
        (exact / f"{index:04d}").write_bytes(b"x" * index)  # entries of 12 bytes, files that fit into inodes and do not
    (root / "etc/cron.d").mkdir(parents=True)
    (root / "etc/cron.d/job").write_bytes(b"* * * * * root true\n")
    os.link(root / "etc/cron.d/job", root / "etc/second-name")
    os.symlink("cron.d/job", root / "etc/link")
    os.symlink("/" + "long/" * 60 + "target", root / "etc/long-link")
    with contextlib.suppress(OSError):
        os.symlink("t" * 900, root / "etc/very-long-link")
    with open(root / "sparse", "wb") as handle:
        handle.seek(3_000_000)
        handle.write(b"end")
    with open(root / "holes", "wb") as handle:
        for place in (0, 20_000, 300_000, 1_200_000):
            handle.seek(place)
            handle.write(os.urandom(1500) if place else b"start" * 300)
        handle.truncate(1_500_000)
    with open(root / "reserved", "wb") as handle, contextlib.suppress(OSError):
        os.posix_fallocate(handle.fileno(), 0, 200_000)
        handle.seek(100_000)
        handle.write(b"written")
    (root / "owner").write_bytes(b"")
    os.chown(root / "owner", 70_000, 4_000_000_000)
    for year, seconds in (("1930", -1_262_304_000), ("1965", -157_766_400), ("2040", 2_208_988_800), ("2150", 5_680_281_600)):
        (root / year).write_bytes(b"")
        with contextlib.suppress(OSError):
            os.utime(root / year, ns=(seconds * 10**9 + 123_456_789, seconds * 10**9 + 987_654_321))
    for name, size in (("small", 20), ("large", 700)):
        (root / name).write_bytes(b"attributes")
        with contextlib.suppress(OSError):
            os.setxattr(root / name, "user.note", b"n" * size)
    with contextlib.suppress(OSError):  # CAP_SETUID, permitted and effective
        os.setxattr(root / "small", "security.capability", bytes.fromhex("0100000280000000000000000000000000000000"))
    os.mkfifo(root / "fifo")
    with contextlib.suppress(OSError):
        os.mknod(root / "device", stat.S_IFBLK | 0o600, os.makedev(8, 1))
    os.chmod(root / "small", 0o4755)
    (root / os.fsdecode(b"not utf-8 \xff\xfe")).write_bytes(b"1")
    (root / "line\nbreak").write_bytes(b"2")
    deep = root
    for index in range(30):
        deep = deep / f"d{index}"
    deep.mkdir(parents=True)
    (deep / "bottom").write_bytes(b"bottom")


def listing(root: str) -> dict[str, Any]:
    """What the kernel says a mounted file system holds, path to facts."""
    found: dict[str, Any] = {}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            facts: dict[str, Any] = {
                "mode": status.st_mode,
                "links": status.st_nlink,
                "user": status.st_uid,
                "group": status.st_gid,
                "modified": status.st_mtime_ns,
                "accessed": status.st_atime_ns,
                "changed": status.st_ctime_ns,
            }
            if stat.S_ISREG(status.st_mode):
                facts["size"] = status.st_size
                with open(path, "rb") as handle:
                    facts["sha256"] = hashlib.file_digest(handle, "sha256").hexdigest()
                for attribute in ("user.note", "security.capability"):
                    with contextlib.suppress(OSError):
                        facts[attribute] = os.getxattr(path, attribute).hex()
            elif stat.S_ISLNK(status.st_mode):
                facts["target"] = os.readlink(path)
            found[path[len(root) :]] = facts
    return found


@contextlib.contextmanager
def mounted(image: Path, options: str = "rw") -> Any:
    """The image, mounted by the kernel; needs root and loop devices."""
    run = functools.partial(subprocess.run, check=True, capture_output=True, text=True)
    device = run(["losetup", "--find", "--show", str(image)]).stdout.strip()
    try:
        run(["blockdev", "--setrw", device])  # a loop device keeps the read-only flag of an earlier life
        with tempfile.TemporaryDirectory() as directory:
            run(["mount", "-o", options, device, directory])
            try:
                yield directory
            finally:
                run(["umount", directory])
    finally:
        run(["losetup", "--detach", device])


def make(name: str, image: Path) -> dict[str, Any] | None:
    """Makes one of `FEATURES` in `image`. @returns the kernel's list; None where this machine cannot make or mount it"""
    _, size, command, _ = next(one for one in FEATURES if one[0] == name)
    if shutil.which(command[0]) is None:
        return None
    with open(image, "wb") as handle:
        handle.truncate(size * MEBIBYTE)
    try:
        subprocess.run([*command, str(image)], check=True, capture_output=True)
        with mounted(image) as root:
            populate(Path(root))
            if name.startswith("btrfs"):
                for subvolume in ("@", "@home", "@/snapshot"):
                    subprocess.run(["btrfs", "subvolume", "create", f"{root}/{subvolume}"], check=True, capture_output=True)
                    Path(root, subvolume, "inside").write_text(subvolume)
                subprocess.run(["btrfs", "subvolume", "set-default", f"{root}/@"], check=True, capture_output=True)
        with mounted(image, "ro,noatime,subvolid=5" if name.startswith("btrfs") else "ro,noatime") as root:
            return listing(root)
    except subprocess.CalledProcessError:
        return None


def main() -> None:
    """Writes the shipped images."""
    DATA.mkdir(parents=True, exist_ok=True)
    for name in SHIPPED:
        with tempfile.TemporaryDirectory() as directory:
            image = Path(directory) / "image"
            facts = make(name, image)
            if facts is None:
                sys.exit(f"{name} cannot be made here: root, loop devices and its mkfs are needed")
            (DATA / f"{name}.img.xz").write_bytes(lzma.compress(image.read_bytes(), preset=9))
            (DATA / f"{name}.json.xz").write_bytes(lzma.compress(json.dumps(facts, sort_keys=True).encode(), preset=9))
            print(name, (DATA / f"{name}.img.xz").stat().st_size, (DATA / f"{name}.json.xz").stat().st_size)


if __name__ == "__main__":
    main()
