# SPDX-License-Identifier: AGPL-3.0-or-later
"""Places on a Linux system that mean something to more than one check."""

import re

#: Directories anybody may write to.
TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/", "/run/lock/", "/var/lock/")
#: Hidden names that distributions and tools make themselves. The .X11-unix family is not among them: sockets belong there, programs do not.
ORDINARY_HIDDEN = frozenset(
    {
        ".git",
        ".gitignore",
        ".gitkeep",
        ".gnupg",
        ".ssh",
        ".config",
        ".cache",
        ".local",
        ".pki",
        ".aws",
        ".npm",
        ".cargo",
        ".rustup",
        ".venv",
        ".build-id",
        ".pyenv",
        ".nvm",
        ".rbenv",
        ".docker",
        ".kube",
        ".vscode-server",
        ".bin",
        ".dwz",
        ".updated",
        ".pwd.lock",
        ".hmac",
        ".github",
        ".gitlab",
        ".husky",
        ".circleci",
        ".idea",
        ".vscode",
        ".yarn",
        ".pnpm",
        ".pnpm-store",
        ".next",
        ".nuxt",
        ".tox",
        ".gem",
        ".bundle",
        ".gradle",
        ".m2",
        ".composer",
        ".dotnet",
        ".nuget",
        ".ansible",
        ".terraform",
        ".oh-my-zsh",
        ".nodejs",
        ".bun",
        ".deno",
        ".sdkman",
    }
)
_HOME = re.compile(r"^(?:/root|/home/[^/]+)/")
#: Hidden names that belong below home directories, and mean something below the system's own.
_OF_HOMES = frozenset(
    {".cache", ".config", ".local", ".ssh", ".gnupg", ".pki", ".aws", ".npm", ".docker", ".kube", ".vscode-server", ".bin"}
)
_SYSTEM = re.compile(
    r"^/(?:usr/(?:s?bin|lib\w*|local/s?bin|include)|s?bin|lib\w*|etc|boot|dev)/(?!.*(?:node_modules|(?:site|dist)-packages)/)", re.DOTALL
)
_RAN_FROM_TEMPORARY = re.compile(
    r"(?:^|\b(?:respawn|once|wait|sysinit|boot):|[\s\"'=;|&(`!@+-])(/(?:tmp|var/tmp|dev/shm|run/shm)/[^\s\"';|&)`]{1,200})"
)
_RAN_HIDDEN = re.compile(r"(?:^|[\s\"'=;|&(`!@+-])((?:/[^\s\"';|&)/`]{1,100}){0,10}/\.[^\s\"';|&)/.`][^\s\"';|&)`]{0,200})")


def in_temporary(path: str) -> bool:
    """Below a directory that anybody may write to."""
    return path.startswith(TEMPORARY)


def in_home(path: str) -> bool:
    """Below root's or a user's home directory."""
    return _HOME.match(path) is not None


def hidden_part(path: str) -> str | None:
    """The first part of a path that hides and is not ordinary there: a leading dot, or nothing but spaces and dots."""
    if "/." not in path and " " not in path and not path.startswith("."):
        return None
    system = _SYSTEM.match(path) is not None
    for part in path.split("/"):
        if not part or not (part[0] == "." or part[-1] == " " or not part.strip(" .")):
            continue
        if part not in ORDINARY_HIDDEN or (system and part in _OF_HOMES):
            return part
    return None


def temporary_path_in(command: str) -> str | None:
    """The first path below a temporary directory that a command names."""
    match = _RAN_FROM_TEMPORARY.search(command)
    return match.group(1) if match else None


def hidden_path_in(command: str) -> str | None:
    """The first absolute path with an unusual hidden part that a command names."""
    for match in _RAN_HIDDEN.finditer(command):
        if hidden_part(match.group(1)) is not None:
            return match.group(1)
    return None
