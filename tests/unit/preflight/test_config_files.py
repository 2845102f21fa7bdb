"""The files that `up` reads: one that is broken, missing or closed is told before anything is touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pointsman.checks import Outcome
from pointsman.images import lock
from pointsman.paths import checkout
from pointsman.preflight import config_files


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the checkout's config files and recipes, with an environment `trial` that takes every default."""
    copy, real = tmp_path / "clone", checkout()
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("images", "toolchain", "stacks"):
        shutil.copytree(real / folder, copy / folder, ignore=ignored)
    shutil.copy(real / "Pulumi.yaml", copy)
    (copy / "stacks/trial.yaml").touch()
    monkeypatch.setenv("POINTSMAN_ROOT", str(copy))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    return copy


def test_a_whole_checkout(root: Path) -> None:
    """Nothing to say of one as it was cloned; a damaged lock of images is mended by `up`, and no fault."""
    assert config_files.check("trial").outcome is Outcome.PASS
    file = lock.path("trial")
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 1, "serv')
    found = config_files.check("trial")
    assert found.outcome is Outcome.PASS
    assert "which `pointsman up` mends" in found.seen


def test_everything_that_is_wrong_is_told_at_once(root: Path) -> None:
    """The spec's mistakes with their places, recipes that were deleted, a slip in the pins; each with its remedy."""
    (root / "stacks/trial.yaml").write_text("ports: {loki: nine}\n")
    (root / "toolchain/pulumi/go.mod").unlink()
    (root / "images/loki/go.mod").unlink()
    pins = root / "toolchain/toolchain.yaml"
    pins.write_text(pins.read_text().replace("minimum_api", "minimal_api"))
    found = config_files.check("trial")
    assert found.outcome is Outcome.FAIL
    for words in ("trial.yaml:1:", "ports.loki", "toolchain/pulumi/go.mod is not there", "docker_engine.minimum_api"):
        assert words in found.seen
    assert f"git -C {root} checkout -- images/loki/go.mod" in found.remedy


def test_a_lock_of_a_newer_version(root: Path) -> None:
    """It would be overwritten by what it is too new for."""
    lock.path("trial").parent.mkdir(parents=True)
    lock.path("trial").write_text('{"version": 99}')
    found = config_files.check("trial")
    assert found.outcome is Outcome.FAIL
    assert "version 99" in found.seen


def test_a_file_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a checkout that was worked on as root; root itself reads all, so the kernel's answer is given here."""
    closed = str(root / "images/loki/go.sum")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != closed and real(path, mode))
    found = config_files.check("trial")
    assert found.outcome is Outcome.FAIL
    assert found.seen == f"{closed} cannot be read by this user"
    assert found.remedy.startswith("sudo chown -R")
