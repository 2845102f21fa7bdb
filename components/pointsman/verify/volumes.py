"""What lies in a service's volumes: the config release of the spec, and the data that a service keeps."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.resources.provider.releases import LINK, STAMP, digest
from pointsman.services import loki, prometheus, tempo
from pointsman.services.model import HttpReload, Service
from pointsman.verify.exposition import samples
from pointsman.verify.site import Lost, Site

if TYPE_CHECKING:
    from docker import APIClient

# What a service makes in its data directory when it starts, and never removes.
KEPT: Mapping[str, tuple[str, ...]] = {
    prometheus.NAME: ("wal", "chunks_head"),
    loki.NAME: ("wal", "tsdb-shipper-active"),
    tempo.NAME: ("wal",),
}
NOT_FOUND = 404


class Volumes(Protocol):
    """Reads what a container has mounted, whether it runs or not."""

    def release(self, service: Service) -> Mapping[str, str] | None:
        """The files of the config release in force, the stamp included; None where there is none."""

    def exists(self, service: Service, path: str) -> bool:
        """Whether there is something at a path in the container."""


@dataclass(frozen=True)
class ArchivedVolumes:
    """Volumes through the engine's archive interface: also of a remote engine, and of images without a shell."""

    client: APIClient
    site: Site

    def release(self, service: Service) -> Mapping[str, str] | None:
        """See Volumes. The whole volume is read at once: an archive costs the engine more than what is in it."""
        from docker.errors import APIError

        assert service.config is not None
        try:
            chunks, _ = self.client.get_archive(self.site.running[service.name].id, service.config.directory)
        except APIError as error:
            if error.status_code == NOT_FOUND:
                return None
            raise
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            return _released(archive, service.config.directory.rpartition("/")[2])

    def exists(self, service: Service, path: str) -> bool:
        """See Volumes."""
        container = self.site.running[service.name].id
        url = f"{self.client.base_url}/v{self.client.api_version}/containers/{container}/archive"
        response = self.client.head(url, params={"path": path}, timeout=self.client.timeout)
        return bool(response.status_code != NOT_FOUND)


def _released(archive: tarfile.TarFile, root: str) -> dict[str, str] | None:
    """The files of the slot that the link of a volume points to; the archive has them below `root`."""
    try:
        slot = archive.getmember(f"{root}/{LINK}").linkname
    except KeyError:
        return None
    place = f"{root}/{slot}/"
    files = ((item.name, archive.extractfile(item)) for item in archive if item.name.startswith(place))
    return {name.removeprefix(place): file.read().decode("utf-8", "replace") for name, file in files if file}


def config(site: Site, service: Service, volumes: Volumes) -> Check:
    """The files in force are those of the spec, and the service took them when it was told to read them again."""
    name, who = f"config {service.name}", service.name
    if who not in site.running:
        return not_verifiable(name, site.halted(who), service=who)
    assert service.config is not None
    wanted = digest(service.config.files)
    found = dict(volumes.release(service) or {})
    # What is in them is nobody's to compare.
    found = {path: text for path, text in found.items() if path not in service.config.secrets}
    expected, stamp = f"release {wanted} of the spec", found.pop(STAMP, "").strip().rpartition(" ")[2]
    if stamp != wanted:
        seen = f"release {stamp or 'none'}"
        return failed(name, seen, expected=expected, remedy=site.declared.apply, service=who)
    if other := _differing(found, service.config.files):
        seen = f"release {stamp}, but {', '.join(other)} changed since it was written"
        return failed(name, seen, expected=expected, remedy=_rewrite(site, service), service=who)
    if refused := _refused(site, service):
        seen = f"release {stamp}, which it does not run on: {refused}"
        return failed(name, seen, expected=f"{expected} taken", remedy=site.remedy(who), service=who)
    return passed(name, f"release {stamp}", service=who)


def data(site: Site, service: Service, volumes: Volumes) -> Check:
    """The data volume holds what the service keeps in it, and was not emptied under it."""
    name, who = f"data {service.name}", service.name
    if who not in site.running:
        return not_verifiable(name, site.halted(who), service=who)
    paths = [f"{service.data}/{entry}" for entry in KEPT[who]]
    missing = [path for path in paths if not volumes.exists(service, path)]
    if missing:
        seen = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there"
        expected = "what it made when it started: its data was removed under it"
        return failed(name, seen, expected=expected, remedy=_restart(site, service), service=who)
    return passed(name, f"{' and '.join(paths)} there", service=who)


def _differing(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    return sorted(path for path in {*found, *wanted} if found.get(path) != wanted.get(path))


def _refused(site: Site, service: Service) -> str:
    """What the service's own metric says of its last reload; empty when it is good, or cannot be asked."""
    assert service.config is not None
    reload = service.config.reload
    if not isinstance(reload, HttpReload) or site.halted(service.name):
        return ""
    on = service.metrics.on if service.metrics else ""
    try:
        text = site.ask(service.name, service.metrics.path if service.metrics else "/metrics", on=on).text
    except Lost:
        return ""  # told by the check that it is reached
    told = [value for name, _, value in samples(text) if name == reload.succeeded]
    return f"{reload.succeeded} is 0" if told and min(told) == 0 else ""


def _rewrite(site: Site, service: Service) -> str:
    return f"docker restart {site.running[service.name].name} after {site.declared.apply}"


def _restart(site: Site, service: Service) -> str:
    return f"docker restart {site.running[service.name].name}, then pointsman restore for what is to come back"
