# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rules that a deployment adds: what is taken, what is refused, and that 5,000 of them stay fast."""

import io
import random
import time
import zipfile
from pathlib import Path

import pytest
import yara_x
from clean_room_analysis import rule_bundle
from clean_room_analysis.checks.yara import Yara
from clean_room_analysis.model import NotLookedAt, Severity
from clean_room_analysis.rule_bundle import BundleError, check, compile_rules, main, sources
from conftest import TreeMaker

RULE = 'rule {name} {{ meta: score = {score} mitre = "see T1505.003" strings: $a = "{text}" condition: $a }}'


def zipped(**files: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return target.getvalue()


def many(count: int) -> str:
    """Rules as collections have them: strings, wide ones, hexadecimal, expressions, conditions on headers."""
    chance = random.Random(5)

    def word(length: int) -> str:
        return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz_ABCDEFGH0123456789") for _ in range(length))

    out = []
    for number in range(count):
        strings = [
            f'$s{index} = "{word(chance.randint(8, 30))}" {chance.choice(("ascii", "wide", "ascii wide", "nocase", "fullword"))}'
            for index in range(3)
        ]
        strings.append("$h = { " + " ".join(f"{chance.randrange(256):02X}" for _ in range(16)) + " }")
        strings.append(f"$r = /{word(6)}[a-z0-9]{{2,12}}{word(5)}/")
        condition = (
            "all of them",
            "2 of them",
            "uint16(0) == 0x5A4D and any of them",
            "uint32(0) == 0x464c457f and any of them",
            "any of them",
        )[number % 5]
        out.append(f"rule generated_{number} {{ strings: {' '.join(strings)} condition: {condition} }}")
    return "\n".join(out)


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of rules of which one is ours, used by the check."""
    directory = tmp_path / "rules"
    (directory / "bundles").mkdir(parents=True)
    (directory / "own.yar").write_text('rule own { strings: $a = "OWN" condition: $a }')
    monkeypatch.setattr("clean_room_analysis.checks.yara.compile_rules", lambda: compile_rules(str(directory)))
    return directory


def test_rules_of_a_bundle_find_beside_our_own_and_may_have_their_names(plain: TreeMaker, rules: Path) -> None:
    (rules / "bundles/0a1b.yar").write_text(RULE.format(name="own", score=80, text="BUNDLE"))
    (rules / "bundles/0c2d.zip").write_bytes(
        zipped(
            a_yar=RULE.format(name="own", score=40, text="ZIPPED"),
            b_yara='rule own { condition: filename == "hit.bin" and extension == "bin" }',
        )
    )
    plain.file("/srv/x.txt", "OWN BUNDLE ZIPPED")
    plain.file("/srv/hit.bin", "-")
    found = sorted((one.path, one.severity, one.attack) for one in plain.findings(Yara()) if one.check == "yara")
    assert found == sorted(
        [
            ("/srv/hit.bin", Severity.MEDIUM, ()),
            ("/srv/x.txt", Severity.MEDIUM, ()),
            ("/srv/x.txt", Severity.HIGH, ("T1505.003",)),
            ("/srv/x.txt", Severity.LOW, ("T1505.003",)),
        ]
    )


def test_a_bundle_that_does_not_compile_on_the_forensic_host_is_named_and_takes_nothing_with_it(plain: TreeMaker, rules: Path) -> None:
    (rules / "bundles/bad.yar").write_text("rule broken { condition: no_such_thing }")
    (rules / "bundles/good.yar").write_text(RULE.format(name="good", score=80, text="BUNDLE"))
    plain.file("/srv/x.txt", "OWN BUNDLE")
    results = plain.results(Yara())
    assert {one.rule for one in results if not isinstance(one, NotLookedAt)} == {"own", "good"}  # type: ignore[union-attr]
    (named,) = (one for one in results if isinstance(one, NotLookedAt))
    assert named.what == "the rule bundle bad.yar" and "no_such_thing" in named.why and named.incomplete


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"rule a { condition: b }", "does not compile"),
        (b"\xff\xfe\x00 no text", "not UTF-8"),
        (b"// nothing", "no rule"),
        (b"PK\x03\x04 torn", "zip cannot be read"),
        (zipped(a_txt="rule a { condition: true }"), "no .yar"),
        (b'include "/etc/passwd" rule a { condition: true }', "does not compile"),
    ],
)
def test_what_is_no_bundle_is_refused_and_says_why(content: bytes, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BundleError, match=why):
        check("bundle", content)
    (tmp_path / "bundle").write_bytes(content)
    assert main([str(tmp_path / "bundle")]) == 1
    assert why in capsys.readouterr().err


def test_a_zip_made_to_swell_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_bundle, "_MOST_BYTES", 1000)
    with pytest.raises(BundleError, match="unpacks to more"):
        sources(zipped(a_yar=" " * 2000))


def test_5000_rules_compile_in_seconds_and_scan_fast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bundle.yar").write_text(many(5000))
    began = time.process_time()
    assert main([str(tmp_path / "bundle.yar")]) == 0
    assert "5000 rules" in capsys.readouterr().out
    compiled = time.process_time() - began
    compiler = yara_x.Compiler()
    compiler.add_source(many(5000))
    scanner = yara_x.Scanner(compiler.build())
    content = random.Random(1).randbytes(16 << 20)
    began = time.process_time()
    scanner.scan(content)
    # Here 2 s and 160 MB/s: the bounds are for a machine four times as slow.
    assert compiled < 12 and (16 << 20) / (time.process_time() - began) > 30e6
