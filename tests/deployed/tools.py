"""The services' own tools, each run once inside the image that the service runs from."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import docker

from pointsman.images.model import ImageRef

TOOL_SECONDS = 60


@dataclass(frozen=True)
class Said:
    """A tool that ended."""

    code: int
    text: str


def run_tool(engine: docker.DockerClient, image: ImageRef, command: Sequence[str], files: Mapping[str, str]) -> Said:
    """Runs a command of an image, as the service's user and without a network, on files that nobody else has.

    `files` holds texts by absolute path.
    """
    container = engine.containers.create(
        image.image_id,
        list(command[1:]),
        entrypoint=[command[0]],
        user=f"{image.user}:{image.user}",
        network_mode="none",
    )
    try:
        container.put_archive("/", _archive(files))
        container.start()
        code = container.wait(timeout=TOOL_SECONDS)["StatusCode"]
        return Said(code, container.logs().decode())
    finally:
        container.remove(force=True)


def _archive(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(2, path.count("/") + 1)}
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
