"""The archive that empties and fills a slot, member for member, and the name of a release."""

from __future__ import annotations

import io
import tarfile

from pointsman.resources.provider import releases
from pointsman.resources.provider.releases import Live

FILES = {"prometheus.yml": "global: {}\n", "targets/a/x.json": "[]\n", "targets/b.json": "ü\n"}
WRITTEN = 1_700_000_000

MEMBERS = """\
file a mode 0644 owner 0:0 size 0 time 0
directory a mode 0755 owner 0:0 size 0 time 0
directory a/targets mode 0755 owner 0:0 size 0 time 0
directory a/targets/a mode 0755 owner 0:0 size 0 time 0
file a/.release mode 0440 owner 65534:65534 size 15 time 1700000000
file a/prometheus.yml mode 0440 owner 65534:65534 size 11 time 1700000000
file a/targets/a/x.json mode 0440 owner 65534:65534 size 3 time 1700000000
file a/targets/b.json mode 0440 owner 65534:65534 size 3 time 1700000000
"""


def line(item: tarfile.TarInfo) -> str:
    """A member in words."""
    kind = "directory" if item.isdir() else "file" if item.isreg() else "other"
    return (
        f"{kind} {item.name} mode {item.mode:04o} owner {item.uid}:{item.gid} size {item.size} time {int(item.mtime)}\n"
    )


def test_members_of_a_slot() -> None:
    """The slot comes as a file first, which clears it, then as a directory; files are for the service's user alone."""
    with tarfile.open(fileobj=io.BytesIO(releases.slot_archive("a", FILES, 65534, WRITTEN))) as archive:
        assert "".join(line(item) for item in archive) == MEMBERS


def test_contents_of_a_slot() -> None:
    """Texts arrive as UTF-8; the stamp names slot and release."""
    with tarfile.open(fileobj=io.BytesIO(releases.slot_archive("b", FILES, 1, WRITTEN))) as archive:
        found = {}
        for item in archive:
            # By member and not by name: the slot stands in the archive twice.
            content = archive.extractfile(item)
            if content and item.size:
                found[item.name] = content.read().decode()
    assert found == {
        "b/.release": f"b {releases.digest(FILES)}\n",
        **{f"b/{path}": text for path, text in FILES.items()},
    }


def test_an_archive_is_the_same_each_time() -> None:
    """It hangs on nothing but its arguments, in whatever order the files come."""
    turned = dict(reversed(FILES.items()))
    assert releases.slot_archive("a", turned, 1, WRITTEN) == releases.slot_archive("a", FILES, 1, WRITTEN)


def test_digest() -> None:
    """It names paths and contents, and not the order; a text cannot be taken for a path."""
    turned = dict(reversed(FILES.items()))
    assert releases.digest(turned) == releases.digest(FILES)
    others = [
        {**FILES, "new": ""},
        {**FILES, "prometheus.yml": ""},
        {"prometheus.yaml" if path == "prometheus.yml" else path: text for path, text in FILES.items()},
        {},
        {"a": "b"},
        {"ab": ""},
    ]
    assert len({releases.digest(files) for files in (FILES, *others)}) == len(others) + 1
    assert len(releases.digest({})) == 12


def test_the_other_slot() -> None:
    """What is written next is never what is in force."""
    assert [Live(slot, "r").other for slot in releases.SLOTS] == ["b", "a"]
