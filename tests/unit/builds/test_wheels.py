"""Wheels of a lock for another Python: what is asked of pip, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pointsman.builds import BuildError, PythonBuild, Workspace, python_build, wheels
from pointsman.builds.wheels import normalised, pinned, platforms, without_hashes
from pointsman.errors import UnreachableError
from pointsman.paths import checkout

LOCK = """\
githubkit-schemas==26.10.21 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:cc
"""


@pytest.fixture
def spec(tmp_path: Path) -> PythonBuild:
    """A build with a distribution that its lock does not have."""
    lock = tmp_path / "runtime.lock"
    lock.write_text(LOCK)
    return PythonBuild(
        name="images/program",
        version="1.0.0",
        suite="bookworm",
        python="3.11",
        packages={"python3.11-minimal": "3.11.2"},
        distributions=["jsonschema"],
        lock=lock,
        seconds=1,
        scratch_bytes=1,
    )


def test_a_lock_is_taken_apart_whole() -> None:
    """Every requirement with its marker and all of its hashes, found by any spelling of its name."""
    found = pinned(LOCK)
    assert "".join(found.values()) == LOCK
    assert normalised("GitHubKit_Schemas") in found
    assert without_hashes(found["cffi"]) == "cffi==2.1.1 ; platform_python_implementation != 'PyPy'"


@pytest.mark.parametrize("name", ["runtime.lock", "dev.lock"])
def test_the_real_locks_are_read_to_the_last_line(name: str) -> None:
    """Nothing of a lock is lost, and nothing in it is without a hash."""
    text = (checkout() / "requirements" / name).read_text(encoding="utf-8")
    found = pinned(text)
    assert "".join(found.values()) == text
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", each) for each in found.values())


def test_wheels_are_for_a_glibc_that_the_image_has() -> None:
    """Newest first; none for a later glibc than Debian 12's; the old names of some are known."""
    found = platforms("x86_64")
    assert found[0] == "manylinux_2_36_x86_64"
    assert {"manylinux2014_x86_64", "manylinux_2_17_x86_64"} <= set(found)
    assert not any("musl" in each for each in found)


def test_what_the_lock_does_not_have_is_never_installed(spec: PythonBuild, tmp_path: Path) -> None:
    """The distribution and the lock are named before pip is asked."""
    workspace = Workspace(tmp_path / "out", tmp_path / "scratch", tmp_path, tmp_path / "log")
    with pytest.raises(BuildError, match=r"jsonschema is not in runtime\.lock") as caught:
        wheels._install(spec, workspace)
    assert "make lock" in caught.value.remedy
    assert not (tmp_path / "log").exists()


def test_a_python_without_pip_is_told_what_to_do(spec: PythonBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything starts."""
    monkeypatch.setattr("pointsman.builds.apt.require", lambda *args: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnreachableError, match="has no pip") as caught:
        python_build(spec).require()  # type: ignore[misc]
    assert "ensurepip" in caught.value.remedy
