"""A backup is taken whole or not at all: whatever is wrong with a file is found before anything of it is used."""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from pointsman.backup.model import MANIFEST, MARKER, STATE
from pointsman.backup.reading import BadBackup, check, volumes
from pointsman.backup.tree import below
from pointsman.errors import EXIT_USAGE, UsageError
from tests.unit.backup.archives import GOOD, LOKI, NOISE, Quiet, entry, forged, members, tree, written


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A good backup."""
    return written(tmp_path / "dev.tar.gz")


def refused(path: Path) -> str:
    """What is said of a file that is not taken; its exit code is that of a wrong file."""
    with pytest.raises(BadBackup) as caught:
        check(path, Quiet())
    assert caught.value.exit_code == EXIT_USAGE
    assert "nothing was touched" in caught.value.remedy
    assert str(path) in caught.value.message
    return caught.value.message


def test_what_is_written_is_read(whole: Path) -> None:
    """Manifest, state and lock come back as they were, and the volume's tar too, below another folder."""
    found = check(whole, Quiet())
    assert (found.state, found.lock) == (b'{"version": 3}', b"{}")
    assert [each.service for each in found.manifest.volumes] == ["loki"]
    ((name, source),) = ((name, b"".join(below(source, "loki", "data"))) for name, source in volumes(found, Quiet()))
    assert name == LOKI
    again = tree(entry("data", None), entry("data/wal", None), entry("data/wal/00000000", NOISE))
    assert source.rstrip(b"\0") == again.rstrip(b"\0")


def test_it_is_for_its_owner_alone(whole: Path) -> None:
    """Nobody else can read it, and no second one is written over it."""
    assert whole.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        written(whole)


def test_cut_off_anywhere(whole: Path, tmp_path: Path) -> None:
    """A file that ends early is refused wherever it ends; past its first member the message names a member."""
    bytes_ = whole.read_bytes()
    for end in {*range(0, 60), *range(60, len(bytes_), 997), *range(len(bytes_) - 40, len(bytes_))}:
        cut = tmp_path / "cut.tar.gz"
        cut.write_bytes(bytes_[:end])
        said = refused(cut)
        if end > len(bytes_) // 2:
            assert "cut off in" in said
            assert re.search(r"pointsman-backup/|its end", said), said


def test_a_flipped_bit_anywhere(whole: Path, tmp_path: Path) -> None:
    """A flipped bit is found wherever it changes what is unpacked: not in the time of the gzip header, for example."""
    packed, flipped = whole.read_bytes(), tmp_path / "flipped.tar.gz"
    found = 0
    for at in {*range(60), *range(60, len(packed), 613), *range(len(packed) - 60, len(packed))}:
        bytes_ = bytearray(packed)
        bytes_[at] ^= 0x10
        flipped.write_bytes(bytes_)
        if not _unpacks_to(bytes_, gzip.decompress(packed)):
            refused(flipped)
            found += 1
    assert found > 120


def _unpacks_to(packed: bytes | bytearray, content: bytes) -> bool:
    try:
        return gzip.decompress(packed) == content
    except (OSError, EOFError, zlib.error):
        return False


def test_a_flipped_bit_is_told_with_its_member(whole: Path, tmp_path: Path) -> None:
    """The hash of the member tells where, though the checksum of the whole file is wrong too."""
    unpacked = bytearray(gzip.decompress(whole.read_bytes()))
    unpacked[unpacked.index(NOISE) + 20_000] ^= 1
    packed = gzip.compress(unpacked)
    (tmp_path / "a.tar.gz").write_bytes(packed)
    assert f"{LOKI} is damaged" in refused(tmp_path / "a.tar.gz")
    (tmp_path / "b.tar.gz").write_bytes(packed[:-8] + whole.read_bytes()[-8:])
    assert f"{LOKI} is damaged" in refused(tmp_path / "b.tar.gz")


def test_a_flipped_bit_in_a_header(whole: Path) -> None:
    """A reader of tars takes what is no header for the end; the message says that it may be damage."""
    unpacked = bytearray(gzip.decompress(whole.read_bytes()))
    unpacked[unpacked.index(LOKI.encode())] ^= 1
    whole.write_bytes(gzip.compress(unpacked))
    assert f"damaged or cut off after {MARKER}" in refused(whole)


def test_bytes_after_the_end(whole: Path, tmp_path: Path) -> None:
    """What a transfer added is no part of the backup."""
    whole.write_bytes(whole.read_bytes() + b"and more")
    assert "damaged in its end" in refused(whole)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"hello", "it is not gzipped"),
        (tree(entry("a", b"b")), "it is not gzipped"),
        (gzip.compress(b"hello"), "it holds no tar archive"),
        (gzip.compress(b""), "it holds no tar archive"),
        (gzip.compress(tree(entry("etc/passwd", b"root"))), "its first entry is 'etc/passwd'"),
        (gzip.compress(tree(entry(MARKER, b"\xff\xfe"))), "its format is"),
    ],
    ids=["empty", "text", "tar", "gzipped text", "gzipped nothing", "another tar", "another marker"],
)
def test_a_foreign_file(tmp_path: Path, content: bytes, why: str) -> None:
    """It is said that the file is no backup, and by what that is known."""
    (tmp_path / "foreign").write_bytes(content)
    said = refused(tmp_path / "foreign")
    assert "is no backup of Pointsman" in said
    assert why in said


@pytest.mark.parametrize("name", ["nothing", "."])
def test_no_file(tmp_path: Path, name: str) -> None:
    """A path that leads to no file is a mistake on the command line."""
    with pytest.raises(UsageError):
        check(tmp_path / name, Quiet())


def test_a_newer_format(tmp_path: Path) -> None:
    """Nothing but the marker is understood of a newer backup, so nothing else may be looked at."""
    newer = forged(tmp_path / "newer", [entry(MARKER, b"2\n"), entry("pointsman-backup/whatever", b"")])
    assert "has format 2; this Pointsman reads formats up to 1" in refused(newer)


LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc"}
UNSAFE = {
    "above": entry("loki/../../etc/passwd", b"x"),
    "absolute": entry("/etc/passwd", b"x"),
    "beside": entry("prometheus/wal", b"x"),
    "symlink": entry("loki/out", None, **LINK),
    "hard link": entry("loki/out", b"", type=tarfile.LNKTYPE, linkname="loki/wal/00000000"),
    "device": entry("loki/disk", b"", type=tarfile.BLKTYPE, devmajor=8),
    "pipe": entry("loki/pipe", b"", type=tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_volume(tmp_path: Path, name: str) -> None:
    """A volume holds files and folders below its own folder; nothing else is let through, whatever its hash."""
    evil = tree(entry("loki", None), entry("loki/wal", None), UNSAFE[name])
    said = refused(forged(tmp_path / "evil", members(evil)))
    assert LOKI in said
    assert repr(UNSAFE[name][0].name) in said


@pytest.mark.parametrize("root", ["..", ".", "/", "a/b"])
def test_an_unsafe_folder_of_a_volume(tmp_path: Path, root: str) -> None:
    """Nor may the folder itself lead out."""
    refused(forged(tmp_path / "evil", members(tree(entry(root, None), entry(f"{root}/x", b"y")))))


@pytest.mark.parametrize(
    "extra",
    [
        entry("../outside", b"x"),
        entry("/etc/passwd", b"x"),
        entry("pointsman-backup/other", b"x"),
        entry("pointsman-backup/volumes/a/../../b.tar", b"x"),
        entry("pointsman-backup/volumes/x.tar", None, **LINK),
        entry("pointsman-backup/volumes/y.tar", b"", type=tarfile.CHRTYPE),
        entry(LOKI, GOOD),
    ],
    ids=lambda value: value[0].name,
)
def test_a_member_that_has_no_place(tmp_path: Path, extra: Any) -> None:
    """A backup has the members that its format names, each once, as plain files."""
    marker, volume, last = members()
    refused(forged(tmp_path / "evil", [marker, volume, extra, last]))


def test_manifest_and_members_say_the_same(tmp_path: Path) -> None:
    """A member with another hash or size, one that is missing, one too many, and a tree that is not as told."""
    marker, volume, last = members()
    wrong = {
        "is damaged": [marker, entry(LOKI, GOOD + bytes(512)), last],
        f"{LOKI} is missing": [marker, last],
        f"{STATE} is not in": [marker, volume, entry(STATE, b"{}"), last],
        "is not what": [marker, volume, entry(MANIFEST, last[1].replace(b'"files":1', b'"files":2'))],
        f"{MANIFEST} is missing": [marker, volume],
        "where nothing more may come": [marker, volume, last, entry(STATE, b"{}")],
        "volumes.0.member.sha256": [marker, volume, entry(MANIFEST, last[1].replace(b'"sha256":"', b'"sha256":"..'))],
    }
    for number, (words, entries) in enumerate(wrong.items()):
        assert words in refused(forged(tmp_path / str(number), entries))


def test_a_file_that_changes_after_its_check(whole: Path) -> None:
    """What is written is hashed once more: a change in between is at least told."""
    found = check(whole, Quiet())
    whole.unlink()
    written(whole, tree(entry("loki", None), entry("loki/wal", b"changed")))
    with pytest.raises(BadBackup, match="changed while it was restored"):
        deque((b"".join(below(source, "loki", "loki")) for _, source in volumes(found, Quiet())), maxlen=0)


def test_a_member_is_what_it_is_named(whole: Path) -> None:
    """The names of the members are part of the format: a change of them is a new format."""
    with tarfile.open(whole) as tar:
        assert tar.getnames() == [
            "pointsman-backup/format",
            "pointsman-backup/volumes/loki.tar",
            "pointsman-backup/state.json",
            "pointsman-backup/images.lock.json",
            "pointsman-backup/manifest.json",
        ]
