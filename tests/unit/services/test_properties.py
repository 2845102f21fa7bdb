"""What holds for the services of every environment, whatever its spec says."""

from __future__ import annotations

from typing import Any

import pytest

from pointsman.services import github_exporter, github_standin, grafana, labels, notifier, run_monitor, socket_proxy
from pointsman.services.estate import compose
from pointsman.services.log_agent import Agent
from pointsman.services.model import HttpReload
from pointsman.spec.models import Environment
from tests.unit.services.cases import CASES, MACHINE, Case, config_of, every_case, named

UNVALIDATED = (grafana.NAME, github_standin.NAME, github_exporter.NAME, notifier.NAME, run_monitor.NAME)
COLLECTOR_PORTS = ("otlp_grpc", "otlp_http", "collector_metrics", "collector_health")


@every_case
def test_names_and_ports_are_unique(case: Case) -> None:
    """Names become host names, volumes and containers; a published port can be taken once, an inner one of a service
    too."""
    services = case.estate.services
    published = [each.published for service in services for each in service.published]
    assert len({service.name for service in services}) == len(services)
    assert len(set(published)) == len(published)
    for service in services:
        assert len({each.port for each in service.exposed}) == len(service.exposed), service.name
        assert len({each.name for each in service.exposed}) == len(service.exposed), service.name


@every_case
def test_what_is_asked_from_outside_is_published(case: Case) -> None:
    """Readiness, reloads and retention are seen on a port that the machine offers; metrics on one that speaks HTTP."""
    for service in case.estate.services:
        if service.ready:
            port = service.port(service.ready.on)
            assert port.published, service.name
            assert port.http, service.name
        if service.retention:
            assert service.main.published, service.name
        if service.metrics:
            assert service.port(service.metrics.on).http, service.name


@every_case
def test_what_has_a_config_can_be_proved(case: Case) -> None:
    """A config is only loaded when that was seen from outside; it is validated, and the live release is what is run.

    Some have no validator: what they refuse shows as a start that fails.
    """
    for service in case.estate.services:
        if service.config:
            assert service.ready is not None, service.name
            if service.name not in UNVALIDATED:
                assert any("{release}" in part for part in service.config.validate), service.name
            live = f"{service.config.directory}/current"
            assert any(live in part for part in (*service.command, *service.variables.values())), service.name


@every_case
def test_watched_files_have_a_metric(case: Case) -> None:
    """That a file was read without a reload is only known by the metric that tells its time."""
    for service in case.estate.services:
        if service.config:
            assert bool(service.config.watched) == bool(service.config.watched_metric)


@every_case
def test_order_is_startable(case: Case) -> None:
    """Everything that a service waits for comes before it."""
    started: set[str] = set()
    for service in case.estate.services:
        assert set(service.after) <= started, service.name
        started.add(service.name)


@every_case
def test_every_published_port_is_a_key_of_the_spec(case: Case) -> None:
    """The key that a message names for a taken port is the key that moves it; what is not published has none."""
    document = case.spec.model_dump()
    for service in case.estate.services:
        for each in service.exposed:
            if not each.published:
                assert each.remap == "", (service.name, each.name)
                continue
            value: Any = document
            for key in each.remap.split("."):
                value = value[key]
            assert value == each.published, each.remap


@every_case
def test_every_port_of_the_spec_belongs_to_a_service(case: Case) -> None:
    """No key moves a port that is not there, but for what is switched off or absent."""
    remaps = {each.remap for service in case.estate.services for each in service.published}
    spec, exporters = case.spec, case.spec.exporters
    has_collector, has_alerts = spec.collector.enabled, spec.alertmanager.enabled
    there = {
        "ports.node_exporter": exporters.node.enabled,
        "ports.blackbox": exporters.blackbox.enabled,
        "ports.pushgateway": exporters.pushgateway.enabled,
        "ports.grafana": spec.grafana.enabled,
        "ports.tempo": spec.tempo.enabled,
        "ports.alertmanager": has_alerts,
        "ports.alert_sink": has_alerts,
        "ports.notifier": has_alerts and spec.notifier.enabled,
        "ports.github": spec.runners.has_standin,
        "ports.monitor": spec.monitor.enabled,
        "ports.github_exporter": spec.runners.hosts != "none" and spec.runners.exporter.enabled,
        **{f"ports.{name}": has_collector for name in COLLECTOR_PORTS},
    }
    gone = {key for key, is_there in there.items() if not is_there}
    assert remaps.isdisjoint(gone)
    assert remaps | gone == {f"ports.{name}" for name in type(case.spec.ports).model_fields}


@every_case
def test_nothing_speaks_to_what_is_not_there(case: Case) -> None:
    """No config has the address of a service that is switched off or absent."""
    every = {service.address(each.name) for service in CASES["full"].estate.services for each in service.exposed}
    there = {service.address(each.name) for service in case.estate.services for each in service.exposed}
    for service in case.estate.services:
        for path, text in (service.config.files if service.config else {}).items():
            assert not [address for address in every - there if f"{address}" in text], (service.name, path)


@every_case
def test_only_the_proxy_sees_the_docker_socket(case: Case) -> None:
    """Whoever may talk to the socket owns the machine: one service mounts it, and only that one is in its group."""
    mounting = {
        service.name for service in case.estate.services for mount in service.mounts if "docker.sock" in mount.source
    }
    grouped = {service.name for service in case.estate.services if service.groups}
    assert mounting == grouped == {"socket-proxy"}
    assert named(case, "socket-proxy").published == ()


@every_case
def test_each_host_mount_says_why(case: Case) -> None:
    """What a service sees of the machine has a reason that a person can judge."""
    for service in case.estate.services:
        for mount in service.mounts:
            assert len(mount.waiver.split()) > 5, (service.name, mount.source)


@pytest.mark.parametrize("agent", ["promtail", "alloy"])
def test_agents_are_alike(agent: Agent) -> None:
    """Either agent has the same name, port on the machine, and the same three labels from the same containers."""
    estate = compose("dev", Environment(), agent, MACHINE)
    service = next(service for service in estate.stack if service.name == "log-agent")
    assert service.config is not None
    (text,) = service.config.files.values()
    assert (service.image, service.main.published) == (agent, Environment().ports.log_agent)
    assert f"{labels.ENVIRONMENT}=dev" in text
    assert "http://loki:3100/loki/api/v1/push" in text
    assert f"tcp://socket-proxy:{socket_proxy.PORT}" in text
    for label in ("environment", "service", "stream"):
        assert f"target_label: {label}" in text or f'target_label  = "{label}"' in text


@every_case
def test_a_reload_over_http_is_proved_by_metrics_of_the_service(case: Case) -> None:
    """Both the verdict and the time of the last reload are read from the service's own metrics."""
    for service in case.estate.services:
        if service.config and isinstance(service.config.reload, HttpReload):
            assert service.metrics is not None
            assert service.metrics.path == "/metrics"
            assert service.config.reload.succeeded
            assert service.config.reload.at


@pytest.mark.parametrize(
    ("written", "hours"), [("24h", "24h"), ("7d", "168h"), ("2w", "336h"), ("1y", "8760h"), ("1w2d12h", "228h")]
)
def test_loki_is_told_hours(written: str, hours: str) -> None:
    """Loki's own durations know no weeks and years."""
    case = Case("dev", f"loki: {{retention: {written}}}", "promtail")
    assert config_of(case, "loki", "loki.yml")["limits_config"]["retention_period"] == hours
    retention = named(case, "loki").retention
    assert retention is not None
    assert retention.time == int(hours.removesuffix("h")) * 3600
