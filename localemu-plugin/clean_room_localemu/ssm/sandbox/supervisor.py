"""Starts the script, stops it when told, and clears away."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace

from .loop_devices import loop_device
from .relay import serve
from .request import Request

_PR_SET_CHILD_SUBREAPER = 36
#: Puts a process into namespaces that end with it.
NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


def supervise() -> int:
    """The script's exit code, 137 when it was stopped."""
    request = Request.from_line(sys.stdin.buffer.readline())
    return _in_namespaces(request) if request.private else _as_plain_process(request)


def _in_namespaces(request: Request) -> int:
    # The first process of the PID namespace becomes our child when `unshare` is killed; waiting for it is waiting for all of them.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with ExitStack() as devices:
        inside = replace(request, devices={name: devices.enter_context(loop_device(image)) for name, image in request.devices.items()})
        ours, theirs = socket.socketpair()
        with ours:
            child = subprocess.Popen(
                [*NAMESPACES, sys.executable, "-m", f"{__package__}.inside", str(theirs.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            assert child.stdin
            child.stdin.write(inside.to_line())
            child.stdin.close()
            _kill_at_end_of_input(child.pid)
            listeners = socket.recv_fds(ours, 1, 1)[1]
        if listeners:
            threading.Thread(target=serve, args=(socket.socket(fileno=listeners[0]), request.port), daemon=True).start()
        return _wait_for_all(child.pid)


def _as_plain_process(request: Request) -> int:
    """The devices are links to the images, where the script is told to look for them."""
    folder = os.path.join(request.directory, "devices")
    os.mkdir(folder)
    for name, image in request.devices.items():
        os.symlink(image, os.path.join(folder, name))
    environment = {**request.environment, "CLEAN_ROOM_DEVICE_DIRECTORY": folder}
    child = subprocess.Popen(request.command, env=environment, cwd=request.directory, stdin=subprocess.DEVNULL, start_new_session=True)
    _kill_at_end_of_input(child.pid)
    code = child.wait()
    _kill_group(child.pid)
    return code if code >= 0 else 128 - code


def _kill_at_end_of_input(group: int) -> None:
    def watch() -> None:
        # Not through sys.stdin: its lock, held by a thread that never ends, would spoil our own end.
        os.read(sys.stdin.fileno(), 1)
        _kill_group(group)

    threading.Thread(target=watch, daemon=True).start()


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _wait_for_all(main: int) -> int:
    """Exit code of the main child, when the last child has ended."""
    code = 1
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return code
        if pid == main:
            code = os.waitstatus_to_exitcode(status)
            code = code if code >= 0 else 128 - code
