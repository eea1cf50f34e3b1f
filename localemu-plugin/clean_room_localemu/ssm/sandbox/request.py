"""What LocalEmu tells the supervisor, and the supervisor the process inside the namespaces."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True)
class Request:
    """Paths are absolute."""

    #: The interpreter and the script.
    command: list[str]
    #: The script's current directory.
    directory: str
    environment: dict[str, str]
    #: Image file, or device inside the namespaces, by the name that /dev/disk/by-id has for the volume.
    devices: dict[str, str]
    #: Port of LocalEmu on the loopback interface.
    port: int
    #: In namespaces of its own, with block devices. Needs root.
    private: bool
    #: Shell script that starts what runs on the instance before any command; it ends, what it started goes on. None for nothing.
    before: str | None = None

    def to_line(self) -> bytes:
        """One line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Raises ValueError or TypeError for another line."""
        return cls(**json.loads(line))
