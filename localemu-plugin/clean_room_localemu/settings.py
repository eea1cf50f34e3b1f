"""What the launcher tells this plug-in, through the environment."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Paths are absolute; the state directory belongs to this LocalEmu alone."""

    state_directory: Path
    call_log_file: Path
    #: When the functions themselves sent each call and had its answer.
    exchange_log_file: Path
    node: Path
    #: End when the launcher's end of standard input closes, so that nothing outlives the launcher.
    end_with_launcher: bool


@cache
def settings() -> Settings:
    """Raises KeyError with the variable's name when LocalEmu was started otherwise than by our launcher."""
    return Settings(
        state_directory=Path(os.environ["CLEAN_ROOM_STATE_DIRECTORY"]),
        call_log_file=Path(os.environ["CLEAN_ROOM_CALL_LOG"]),
        exchange_log_file=Path(os.environ["CLEAN_ROOM_EXCHANGE_LOG"]),
        node=Path(os.environ["CLEAN_ROOM_NODE"]),
        end_with_launcher=os.environ.get("CLEAN_ROOM_END_WITH_LAUNCHER") == "1",
    )


def port() -> int:
    """Port that LocalEmu listens on."""
    from localemu import config

    return config.GATEWAY_LISTEN[0].port


def endpoint() -> str:
    """URL of LocalEmu for processes on this machine."""
    return f"http://127.0.0.1:{port()}"
