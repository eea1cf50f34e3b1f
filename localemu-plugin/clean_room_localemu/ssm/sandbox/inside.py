"""The first process of the namespaces: makes them an instance, runs the script. All its processes end with it."""

import fcntl
import os
import socket
import struct
import subprocess
import sys

from .request import Request

_BY_ID = "/dev/disk/by-id"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def main() -> int:
    """The script's exit code. The argument is the socket that takes the listener out."""
    request = Request.from_line(sys.stdin.buffer.readline())
    _show_devices(request.devices)
    _protect_files(request.directory)
    _raise_loopback()
    _hand_out_listener(int(sys.argv[1]), request.port)
    if request.before:
        subprocess.run(
            ["/bin/sh", request.before],
            cwd="/run",
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    done = subprocess.run(request.command, env=request.environment, cwd=request.directory, stdin=subprocess.DEVNULL)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _show_devices(devices: dict[str, str]) -> None:
    """Where udev shows the volumes of a Nitro instance. A machine without udev gets an empty folder to mount upon."""
    os.makedirs(_BY_ID, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=1m", "clean-room", _BY_ID], check=True)
    for name, device in devices.items():
        os.symlink(device, os.path.join(_BY_ID, name))


def _protect_files(directory: str) -> None:
    """The files of this machine cannot be changed; the script's own folder can, and an empty /run, where mount keeps its notes."""
    for arguments in (["--bind", directory, directory], ["-t", "tmpfs", "clean-room", "/run"], ["-o", "remount,bind,ro", "/"]):
        subprocess.run(["mount", *arguments], check=True)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack_from("16sh", fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0)))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def _hand_out_listener(descriptor: int, port: int) -> None:
    with socket.socket(fileno=descriptor) as way_out, socket.create_server(("127.0.0.1", port)) as listener:
        socket.send_fds(way_out, [b"."], [listener.fileno()])


if __name__ == "__main__":
    sys.exit(main())
