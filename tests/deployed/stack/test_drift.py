"""What was changed behind Pulumi's back is repaired by a plain `pulumi up`, and data survives."""

from __future__ import annotations

import io
import tarfile

import httpx
import pytest

from pointsman.resources.provider.releases import Volume, digest
from pointsman.targets.docker.engine import connect
from tests.deployed.estate import Estate


def _put(estate: Estate, service: str, directory: str, *members: tarfile.TarInfo) -> None:
    """Writes members into a config volume, through the container's own view of it made writable by the engine.

    A mount that is read-only for the container is so for the archive API too, hence a container that never runs.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for member in members:
            tar.addfile(member)
    volume = f"pointsman-{estate.name}-{service}-config"
    made = estate.engine.containers.create(
        estate.containers()[service].attrs["Image"], volumes=[f"{volume}:{directory}"], user="0"
    )
    try:
        assert made.put_archive(directory, archive.getvalue())
    finally:
        made.remove()


def _link(name: str, target: str) -> tarfile.TarInfo:
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, target
    return link


def test_removed_and_stopped_containers_come_back(estate: Estate) -> None:
    """One plain `pulumi up` repairs all: a removed container, a stopped one, one removed with its config volume.

    What was not harmed is not touched, and Prometheus has its data again: the marker from before.
    """
    value, before = estate.mark(), estate.ids()
    containers = estate.containers()
    containers["prometheus"].remove(force=True)
    containers["node-exporter"].stop(timeout=1)
    containers["log-agent"].remove(force=True)
    estate.engine.volumes.get(f"pointsman-{estate.name}-log-agent-config").remove()
    with pytest.raises(httpx.TransportError):
        estate.get("node-exporter", "/metrics")
    done = {name.removesuffix("-ready") for _, name in estate.pulumi_up()}
    assert done == {"prometheus", "node-exporter", "log-agent", "log-agent-config"}
    after = estate.ids()
    assert {service for service in after if after[service] == before.get(service)} == {"loki", "socket-proxy"}
    assert estate.get("node-exporter", "/metrics").status_code == httpx.codes.OK
    assert estate.get("log-agent", "/ready").status_code == httpx.codes.OK
    assert estate.marked(value)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param([_link("current", "nowhere")], id="current leads nowhere"),
        pytest.param([tarfile.TarInfo("a"), tarfile.TarInfo("b"), tarfile.TarInfo("current")], id="all releases gone"),
    ],
)
def test_a_damaged_config_volume_is_written_again(estate: Estate, damage: list[tarfile.TarInfo]) -> None:
    """The release that the state knows is put in force again and loaded, in the same container."""
    before = estate.ids()
    _put(estate, "prometheus", "/etc/prometheus", *damage)
    assert estate.http.post(f"{estate.url('prometheus')}/-/reload").status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert estate.pulumi_up() == {("update", "prometheus-config")}
    assert estate.ids() == before
    assert estate.metric("prometheus", "prometheus_config_last_reload_successful") == 1
    inputs = estate.inputs("prometheus-config")
    with connect() as client:
        live = Volume(client, before["prometheus"], inputs["directory"]).live()
    assert live is not None
    assert live.release == digest(inputs["files"])


def test_a_removed_network_comes_back(estate: Estate) -> None:
    """The whole network is torn down with its containers: one plain `pulumi up` brings all back, data included."""
    value = estate.mark()
    estate.wreck()
    estate.engine.networks.get(f"pointsman-{estate.name}").remove()
    estate.pulumi_up()
    assert len(estate.ids()) == 5
    assert estate.marked(value)
    assert estate.clone.pointsman("verify", "--env", estate.name).code == 0
