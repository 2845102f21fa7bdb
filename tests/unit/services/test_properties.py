"""What holds for the services of every environment, whatever its spec says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from pointsman.services import labels, prometheus, socket_proxy
from pointsman.services.estate import compose
from pointsman.services.log_agent import Agent
from pointsman.services.model import HttpReload, Service
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from tests.unit.services.cases import CASES, MACHINE, Case

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def named(case: Case, name: str) -> Service:
    """A service of the case."""
    return next(service for service in case.estate.services if service.name == name)


def config_of(case: Case, name: str, file: str) -> Any:
    """A rendered YAML file, read back."""
    config = named(case, name).config
    assert config is not None
    return yaml.safe_load(config.files[file])


@every_case
def test_names_and_ports_are_unique(case: Case) -> None:
    """Names become host names, volumes and containers; a published port can be taken once."""
    services = case.estate.services
    published = [service.published for service in services if service.published]
    assert len({service.name for service in services}) == len(services)
    assert len(set(published)) == len(published)


@every_case
def test_what_has_a_config_can_be_proved(case: Case) -> None:
    """A config is only loaded when that was seen from outside: it needs a readiness URL and a published port."""
    for service in case.estate.services:
        if service.config:
            assert service.ready is not None, service.name
            assert service.published is not None, service.name
            assert any("{release}" in part for part in service.config.validate), service.name
            assert any(f"{service.config.directory}/current/" in part for part in service.command), service.name


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
    """The key that a message names for a taken port is the key that moves it."""
    document = case.spec.model_dump()
    for service in case.estate.services:
        if service.published is None:
            assert service.remap == "", service.name
            continue
        value: Any = document
        for key in service.remap.split("."):
            value = value[key]
        assert value == service.published, service.remap


@every_case
def test_every_port_of_the_spec_belongs_to_a_service(case: Case) -> None:
    """No key moves a port that is not there, but for an exporter that is switched off."""
    remaps = {service.remap for service in case.estate.services if service.published}
    off = set() if case.spec.exporters.node.enabled else {"ports.node_exporter"}
    assert remaps | off == {f"ports.{name}" for name in type(case.spec.ports).model_fields}


@every_case
def test_scrape_jobs_are_services_with_metrics_and_extra_targets(case: Case) -> None:
    """Prometheus has one job for itself, for each service that has metrics, and for each extra entry; no other list."""
    jobs = config_of(case, "prometheus", "prometheus.yml")["scrape_configs"]
    wanted = [service.name for service in case.estate.services if service.metrics and service.name != "prometheus"]
    extra = [entry.job for entry in case.spec.prometheus.extra_targets]
    assert sorted(job["job_name"] for job in jobs) == sorted(["prometheus", *wanted, *extra])
    for job in jobs:
        if job["job_name"] in wanted:
            service = named(case, job["job_name"])
            static = {"targets": [service.address], "labels": {"service": service.name}}
            assert (job["static_configs"], job["metrics_path"]) == ([static], service.metrics)


@every_case
def test_each_extra_job_reads_a_file_that_is_delivered(case: Case) -> None:
    """The file that a job names is among the config's files, watched, and holds the spec's targets."""
    config = named(case, "prometheus").config
    assert config is not None
    jobs = config_of(case, "prometheus", "prometheus.yml")["scrape_configs"]
    read = {job["job_name"]: job["file_sd_configs"][0]["files"] for job in jobs if "file_sd_configs" in job}
    for entry in case.spec.prometheus.extra_targets:
        (path,) = read.pop(entry.job)
        file = path.removeprefix(f"{config.directory}/current/")
        assert file.startswith(config.watched)
        assert json.loads(config.files[file]) == [{"targets": entry.targets, "labels": entry.labels}]
    assert read == {}


def test_a_change_of_extra_targets_leaves_the_config_alone() -> None:
    """New hosts in a known job reach Prometheus by its own watching: its config stays, so nothing is reloaded."""
    template = "prometheus: {{extra_targets: [{{job: builds, targets: [{}]}}]}}"
    configs = []
    for targets in ("'a:1'", "'a:1', 'b:2'"):
        estate = compose("dev", parse(template.format(targets), "stacks/dev.yaml"), "promtail", MACHINE)
        configs.append(next(service.config for service in estate.stack if service.name == "prometheus"))
    before, after = configs
    assert before is not None
    assert after is not None
    changed = [path for path in before.files if before.files[path] != after.files[path]]
    assert changed == [f"{prometheus.TARGETS}/builds.json"]


@every_case
def test_only_the_proxy_sees_the_docker_socket(case: Case) -> None:
    """Whoever may talk to the socket owns the machine: one service mounts it, and only that one is in its group."""
    mounting = {
        service.name for service in case.estate.services for mount in service.mounts if "docker.sock" in mount.source
    }
    grouped = {service.name for service in case.estate.services if service.groups}
    assert mounting == grouped == {"socket-proxy"}
    assert named(case, "socket-proxy").published is None


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
    assert (service.image, service.published) == (agent, Environment().ports.log_agent)
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
            assert service.metrics == "/metrics"
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


@pytest.mark.parametrize(("written", "told"), [("2GiB", "2GB"), ("1536 MiB", "1536MB"), ("1TiB", "1TB"), ("9B", "9B")])
def test_prometheus_is_told_sizes_in_its_own_units(written: str, told: str) -> None:
    """Prometheus refuses the `i` and a blank, and reads GB as 2^30."""
    case = Case("dev", f"prometheus: {{retention: {{size: {written}}}}}", "promtail")
    assert config_of(case, "prometheus", "prometheus.yml")["storage"]["tsdb"]["retention"]["size"] == told


def test_the_environment_label_may_be_named_otherwise() -> None:
    """What leaves Prometheus carries the environment's name, unless the spec gives it another."""
    spec = "prometheus: {external_labels: {environment: lab, team: a}}"
    labels_of = [
        config_of(Case("dev", text, "alloy"), "prometheus", "prometheus.yml")["global"]["external_labels"]
        for text in ("{}", spec)
    ]
    assert labels_of == [{"environment": "dev"}, {"environment": "lab", "team": "a"}]
