# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs a parser in a process of its own, with bounded memory and time: formats with links and compression can be made to
loop or to swell, and a parser that was not written for hostile input must not take the analysis with it."""

from clean_room_analysis.errors import cause_of
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import TypeVar

from clean_room_analysis import limits
from clean_room_analysis.progress import beat
from clean_room_analysis.sandbox import UNCONFINED, confine, in_force, network_namespace

Row = TypeVar("Row")
_BATCH = 500


class IsolatedError(Exception):
    """The parser failed, ran out of memory or out of time; what it gave until then was used."""


def _child(function: Callable[[], Iterator[Row]], sending: Connection, memory: int) -> None:
    confine(memory)
    batch: list[Row] = []
    error: str | None = None
    try:
        for row in function():
            batch.append(row)
            if len(batch) >= _BATCH:
                sending.send((batch, False, None))
                batch = []
    except MemoryError:
        error = "it needs more memory than it may have"
    except Exception as failure:  # any failure of a parser is data for the parent
        error = cause_of(failure)[:300]
    sending.send((batch, True, error))


def run_isolated(function: Callable[[], Iterator[Row]], seconds: float, memory: int = 1024 * limits.MEBIBYTE) -> Iterator[Row]:
    """Yields what `function` yields in a forked process.

    @param seconds time after which the process is killed
    @param memory bytes of address space it may use beyond what it starts with
    @raises IsolatedError at the end, when it did not end well
    """
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(function, sending, memory), daemon=True)
    process.start()
    sending.close()
    end = time.monotonic() + seconds
    try:
        while True:
            # In steps: that this process waits, and for how long at most, is known.
            while not receiving.poll(min(10.0, max(0.0, end - time.monotonic()))):
                beat()
                if time.monotonic() >= end:
                    raise IsolatedError(f"stopped after {seconds:.0f} seconds")
            try:
                batch, last, error = receiving.recv()
            except EOFError:
                raise IsolatedError("the process ended without a word, perhaps for want of memory") from None
            yield from batch
            if error is not None:
                raise IsolatedError(error)
            if last:
                return
    finally:
        process.kill()
        process.join()
        receiving.close()


def confinement() -> dict[str, object]:
    """How parsers are confined on this machine, as a parser's process finds it when it tries. For the summary."""
    outside = network_namespace()
    try:
        return next(run_isolated(lambda: iter([in_force(outside)]), 20))
    except (IsolatedError, StopIteration):
        return dict(UNCONFINED)
