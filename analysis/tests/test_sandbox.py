# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a parser of hostile content can still do."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clean_room_analysis.isolated import confinement, run_isolated


def attempts(*actions: Callable[[], object]) -> list[str]:
    """What each action ends in, in a confined process: "done" or the name of the error."""

    def tried() -> Iterator[str]:
        for action in actions:
            try:
                action()
                yield "done"
            except OSError as error:
                yield type(error).__name__

    return list(run_isolated(tried, 20))


def test_a_parser_reads_and_leaves_content_as_it_is(tmp_path: Path) -> None:
    """Without Landlock, too: no byte is written."""
    target = tmp_path / "new"
    tmp_path.chmod(0o777)
    assert attempts(Path(__file__).read_text, lambda: target.write_text("x"))[0] == "done"
    assert not target.exists() or target.read_text() == ""


def test_the_summary_says_of_landlock_what_a_parser_finds(tmp_path: Path) -> None:
    """Where the kernel has it, nothing is made, removed, changed or run; where it has not, the summary does not say so."""
    tmp_path.chmod(0o777)
    old = tmp_path / "old"
    old.write_text("as it was")
    old.chmod(0o666)
    made = attempts(
        lambda: (tmp_path / "new").touch(),
        lambda: (tmp_path / "directory").mkdir(),
        lambda: (tmp_path / "link").symlink_to("x"),
        lambda: old.unlink(),
        lambda: old.write_text("changed"),
    )
    is_held = made == ["PermissionError"] * 5
    assert is_held == (confinement()["landlockVersion"] != 0)
    if is_held:
        assert [one.name for one in tmp_path.iterdir()] == ["old"] and old.read_text() == "as it was"
        assert attempts(lambda: os.execv("/bin/true", ["true"])) == ["PermissionError"]


def test_a_parser_reaches_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        reached = attempts(lambda: socket.create_connection(address, timeout=2))
    force = confinement()
    assert reached != ["done"] or not (force["ownNetworkNamespace"] or int(str(force["landlockVersion"])) >= 4)


def test_only_what_holds_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that refuses, as in many a container: nothing is claimed."""
    monkeypatch.setattr("clean_room_analysis.isolated.confine", lambda memory: None)
    assert confinement() == {"landlockVersion": 0, "ownNetworkNamespace": False, "unprivilegedUser": os.geteuid() != 0}
