"""The machine's apt sources, turned to another suite: both formats, Debian only, keys kept, checks too."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.builds.apt_sources import Source, deb822, machine_sources, one_line, rendered, retargeted

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEB822 = f"""\
# the machine's own
Types: deb deb-src
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Trusted: yes
# a comment inside
Signed-By: {KEYS}

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example.org/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example.org/debian
Suites: bookworm
Components: main
"""
ONE_LINE = f"""\
# deb http://comment.example.org/debian bookworm main
deb [arch=amd64 signed-by={KEYS} trusted=yes] http://mirror.example.org/debian bookworm main contrib # here
deb http://mirror.example.org/debian bookworm-updates main
deb-src http://mirror.example.org/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb [signed-by=/keys] https://engine.example.org/linux bookworm stable
deb https://apt.example.org/pgdg bookworm-pgdg main
"""


def test_the_newer_format_is_read() -> None:
    """Many suites, keys by path and by text; disabled stanzas and those of source packages are no sources."""
    first, second = deb822(DEB822)
    assert first == Source(
        ("http://mirror.example.org/debian",),
        ("bookworm", "bookworm-updates", "bookworm-backports"),
        ("main", "contrib"),
        KEYS,
    )
    assert second.suites == ("bookworm-security",)
    assert second.signed_by.splitlines()[1] == " -----BEGIN PGP PUBLIC KEY BLOCK-----"


def test_one_line_sources_are_read() -> None:
    """Options, comments and source packages are told apart."""
    found = list(one_line(ONE_LINE))
    assert found[0] == Source(("http://mirror.example.org/debian",), ("bookworm",), ("main", "contrib"), KEYS)
    suites = [source.suites[0] for source in found]
    assert suites == ["bookworm", "bookworm-updates", "bookworm", "bookworm", "bookworm-pgdg"]


@pytest.mark.parametrize(("name", "text"), [("debian.sources", DEB822), ("debian.list", ONE_LINE)])
def test_the_suite_is_replaced_and_the_rest_stays(tmp_path: Path, name: str, text: str) -> None:
    """Releases, updates and security are turned; backports, discs and what is not Debian's main are left out."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / name).write_text(text)
    turned = rendered(retargeted(machine_sources(tmp_path), "trixie"))
    assert "bookworm" not in turned
    assert "URIs: http://mirror.example.org/debian\n" in turned
    assert f"Signed-By: {KEYS}\n" in turned
    assert "trixie-updates" in turned
    for absent in ("backports", "pgdg", "engine", "cdrom", "off.", "sources.", "rusted", "contrib"):
        assert absent not in turned


def test_what_is_written_is_read_again() -> None:
    """The file that apt is given has the same sources, with keys that stand in the file itself."""
    turned = retargeted(deb822(DEB822), "trixie")
    assert list(deb822(rendered(turned))) == turned
    assert turned[1].suites == ("trixie-security",)


def test_a_suite_that_moves_has_nothing_beside_it() -> None:
    """There are no updates and no security for sid."""
    assert [source.suites for source in retargeted(deb822(DEB822), "sid")] == [("sid",)]


def test_a_machine_of_another_distribution_has_none(tmp_path: Path) -> None:
    """Neither a folder without sources nor another distribution's suites give any."""
    assert machine_sources(tmp_path) == []
    (tmp_path / "sources.list").write_text("deb http://mirror.example.org/ubuntu noble main universe\n")
    assert retargeted(machine_sources(tmp_path), "trixie") == []
