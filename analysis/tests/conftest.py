# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tests share: plain trees, the rehearsal's disk images, and a way to run one check."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples in every run, and no database of them in the repository.
settings.register_profile("repository", derandomize=True, database=None, deadline=None)  # a loaded machine is slow, not wrong
settings.load_profile("repository")

ANALYSIS = Path(__file__).resolve().parent.parent
REPOSITORY = ANALYSIS.parent
sys.path.insert(0, str(ANALYSIS))

from clean_room_analysis.checks.base import Check, Item, Result  # noqa: E402
from clean_room_analysis.model import Finding  # noqa: E402
from clean_room_analysis.mounted_tree import MountedTree  # noqa: E402

VOLUME = "vol-00000000000000001"
# The images are Brotli, which Node has built in and Python has not. Holes stay holes: zero blocks are not written.
_DECOMPRESS = """
const { createReadStream, openSync, writeSync, ftruncateSync } = require("node:fs");
const { createBrotliDecompress } = require("node:zlib");
const [source, target] = process.argv.slice(1);
const out = openSync(target, "w"), zero = Buffer.alloc(1 << 20);
let at = 0;
createReadStream(source).pipe(createBrotliDecompress({ chunkSize: 1 << 20 })).on("data", (part) => {
    if (!part.equals(zero.subarray(0, part.length))) writeSync(out, part, 0, part.length, at);
    at += part.length;
}).on("end", () => ftruncateSync(out, at)).on("error", (error) => { throw error; });
"""


class TreeMaker:
    """Makes a plain directory tree, as a mounted volume would show it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, path: str, content: str | bytes = b"", mode: int = 0o644) -> Path:
        """A file at an absolute path of the volume."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)
        return target

    def link(self, path: str, to: str) -> None:
        """A symbolic link, dangling or not."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(to)

    def results(self, check: Check, prefix: str = "") -> list[Result]:
        """Everything one check says about the tree."""
        tree = MountedTree(str(self.root), prefix)
        try:
            found: list[Result] = []
            for entry in tree.walk(lambda path, why: None):
                if check.wants(entry):
                    found += check.examine(Item(entry, tree, VOLUME))
            return [*found, *check.leave(tree), *check.conclude()]
        finally:
            tree.close()

    def findings(self, check: Check, prefix: str = "") -> list[Finding]:
        """The findings alone, without timeline events."""
        return [one for one in self.results(check, prefix) if isinstance(one, Finding)]


@pytest.fixture
def plain(tmp_path: Path) -> TreeMaker:
    """An empty tree to fill."""
    root = tmp_path / "volume"
    root.mkdir()
    return TreeMaker(root)


@pytest.fixture(scope="session")
def ground_truth() -> dict[str, Any]:
    """What was planted on the rehearsal's disks."""
    return json.loads((REPOSITORY / "rehearsal/disks/ground-truth.json").read_text())


@pytest.fixture(scope="session")
def disks(tmp_path_factory: pytest.TempPathFactory, ground_truth: dict[str, Any]) -> dict[str, Path]:
    """The rehearsal's images, name to raw file. Nobody writes to them."""
    directory = tmp_path_factory.mktemp("disks")
    bundled = REPOSITORY / "node_modules/.bin/node"
    node = str(bundled) if bundled.exists() else shutil.which("node")
    assert node, "Node is needed to unpack the committed disk images: run npm ci in the repository"
    made: dict[str, Path] = {}
    for image in ground_truth["images"]:
        target = directory / f"{image['name']}.img"
        subprocess.run([node, "-e", _DECOMPRESS, str(REPOSITORY / "rehearsal/disks" / image["file"]), str(target)], check=True)
        with target.open("rb") as handle:
            assert hashlib.file_digest(handle, "sha256").hexdigest() == image["sha256"]
        target.chmod(0o444)
        made[image["name"]] = target
    return made


@pytest.fixture
def work_copies(disks: dict[str, Path], tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Writable copies, as work volumes are."""
    copies = {name: tmp_path / f"{name}-work.img" for name in disks}
    for name, copy in copies.items():
        subprocess.run(["cp", "--sparse=always", "--no-preserve=mode", str(disks[name]), str(copy)], check=True)
    yield copies
    for copy in copies.values():
        copy.unlink()


def can_mount(kind: str) -> bool:
    """Whether this process may mount this kind of file system through a loop device."""
    return os.geteuid() == 0 and os.path.exists("/dev/loop-control") and kind in Path("/proc/filesystems").read_text().split()


@pytest.fixture
def mountable() -> Callable[[str], bool]:
    """`can_mount`, for tests."""
    return can_mount
