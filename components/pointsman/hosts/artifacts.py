"""The programs that plays copy to hosts: made or taken out of images once, and kept in the cache."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

from pointsman import paths
from pointsman.hosts.planning import Artifacts, File
from pointsman.images.model import ImageRef

FOLDER = "host-programs"
PROMTAIL = "/usr/bin/promtail"


def artifacts(log_agent: ImageRef) -> Artifacts:
    """The log agent of its image, and the runner exporter packed from this checkout.

    Raises UnreachableError when Docker, which has the image, does not answer.
    """
    return Artifacts(_log_agent(log_agent), _runner_exporter())


def _log_agent(image: ImageRef) -> File:
    """The binary out of the image, kept by the image's id; its checksum beside it, since it has 100 MB."""
    name = f"promtail-{image.image_id.removeprefix('sha256:')[:12]}"
    binary = paths.cache_dir() / FOLDER / name
    checksum = binary.with_suffix(".sha256")
    if not (binary.is_file() and checksum.is_file()):
        content = _out_of(image.image_id, PROMTAIL)
        _write(binary, content, 0o755)
        _write(checksum, hashlib.sha256(content).hexdigest().encode(), 0o644)
    return File(str(binary), checksum.read_text())


def _runner_exporter() -> File:
    from pointsman.runner_exporter import packing

    target = paths.cache_dir() / FOLDER / "runner-exporter.pyz"
    target.parent.mkdir(parents=True, exist_ok=True)
    return File(str(target), packing.build(target))


def _out_of(image: str, path: str) -> bytes:
    """A file of an image, through a container that never runs."""
    from pointsman.targets.docker.engine import connect

    with connect() as client:
        container = client.create_container(image, ["never-started"])["Id"]
        try:
            chunks, _ = client.get_archive(container, path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.extractfile(archive.next())  # type: ignore[arg-type]
                assert member is not None
                return member.read()
        finally:
            client.remove_container(container, force=True)


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(scratch).chmod(mode)
    Path(scratch).replace(path)
