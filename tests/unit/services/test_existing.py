"""A Prometheus that others run: nothing is made of it, everybody is told of it, and it can be told of everybody."""

from __future__ import annotations

from typing import Any

import yaml

from pointsman.services.model import Service
from pointsman.spec.exporters import STACK_PROBES
from tests.unit.services.cases import EXISTING, Case, config_of, named

CASE = Case("production", EXISTING, "alloy")
URL = "http://prometheus.example.org:9090"
BIND = "10.0.0.5"


def borrowed() -> Service:
    """The one service that others run."""
    (found,) = CASE.estate.borrowed
    return found


def exported() -> dict[str, Any]:
    """The config that it must load."""
    config = borrowed().config
    assert config is not None
    found: dict[str, Any] = yaml.safe_load(config.files["prometheus.yml"])
    return found


def test_it_is_none_of_the_services() -> None:
    """No container, no volume and no port of the machine is its."""
    assert (borrowed().name, borrowed().elsewhere) == ("prometheus", URL)
    assert "prometheus" not in {service.name for service in CASE.estate.services}
    assert "ports.prometheus" not in {each.remap for service in CASE.estate.services for each in service.published}


def test_an_environment_of_its_own_borrows_nothing() -> None:
    """Without the key all services are the environment's."""
    assert Case("dev", "{}", "promtail").estate.borrowed == ()


def test_the_others_send_to_it_and_ask_it() -> None:
    """The Collector's samples go there, Grafana reads there, under the uid that every link names."""
    collector = config_of(CASE, "collector", "collector.yml")
    assert collector["exporters"]["otlp_http/metrics"]["endpoint"] == f"{URL}/api/v1/otlp"
    sources = config_of(CASE, "grafana", "datasources/datasources.yml")["datasources"]
    assert {each["uid"]: each["url"] for each in sources}["prometheus"] == URL


def test_it_scrapes_what_the_machine_publishes() -> None:
    """It is not on the estate's network: each service that has metrics is a job, at a published port."""
    jobs = {job["job_name"]: job for job in exported()["scrape_configs"]}
    wanted = {service.name for service in CASE.estate.services if service.metrics}
    assert set(jobs) == wanted | {STACK_PROBES, "sites"}
    for name in wanted:
        service = named(CASE, name)
        assert service.metrics is not None
        port = service.port(service.metrics.on).published
        assert jobs[name]["static_configs"] == [{"targets": [f"{BIND}:{port}"], "labels": {"service": name}}]


def test_probes_are_made_from_inside() -> None:
    """The request goes to the exporter's published port; what is probed is named as on the network, and itself too."""
    jobs = {job["job_name"]: job for job in exported()["scrape_configs"]}
    targets = [target for group in jobs[STACK_PROBES]["static_configs"] for target in group["targets"]]
    assert "http://loki:3100/ready" in targets
    assert f"{URL}/-/ready" in targets
    for name in (STACK_PROBES, "sites"):
        assert {"target_label": "__address__", "replacement": f"{BIND}:9115"} in jobs[name]["relabel_configs"]


def test_what_is_this_environment_s_says_so() -> None:
    """It has jobs and rules of others, and external labels of its own: each series and alert carries the environment;
    the pace is the spec's."""
    for job in exported()["scrape_configs"]:
        assert job["relabel_configs"][-1] == {"target_label": "environment", "replacement": "production"}
        assert (job["scrape_interval"], job["scrape_timeout"]) == ("30s", "10s")
    config = borrowed().config
    assert config is not None
    for name in ("stack", "verify"):
        (group,) = yaml.safe_load(config.files[f"rules/{name}.yml"])["groups"]
        assert group["labels"] == {"environment": "production"}


def test_its_alerts_come_to_this_environment_s_alertmanager() -> None:
    """At the published port."""
    (manager,) = exported()["alerting"]["alertmanagers"]
    assert manager["static_configs"] == [{"targets": [f"{BIND}:9093"]}]
