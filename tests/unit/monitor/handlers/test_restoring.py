"""Archives put back: the same files, nothing outside of the folder, all or nothing."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.errors import PointsmanError, UnreachableError, UsageError
from pointsman.monitor.handlers import zipping
from pointsman.monitor.handlers.archive import Archive, ArchiveSettings
from pointsman.monitor.handlers.restoring import archives, find, restore
from tests.unit.monitor.handlers.runs import artifacts, occurrence, run


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The archive of a run."""
    made = artifacts(tmp_path / "made")
    (made / "logs" / "build.log").chmod(0o750)
    Archive(ArchiveSettings(tmp_path / "archive", min_free=0)).handle(occurrence(run(artifacts=made)))
    return tmp_path / "archive" / "deploy-1.zip"


def tree(root: Path) -> dict[str, object]:
    """All that is below a folder."""
    found: dict[str, object] = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = path.readlink()
        else:
            found[name] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) if path.is_file() else "folder"
    return found


def test_the_same_is_back(archive: Path, tmp_path: Path) -> None:
    """Content, permissions, empty folders and links; an empty folder may be there before."""
    (tmp_path / "back").mkdir()
    restore(archive, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(tmp_path / "made")
    assert {path.name for path in tmp_path.iterdir()} == {"made", "archive", "back"}


def test_a_folder_with_something_in_it_stays(archive: Path, tmp_path: Path) -> None:
    """Nothing is written over."""
    before = tree(tmp_path / "made")
    with pytest.raises(UsageError, match="not empty"):
        restore(archive, tmp_path / "made")
    assert tree(tmp_path / "made") == before


def test_a_place_that_cannot_be_written(archive: Path, tmp_path: Path) -> None:
    """The message names the place and the next step."""
    (tmp_path / "taken").touch()
    with pytest.raises(UnreachableError, match="was not restored"):
        restore(archive, tmp_path / "taken" / "back")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 0.999), value=st.integers(1, 255), cut=st.booleans())
def test_damage_is_found(archive: Path, place: float, value: int, cut: bool) -> None:
    """Any byte changed or the end cut off: either all content is still as the manifest says, or it is called broken."""
    content = bytearray(archive.read_bytes())
    at = int(place * len(content))
    content[at] ^= value
    damaged = archive.with_name("damaged.zip")
    damaged.write_bytes(content[:at] if cut else content)
    whole = zipping.verify(archive)
    try:
        found = zipping.verify(damaged)
    except zipping.BrokenArchive:
        return
    # What no hash covers, such as times in the zip's own headers.
    assert not cut
    assert found.members == whole.members


def forged(folder: Path, path: str, kind: str = "file", content: bytes = b"x", **more: Any) -> Path:
    """An archive with one member, whose manifest is right about it."""
    member: dict[str, Any] = {"path": path, "kind": kind, "size": len(content) if kind == "file" else 0}
    member["sha256"] = hashlib.sha256(content).hexdigest()
    run_part: dict[str, Any] = {
        "source": "store",
        "id": "r",
        "attempt": 1,
        "name": "n",
        "kind": "k",
        "state": "completed",
    }
    run_part |= {"created_at": "2026-03-01T12:00:00Z", "started_at": None, "finished_at": None}
    manifest: dict[str, Any] = {"format": "pointsman.archive/1", "run": run_part, "artifacts": "/a", "events": ["e"]}
    manifest |= {"at": "2026-03-01T12:00:00Z", "members": [member | more], "skipped": []}
    file = folder / "forged.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"artifacts/{path}", content)
        archive.writestr("manifest.json", json.dumps(manifest))
    return file


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [
        ("../out", "file", b"x"),
        ("a/../../out", "file", b"x"),
        ("/out", "file", b"x"),
        ("out", "link", b"../made"),
        ("out", "link", b"/etc/passwd"),
    ],
)
def test_nothing_leaves_the_folder(tmp_path: Path, path: str, kind: str, content: bytes) -> None:
    """A forged archive whose hashes are right writes nothing at all."""
    file = forged(tmp_path, path, kind, content)
    with pytest.raises(zipping.BrokenArchive, match="leaves the folder"):
        restore(file, tmp_path / "back")
    assert {each.name for each in tmp_path.iterdir()} == {"forged.zip"}


def test_more_bytes_than_told_are_not_unpacked(tmp_path: Path) -> None:
    """A member that unpacks to more than its manifest says is broken, before its end is reached."""
    with pytest.raises(zipping.BrokenArchive, match="more than its 1 bytes"):
        zipping.verify(forged(tmp_path, "bomb", content=b"0" * 5_000_000, size=1))


def test_archives_are_found_by_run(archive: Path) -> None:
    """By id and attempt; what is no archive is listed with the reason; a run without one is named."""
    folder = archive.parent
    made = archive.parent.parent / "made"
    Archive(ArchiveSettings(folder, min_free=0)).handle(occurrence(run("deploy-1", made, attempt=2)))
    (folder / "other.zip").write_text("no zip")
    assert find(folder, "deploy-1", 1) == archive
    assert find(folder, "deploy-1").name.startswith("deploy-1~")
    assert ["is no zip" in each.problem for each in archives(folder)].count(True) == 1
    with pytest.raises(UsageError, match="no archive of the run 'deploy-2'"):
        find(folder, "deploy-2")


def test_what_is_no_zip_is_a_fault_not_a_traceback(tmp_path: Path) -> None:
    """An empty file, text, and a zip of somebody else."""
    (tmp_path / "a.zip").touch()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as other:
        other.writestr("manifest.json", "{}")
    for name in ("a.zip", "b.zip"):
        with pytest.raises(PointsmanError):
            restore(tmp_path / name, tmp_path / "back")
