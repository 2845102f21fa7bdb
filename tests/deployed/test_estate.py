"""What stands after `pointsman up`, looked at from outside: by Docker's own account, by sockets and by HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import testinfra
import yaml

from pointsman.services import labels
from pointsman.spec.scalars import duration_seconds, size_bytes
from pointsman.verify.log_flow import BOUNDED_LABELS
from tests.deployed.estate import Estate, eventually

SERVICES = {"socket-proxy", "loki", "log-agent", "prometheus", "node-exporter"}
PUBLISHED = SERVICES - {"socket-proxy"}
SOCKET = "/var/run/docker.sock"


@pytest.fixture
def proxy(estate: Estate) -> str:
    """The socket proxy's address on the bridge, which a Linux machine reaches and no other does."""
    networks = _inspected(estate, "socket-proxy")["NetworkSettings"]["Networks"]
    return f"http://{networks[f'pointsman-{estate.name}']['IPAddress']}:2375"


def _inspected(estate: Estate, service: str) -> dict[str, Any]:
    found: dict[str, Any] = testinfra.get_host("local://").docker(f"pointsman-{estate.name}-{service}").inspect()
    return found


def test_up_tells_what_it_did(estate: Estate) -> None:
    """The first `up` made everything, proved it, and its document says so: images, addresses, seconds a phase."""
    told = estate.first
    assert told["good"]
    assert told["changes"] == {"create": 21}
    assert {check["outcome"] for check in told["checks"]} == {"pass"}
    assert told["urls"] == {service: estate.url(service) for service in PUBLISHED}
    assert {image["source"] for image in told["images"]} == {"packages"}
    assert set(told["seconds"]) == {"preflight", "toolchain", "images", "pulumi", "verify"}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_container_is_confined(estate: Estate, service: str) -> None:
    """No root, no capability, no new privilege, nothing writable but data and /tmp; bounded memory and logs."""
    facts = _inspected(estate, service)
    config, host = facts["Config"], facts["HostConfig"]
    assert facts["State"]["Running"]
    assert facts["RestartCount"] == 0
    uid = config["User"].partition(":")[0]
    assert uid.isdigit()
    assert int(uid) > 0
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] == host["MemorySwap"] > 0
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "2", "max-size": str(size_bytes("2MiB"))}}
    assert (host["PidMode"], host["IpcMode"], host["UTSMode"]) == ("", "private", "")
    network = facts["NetworkSettings"]["Networks"][f"pointsman-{estate.name}"]
    assert service in network["Aliases"]
    assert config["Labels"][labels.ENVIRONMENT] == estate.name
    assert config["Labels"][labels.SERVICE] == service
    assert config["Labels"][labels.ESTATE] == (estate.clone.state / "estate-id").read_text().strip()
    writable = {mount["Destination"]: mount["Type"] for mount in facts["Mounts"] if mount["RW"]}
    assert set(writable.values()) <= {"volume"}
    assert all(mount["Name"].endswith("-data") for mount in facts["Mounts"] if mount["RW"])


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_container_has_no_shell(estate: Estate, service: str) -> None:
    """Who breaks into a service finds nothing to run there, which is why all else here is looked at from outside."""
    inside = testinfra.get_host(f"docker://pointsman-{estate.name}-{service}")
    assert inside.run("true").rc in (126, 127)


def test_only_loopback_listens(estate: Estate) -> None:
    """Ports are published on 127.0.0.1 alone, exactly those of the spec; the proxy has none."""
    machine = testinfra.get_host("local://")
    for service in SERVICES:
        bound = [
            each
            for ports in (_inspected(estate, service)["HostConfig"]["PortBindings"] or {}).values()
            for each in ports
        ]
        wanted = estate.spec["ports"].get(service.replace("-", "_"))
        assert bound == ([{"HostIp": "127.0.0.1", "HostPort": str(wanted)}] if wanted else [])
        if wanted:
            assert machine.socket(f"tcp://127.0.0.1:{wanted}").is_listening
            assert not machine.socket(f"tcp://0.0.0.0:{wanted}").is_listening


def test_docker_socket_is_seen_by_the_proxy_alone(estate: Estate) -> None:
    """One container mounts the engine's socket, read-only; no other mounts it or a folder that holds it writable."""
    for service in SERVICES:
        mounts = [mount for mount in _inspected(estate, service)["Mounts"] if mount["Type"] == "bind"]
        seen = [mount["Destination"] for mount in mounts if mount["Source"].endswith("docker.sock")]
        assert seen == ([SOCKET] if service == "socket-proxy" else [])
        assert not any(mount["RW"] for mount in mounts)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/containers/json"),
        ("GET", "/v1.41/containers/json"),
        ("GET", "/_ping"),
        ("HEAD", "/_ping"),
        ("GET", "/containers/{id}/json"),
    ],
)
def test_proxy_serves_what_the_log_agent_reads(estate: Estate, proxy: str, method: str, path: str) -> None:
    """Lists, inspections and liveness pass."""
    path = path.format(id=estate.ids()["loki"])
    assert estate.http.request(method, proxy + path).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/containers/create"),
        ("POST", "/containers/{id}/exec"),
        ("POST", "/containers/{id}/attach?stream=1&stdin=1"),
        ("POST", "/containers/{id}/stop"),
        ("POST", "/build"),
        ("DELETE", "/containers/{id}?force=1"),
        ("PUT", "/containers/{id}/archive?path=/tmp"),
        ("GET", "/containers/{id}/archive?path=/etc"),
        ("GET", "/containers/{id}/export"),
        ("GET", "/containers/{id}/attach/ws"),
        ("GET", "/images/json"),
        ("GET", "/volumes"),
        ("GET", "/containers%2fjson"),
        ("GET", "//containers/json"),
        ("GET", "/x/../images/json"),
        ("CONNECT", "/_ping"),
    ],
)
def test_proxy_refuses_the_rest(estate: Estate, proxy: str, method: str, path: str) -> None:
    """What changes something, opens a way into a container, or is not on the list gets 403 or 405 from the proxy."""
    before = estate.ids()
    path = path.format(id=before["loki"])
    refused = (httpx.codes.FORBIDDEN, httpx.codes.METHOD_NOT_ALLOWED)
    assert estate.http.request(method, proxy + path).status_code in refused
    assert estate.ids() == before


def test_proxy_refuses_an_upgrade(proxy: str, estate: Estate) -> None:
    """A connection that would become a two-way stream is refused even on a path that may be read."""
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
    answer = estate.http.get(f"{proxy}/containers/json", headers=headers)
    assert answer.status_code == httpx.codes.FORBIDDEN


def test_services_answer(estate: Estate) -> None:
    """Each published service answers on the port of the spec."""
    for service, path in {
        "prometheus": "/-/ready",
        "loki": "/ready",
        "log-agent": "/ready",
        "node-exporter": "/metrics",
    }.items():
        assert estate.get(service, path).status_code == httpx.codes.OK


def test_all_targets_are_up(estate: Estate) -> None:
    """Prometheus scrapes every service that has metrics; each series says which service it is of."""
    eventually(lambda: estate.query("up") == dict.fromkeys(PUBLISHED, 1.0))


def test_logs_of_every_service_with_bounded_labels(estate: Estate) -> None:
    """Every container's lines are in Loki; no stream carries a label beyond the bounded ones."""
    streams = {"match[]": f'{{environment="{estate.name}"}}'}
    found = eventually(
        lambda: [
            each
            for each in [estate.data("loki", "/loki/api/v1/series", **streams)]
            if {stream["service"] for stream in each} >= SERVICES
        ]
    )[0]
    assert {label for stream in found for label in stream} <= BOUNDED_LABELS
    assert {stream["environment"] for stream in found} == {estate.name}
    assert {stream["stream"] for stream in found} <= {"stdout", "stderr", "verify"}


def test_retention_in_force(estate: Estate) -> None:
    """What Prometheus and Loki say of their own retention is what the spec says."""
    assert estate.data("prometheus", "/api/v1/status/runtimeinfo")["storageRetention"] == "2d or 256MiB"
    config = yaml.load(estate.get("loki", "/config").text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert duration_seconds(config["limits_config"]["retention_period"]) == duration_seconds("48h")
    assert config["compactor"]["retention_enabled"]
