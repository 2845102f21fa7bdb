"""The Docker engine as far as images go: ask a registry, pull, load, look up, remove."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import docker
import requests
from docker.auth import get_config_header, resolve_repository_name
from docker.errors import APIError, DockerException, ImageNotFound

from pointsman.errors import UnreachableError
from pointsman.images.archive import Archive
from pointsman.images.failures import RegistryFailure, classify

CONTACT_SECONDS: Final = 10.0
"""Longest wait for a registry's first answer."""
STALL_SECONDS: Final = 60.0
"""Longest silence of a pull at work; the engine reports every layer several times a second."""
PREFIX: Final = "pointsman/"
"""Repositories of the images that are made here."""

Report = Callable[[str, float | None], None]


@dataclass(frozen=True)
class LocalImage:
    """An image that the engine has. `size` is in bytes."""

    id: str
    size: int
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    labels: dict[str, str]


class Engine:
    """The engine that DOCKER_HOST names, or the machine's own. Registry credentials are those of the Docker CLI."""

    def __init__(self, contact_seconds: float = CONTACT_SECONDS) -> None:
        self.contact_seconds = contact_seconds
        try:
            self.client = docker.from_env()
            self.client.ping()
        except (DockerException, requests.RequestException) as error:
            raise UnreachableError(
                f"the Docker engine does not answer: {error}", remedy="start Docker, or point DOCKER_HOST at it"
            ) from error

    def inspect(self, reference: str) -> LocalImage | None:
        """The image of that id, tag or digest, or None."""
        try:
            found = self.client.images.get(reference).attrs
        except ImageNotFound:
            return None
        return LocalImage(
            id=found["Id"],
            size=found["Size"],
            tags=tuple(found.get("RepoTags") or ()),
            digests=tuple(found.get("RepoDigests") or ()),
            labels=(found.get("Config") or {}).get("Labels") or {},
        )

    def digest_of(self, repository: str, version: str) -> str:
        """The digest that the registry serves now for a tag or digest; nothing is pulled. Raises RegistryFailure."""
        image = f"{repository}{'@' if version.startswith('sha256:') else ':'}{version}"
        url = f"{self._url}/distribution/{image}/json"
        with _failures(image):
            answer = self.client.api.get(url, headers=self._credentials(repository), timeout=self.contact_seconds)
            _raise_for(answer)
            return str(answer.json()["Descriptor"]["digest"])

    def pull(self, repository: str, digest: str, report: Report) -> LocalImage:
        """Pull by digest and return the image; raises RegistryFailure when it fails or stands still."""
        image = f"{repository}@{digest}"
        with (
            _failures(image),
            self.client.api.post(
                f"{self._url}/images/create",
                params={"fromImage": repository, "tag": digest},
                headers=self._credentials(repository),
                stream=True,
                timeout=(self.contact_seconds, STALL_SECONDS),
            ) as answer,
        ):
            _raise_for(answer)
            _follow_pull(_events(answer.iter_lines()), report)
        found = self.inspect(image)
        if found is None:
            raise RegistryFailure("other", image, "the engine reported success but does not have the image")
        return found

    def load(self, archive: Archive, report: Report) -> LocalImage:
        """Load an archive; raises UnreachableError when the engine refuses it."""
        try:
            # requests sends any iterator of bytes; the stubs know only of files
            self.client.images.load(_counted(archive, report))  # type: ignore[arg-type]
        except (DockerException, requests.RequestException) as error:
            failure = classify(archive.tag, str(error))
            raise UnreachableError(
                f"the Docker engine cannot load {archive.tag}: {failure.reason}", remedy=failure.remedy
            ) from error
        found = self.inspect(archive.tag)
        if found is None:
            raise UnreachableError(f"the Docker engine loaded {archive.tag} but does not have it", remedy="try again")
        return found

    def made_here(self) -> dict[str, str]:
        """Image id by tag of all images that carry a pointsman/ tag."""
        images = self.client.api.images(filters={"reference": f"{PREFIX}*"})
        return {tag: image["Id"] for image in images for tag in image.get("RepoTags") or () if tag.startswith(PREFIX)}

    def labelled(self, repository: str, label: str, value: str) -> LocalImage | None:
        """An image of a repository that carries a label with that value, or None."""
        found = self.client.api.images(name=repository, filters={"label": f"{label}={value}"})
        return next((image for each in found if (image := self.inspect(each["Id"]))), None)

    def in_use(self) -> set[str]:
        """Ids of images that any container, running or not, was made from."""
        return {container["ImageID"] for container in self.client.api.containers(all=True)}

    def untag(self, tag: str) -> None:
        """Take a tag away, and the image with it when that was its last."""
        self.client.api.remove_image(tag)

    @property
    def _url(self) -> str:
        return f"{self.client.api.base_url}/v{self.client.api.api_version}"

    def _credentials(self, repository: str) -> dict[str, str]:
        header = get_config_header(self.client.api, resolve_repository_name(repository)[0])
        return {"X-Registry-Auth": header.decode() if isinstance(header, bytes) else header} if header else {}


class _failures:
    """Turns whatever a registry call raises into a RegistryFailure of `image`."""

    def __init__(self, image: str) -> None:
        self.image = image

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, requests.Timeout | requests.ConnectionError):
            raise RegistryFailure("unreachable", self.image, f"no answer in time: {error}") from error
        if isinstance(error, DockerException | requests.RequestException):
            raise classify(self.image, str(error)) from error


def _raise_for(answer: requests.Response) -> None:
    if answer.status_code >= 400:
        try:
            message = answer.json()["message"]
        except (ValueError, KeyError, TypeError):
            message = answer.text
        raise APIError(f"{answer.status_code}: {message}" if answer.status_code != 500 else message)


def _events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.strip():
            yield json.loads(line)


def _follow_pull(events: Iterable[dict[str, Any]], report: Report) -> None:
    done: dict[str, tuple[int, int]] = {}
    spoke = 0.0
    for event in events:
        if "error" in event:
            raise APIError(event["error"])
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            done[event["id"]] = (detail["current"], detail["total"])
        if time.monotonic() - spoke > 0.2:
            spoke = time.monotonic()
            current, total = (sum(pair[i] for pair in done.values()) for i in (0, 1))
            report(f"pulling {_megabytes(current)}", min(current / total, 0.95) if total else None)


def _counted(archive: Archive, report: Report) -> Iterator[bytes]:
    sent, total = 0, archive.size
    for chunk in archive.stream():
        sent += len(chunk)
        report(f"loading {_megabytes(sent)} of {_megabytes(total)}", sent / total)
        yield chunk


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
