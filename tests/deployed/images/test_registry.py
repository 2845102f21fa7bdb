"""Images from a real registry and a real Docker engine: Debian's docker-registry on loopback, tiny images of our own.

Needs Docker and Go. The registry program is taken from PATH, else from Debian's package, unpacked beside the test's
data: nothing is installed. All images carry the version of this run and are removed afterwards.
"""

from __future__ import annotations

import io
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import yaml

from pointsman.builds import PlainProgress
from pointsman.errors import EXIT_UNREACHABLE, UnreachableError, UsageError
from pointsman.images import housekeeping, resolve, tools
from pointsman.images import lock as locks
from pointsman.images.engine import Engine
from pointsman.images.locked import locked
from pointsman.images.model import Resolution
from pointsman.spec.models import Environment
from tests.deployed.registry import Registry, serving
from tests.deployed.specs import free_ports

OFFICIAL = {
    "prometheus": "prom/prometheus",
    "loki": "grafana/loki",
    "promtail": "grafana/promtail",
    "alloy": "grafana/alloy",
    "node-exporter": "prom/node-exporter",
    "tempo": "grafana/tempo",
    "collector": "otel/opentelemetry-collector-contrib",
    "alertmanager": "prom/alertmanager",
    "blackbox": "prom/blackbox-exporter",
    "pushgateway": "prom/pushgateway",
    "grafana": "grafana/grafana",
    "socket-proxy": "wollomatic/socket-proxy",
}
OWN = ("alert-sink", "notifier")
"""Of which there is no official image."""
STANDS_IN = "board"
"""Needed where Grafana cannot be had."""
LACKING = ("alloy", "grafana", "loki", "node-exporter")
"""What the registry does not have below partial/."""
VERSION = f"0.0.0-test-{uuid.uuid4().hex[:8]}"
TAG = f"v{VERSION}"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of the module's own."""
    with serving(tmp_path_factory.mktemp("registry")) as served:
        yield served


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose catalogue builds every service from a program of one line."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "stacks").mkdir()
    (root / "Pulumi.yaml").touch()
    tiny = root / "images" / "tiny"
    tiny.mkdir(parents=True)
    (tiny / "go.mod").write_text("module tiny\n\ngo 1.21\n")
    (tiny / "main.go").write_text('package main\n\nfunc main() { println("here") }\n')
    services = {
        name: {
            "version": VERSION,
            "user": {"id": 10001, "name": "service"},
            "official": {"repository": f"docker.io/{repository}", "tag": f"v{VERSION}"},
            "binaries": {name: f"/bin/{name}"},
            "folders": [{"path": "/data"}],
            "packages": {"go": {"folder": "tiny", "packages": {name: "tiny"}, "seconds": 5, "scratch": 1}},
        }
        for name, repository in (OFFICIAL | dict.fromkeys((*OWN, STANDS_IN), "none")).items()
    }
    del services["alloy"]["packages"], services["grafana"]["packages"]
    for name in (*OWN, STANDS_IN):
        del services[name]["official"]
    (root / "images" / "catalogue.yaml").write_text(yaml.safe_dump({"services": services}, sort_keys=False))
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One build store for all tests, so that each program is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def here(checkout: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout of this module, and a state of the test's own."""
    monkeypatch.setenv("POINTSMAN_ROOT", str(checkout))
    monkeypatch.setenv("POINTSMAN_CACHE_DIR", str(cache))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path))


@pytest.fixture(scope="module", autouse=True)
def remove_images() -> Iterator[None]:
    """Every image of this run goes, whatever it is called: the version label names it."""
    yield
    client = docker.from_env()
    for image in client.images.list(filters={"label": f"org.opencontainers.image.version={VERSION}"}):
        client.images.remove(str(image.id), force=True)


@pytest.fixture
def pushed(registry: Registry) -> Registry:
    """The registry with all services, and below partial/ without what is LACKING."""
    made = ensure("seed", spec("packages")).images
    for name, repository in OFFICIAL.items():
        source = made["promtail" if name in ("alloy", "grafana") else name].image_id
        registry.push(source, repository, TAG)
        if name not in LACKING:
            registry.push(source, f"partial/{repository}", TAG)
    return registry


def spec(source: str, registry: str | None = None, agent: str = "auto") -> Environment:
    """An environment that differs from the defaults in where images come from."""
    return Environment.model_validate(
        {"images": {"source": source, "registry": registry}, "log_agent": {"kind": agent}}
    )


def ensure(environment: str, wanted: Environment, *, update: bool = False) -> Resolution:
    """`ensure` with progress that nobody sees."""
    return resolve.ensure(environment, wanted, PlainProgress(io.StringIO()), update=update)


class Silent:
    """A server that takes connections and never answers."""

    def __init__(self, port: int = 0) -> None:
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = int(self.socket.getsockname()[1])
        self.taken: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                self.taken.append(self.socket.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        for each in (self.socket, *self.taken):
            each.close()


@pytest.fixture
def silent() -> Iterator[Callable[[int], Silent]]:
    """Starts servers that do not answer, on a port or (0) any."""
    started: list[Silent] = []

    def start(port: int = 0) -> Silent:
        started.append(Silent(port))
        return started[-1]

    yield start
    for server in started:
        server.close()


def test_registry_mode_pins_the_digest_that_was_served(pushed: Registry) -> None:
    """All services come from the registry; the lock holds the registry's own digests; `locked` agrees."""
    wanted = spec("registry", pushed.host)
    got = ensure("dev", wanted)
    assert got.agent == "alloy"
    assert set(got.images) == {*OFFICIAL, *OWN} - {"promtail"}
    assert got.absent == frozenset()
    assert got.findings == [f"{', '.join(OWN)} built from packages: there is no official image of it"]
    for name, image in got.images.items():
        if name in OWN:
            assert image.source == "packages"
            continue
        assert image.source == "registry"
        digest = pushed.digest(OFFICIAL[name], TAG)
        assert image.label == f"{pushed.host}/{OFFICIAL[name]}:v{VERSION}@{digest}"
        assert docker.from_env().images.get(image.image_id).attrs["RepoDigests"]
    assert locked("dev", wanted) == got
    assert [row.state for row in housekeeping.rows("dev", wanted)] == ["good"] * len(got.images)


def test_a_moved_tag_changes_a_locked_environment_only_when_told(pushed: Registry) -> None:
    """The tag moves: a locked environment keeps its digest, even with the image gone; `update` takes the new one."""
    wanted = spec("registry", pushed.host)
    before = ensure("dev", wanted).images["loki"]
    prometheus = ensure("dev", wanted).images["prometheus"]
    pushed.push(prometheus.image_id, OFFICIAL["loki"], TAG)
    assert ensure("dev", wanted).images["loki"] == before

    docker.from_env().images.remove(before.image_id, force=True)
    with pytest.raises(UsageError, match="no longer has the images of loki"):
        locked("dev", wanted)
    assert ensure("dev", wanted).images["loki"] == before

    moved = ensure("dev", wanted, update=True).images["loki"]
    assert moved.image_id == prometheus.image_id
    assert moved.label.endswith(pushed.digest(OFFICIAL["loki"], TAG))


def test_what_the_registry_lacks_comes_from_packages_visibly(pushed: Registry) -> None:
    """In auto, only the missing images are built, each with a finding, and stay so; alloy gives way to promtail, and
    grafana, which cannot be built, is left out: the board stands in.
    """
    wanted = spec("auto", f"{pushed.host}/partial")
    got = ensure("dev", wanted)
    sources = {name: image.source for name, image in got.images.items()}
    built = {"loki", "node-exporter", *OWN, STANDS_IN}
    assert {name for name, source in sources.items() if source == "packages"} == built
    assert set(sources) == {*OFFICIAL, *OWN, STANDS_IN} - {"alloy", "grafana"}
    assert got.absent == {"grafana"}
    said = "\n".join(got.findings)
    assert f"the log agent is promtail and not alloy: registry {pushed.host} does not have it" in said
    assert f"loki, node-exporter built from packages: registry {pushed.host} does not have it" in said
    assert f"grafana: registry {pushed.host} does not have it" in said
    assert ensure("dev", wanted) == got == locked("dev", wanted)
    assert {row.service for row in housekeeping.rows("dev", wanted) if row.state == "left out"} == {"grafana"}

    whole = ensure("dev", spec("auto", pushed.host), update=True)
    assert whole.absent == frozenset()
    assert whole.images["grafana"].source == "registry"


def test_registry_mode_lists_all_that_is_missing(pushed: Registry) -> None:
    """With source registry nothing is built: one error names every missing image, and exits with 3."""
    with pytest.raises(UnreachableError) as caught:
        ensure("dev", spec("registry", f"{pushed.host}/partial", agent="alloy"))
    assert caught.value.exit_code == EXIT_UNREACHABLE
    assert f"{len(LACKING)} image(s)" in caught.value.message
    for name in LACKING:
        assert f"/partial/{OFFICIAL[name]}:v{VERSION}" in caught.value.message
    assert "images/catalogue.yaml" in caught.value.remedy


@pytest.mark.parametrize("source", ["auto", "registry"])
def test_a_registry_that_never_answers_costs_one_time_out(silent: Callable[[int], Silent], source: str) -> None:
    """A silent registry is waited for once, at most 10 s, whatever the number of images."""
    server = silent(0)
    wanted = spec(source, f"127.0.0.1:{server.port}")
    ensure("warm", spec("packages"))
    started = time.monotonic()
    if source == "auto":
        got = ensure("dev", wanted)
        assert {image.source for image in got.images.values()} == {"packages"}
        assert got.absent == {"grafana"}
        assert all("is not reachable" in finding or finding.startswith(OWN) for finding in got.findings)
    else:
        with pytest.raises(UnreachableError, match=f"{len(OFFICIAL) - 1} image"):
            ensure("dev", wanted)
    assert 9 < time.monotonic() - started < 14


def test_a_registry_that_was_down_is_not_asked_again_until_told(silent: Callable[[int], Silent]) -> None:
    """After a refused connection the environment runs on packages; later runs contact nobody, new services included."""
    port = free_ports(1)[0]
    wanted = spec("auto", f"127.0.0.1:{port}")
    got = ensure("dev", wanted)
    assert {image.source for image in got.images.values()} == {"packages"}
    assert got.agent == "promtail"

    file = locks.path("dev")
    lock = locks.read(file)
    assert lock is not None
    locks.write(file, lock.model_copy(update={"services": {k: v for k, v in lock.services.items() if k != "loki"}}))
    server = silent(port)
    again = ensure("dev", wanted)
    assert again.images == got.images
    assert server.taken == []


def test_packages_images_are_the_same_everywhere_and_pruned_when_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost image comes back from the store with the same id; prune takes only what no lock names."""
    client = docker.from_env()
    wanted = spec("packages")
    got = ensure("dev", wanted)
    loki = got.images["loki"]
    client.images.remove(loki.label, force=True)
    assert [row.state for row in housekeeping.rows("dev", wanted) if row.service == "loki"] == ["missing"]
    assert ensure("dev", wanted) == got
    said = client.containers.run(loki.image_id, remove=True, stderr=True)
    assert said == b"here\n"

    # The engine is shared: what other checkouts loaded is not this test's to remove.
    all_tags = Engine.made_here
    monkeypatch.setattr(Engine, "made_here", lambda self: {k: v for k, v in all_tags(self).items() if VERSION in k})
    assert housekeeping.prune() == []
    locks.path("dev").unlink()
    assert housekeeping.prune(keep=[loki.image_id]) == sorted(
        image.label for image in got.images.values() if image.service != "loki"
    )


def test_a_damaged_lock_is_resolved_anew_and_said() -> None:
    """A truncated lock: `locked` refuses naming the file, `ensure` recovers, says so once, keeps what was there."""
    wanted = spec("packages")
    got = ensure("dev", wanted)
    file = locks.path("dev")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UsageError, match=f"{file.name}: damaged"):
        locked("dev", wanted)
    again = ensure("dev", wanted)
    assert again.images == got.images
    assert str(file) in again.findings[0]
    assert ensure("dev", wanted).findings == [
        "grafana: it cannot be built from packages: left out, the board stands in"
    ]


def test_one_image_is_built_by_name_for_no_environment() -> None:
    """What only tests need is made when it is asked for, and in no lock."""
    made = tools.build(["loki"], PlainProgress(io.StringIO()))
    assert docker.from_env().images.get(made["loki"].image_id)
    assert locks.every() == []
    with pytest.raises(UsageError, match="no image is known for service nothing"):
        tools.build(["nothing"], PlainProgress(io.StringIO()))


def test_alloy_is_refused_in_packages_mode() -> None:
    """Alloy cannot be built: the spec is refused before anything is touched, with both ways out."""
    with pytest.raises(UsageError, match="alloy cannot be built from packages") as caught:
        ensure("dev", spec("packages", agent="alloy"))
    assert "promtail" in caught.value.remedy
    assert not locks.path("dev").exists()
