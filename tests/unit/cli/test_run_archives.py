"""`runs archive`: what people and scripts get of archives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pointsman.cli.run_archives import app
from pointsman.monitor.handlers.archive import Archive, ArchiveSettings
from tests.unit.monitor.handlers.runs import artifacts, occurrence, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive folder with one run in it, of which a link was left out."""
    made = artifacts(tmp_path / "made")
    (made / "out").symlink_to("/etc/hosts")
    Archive(ArchiveSettings(tmp_path / "archive", min_free=0)).handle(occurrence(run("team/deploy 1", made)))
    return tmp_path / "archive"


def invoked(*words: object) -> tuple[int, str]:
    """Exit code and output of a command."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


def test_archives_are_listed_read_back_and_restored(folder: Path, tmp_path: Path) -> None:
    """By the run's own id, whatever the file is called; what is not in the archive is listed with the reason."""
    code, listed = invoked("list", "--folder", folder, "--output", "json")
    (row,) = json.loads(listed)["rows"]
    assert (code, row["run"], row["files"], row["skipped"]) == (0, "team/deploy 1", 3, 1)
    assert invoked("verify", "team/deploy 1", "--folder", folder)[0] == 0
    into = tmp_path / "back"
    code, restored = invoked("restore", "team/deploy 1", "--folder", folder, "--into", into)
    assert code == 0
    assert "leaves the artifacts folder" in restored
    assert (into / "logs" / "build.log").read_bytes() == (tmp_path / "made" / "logs" / "build.log").read_bytes()


def test_mistakes_are_told(folder: Path, tmp_path: Path) -> None:
    """A run without an archive and a folder that is none are wrong usage; a broken archive is a fault."""
    assert invoked("verify", "deploy-2", "--folder", folder)[0] == 2
    assert invoked("list", "--folder", tmp_path / "none")[0] == 2
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    code, output = invoked("verify", file, "--output", "json")
    assert code == 1
    assert json.loads(output)["document"] == "pointsman.error/1"
