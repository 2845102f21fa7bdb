"""The tar of a volume on its way to another folder: what belongs to its files stays with them."""

from __future__ import annotations

import io
import tarfile

import pytest

from pointsman.backup.tree import Summary, UnsafeTree, below, is_empty, survey
from tests.unit.backup.archives import GOOD, entry, tree

CAPABILITY = b"\x01\x00\x00\x02\x00\x84\xff".decode("utf-8", "surrogateescape")
ATTRIBUTES = {"SCHILY.xattr.security.capability": CAPABILITY}


def moved(volume: bytes, root: str, directory: str) -> tarfile.TarFile:
    """The volume below another folder."""
    return tarfile.open(fileobj=io.BytesIO(b"".join(below(io.BytesIO(volume), root, directory))))


def test_everything_of_a_file_stays() -> None:
    """Owner, mode, time, attributes and content; also of names that are longer than a plain tar can hold."""
    long = "w" * 150
    volume = tree(
        entry("loki", None, uid=10001, gid=10002, mode=0o2750),
        entry(f"loki/{long}", b"data", uid=7, gid=8, mode=0o640, mtime=1700000000, pax_headers=ATTRIBUTES),
    )
    with moved(volume, "loki", "elsewhere") as tar:
        folder, file = tar.getmembers()
        assert (folder.name, folder.uid, folder.gid, folder.mode) == ("elsewhere", 10001, 10002, 0o2750)
        assert (file.name, file.uid, file.gid, file.mode) == (f"elsewhere/{long}", 7, 8, 0o640)
        assert file.mtime == 1700000000
        assert file.pax_headers["SCHILY.xattr.security.capability"] == CAPABILITY
        content = tar.extractfile(file)
        assert content is not None
        assert content.read() == b"data"


def test_only_the_folder_changes() -> None:
    """A path that has the folder's name again further down keeps it there."""
    with moved(tree(entry("a", None), entry("a/a", None), entry("a/a/a", b"x")), "a", "b") as tar:
        assert tar.getnames() == ["b", "b/a", "b/a/a"]


def test_survey_and_emptiness() -> None:
    """A volume with a folder in it is not empty; one without even its own folder is no volume."""
    assert survey(io.BytesIO(GOOD)) == Summary("loki", 1)
    assert is_empty(iter([tree(entry("loki", None))]))
    assert not is_empty(iter([GOOD[:700], GOOD[700:]]))
    with pytest.raises(UnsafeTree, match="holds nothing"):
        survey(io.BytesIO(tree()))
