# SPDX-License-Identifier: AGPL-3.0-or-later
"""What dissect reads from a raw image is what the kernel says of it: names, owners, times, attributes and content."""

import hashlib
import json
import lzma
import stat
from pathlib import Path
from typing import Any

import file_system_images as images
import pytest
from conftest import can_mount

from clean_room_analysis.model import Entry
from clean_room_analysis.partitions import identify, part_of
from clean_room_analysis.raw_tree import RawTree


def raw_listing(image: Path, kind: str) -> dict[str, Any]:
    """As `file_system_images.listing`, by way of the raw image."""
    skipped: list[tuple[str, str]] = []
    found: dict[str, Any] = {}
    with image.open("rb") as handle:
        region = identify(handle, 0, image.stat().st_size)
        assert region.type == kind and region.declared is not None and region.declared <= region.size
        tree = RawTree(part_of(handle, region), region.type)
        for entry in tree.walk(lambda path, why: skipped.append((path, why))):
            found[entry.path] = facts_of(tree, entry)
    assert skipped == []
    return found


def facts_of(tree: RawTree, entry: Entry) -> dict[str, Any]:
    """What the kernel's list has of one entry."""
    facts: dict[str, Any] = {name: getattr(entry, name) for name in ("mode", "links", "user", "group", "modified", "accessed", "changed")}
    if entry.is_file:
        facts["size"] = entry.size
        with tree.open(entry.path) as handle:
            content = handle.read()
        facts["sha256"] = hashlib.sha256(content).hexdigest()
        for name in ("user.note", "security.capability"):
            value = tree.attribute(entry.path, name)
            if value is not None:
                facts[name] = value.hex()
    elif entry.is_link:
        facts["target"] = tree.link_target(entry.path)
    return facts


def compare(image: Path, kind: str, expected: dict[str, Any]) -> None:
    """The two lists are the same, but for what a kind of file system does not record for directories."""
    found = raw_listing(image, kind)
    assert sorted(found) == sorted(expected)
    for path, facts in expected.items():
        if kind == "btrfs" and stat.S_ISDIR(facts["mode"]):
            facts = {**facts, "links": found[path]["links"]}
        assert found[path] == facts, path


@pytest.mark.parametrize("name", images.SHIPPED)
def test_shipped_images_read_as_the_kernel_read_them(name: str, tmp_path: Path) -> None:
    kind = next(one[3] for one in images.FEATURES if one[0] == name)
    image = tmp_path / "image"
    image.write_bytes(lzma.decompress((images.DATA / f"{name}.img.xz").read_bytes()))
    compare(image, kind, json.loads(lzma.decompress((images.DATA / f"{name}.json.xz").read_bytes())))
    image.unlink()


@pytest.mark.parametrize("name", [one[0] for one in images.FEATURES])
def test_every_feature_set_that_can_be_made_here(name: str, tmp_path: Path) -> None:
    """As root, with loop devices and the mkfs programs; elsewhere the shipped images stand for them, and this says so."""
    kind = next(one[3] for one in images.FEATURES if one[0] == name)
    expected = images.make(name, tmp_path / "image") if can_mount(kind) else None
    if expected is None:
        print(f"{name} cannot be made or mounted on this machine: the shipped images were compared")
        assert (images.DATA / "ext4.img.xz").exists()
        return
    compare(tmp_path / "image", kind, expected)
    (tmp_path / "image").unlink()
