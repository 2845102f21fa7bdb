"""Registries and builds: what is asked by which way, and whether silence is a fault, depends on images.source."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from pointsman.builds import Build
from pointsman.checks import Outcome
from pointsman.errors import UnreachableError
from pointsman.preflight import builds, registry
from pointsman.preflight.builds import BuildFacts, Lack
from pointsman.preflight.engine import Look
from pointsman.preflight.facts import EngineFacts, Registries
from pointsman.preflight.facts import registries as settings_of
from pointsman.preflight.images import ImageFacts, ImageLook
from pointsman.preflight.registry import Asked, RegistryLook, ask, judge, look, proxy_for
from pointsman.spec.models import Environment, Images
from pointsman.toolchain import DockerEngine
from pointsman.toolchain.machine import Machine

LAX = Registries(insecure=("127.0.0.0/8",))
MACHINE = Machine(False, True, True, "", (), True, True, "mia")
SILENT = RegistryLook((Asked("r.example:5000", ("loki", "tempo"), "no answer within 2 s"), Asked("other", ("x",))))


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A registry as it meets a stranger; `status` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(getattr(self.server, "status", 401) if self.path == "/v2/" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test's output is its own."""

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=httpd.serve_forever, daemon=True).start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()


def seen(settings: Registries = LAX, *, hostname: str = "vm") -> Look:
    """An engine on this machine, or on another when `hostname` is one."""
    facts = EngineFacts("unix:///s", name="vm", registries=settings)
    return Look(DockerEngine("unix:///s", "28.0.0", "1.48"), MACHINE, facts, hostname=hostname)


def lacking(host: str, service: str = "loki") -> ImageLook:
    """One image that is to be pulled."""
    return ImageLook((ImageFacts("here", "good"), ImageFacts(service, "missing", host=host)))


def spec(source: str) -> Environment:
    """A spec with that source of images."""
    return Environment(images=Images.model_validate({"source": source}))


def test_a_registry_that_wants_to_know_who_asks(server: HTTPServer) -> None:
    """401 is an answer; 403 and 503 are what stands before a registry; no TLS is for those that the engine trusts."""
    host = f"127.0.0.1:{server.server_port}"
    assert ask(host, LAX) == ""
    assert "SSL" in ask(host, Registries())
    for status in (403, 503):
        server.status = status  # type: ignore[attr-defined]
        assert ask(host, LAX) != ""


def test_a_registry_that_takes_the_connection_and_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs the deadline; a port that nobody listens on costs nothing."""
    monkeypatch.setattr(registry, "SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        began = time.monotonic()
        assert "refused" in ask(f"127.0.0.1:{silent.getsockname()[1]}", LAX)
        silent.listen()
        assert ask(f"127.0.0.1:{silent.getsockname()[1]}", LAX) != ""
        assert time.monotonic() - began < 2


def test_a_mirror_of_docker_hub_is_enough(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine asks its mirrors first: Docker Hub itself need not answer."""
    monkeypatch.setattr(registry, "HUB_ADDRESS", "hub.invalid")
    assert ask("docker.io", Registries(mirrors=(f"http://127.0.0.1:{server.server_port}/",))) == ""
    assert ask("docker.io", Registries()) != ""


@pytest.mark.parametrize(
    ("scheme", "host", "proxy"),
    [
        ("https", "registry.example.com", "http://tls:1"),
        ("http", "registry.example.com", "http://plain:1"),
        ("https", "r.corp.example:5000", None),
        ("https", "10.1.2.3:5000", None),
        ("https", "localhost:5000", None),
        ("https", "127.0.0.1:5000", None),
        ("https", "notcorp.example", "http://tls:1"),
    ],
)
def test_the_way_that_the_engine_takes(scheme: str, host: str, proxy: str | None) -> None:
    """Its own proxies and exceptions, not this process's."""
    settings = Registries("http://plain:1", "http://tls:1", ".corp.example, 10.0.0.0/8")
    assert proxy_for(scheme, host, settings) == proxy


def test_what_is_not_asked() -> None:
    """Packages mode, images that are there, an engine elsewhere, a proxy whose password is hidden."""
    assert "packages" in look(spec("packages"), lacking("docker.io"), seen()).needless
    assert look(spec("auto"), ImageLook((ImageFacts("loki", "good", host="docker.io"),)), seen()).needless
    assert "another machine" in look(spec("registry"), lacking("docker.io"), seen(hostname="pc")).unseen
    masked = Registries(https_proxy="http://xxxxx:xxxxx@proxy:3128")
    assert "password" in look(spec("registry"), lacking("docker.io"), seen(masked)).unseen
    unknown = look(spec("auto"), ImageLook(unseen="no Docker engine answered"), seen())
    assert judge("auto", unknown).outcome is Outcome.NOT_VERIFIABLE


def test_one_that_was_silent_before_is_not_asked_again() -> None:
    """`up` does not ask it either: what it said then is told, and the way to another look stays with `--update`."""
    images = ImageLook(lacking("docker.io").images, silent={"docker.io": "no such host"})
    assert look(spec("auto"), images, seen()).asked == (Asked("docker.io", ("loki",), "no such host"),)


def test_silence_is_a_fault_only_where_nothing_else_gives_the_images() -> None:
    """With registry a fault; with auto it is said which services will be built."""
    fault = judge("registry", SILENT)
    assert fault.outcome is Outcome.FAIL
    assert "r.example:5000 cannot be reached (no answer within 2 s)" in fault.seen
    assert "loki, tempo" in fault.expected
    remark = judge("auto", SILENT)
    assert remark.outcome is Outcome.PASS
    assert "packages will be used for loki, tempo" in remark.seen
    assert judge("registry", RegistryLook((Asked("docker.io", ("loki",)),))).outcome is Outcome.PASS


def test_what_cannot_be_built_either() -> None:
    """An optional service is left out, and that is said; one that the spec insists on is a fault in auto mode too."""
    grafana = RegistryLook((Asked("docker.io", ("loki", "grafana"), "no such host", ("grafana",)),))
    found = judge("auto", grafana)
    assert found.outcome is Outcome.PASS
    assert found.seen.endswith("packages will be used for loki; left out: grafana")
    alloy = RegistryLook((Asked("docker.io", ("loki", "alloy"), "no such host", ("alloy",)),))
    found = judge("auto", alloy)
    assert found.outcome is Outcome.FAIL
    assert found.expected.endswith("the images of alloy")


def test_the_engines_settings() -> None:
    """Docker Hub's mirrors, ranges without TLS, and single hosts without it."""
    info = {
        "HttpsProxy": "http://p:1",
        "RegistryConfig": {
            "InsecureRegistryCIDRs": ["127.0.0.0/8"],
            "IndexConfigs": {"docker.io": {"Secure": True}, "r:5000": {"Secure": False}},
            "Mirrors": ["https://m/"],
        },
    }
    assert settings_of(info) == Registries("", "http://p:1", "", ("https://m/",), ("127.0.0.0/8", "r:5000"))
    assert settings_of({}) == Registries()


def test_what_builds_lack_is_a_fault_once_it_is_sure_that_they_are_done() -> None:
    """An image that a registry may give is built only if it does not: that is a remark."""
    go = Lack("images/loki", "needs Go 1.25", "put Go 1.25 or newer on PATH")
    newer = Lack("images/tempo", "needs Go 1.26.5", "put Go 1.26.5 or newer on PATH")
    found = builds.judge(BuildFacts(["images/loki", "images/tempo"], lacks=[newer, go]))
    assert found.outcome is Outcome.FAIL
    assert found.remedy == "put Go 1.26.5 or newer on PATH"
    assert "images/loki" in found.seen
    perhaps = Lack("images/loki", "needs Go 1.25", "put Go", sure=False)
    found = builds.judge(BuildFacts([], ["images/loki"], [perhaps]))
    assert found.outcome is Outcome.PASS
    assert "only as long as the registry gives" in found.seen


@pytest.mark.parametrize(("reason", "outcome"), [("", Outcome.PASS), ("no such host", Outcome.FAIL)])
def test_without_go_a_silent_registry_is_a_fault(
    reason: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In auto mode neither alone stands in the way of `up`; both together do, and are told before it starts."""

    def require() -> None:
        raise UnreachableError("there is no Go", remedy="install Go")

    monkeypatch.setattr(builds, "toolchain", list)
    build = Build("images/loki", "3", "0" * 12, 60, 1, lambda workspace: None, require=require)
    images = ImageLook((ImageFacts("loki", "missing", 60, "docker.io", build),))
    found = builds.check("auto", images, RegistryLook((Asked("docker.io", ("loki",), reason),)))
    assert found.outcome is outcome
    assert "there is no Go" in found.seen
