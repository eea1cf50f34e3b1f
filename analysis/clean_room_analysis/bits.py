# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs of clear bits in the bitmaps by which file systems keep what is free."""

from collections.abc import Iterator


def clear_bits(bits: bytes, count: int) -> Iterator[tuple[int, int]]:
    """Runs of clear bits as (first, how many)."""
    begun = -1
    for index in range(-(-count // 8)):
        value, places = bits[index], range(index * 8, min(index * 8 + 8, count))
        if value == 0xFF or (value == 0 and begun >= 0):  # whole bytes at once: most are
            if value and begun >= 0:
                yield begun, places.start - begun
                begun = -1
            continue
        for place in places:
            clear = not value >> (place % 8) & 1
            if clear and begun < 0:
                begun = place
            elif not clear and begun >= 0:
                yield begun, place - begun
                begun = -1
    if begun >= 0:
        yield begun, count - begun
