"""The archive writer: the same layout gives the same image, and the layer holds exactly what was asked for."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from pointsman.builds.debian import TREE, VERSIONS
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


def layout(result: Path) -> Layout:
    """The layout of the service with what a build made."""
    return packages.layout("loki", SERVICE, result, b"certificates", "0123456789ab")


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A build's result: a binary that is neither empty nor a whole number of tar blocks or read chunks."""
    (tmp_path / "loki").write_bytes(b"x" * ((1 << 20) + 700))
    return tmp_path


def unpacked(archive: Archive) -> dict[str, bytes]:
    """The files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive.stream()))) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


def test_layer_has_these_members_and_no_others(result: Path) -> None:
    """The golden list: path, mode, owner, size; sorted, parents first, no time and no user names."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(layer_stream(layout(result).entries)))) as tar:
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


def test_same_content_same_id_whatever_the_file_system_says(result: Path, tmp_path: Path) -> None:
    """Times, modes and places of the source files do not count; their content does."""
    first = assemble(layout(result), "pointsman/loki:1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    binary = elsewhere / "loki"
    binary.write_bytes((result / "loki").read_bytes())
    binary.chmod(0o600)
    os.utime(binary, (1, 1))
    again = assemble(layout(elsewhere), "pointsman/loki:1")
    assert again.image_id == first.image_id
    assert b"".join(again.stream()) == b"".join(first.stream())
    binary.write_bytes(b"y" + binary.read_bytes()[1:])
    assert assemble(layout(elsewhere), "pointsman/loki:1").image_id != first.image_id


def test_archive_is_consistent(result: Path) -> None:
    """Size as announced; manifest, config and layer name each other by the right hashes; the user is not root."""
    archive = assemble(layout(result), "pointsman/loki:1")
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


def test_an_image_of_debian_packages_says_what_it_holds(result: Path) -> None:
    """Libraries and other files lie at their own paths; the labels have the versions that were really obtained."""
    (result / VERSIONS).write_text("prometheus-alertmanager=0.28.1+ds-1\nlibc6=2.41-12\n")
    loader = result / TREE / "lib64" / "ld-linux-x86-64.so.2"
    loader.parent.mkdir(parents=True)
    loader.write_text("loader")
    loader.chmod(0o755)
    template = result / TREE / "usr" / "share" / "default.tmpl"
    template.parent.mkdir(parents=True)
    template.write_text("template")
    made = layout(result)
    modes = {entry.path: entry.mode for entry in made.entries}
    assert modes["/lib64/ld-linux-x86-64.so.2"] == 0o755
    assert modes["/usr/share/default.tmpl"] == 0o644
    assert made.labels["org.opencontainers.image.version"] == "0.28.1+ds-1"
    assert made.labels["pointsman.packages"] == "prometheus-alertmanager=0.28.1+ds-1 libc6=2.41-12"
    assert unpacked(assemble(made, "pointsman/loki:1"))["layer.tar"]
