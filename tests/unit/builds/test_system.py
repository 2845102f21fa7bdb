"""A Debian system: where it is had from, without a secret in it, and what is said where it cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.builds import SystemBuild, system_build
from pointsman.builds.apt_sources import Source
from pointsman.builds.system import inside, mirror, step
from pointsman.errors import UnreachableError

SOURCES = [
    Source(("http://security.example.org/debian-security",), ("bookworm-security",), ("main",)),
    Source(("https://user:se@mirror.example.org/debian",), ("bookworm", "bookworm-updates"), ("main",), "/here/keys"),
]


@pytest.fixture
def spec(tmp_path: Path) -> SystemBuild:
    """A system with nothing of its own."""
    return SystemBuild("images/host", "bookworm", "12", ["systemd"], tmp_path, seconds=1, scratch_bytes=1)


def test_a_mirrors_credentials_are_told_to_wget_alone() -> None:
    """The mirror is that of the release itself; the address, which shows in `ps`, has no name and no password."""
    assert mirror(SOURCES, "bookworm") == ("https://mirror.example.org/debian", "user = user\npassword = se\n")
    assert mirror(SOURCES[:1], "bookworm-security") == ("http://security.example.org/debian-security", "")
    assert mirror([], "bookworm") == ("", "")


def test_the_system_keeps_mirrors_but_no_credentials() -> None:
    """Security and updates come too; keys are Debian's own at their place in the system."""
    text = inside(SOURCES)
    assert "URIs: https://mirror.example.org/debian\n" in text
    assert "URIs: http://security.example.org/debian-security\n" in text
    assert "user" not in text
    assert text.count("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n") == 2


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("I: Retrieving libc6 2.36-9+deb12u10", "retrieving libc6"),
        ("I: Unpacking the base system...", "unpacking the base system"),
        ("I: Configuring systemd...", "configuring systemd"),
        ("I: Base system installed successfully.", ""),
        ("W: something else", ""),
    ],
)
def test_steps_are_shown_in_a_few_words(line: str, shown: str) -> None:
    """What debootstrap does to a package is shown, its other talk is not."""
    assert step(line) == shown


def test_who_is_not_root_is_told_what_to_do(spec: SystemBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything starts, with the one command that helps."""
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("pointsman.builds.apt.sources", lambda suite: SOURCES)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(UnreachableError) as caught:
        system_build(spec).require()  # type: ignore[misc]
    assert "this is user 1000" in caught.value.message
    assert "sudo pointsman images build host" in caught.value.remedy


def test_a_lacking_program_is_named(spec: SystemBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system is not begun where it cannot be ended."""
    monkeypatch.setattr("shutil.which", lambda name: None if name == "unshare" else f"/usr/bin/{name}")
    with pytest.raises(UnreachableError, match="no unshare on PATH"):
        system_build(spec).require()  # type: ignore[misc]
