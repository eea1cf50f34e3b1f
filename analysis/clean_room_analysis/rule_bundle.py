# SPDX-License-Identifier: AGPL-3.0-or-later
"""YARA rules: those that travel with this program, and bundles that a deployment adds (`analysis.ruleBundles`).

A bundle is YARA source, or a zip of `.yar` and `.yara` files. It is checked when it is deployed:

    python -m clean_room_analysis.rule_bundle FILE…     # exit code 1 and the compiler's words when one does not compile
"""

import functools
import io
import os
import sys
import zipfile
from dataclasses import dataclass, field

import yara_x

_BESIDE_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rules")
_BUNDLES = "bundles"
#: Bytes of source in one bundle, unpacked.
_MOST_BYTES = 256 * 1024 * 1024
#: Names that rules of other scanners expect; set for each file.
OF_THE_FILE = ("filename", "filepath", "extension", "filetype", "owner")


class BundleError(Exception):
    """A bundle cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Compiled rules. `bundles` are the names of those that were added, `problems` (name, why) those that could not be."""

    rules: yara_x.Rules
    bundles: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = field(default=())


def sources(content: bytes) -> list[tuple[str, str]]:
    """(name, source) of each file of a bundle. @raises BundleError"""
    if not content.startswith(b"PK\x03\x04"):
        return [("rules", _text("the bundle", content))]
    found = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if one.filename.lower().endswith((".yar", ".yara"))]
            if sum(one.file_size for one in members) > _MOST_BYTES:
                raise BundleError(f"it unpacks to more than {_MOST_BYTES} bytes")
            found = [(one.filename, _text(one.filename, archive.read(one))) for one in sorted(members, key=lambda one: one.filename)]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"the zip cannot be read: {error}") from error
    if not found:
        raise BundleError("the zip holds no .yar or .yara file")
    return found


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BundleError(f"{name} is not UTF-8 text: {error}") from error


def add_bundle(compiler: yara_x.Compiler, name: str, content: bytes) -> None:
    """Adds a bundle to a compiler, each of its files in a namespace of its own: files of collections use the same names. @raises BundleError"""
    for file, source in sources(content):
        compiler.new_namespace(f"{name}/{file}")
        try:
            compiler.add_source(source, origin=file)
        except yara_x.CompileError as error:
            raise BundleError(f"{file} does not compile:\n{error}") from error


def _compiler() -> yara_x.Compiler:
    # Rules written for the older YARA are taken, too; what a rule includes is not in the bundle.
    compiler = yara_x.Compiler(relaxed_re_syntax=True)
    compiler.enable_includes(False)
    for name in OF_THE_FILE:
        compiler.define_global(name, "")
    return compiler


@functools.cache
def compile_rules(directory: str = _BESIDE_PACKAGE) -> RuleSet:
    """All `*.yar` of a directory and the bundles below it. Compiled once; forked processes share it. A bundle that does not compile here,
    though it did when it was deployed, is left out and named.

    @raises FileNotFoundError when there is no rule of ours: scanning with no rule is not a scan
    """
    names = sorted(name for name in os.listdir(directory) if name.endswith(".yar")) if os.path.isdir(directory) else []
    if not names:
        raise FileNotFoundError(f"no YARA rules in {directory}: the analysis archive is not whole")
    folder = os.path.join(directory, _BUNDLES)
    bundles = {name: _read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))} if os.path.isdir(folder) else {}

    def build(wanted: dict[str, bytes]) -> yara_x.Rules:
        compiler = _compiler()
        for name in names:
            compiler.add_source(_read(os.path.join(directory, name)).decode(), origin=name)
        for name, content in wanted.items():
            add_bundle(compiler, name, content)
        return compiler.build()

    try:
        return RuleSet(build(bundles), tuple(bundles))
    except BundleError:
        good: dict[str, bytes] = {}
        problems = []
        for name, content in bundles.items():
            try:
                check(name, content)
                good[name] = content
            except BundleError as error:
                problems.append((name, str(error)[:500]))
        return RuleSet(build(good), tuple(good), tuple(problems))


def check(name: str, content: bytes) -> int:
    """Compiles a bundle alone. @returns how many rules it has @raises BundleError"""
    compiler = _compiler()
    add_bundle(compiler, name, content)
    count = sum(1 for _ in compiler.build())
    if count == 0:
        raise BundleError("it holds no rule")
    return count


def _read(path: str) -> bytes:
    with open(path, "rb") as handle:
        return handle.read()


def main(paths: list[str]) -> int:
    """Checks files. @returns the exit code"""
    failed = 0
    for path in paths:
        try:
            print(f"{path}: {check('bundle', _read(path))} rules")
        except (BundleError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
