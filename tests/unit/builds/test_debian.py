"""Debian packages as a source of programs: the recipe, apt's configuration, what a loader lists, what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.builds import BuildError, DebianBuild, apt, debian, debian_build
from pointsman.errors import UnreachableError

SPEC = DebianBuild(
    name="images/alertmanager",
    suite="trixie",
    packages={"prometheus-alertmanager": "0.28.1", "libc6": "2.34"},
    binaries={"alertmanager": "usr/bin/prometheus-alertmanager"},
    files=("usr/share/prometheus/alertmanager/*.tmpl",),
    seconds=5,
    scratch_bytes=1,
)
DUMP = """\
APT "";
APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://user:secret@proxy.example.org:3128";
Acquire::Check-Valid-Until "false";
Acquire::AllowInsecureRepositories "true";
Acquire::Languages:: "en";
Acquire::IndexTargets::deb::DEP-11::MetaKey "$(COMPONENT)/dep11";
Dir::Cache "var/cache/apt";
"""
LISTED = """\
\tlinux-vdso.so.1 (0x00007f154997c000)
\tlibc.so.6 => /scratch/unpacked/usr/lib/x86_64-linux-gnu/libc.so.6 (0x00007f1549780000)
\t/lib64/ld-linux-x86-64.so.2 => /scratch/unpacked/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 (0x00007f154997e000)
"""


def test_the_recipe_follows_what_is_asked_for_and_no_network() -> None:
    """Suite, packages, lowest versions and files change it; durations do not; nothing is asked."""
    other = [
        replace(SPEC, suite="forky"),
        replace(SPEC, packages={**SPEC.packages, "libc6": "2.41"}),
        replace(SPEC, binaries={"alertmanager": "usr/bin/alertmanager"}),
        replace(SPEC, files=()),
    ]
    assert debian_build(SPEC).recipe == debian_build(replace(SPEC, seconds=99)).recipe
    assert len({debian_build(spec).recipe for spec in (SPEC, *other)}) == 5
    assert debian_build(SPEC).version == "0.28.1"


def test_of_the_machines_settings_only_the_way_to_mirrors_is_taken() -> None:
    """Proxies stay; hooks, folders, further indexes and loosened checks do not."""
    assert apt.acquire_settings(DUMP).splitlines() == [
        'Acquire::http::Proxy "http://user:secret@proxy.example.org:3128";',
        'Acquire::Check-Valid-Until "false";',
    ]


def test_what_the_loader_lists() -> None:
    """Libraries by name, the loader by the path that the program wants, not what the kernel brings."""
    assert [(wanted, Path(place).name) for wanted, place in debian.libraries(LISTED)] == [
        ("libc.so.6", "libc.so.6"),
        ("/lib64/ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2"),
    ]


def test_a_library_of_no_package_is_named() -> None:
    """The message says which, the remedy where to add its package."""
    with pytest.raises(BuildError, match=r"libpcap\.so\.1 is in none of the packages") as caught:
        debian.libraries("\tlibpcap.so.1 => not found\n")
    assert "catalogue.yaml" in caught.value.remedy


def test_a_machine_without_apt_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages and missing programs are named before anything starts."""
    monkeypatch.setattr("shutil.which", lambda name: None if name == "apt-get" else f"/usr/bin/{name}")
    with pytest.raises(UnreachableError) as caught:
        debian_build(SPEC).require()  # type: ignore[misc]
    assert "prometheus-alertmanager, libc6 of trixie" in caught.value.message
    assert "there is no apt-get on PATH" in caught.value.message
    assert "images.source" in caught.value.remedy


def test_apt_of_another_distribution_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """apt without a Debian source cannot have Debian's packages."""
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("pointsman.builds.apt_sources.APT", tmp_path)
    with pytest.raises(UnreachableError, match="name no Debian release"):
        debian_build(SPEC).require()  # type: ignore[misc]


def test_versions_that_were_obtained_are_read_back(tmp_path: Path) -> None:
    """In the order of the recipe, the main package first."""
    (tmp_path / debian.VERSIONS).write_text("prometheus-alertmanager=0.28.1+ds-1\nlibc6=2.41-12+deb13u4\n")
    assert list(debian.obtained(tmp_path).items()) == [
        ("prometheus-alertmanager", "0.28.1+ds-1"),
        ("libc6", "2.41-12+deb13u4"),
    ]


def test_proxies_of_apt_are_told_to_other_programs() -> None:
    """By the names that all of them read; `DIRECT` is no proxy."""
    assert apt.proxies(DUMP) == {"http_proxy": "http://user:secret@proxy.example.org:3128"}
    assert apt.proxies('Acquire::HTTPS::Proxy "DIRECT";\n') == {"https_proxy": ""}
