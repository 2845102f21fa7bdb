"""The archive writer: the same layout gives the same image, and the layer holds exactly what was asked for."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from pointsman.images import packages
from pointsman.images.archive import Archive, Layout, assemble, layer_stream
from pointsman.images.catalogue import Service

SERVICE = Service.model_validate(
    {
        "version": "1.2.3",
        "user": {"id": 10001, "name": "loki"},
        "official": {"repository": "docker.io/grafana/loki", "tag": "1.2.3"},
        "binaries": {"loki": "/usr/bin/loki"},
        "folders": [{"path": "/loki"}, {"path": "/var/shared", "mode": "1777", "owner": 0}],
    }
)


def layout(binary: Path) -> Layout:
    """The layout of the service with a given binary."""
    return packages.layout("loki", SERVICE, {"loki": binary}, b"certificates", "0123456789ab")


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    """A file that is neither empty nor a whole number of tar blocks or read chunks."""
    path = tmp_path / "loki"
    path.write_bytes(b"x" * ((1 << 20) + 700))
    return path


def unpacked(archive: Archive) -> dict[str, bytes]:
    """The files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive.stream()))) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


def test_layer_has_these_members_and_no_others(binary: Path) -> None:
    """The golden list: path, mode, owner, size; sorted, parents first, no time and no user names."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(layer_stream(layout(binary).entries)))) as tar:
        members = tar.getmembers()
    assert {(member.mtime, member.uname, member.gname) for member in members} == {(0, "", "")}
    assert [(m.name, oct(m.mode), m.uid, m.gid, m.size, m.isdir()) for m in members] == [
        ("etc", "0o755", 0, 0, 0, True),
        ("etc/group", "0o644", 0, 0, 14, False),
        ("etc/passwd", "0o644", 0, 0, 40, False),
        ("etc/ssl", "0o755", 0, 0, 0, True),
        ("etc/ssl/certs", "0o755", 0, 0, 0, True),
        ("etc/ssl/certs/ca-certificates.crt", "0o644", 0, 0, 12, False),
        ("loki", "0o755", 10001, 10001, 0, True),
        ("tmp", "0o1777", 0, 0, 0, True),
        ("usr", "0o755", 0, 0, 0, True),
        ("usr/bin", "0o755", 0, 0, 0, True),
        ("usr/bin/loki", "0o755", 0, 0, 1049276, False),
        ("var", "0o755", 0, 0, 0, True),
        ("var/shared", "0o1777", 0, 0, 0, True),
    ]


def test_same_content_same_id_whatever_the_file_system_says(binary: Path, tmp_path: Path) -> None:
    """Times, modes and places of the source files do not count; their content does."""
    first = assemble(layout(binary), "pointsman/loki:1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(binary.read_bytes())
    elsewhere.chmod(0o600)
    os.utime(elsewhere, (1, 1))
    again = assemble(layout(elsewhere), "pointsman/loki:1")
    assert again.image_id == first.image_id
    assert b"".join(again.stream()) == b"".join(first.stream())
    elsewhere.write_bytes(b"y" + binary.read_bytes()[1:])
    assert assemble(layout(elsewhere), "pointsman/loki:1").image_id != first.image_id


def test_archive_is_consistent(binary: Path) -> None:
    """Size as announced; manifest, config and layer name each other by the right hashes; the user is not root."""
    archive = assemble(layout(binary), "pointsman/loki:1")
    assert len(b"".join(archive.stream())) == archive.size
    files = unpacked(archive)
    (manifest,) = json.loads(files["manifest.json"])
    assert manifest == {
        "Config": archive.image_id.removeprefix("sha256:") + ".json",
        "RepoTags": ["pointsman/loki:1"],
        "Layers": ["layer.tar"],
    }
    config = json.loads(files[manifest["Config"]])
    assert config["config"]["User"] == "10001:10001"
    assert config["config"]["Entrypoint"] == ["/usr/bin/loki"]
    assert config["config"]["Labels"]["pointsman.recipe"] == "0123456789ab"
    assert config["created"] == "1970-01-01T00:00:00Z"
