# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names and excerpts from a hostile disk."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.text import display_name, excerpt, lines, spreadsheet_cell

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


def test_lines_are_numbered_cut_and_counted() -> None:
    assert list(lines("a\r\nb")) == [(1, "a"), (2, "b")]
    assert len(next(iter(lines("x" * 10_000)))[1]) == 4096
    assert sum(1 for _ in lines("\n" * 100_000)) == 20_000
