# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a parser of hostile content can still do."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clean_room_analysis.isolated import run_isolated
from clean_room_analysis.sandbox import in_force


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


@pytest.mark.skipif(in_force()["landlockVersion"] == 0, reason="this kernel has no Landlock")
def test_landlock_forbids_to_make_remove_change_and_run(tmp_path: Path) -> None:
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
        lambda: os.execv("/bin/true", ["true"]),
    )
    assert made == ["PermissionError"] * 6
    assert [one.name for one in tmp_path.iterdir()] == ["old"] and old.read_text() == "as it was"


def test_a_parser_reaches_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        reached = attempts(lambda: socket.create_connection(address, timeout=2))
    force = in_force()
    assert reached != ["done"] or not (force["ownNetworkNamespace"] or int(str(force["landlockVersion"])) >= 4)
