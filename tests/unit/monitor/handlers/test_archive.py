"""Archives: what is in them, what is refused, and that nothing half-done is ever seen."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.monitor.events import EventKind
from pointsman.monitor.handlers import zipping
from pointsman.monitor.handlers.archive import Archive, ArchiveSettings, archive_file
from pointsman.monitor.handlers.artifacts import DEEPEST
from pointsman.monitor.handlers.manifest import Manifest
from pointsman.monitor.handlers.retention import Retention
from pointsman.monitor.handling import NotNow, Rejected
from tests.unit.monitor.handlers.runs import artifacts, occurrence, run


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Artifacts of a run."""
    return artifacts(tmp_path / "made")


@pytest.fixture
def settings(tmp_path: Path) -> ArchiveSettings:
    """An archive folder that is not there yet."""
    return ArchiveSettings(tmp_path / "archive", min_free=0)


def archived(settings: ArchiveSettings, root: Path) -> Manifest:
    """The manifest after the run's end was handled."""
    of = run(artifacts=root)
    Archive(settings).handle(occurrence(of))
    return zipping.verify(archive_file(settings.folder, of))


def reasons(manifest: Manifest) -> dict[str, str]:
    """Why each path was left out."""
    return {each.path: each.reason for each in manifest.skipped}


def test_all_artifacts_are_archived(made: Path, settings: ArchiveSettings) -> None:
    """Files, empty ones too, empty folders and links inside, with sizes and hashes; nothing else lies in the folder."""
    manifest = archived(settings, made)
    assert {member.path: member.kind for member in manifest.members} == {
        "empty.txt": "file",
        "latest.log": "link",
        "logs/build.log": "file",
        "logs/deep/noise.bin": "file",
        "nothing": "folder",
    }
    assert manifest.size == 45_000 + 20_000
    assert not manifest.skipped
    assert [path.name for path in settings.folder.iterdir()] == ["deploy-1.zip"]
    assert (settings.folder / "deploy-1.zip").stat().st_mode & 0o777 == 0o600


def test_any_unzip_can_read_it(made: Path, settings: ArchiveSettings) -> None:
    """The archive is an ordinary zip: the standard library's reader finds the same bytes."""
    archived(settings, made)
    with zipfile.ZipFile(settings.folder / "deploy-1.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("artifacts/logs/build.log") == (made / "logs/build.log").read_bytes()
        assert archive.getinfo("artifacts/logs/build.log").compress_size < 1000


def test_a_second_delivery_changes_nothing(made: Path, settings: ArchiveSettings) -> None:
    """The same event again, after the artifacts are gone too: the zip stays, byte for byte and inode."""
    handler, told = Archive(settings), occurrence(run(artifacts=made))
    handler.handle(told)
    before = (settings.folder / "deploy-1.zip").stat()
    (made / "empty.txt").unlink()
    assert "is there already" in Archive(settings).handle(told)
    after = (settings.folder / "deploy-1.zip").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_another_end_of_the_same_run_replaces_it(made: Path, settings: ArchiveSettings) -> None:
    """A run that went on after its end and failed is archived again; the first event, if late, changes nothing."""
    handler, of = Archive(settings), run(artifacts=made)
    first, second = occurrence(of), occurrence(of, EventKind.FAILED)
    handler.handle(first)
    (made / "more.txt").write_text("more")
    handler.handle(second)
    assert "is there already" in handler.handle(first)
    manifest = zipping.verify(settings.folder / "deploy-1.zip")
    assert manifest.events == (first.event.id, second.event.id)
    assert "more.txt" in {member.path for member in manifest.members}


def test_a_broken_archive_is_made_anew(made: Path, settings: ArchiveSettings) -> None:
    """An archive that cannot be read back any more is not taken for one."""
    handler, told = Archive(settings), occurrence(run(artifacts=made))
    handler.handle(told)
    file = settings.folder / "deploy-1.zip"
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(zipping.BrokenArchive):
        zipping.verify(file)
    assert "is written and read back" in handler.handle(told)
    zipping.verify(file)


@pytest.mark.parametrize("kind", ["none", "missing", "empty", "file"])
def test_no_artifacts_no_archive(tmp_path: Path, settings: ArchiveSettings, kind: str) -> None:
    """A run without artifacts is done with a reason, and not even the archive folder is made."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    of = run(artifacts=None if kind == "none" else tmp_path / kind)
    assert Archive(settings).handle(occurrence(of)).startswith("no archive: ")
    assert not settings.folder.exists()


@pytest.mark.parametrize("target", ["/etc/hosts", "../secret", "logs/../../secret", "/"])
def test_links_that_leave_the_folder_are_refused(made: Path, settings: ArchiveSettings, target: str) -> None:
    """They are listed as skipped, with where they lead; what they lead to is not in the zip."""
    (made.parent / "secret").write_text("the secret")
    (made / "out").symlink_to(target)
    manifest = archived(settings, made)
    assert "leaves the artifacts folder" in reasons(manifest)["out"]
    assert b"the secret" not in (settings.folder / "deploy-1.zip").read_bytes()


def test_a_folder_that_is_a_link_is_not_entered(made: Path, settings: ArchiveSettings) -> None:
    """A link to a folder elsewhere is skipped, one to a folder inside is kept as a link: no file is there twice."""
    (made.parent / "elsewhere").mkdir()
    (made.parent / "elsewhere" / "secret").touch()
    (made / "away").symlink_to(made.parent / "elsewhere")
    (made / "inside").symlink_to(made / "logs")
    manifest = archived(settings, made)
    assert set(reasons(manifest)) == {"away"}
    assert [each.kind for each in manifest.members if each.path.startswith("inside")] == ["link"]


def test_what_is_no_file_is_skipped(made: Path, settings: ArchiveSettings) -> None:
    """A pipe does not hang the handler; a circle of links and a name that is no text do not stop it."""
    os.mkfifo(made / "pipe")
    (made / "circle").symlink_to("circle")
    (made / os.fsdecode(b"caf\xe9")).write_text("latin")
    manifest = archived(settings, made)
    assert "a pipe" in reasons(manifest)["pipe"]
    assert "circle" in reasons(manifest)
    assert "caf\\xe9" in {member.path for member in manifest.members}


def test_folders_too_deep_are_skipped(tmp_path: Path, settings: ArchiveSettings) -> None:
    """Thousands of folders within folders take neither all descriptors nor the stack."""
    root = tmp_path / "deep"
    root.mkdir()
    (root / "file").touch()
    here = os.open(root, os.O_RDONLY)
    for _ in range(DEEPEST + 50):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    manifest = archived(settings, root)
    assert [f"nested deeper than {DEEPEST}" in each.reason for each in manifest.skipped] == [True]


def meddling(monkeypatch: pytest.MonkeyPatch, meddle: Callable[[], None]) -> None:
    """Something happens to the artifacts once, when their first member is in the zip."""
    done = list[str]()

    def point(name: str) -> None:
        if name == "after-archive-member" and not done:
            done.append(name)
            meddle()

    monkeypatch.setattr("pointsman.monitor.crashing.point", point)


def test_artifacts_that_vanish_meanwhile(
    made: Path, settings: ArchiveSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes while the rest is archived is listed as skipped; the rest is archived."""

    def vanish() -> None:
        (made / "logs/deep/noise.bin").unlink()
        (made / "latest.log").unlink()

    meddling(monkeypatch, vanish)
    manifest = archived(settings, made)
    assert "vanished" in reasons(manifest)["latest.log"]
    assert "logs/build.log" in {member.path for member in manifest.members}


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(
    made: Path, settings: ArchiveSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swapping a folder for a link while it is archived does not get a file from outside into the zip."""
    (made.parent / "elsewhere").mkdir()
    (made.parent / "elsewhere" / "build.log").write_text("the secret " * 100)

    def swap() -> None:
        (made / "logs").rename(made.parent / "logs-before")
        (made / "logs").symlink_to(made.parent / "elsewhere")

    meddling(monkeypatch, swap)
    archived(settings, made)
    with zipfile.ZipFile(settings.folder / "deploy-1.zip") as archive:
        assert not any(b"the secret" in archive.read(name) for name in archive.namelist())


def test_a_file_that_grows_meanwhile_is_marked(made: Path, settings: ArchiveSettings) -> None:
    """What was read is what the manifest tells of, and that the file changed."""
    script = "import sys,time\nwith open(sys.argv[1],'ab',0) as f:\n while True: f.write(b'x'*4096)"
    (made / "grows").write_bytes(b"x" * 30_000_000)
    with subprocess.Popen([sys.executable, "-c", script, made / "grows"], preexec_fn=_small_files) as writer:
        try:
            while (made / "grows").stat().st_size == 30_000_000:
                pass
            manifest = archived(settings, made)
        finally:
            writer.kill()
    assert {member.path for member in manifest.members if member.changed} == {"grows"}


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))


def test_a_folder_outside_of_the_allowed_is_refused(made: Path, settings: ArchiveSettings, tmp_path: Path) -> None:
    """A run whose artifacts are, by a link or by `..`, elsewhere than artifacts may be: a dead letter, nothing read."""
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(made)
    strict = replace(settings, within=(tmp_path / "allowed",))
    for root in (tmp_path / "allowed" / "link", tmp_path / "allowed" / ".." / "made", tmp_path / "allowed"):
        with pytest.raises(Rejected, match="outside of"):
            Archive(strict).handle(occurrence(run(artifacts=root)))


def test_an_archive_folder_inside_the_artifacts_is_refused(made: Path) -> None:
    """It would archive itself."""
    with pytest.raises(Rejected, match="lies in the artifacts"):
        Archive(ArchiveSettings(made / "archive")).handle(occurrence(run(artifacts=made)))


def test_a_folder_that_cannot_be_written(made: Path, tmp_path: Path) -> None:
    """The reason and the command to look with; later it works."""
    (tmp_path / "taken").touch()
    told = occurrence(run(artifacts=made))
    handler = Archive(ArchiveSettings(tmp_path / "taken" / "archive", min_free=0))
    with pytest.raises(NotNow, match=r"cannot be written: Not a directory; see: ls -ld"):
        handler.handle(told)
    (tmp_path / "taken").unlink()
    assert "is written" in handler.handle(told)


def test_a_disk_that_is_short(made: Path, settings: ArchiveSettings) -> None:
    """Nothing is begun where the space would not do; how much is needed and free is said."""
    with pytest.raises(NotNow, match=r"has [\d,.]+ MB free: the artifacts take up to 0.1 MB"):
        Archive(replace(settings, min_free=2**60)).handle(occurrence(run(artifacts=made)))
    assert list(settings.folder.iterdir()) == []


def test_a_disk_that_gets_full_meanwhile(made: Path, settings: ArchiveSettings) -> None:
    """A write that fails in the middle leaves nothing behind, and the reason."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(NotNow, match="is full: File too large; free some space"):
            Archive(settings).handle(occurrence(run(artifacts=made)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(settings.folder.iterdir()) == []


def test_two_processes_do_not_write_one_archive(made: Path, settings: ArchiveSettings) -> None:
    """While another process writes the archive, this one waits for its next turn and leaves the file alone."""
    settings.folder.mkdir()
    code = (
        "import fcntl,sys\nf=open(sys.argv[1],'w');f.write('theirs');f.flush()\n"
        "fcntl.flock(f,fcntl.LOCK_EX);print('ready',flush=True);sys.stdin.read()"
    )
    partial = settings.folder / ".deploy-1.zip.partial"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, partial], **pipes) as other:  # type: ignore[call-overload]
        other.stdout.readline()
        with pytest.raises(NotNow, match="by another process"):
            Archive(settings).handle(occurrence(run(artifacts=made)))
        assert partial.read_text() == "theirs"
        other.stdin.close()
    assert "is written" in Archive(settings).handle(occurrence(run(artifacts=made)))


def test_ids_that_are_no_file_names(made: Path, settings: ArchiveSettings) -> None:
    """Separators, 300 characters, half a character: each has an archive of its own, inside the folder."""
    ids = ["../../x", "..", "a/b", "a_b", "x" * 300, "x" * 299 + "y", "\ud800", "deploy\n1"]
    handler = Archive(settings)
    for each in ids:
        handler.handle(occurrence(run(each, made)))
    assert len(list(settings.folder.iterdir())) == len(ids)


def test_old_archives_go(made: Path, settings: ArchiveSettings) -> None:
    """By age and by size, oldest first, the newest never; zips of others and fresh partial files stay."""
    handler = Archive(settings)
    for number in range(6):
        handler.handle(occurrence(run(f"r{number}", made)))
        os.utime(settings.folder / f"r{number}.zip", (1000 + number, 1000 + number))
    with zipfile.ZipFile(settings.folder / "theirs.zip", "w") as theirs:
        theirs.writestr("a", "b")
    os.utime(settings.folder / "theirs.zip", (1, 1))
    (settings.folder / ".r9.zip.partial").touch()
    (settings.folder / ".r8.zip.partial").touch()
    os.utime(settings.folder / ".r8.zip.partial", (1, 1))
    size = (settings.folder / "r0.zip").stat().st_size
    Archive(replace(settings, keep=Retention(size=size * 7 // 2))).handle(occurrence(run("new", made)))
    left = {path.name for path in settings.folder.iterdir()}
    assert left == {"new.zip", "r5.zip", "r4.zip", "theirs.zip", ".r9.zip.partial"}
    Archive(replace(settings, keep=Retention(days=1))).handle(occurrence(run("newer", made)))
    assert {path.name for path in settings.folder.glob("[nr]*.zip")} == {"new.zip", "newer.zip"}


# Not getrusage: its figure begins with what the process was forked from.
MEMORY = """
import re, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from pointsman.monitor.handlers.archive import Archive, ArchiveSettings
from tests.unit.monitor.handlers.runs import occurrence, run
handler = Archive(ArchiveSettings(Path(sys.argv[2]), min_free=0, level=1))
def peak(name):
    handler.handle(occurrence(run(name, Path(sys.argv[1]) / name)))
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
small = peak("small")
print(peak("large") - small)
"""


def test_two_gigabytes_take_no_more_memory_than_two_megabytes(tmp_path: Path) -> None:
    """A file beyond 2 GB, where zip's short sizes end, is streamed, read back, and takes 8 MB at the most."""
    for name, size in (("small", 2 * 2**20), ("large", 2**31 + 1)):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "file").open("wb") as file:
            file.truncate(size)
    here = [str(path) for path in (Path(__file__).parents[4], Path(__file__).parents[4] / "components")]
    words = [sys.executable, "-c", MEMORY, str(tmp_path), str(tmp_path / "archive"), *here]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 8 * 1024, done.stdout
    assert zipping.read_manifest(tmp_path / "archive" / "large.zip").size == 2**31 + 1
