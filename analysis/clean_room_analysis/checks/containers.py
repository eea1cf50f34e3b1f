# SPDX-License-Identifier: AGPL-3.0-or-later
"""Containers: what they run and what of the host they may reach (Docker, containerd, Podman, static pods), what they printed, and an
engine that anybody may command."""

import json
import re
from collections.abc import Iterator
from typing import Any

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.checks.commands import Suspicion, in_words, rank, suspicions, techniques, worst
from clean_room_analysis.model import Entry, Severity, TimelineEvent, nanoseconds_of

_DOCKER = re.compile(r"/containers/[0-9a-f]{12,64}/(?P<kind>config(?:\.v2)?\.json|hostconfig\.json)$")
_OCI = re.compile(
    r"(?:/overlay-containers/[0-9a-f]{12,64}/userdata|/io\.containerd\.runtime\.v2\.task/[^/]+/[^/]+|/runc/[^/]+)/config\.json$"
)
_LOG = re.compile(r"/containers/[0-9a-f]{12,64}/[0-9a-f]{12,64}-json\.log(?:\.\d+)?$|^/var/log/pods/.+\.log(?:\.[\w.-]+)?$")
_POD = re.compile(
    r"^/etc/kubernetes/manifests/[^/]+$|^/etc/containers/systemd/.+\.(?:container|kube|pod)$|/\.config/containers/systemd/.+\.(?:container|kube)$"
    r"|/(?:docker-|podman-)?compose[\w.-]{0,60}\.ya?ml$"
)
_ENGINE = re.compile(
    r"^/etc/(?:docker/daemon\.json|default/docker|sysconfig/docker|containerd/config\.toml)$|/docker\.service(?:\.d/[^/]+)?$|/docker\.socket$"
)
_OPEN = re.compile(r"tcp://(?:0\.0\.0\.0|\[?::\]?|\*)?:237\d|ListenStream=(?:0\.0\.0\.0:)?237\d")
_LOG_LINE = re.compile(r"^(?P<at>\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)) (?:stdout|stderr) [FP] (?P<said>.*)$", re.DOTALL)
_ROOT_LIKE = frozenset(
    {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_PTRACE"}
)
_SOCKETS = re.compile(r"^(?:/var)?/run/(?:docker|containerd/containerd|crio/crio|podman/podman)\.sock$")
#: Lines of one log that are quoted.
_QUOTED = 20


class Containers(Check):
    """T1610 (deploy container), T1611 (escape to host), T1609."""

    name = "containers"

    def wants(self, entry: Entry) -> bool:
        path = entry.logical
        if not entry.is_file:
            return False
        return (
            (
                "/containers/" in path
                and (_DOCKER.search(path) is not None or _LOG.search(path) is not None or _POD.search(path) is not None)
            )
            or ("compose" in entry.name and _POD.search(path) is not None)
            or (path.endswith("/config.json") and _OCI.search(path) is not None)
            or (path.startswith(("/etc/", "/var/log/pods/")) and any(one.search(path) for one in (_LOG, _POD, _ENGINE)))
            or ("docker.s" in path and _ENGINE.search(path) is not None)
        )

    def look(self, item: Item) -> Iterator[Result]:
        path = item.path
        if _LOG.search(path):
            yield from self._log(item)
        elif _ENGINE.search(path):
            for number, line in item.lines():
                if _OPEN.search(line) and not line.lstrip().startswith("#") and "tlsverify" not in item.text:
                    yield self.found(
                        item,
                        Severity.HIGH,
                        "Anybody on the network may command the container engine",
                        f"line {number}: {line.strip()}",
                        ("T1610", "T1133"),
                    )
        elif _POD.search(path):
            yield from self._pod(item)
        else:
            yield from self._container(item, json.loads(item.text))

    def _container(self, item: Item, said: Any) -> Iterator[Result]:
        if not isinstance(said, dict):
            raise ValueError("it is no JSON object")  # a damaged or hostile file, not a mistake of ours
        if item.path.endswith("hostconfig.json"):
            binds = [str(one) for one in said.get("Binds") or []]
            binds += [
                f"{one.get('Source')}:{one.get('Target')}{':ro' if one.get('ReadOnly') else ''}"
                for one in said.get("Mounts") or []
                if isinstance(one, dict)
            ]
            caps = {str(one).upper() for one in said.get("CapAdd") or []}
            yield from self._reach(
                item,
                privileged=bool(said.get("Privileged")),
                binds=binds,
                capabilities=caps,
                host=[name for name in ("PidMode", "IpcMode", "UTSMode", "UsernsMode") if said.get(name) == "host"],
            )
            return
        settings = (
            said.get("Config")
            if isinstance(said.get("Config"), dict)
            else said.get("process")
            if isinstance(said.get("process"), dict)
            else {}
        )
        assert isinstance(settings, dict)
        words = [*_words(settings.get("Entrypoint")), *_words(settings.get("Cmd")), *_words(settings.get("args"))]
        image = str(settings.get("Image") or "")
        command = " ".join(words) or " ".join([str(said.get("Path") or ""), *_words(said.get("Args"))])
        environment = "\n".join(_words(settings.get("Env") or settings.get("env")))
        name = str(said.get("Name") or said.get("hostname") or "").lstrip("/")
        reasons = _judge(f"{command}\n{image}\n{environment}")
        if reasons:
            yield self.found(
                item,
                worst(reasons),
                f"Container {name} {in_words(reasons)}",
                f"image {image}; {command[:1000]}",
                techniques(reasons, "T1610"),
            )
        for started in (said.get("Created"), (said.get("State") or {}).get("StartedAt") if isinstance(said.get("State"), dict) else None):
            at = nanoseconds_of(started) if isinstance(started, str) else None
            if at is not None:
                yield TimelineEvent(
                    at, f"container {name} of {image}: {command[:300]}"[:600], "container made or started", item.entry.path, item.volume_id
                )
        if "linux" in said:
            capabilities = {str(one).upper().removeprefix("CAP_") for one in ((settings.get("capabilities") or {}).get("bounding") or [])}
            mounts = [one for one in said.get("mounts") or [] if isinstance(one, dict) and one.get("type") == "bind"]
            binds = [f"{one.get('source')}:{one.get('destination')}{':ro' if 'ro' in (one.get('options') or []) else ''}" for one in mounts]
            yield from self._reach(
                item, privileged="SYS_MODULE" in capabilities and "SYS_ADMIN" in capabilities, binds=binds, capabilities=set(), host=[]
            )

    def _reach(self, item: Item, *, privileged: bool, binds: list[str], capabilities: set[str], host: list[str]) -> Iterator[Result]:
        # System containers (agents, network plug-ins) have some of these; the whole host, writable, with all rights, is a way out.
        whole = [one for one in binds if one.startswith("/:") and not one.endswith(":ro")]
        part = [
            one
            for one in binds
            if re.match(r"^/(?:etc|root|home|boot|usr|var/spool/cron)(?:/[^:]*)?:", one) and not re.search(r":ro\b", one)
        ]
        sockets = [one for one in binds if _SOCKETS.match(one.split(":")[0])]
        told = [*(["privileged"] if privileged else []), *host, *sorted(capabilities & _ROOT_LIKE), *whole, *part[:5], *sockets]
        if not told:
            return
        severity = (
            Severity.HIGH if whole and (privileged or host or capabilities & _ROOT_LIKE) else Severity.MEDIUM if whole else Severity.LOW
        )
        yield self.found(item, severity, "A container may reach the host", ", ".join(told)[:1500], ("T1611", "T1610"))

    def _pod(self, item: Item) -> Iterator[Result]:
        text = item.text
        reasons = _judge(text)
        if reasons:
            yield self.found(item, worst(reasons), f"Pod of this host {in_words(reasons)}", text[:1000], techniques(reasons, "T1610"))
        whole = re.search(
            r"hostPath:\s*(?:\n\s*type:[^\n]*)?\n\s*path:\s*[\"']?/[\"']?\s*(?:\n|$)|^Volume=/:|^\s*-\s*[\"']?/:/|\[\s*[\"']?/:/",
            text,
            re.MULTILINE,
        )
        privileged = re.search(r"^\s*privileged:\s*true|--privileged", text, re.MULTILINE)
        if whole:
            yield self.found(
                item,
                Severity.HIGH if privileged else Severity.MEDIUM,
                "A pod of this host may reach all of it",
                whole.group(0).strip(),
                ("T1611", "T1610"),
            )

    def _log(self, item: Item) -> Iterator[Result]:
        reasons: dict[Suspicion, None] = {}
        quoted: list[str] = []
        for number, line in item.lines():
            said = line
            if line.startswith("{"):
                try:
                    said = str(json.loads(line).get("log", ""))
                except (ValueError, AttributeError):
                    said = line
            elif match := _LOG_LINE.match(line):
                said = match["said"]
            found = [one for one in suspicions(said) if one.severity in (Severity.CRITICAL, Severity.HIGH)]
            if found:
                reasons.update((one, None) for one in found)
                if len(quoted) < _QUOTED:
                    quoted.append(f"line {number}: {said.strip()[:300]}")
        if reasons:
            ordered = tuple(sorted(reasons, key=lambda one: rank(one.severity)))
            # A log repeats what requests say: what it quotes may have been tried and not done.
            severity = Severity.HIGH if ordered[0].severity is Severity.CRITICAL else Severity.MEDIUM
            yield self.found(item, severity, f"Output of a container {in_words(ordered)}", "\n".join(quoted), techniques(ordered, "T1609"))


def _words(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def _judge(text: str) -> tuple[Suspicion, ...]:
    found: dict[Suspicion, None] = {}
    for line in text.split("\n"):
        found.update((one, None) for one in suspicions(line[:4096]) if one.severity in (Severity.CRITICAL, Severity.HIGH))
    return tuple(sorted(found, key=lambda one: rank(one.severity)))
