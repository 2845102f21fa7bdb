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

# Every service, with the keys of the spec for the ports that it publishes. With the board and without Grafana: of that
# there are official images only, and here all are built.
SERVICES = {
    "socket-proxy": (),
    "loki": ("loki",),
    "tempo": ("tempo",),
    "prometheus": ("prometheus",),
    "alert-sink": ("alert_sink",),
    "notifier": ("notifier",),
    "alertmanager": ("alertmanager",),
    "board": ("grafana",),
    "collector": ("otlp_http", "otlp_grpc", "collector_metrics", "collector_health"),
    "log-agent": ("log_agent",),
    "node-exporter": ("node_exporter",),
    "blackbox": ("blackbox",),
    "pushgateway": ("pushgateway",),
    "run-monitor": ("monitor",),
}
PUBLISHED = {service for service, keys in SERVICES.items() if keys}
SOCKET = "/var/run/docker.sock"
# A provider, a network, the program's stack and its three components.
ALWAYS = 6


@pytest.fixture
def estate(whole_estate: Estate) -> Estate:
    """The environment with every service, which is only looked at here."""
    return whole_estate


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
    services = estate.declared().estate.services
    assert told["good"]
    assert {service.name for service in services} == set(SERVICES)
    made = sum(2 + bool(service.config) + bool(service.data) for service in services)
    assert told["changes"] == {"create": made + ALWAYS}
    unproved = {check["name"] for check in told["checks"] if check["outcome"] != "pass"}
    assert unproved == set()
    assert {name: url for name, url in told["urls"].items() if name in SERVICES} == {
        service: estate.url(service) for service in PUBLISHED
    }
    assert set(told["urls"]) - PUBLISHED == {"collector-metrics", "collector-health"}
    assert {image["source"] for image in told["images"]} == {"packages"}
    assert any("grafana" in finding and "left out" in finding for finding in told["findings"])
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
    for service, keys in SERVICES.items():
        bindings = (_inspected(estate, service)["HostConfig"]["PortBindings"] or {}).values()
        bound = {(each["HostIp"], int(each["HostPort"])) for ports in bindings for each in ports}
        wanted = {estate.spec["ports"][key] for key in keys}
        assert bound == {("127.0.0.1", port) for port in wanted}
        for port in wanted:
            assert machine.socket(f"tcp://127.0.0.1:{port}").is_listening
            assert not machine.socket(f"tcp://0.0.0.0:{port}").is_listening


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
        "alertmanager": "/-/ready",
        "alert-sink": "/-/ready",
        "notifier": "/healthz",
        "loki": "/ready",
        "tempo": "/ready",
        "log-agent": "/ready",
        "node-exporter": "/metrics",
        "blackbox": "/-/healthy",
        "pushgateway": "/-/ready",
    }.items():
        assert estate.get(service, path).status_code == httpx.codes.OK
    assert estate.http.get(f"http://127.0.0.1:{estate.spec['ports']['collector_health']}/").is_success
    assert estate.http.get(f"http://127.0.0.1:{estate.spec['ports']['collector_metrics']}/metrics").is_success


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
            if {stream.get("service") for stream in each} >= set(SERVICES)
        ]
    )[0]
    assert {label for stream in found for label in stream} <= BOUNDED_LABELS
    assert {stream["environment"] for stream in found} == {estate.name}
    assert {stream["stream"] for stream in found} <= {"stdout", "stderr", "verify"}


def test_retention_in_force(estate: Estate) -> None:
    """What Prometheus, Loki and Tempo say of their own retention is what the spec says."""
    assert estate.data("prometheus", "/api/v1/status/runtimeinfo")["storageRetention"] == "2d or 256MiB"
    loki = _config(estate, "loki", "/config")
    assert duration_seconds(loki["limits_config"]["retention_period"]) == duration_seconds("48h")
    assert loki["compactor"]["retention_enabled"]
    tempo = _config(estate, "tempo", "/status/config")
    assert duration_seconds(tempo["compactor"]["compaction"]["block_retention"]) == duration_seconds("36h")


def _config(estate: Estate, service: str, path: str) -> Any:
    # Tempo writes the request in a document of its own before its config.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return next(each for each in yaml.load_all(estate.get(service, path).text, Loader=loader) if isinstance(each, dict))
