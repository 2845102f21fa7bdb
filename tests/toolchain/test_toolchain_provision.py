"""The whole toolchain: what is used, installed or built; what it leaves, and what its state looks like. The parts are
small stand-ins here: that the real ones build is for the deployed tests, which run on them.
"""

from __future__ import annotations

import io
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pointsman import toolchain
from pointsman.builds import Build, PlainProgress, Store, Workspace
from pointsman.errors import UnreachableError, UsageError
from pointsman.toolchain import docker_engine, installed, parts, provision
from pointsman.toolchain.docker_engine import DockerEngine
from pointsman.toolchain.language_host import NAME as LANGUAGE_HOST
from pointsman.toolchain.pins import load

ENGINE = DockerEngine("unix:///run/test/docker.sock", "29.0", "1.52")
CLI = """#!/bin/sh
case "$1" in
    version) echo v{version} ;;
    stack) exit 0 ;;
    preview) {preview} ;;
esac
"""


def executables() -> list[Build]:
    """A build for each part, of scripts that say "built"."""
    files = {
        parts.PULUMI: ("pulumi",),
        parts.DOCKER_PLUGIN: (parts.PLUGIN_BINARY,),
        LANGUAGE_HOST: ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"),
    }

    def build(name: str) -> Build:
        def make(workspace: Workspace) -> None:
            for file in files[name]:
                path = workspace.out / file
                path.write_text("#!/bin/sh\necho built\n")
                path.chmod(0o755)

        return Build(name, "1.0.0", "0123456789ab", seconds=1.0, scratch_bytes=1, make=make)

    return [build(name) for name in files]


@pytest.fixture
def said() -> io.StringIO:
    """What progress printed."""
    return io.StringIO()


@pytest.fixture
def progress(said: io.StringIO) -> PlainProgress:
    """Plain progress."""
    return PlainProgress(said)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an engine, no Pulumi on PATH, a cache of its own, and parts that build in no time."""
    monkeypatch.setenv("POINTSMAN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for variable in ("POINTSMAN_TOOLCHAIN", "PULUMI_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(docker_engine, "ensure", lambda machine, pins, progress: ENGINE)
    monkeypatch.setattr(docker_engine, "find", lambda machine: ENGINE)
    monkeypatch.setattr(parts, "builds", lambda recipes, pins: executables())


def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, version: str = "3.300.0", preview: str = "exit 0"
) -> Path:
    """A pulumi on PATH, with a language host beside it."""
    folder = tmp_path / "usr" / "bin"
    folder.mkdir(parents=True)
    (folder / "pulumi").write_text(CLI.format(version=version, preview=preview))
    (folder / "pulumi-language-python").write_text("#!/bin/sh\n")
    for file in folder.iterdir():
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_without_pulumi_everything_is_built(progress: PlainProgress) -> None:
    """One folder for PATH holds CLI, language host and helpers; the plugin is where the engine looks for it."""
    assert toolchain.find() is None
    made = toolchain.ensure(progress)
    assert made == toolchain.find()
    assert made.source == "built"
    assert sorted(file.name for file in made.bin.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ]
    assert not made.pulumi.is_symlink(), "the CLI looks for its language host beside the file that it really is"
    plugin = made.pulumi_home / "plugins" / "resource-docker-v5.2.0" / "pulumi-resource-docker"
    assert subprocess.run([plugin], capture_output=True, text=True, check=True).stdout == "built\n"


def test_the_environment_is_complete_and_holds_no_secret(progress: PlainProgress) -> None:
    """PATH begins with the toolchain, once; the user's own Pulumi home is left alone; the engine is named."""
    made = toolchain.ensure(progress)
    environment = made.environment()
    assert environment["PATH"].split(os.pathsep) == [str(made.bin), "/usr/bin", "/bin"]
    assert environment["PULUMI_HOME"] == str(made.pulumi_home)
    assert environment["DOCKER_HOST"] == ENGINE.host
    assert not [name for name in environment if "PASS" in name or "TOKEN" in name or "SECRET" in name]
    assert stat.S_IMODE(made.pulumi_home.stat().st_mode) & 0o077 == 0


def test_a_damaged_cli_is_built_again_and_linked_anew(progress: PlainProgress) -> None:
    """Truncation is found, and the folder for PATH leads to the new file, not to the old one."""
    made = toolchain.ensure(progress)
    os.truncate(made.pulumi, 3)
    assert toolchain.find() is None
    assert [row.state for row in toolchain.status()] == ["ready", "damaged", "ready", "ready"]
    again = toolchain.ensure(progress)
    assert subprocess.run([again.pulumi], capture_output=True, text=True, check=True).stdout == "built\n"


def test_an_installed_pulumi_that_passes_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: PlainProgress
) -> None:
    """Nothing is built; its home is one of ours; the second time the probe is not run again."""
    folder = install(tmp_path, monkeypatch, preview=f"echo probed >> {tmp_path}/probes")
    assert toolchain.find() is None, "what was not probed is not found"
    made = toolchain.ensure(progress)
    assert (made.source, made.bin, made.pulumi_version) == ("installed", folder, "3.300.0")
    assert made.pulumi_home.is_relative_to(tmp_path / "cache")
    assert toolchain.ensure(progress) == toolchain.find() == made
    assert (tmp_path / "probes").read_text() == "probed\n"
    assert not (tmp_path / "cache" / "builds").exists()
    assert not (tmp_path / "user").exists()
    assert {row.part: row.state for row in toolchain.status()} == {
        "toolchain/docker-engine": "ready",
        "installed pulumi": "ready",
        "toolchain/pulumi": "not needed",
        "toolchain/docker-plugin": "not needed",
        "toolchain/language-host": "not needed",
    }


@pytest.mark.parametrize(
    ("version", "preview", "reason"),
    [
        ("3.300.0", "echo error: no resource plugin docker >&2; exit 255", "no resource plugin docker"),
        ("3.10.0", "exit 0", "it is 3.10.0; 3.256.0 or newer is needed"),
    ],
)
def test_an_installed_pulumi_that_fails_falls_back_to_a_built_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    progress: PlainProgress,
    said: io.StringIO,
    version: str,
    preview: str,
    reason: str,
) -> None:
    """The reason is said, and kept for the status; asked for the installed one, it is an error instead."""
    folder = install(tmp_path, monkeypatch, version=version, preview=preview)
    made = toolchain.ensure(progress)
    assert made.source == "built"
    assert f"the installed {folder / 'pulumi'} is not used" in said.getvalue()
    assert reason in said.getvalue()
    row = next(row for row in toolchain.status() if row.part == "installed pulumi")
    assert row.state == "unusable"
    assert reason in row.remark
    monkeypatch.setenv("POINTSMAN_TOOLCHAIN", "installed")
    with pytest.raises(UnreachableError, match="POINTSMAN_TOOLCHAIN=installed") as caught:
        toolchain.ensure(progress)
    assert reason in caught.value.message


def test_a_probe_that_hangs_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_gone: Callable[..., bool]
) -> None:
    """A CLI that waits for a download that never comes is given up, with all that it started."""
    install(tmp_path, monkeypatch, preview=f"sleep 30 & echo $! > {tmp_path}/pid; wait")
    found = installed.examine(load(), ENGINE.host, seconds=1.0)
    assert found is not None
    assert "was not done after 1 s" in found.reason
    assert all_gone([int((tmp_path / "pid").read_text())])


def test_built_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: PlainProgress) -> None:
    """POINTSMAN_TOOLCHAIN=built takes no notice of an installed CLI; a wrong value is a mistake of usage."""
    install(tmp_path, monkeypatch, preview=f"touch {tmp_path}/probed")
    monkeypatch.setenv("POINTSMAN_TOOLCHAIN", "built")
    assert toolchain.ensure(progress).source == "built"
    assert not (tmp_path / "probed").exists()
    monkeypatch.setenv("POINTSMAN_TOOLCHAIN", "newest")
    with pytest.raises(UsageError, match="expected auto, built or installed"):
        provision.choice()


def test_status_tells_each_part(progress: PlainProgress) -> None:
    """Before and after: state, place, size, what it took, checksums."""
    before = toolchain.status()
    assert [(row.part, row.state, row.checksum_ok) for row in before] == [
        ("toolchain/docker-engine", "ready", None),
        ("toolchain/pulumi", "missing", None),
        ("toolchain/docker-plugin", "missing", None),
        ("toolchain/language-host", "missing", None),
    ]
    toolchain.ensure(progress)
    after = {row.part: row for row in toolchain.status()}
    built = after["toolchain/pulumi"]
    assert (built.state, built.checksum_ok, built.version) == ("ready", True, "1.0.0")
    assert built.size_bytes == len("#!/bin/sh\necho built\n")
    assert built.seconds is not None
    assert Path(built.where).is_dir()
    assert after["toolchain/docker-engine"].where == ENGINE.host


def test_our_own_cli_is_not_taken_for_an_installed_one(
    monkeypatch: pytest.MonkeyPatch, progress: PlainProgress
) -> None:
    """Inside the toolchain's own environment, the CLI on PATH is ours and is not probed."""
    made = toolchain.ensure(progress)
    monkeypatch.setenv("PATH", made.environment()["PATH"])
    assert installed.find_cli() is None
    assert toolchain.ensure(progress) == made
    assert Store().is_built(executables()[0])
