"""What was changed behind Pulumi's back is repaired by a plain `pulumi up`, and data survives."""

from __future__ import annotations

import io
import tarfile

import httpx
import pytest

from pointsman.resources.provider.releases import Volume, digest
from pointsman.targets.docker.engine import connect
from tests.deployed.estate import Estate, eventually


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


def test_a_removed_container_comes_back_with_its_data(estate: Estate) -> None:
    """`docker rm -f` of Prometheus: a plain `pulumi up` makes it anew on its volume, where the marker still is."""
    value, before = estate.mark(), estate.ids()
    estate.containers()["prometheus"].remove(force=True)
    done = estate.pulumi_up()
    assert {name for _, name in done} == {"prometheus", "prometheus-ready"}
    after = estate.ids()
    assert {service for service in after if after[service] != before[service]} == {"prometheus"}
    assert estate.marked(value)


def test_a_stopped_container_comes_back(estate: Estate) -> None:
    """A service that somebody stopped runs again after a plain `pulumi up`, and others were left alone."""
    before = estate.ids()
    estate.containers()["node-exporter"].stop(timeout=1)
    with pytest.raises(httpx.TransportError):
        estate.get("node-exporter", "/metrics")
    estate.pulumi_up()
    after = estate.ids()
    assert estate.get("node-exporter", "/metrics").status_code == httpx.codes.OK
    assert {service for service in after if after[service] != before[service]} <= {"node-exporter"}
    assert estate.pulumi_up("--expect-no-changes") == set()


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


def test_a_removed_config_volume_comes_back(estate: Estate) -> None:
    """Container and config volume are both gone: a plain `pulumi up` makes both, and the service is seen ready."""
    estate.containers()["log-agent"].remove(force=True)
    estate.engine.volumes.get(f"pointsman-{estate.name}-log-agent-config").remove()
    done = estate.pulumi_up()
    assert {name for _, name in done} == {"log-agent-config", "log-agent", "log-agent-ready"}
    eventually(lambda: estate.get("log-agent", "/ready").status_code == httpx.codes.OK)


def test_a_removed_network_comes_back(estate: Estate) -> None:
    """The whole network is torn down with its containers: one plain `pulumi up` brings all back, data included."""
    value = estate.mark()
    estate.wreck()
    estate.engine.networks.get(f"pointsman-{estate.name}").remove()
    estate.pulumi_up()
    assert len(estate.ids()) == 5
    assert estate.marked(value)
    assert estate.clone.pointsman("verify", "--env", estate.name).code == 0
