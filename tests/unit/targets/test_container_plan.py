"""What a service asks of its container: when a container is replaced, what it may use, and whose it says it is."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from pointsman.services import labels
from pointsman.services.estate import compose
from pointsman.services.model import Config, Exposed, HostMount, Machine, Probe, RestartInPlace, Service
from pointsman.spec.mistakes import SpecError
from pointsman.spec.models import ContainerLogs, Environment
from pointsman.spec.reader import parse
from pointsman.targets.docker import names
from pointsman.targets.docker.container import ContainerPlan, PublishedPort, VolumeMount, container_labels, plan

IMAGE = "sha256:" + "a" * 64
SERVICE = Service(
    name="loki",
    image="loki",
    command=("/usr/bin/loki", "-config.file=/etc/loki/current/loki.yml"),
    exposed=(Exposed("http", 3100, 13100, "ports.loki"), Exposed("grpc", 9095, http=False)),
    memory=512 * 2**20,
    cpus=1,
    variables={"TZ": "UTC", "A": "1"},
    ready=Probe("/ready"),
    config=Config("/etc/loki", {"loki.yml": "a: 1\n"}, ("/usr/bin/loki", "{release}"), RestartInPlace()),
    data="/loki",
    mounts=(HostMount("/", "/host", "reason"),),
    groups=(998,),
)
PLAN = plan(SERVICE, "dev", IMAGE, 10001, "127.0.0.1", ContainerLogs())
OTHER: dict[str, Any] = {
    "name": "pointsman-dev-tempo",
    "image_id": "sha256:" + "b" * 64,
    "user": "0:0",
    "command": ("/usr/bin/loki",),
    "groups": (),
    "memory": 513,
    "cpus": "0.5",
    "network": "pointsman-staging",
    "alias": "tempo",
    "published": (),
    "bind": "0.0.0.0",
    "variables": (),
    "volumes": (VolumeMount("pointsman-dev-loki-data", "/loki", True),),
    "host_paths": (),
    "log_opts": (("max-file", "5"),),
    "stop_seconds": 4,
}


def plans(text: str) -> dict[str, ContainerPlan]:
    """The plans of an environment with this spec."""
    spec = parse(text, "stacks/dev.yaml")
    services = compose("dev", spec, "promtail", Machine()).services
    bind = str(spec.network.bind)
    return {each.name: plan(each, "dev", IMAGE, 10001, bind, spec.container_logs) for each in services}


def replaced(text: str) -> set[str]:
    """The services whose containers are replaced when the default spec becomes this one."""
    before, after = plans("{}"), plans(text)
    return {name for name, each in after.items() if before[name].fingerprint != each.fingerprint}


def test_fingerprint_changes_with_every_field() -> None:
    """No setting of a container can change without the container being replaced; each counts."""
    assert set(OTHER) == {each.name for each in fields(ContainerPlan)}
    found = {replace(PLAN, **{name: value}).fingerprint for name, value in OTHER.items()}
    assert len(found | {PLAN.fingerprint}) == len(OTHER) + 1


def test_fingerprint_is_the_same_in_every_process() -> None:
    """Another run wrote the label it is compared with: another value here replaces every container of every estate."""
    assert plan(SERVICE, "dev", IMAGE, 10001, "127.0.0.1", ContainerLogs()).fingerprint == PLAN.fingerprint
    assert PLAN.fingerprint == "344b51eaf3e0"


@pytest.mark.parametrize(
    ("text", "containers"),
    [
        ("prometheus: {scrape_interval: 20s}", set()),
        ("prometheus: {retention: {time: 1d, size: 1GiB}, external_labels: {a: b}}", set()),
        ("prometheus: {extra_targets: [{job: a, targets: ['b:1']}]}", set()),
        ("prometheus: {remote_write: [{url: 'http://store:9090/api/v1/write'}]}", set()),
        ("loki: {retention: 2d}", set()),
        ("tempo: {retention: 2d}", set()),
        ("collector: {queue: 50, max_request: 1MiB}", set()),
        ("alerts: {disk_free: 0.2}", set()),
        ("alertmanager: {receivers: [{name: a, url: 'http://b'}]}", set()),
        ("exporters: {blackbox: {probes: [{job: a, targets: ['b:1']}]}}", set()),
        ("exporters: {node: {enabled: false}}", set()),
        ("loki: {resources: {memory: 1GiB}}", {"loki"}),
        ("log_agent: {resources: {cpus: 0.7}}", {"log-agent"}),
        ("ports: {prometheus: 19090}", {"prometheus"}),
        ("ports: {otlp_grpc: 14317}", {"collector"}),
        ("ports: {collector_health: 23133}", {"collector"}),
        ("network: {bind: 10.0.0.5}", set(plans("{}")) - {"socket-proxy"}),
        ("container_logs: {max_files: 4}", set(plans("{}"))),
    ],
)
def test_what_an_edit_of_the_spec_replaces(text: str, containers: set[str]) -> None:
    """A config edit replaces no container, a limit or a port only the one that it belongs to."""
    assert replaced(text) == containers


def test_the_plan_of_a_service() -> None:
    """Limits in MiB and cores as Docker's provider writes them; config read-only, data writable."""
    assert (PLAN.memory, PLAN.cpus) == (512, "1.0")
    assert PLAN.user == "10001:10001"
    assert PLAN.groups == ("998",)
    assert PLAN.volumes == (
        VolumeMount("pointsman-dev-loki-config", "/etc/loki", True),
        VolumeMount("pointsman-dev-loki-data", "/loki", False),
    )
    assert PLAN.host_paths == (("/", "/host"),)
    assert (PLAN.alias, PLAN.published, PLAN.bind) == ("loki", (PublishedPort(3100, 13100),), "127.0.0.1")
    assert PLAN.variables == (("A", "1"), ("TZ", "UTC"))
    assert dict(PLAN.log_opts) == {"max-file": "3", "max-size": str(10 * 2**20)}


def test_every_container_has_a_limit() -> None:
    """A limit of 0 would mean none at all: what the spec takes is never rounded down to it."""
    for each in plans("loki: {resources: {memory: 6MiB}}").values():
        assert each.memory >= 6


def test_names() -> None:
    """Names tell environment and service and nothing of the machine or the checkout."""
    assert names.network("dev") == "pointsman-dev"
    assert names.container("dev", "loki") == PLAN.name == "pointsman-dev-loki"
    assert names.config_volume("dev", "loki") == "pointsman-dev-loki-config"
    assert names.data_volume("dev", "loki") == "pointsman-dev-loki-data"


def test_labels() -> None:
    """Whose it is, which image a person would name, and the plan; a network belongs to no service."""
    found = container_labels(PLAN, "e57a7e", "dev", "loki", "pointsman/loki:3.7.8")
    assert found == {
        "dev.pointsman.estate": "e57a7e",
        "dev.pointsman.environment": "dev",
        "dev.pointsman.service": "loki",
        "dev.pointsman.image": "pointsman/loki:3.7.8",
        "dev.pointsman.fingerprint": PLAN.fingerprint,
    }
    assert labels.SERVICE not in names.label_set("e57a7e", "dev")


def test_default_spec_is_the_empty_file() -> None:
    """The comparisons above start from what an empty file declares."""
    assert parse("{}", "stacks/dev.yaml") == Environment()


def test_a_limit_that_would_be_none_is_refused() -> None:
    """512 KiB are 0 MiB, which Docker reads as no limit; the spec's reader says so before anything is made."""
    with pytest.raises(SpecError) as refused:
        parse("loki: {resources: {memory: 512KiB}}", "stacks/dev.yaml")
    (mistake,) = refused.value.mistakes
    assert (mistake.key, mistake.line) == ("loki.resources.memory", 1)
    assert "at least 6MiB" in str(mistake)
