"""Prometheus: scrapes the estate's services and the targets that the spec adds, takes samples in, judges rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pointsman.inventory import Host
from pointsman.services.model import Config, Exposed, HttpReload, Probe, Retention, Service
from pointsman.services.scraping import TARGETS, file_sd, file_sd_job, host_job_names, hosts_sd, own_job, probe_jobs
from pointsman.signals.model import RuleGroup
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds, size_bytes
from pointsman.yaml_text import yaml_text

NAME = "prometheus"
PORT = 9090
READY = Probe("/-/ready")
CONFIG = "/etc/prometheus"
DATA = "/prometheus"
RULES = "rules"
RELOADED = "prometheus_config_last_reload_successful"
RELOADED_AT = "prometheus_config_last_reload_success_timestamp_seconds"
# Attributes of a resource that become labels of its series; every other one is kept in target_info. All are known in
# number by what is deployed, never by what is requested.
PROMOTED = [
    "service.namespace",
    "service.version",
    "deployment.environment.name",
    "host.name",
    "container.name",
    "environment",
    "service",
]


def bare() -> Service:
    """Prometheus as the others know it: a name, a port, and how it says that it works."""
    return Service(NAME, "prometheus", (), (Exposed("http", PORT),), 0, 0, ready=READY)


def service(
    environment: str,
    spec: Environment,
    scraped: Sequence[Service],
    alertmanager: Service | None,
    rules: Sequence[RuleGroup],
    blackbox: Service | None,
    hosts: Sequence[Host] = (),
) -> Service:
    """Prometheus with a scrape job for each of `scraped`, for itself, for the hosts, and for what the spec adds."""
    declared = spec.prometheus
    files = {"prometheus.yml": _config(environment, spec, scraped, alertmanager, blackbox)}
    files |= {f"{RULES}/{group.name}.yml": group.rendered() for group in rules}
    files |= {f"{TARGETS}/{extra.job}.json": file_sd(extra) for extra in declared.extra_targets}
    files |= hosts_sd(spec, hosts)
    return Service(
        name=NAME,
        image="prometheus",
        command=(
            "/bin/prometheus",
            f"--config.file={CONFIG}/current/prometheus.yml",
            f"--storage.tsdb.path={DATA}",
            f"--web.listen-address=:{PORT}",
            # What alerts lead to; by default the container's own name, which nobody outside reaches.
            f"--web.external-url={spec.network.url(spec.ports.prometheus)}",
            "--web.enable-lifecycle",
            "--web.enable-otlp-receiver",
            "--web.enable-remote-write-receiver",
            "--enable-feature=exemplar-storage",
            "--log.format=logfmt",
        ),
        exposed=(Exposed("http", PORT, spec.ports.prometheus, "ports.prometheus"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=READY,
        config=Config(
            directory=CONFIG,
            files=files,
            validate=("/bin/promtool", "check", "config", "--lint=none", "{release}/prometheus.yml"),
            reload=HttpReload(
                path="/-/reload",
                succeeded=RELOADED,
                at=RELOADED_AT,
            ),
            watched=(f"{TARGETS}/",),
            watched_metric="prometheus_sd_file_mtime_seconds",
        ),
        data=DATA,
        retention=Retention(
            path="/api/v1/status/runtimeinfo",
            key=("data", "storageRetention"),
            time=duration_seconds(declared.retention.time),
            size=size_bytes(declared.retention.size),
        ),
    )


def _config(
    environment: str,
    spec: Environment,
    scraped: Sequence[Service],
    alertmanager: Service | None,
    blackbox: Service | None,
) -> str:
    declared = spec.prometheus
    own = bare()
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": declared.scrape_interval,
            "scrape_timeout": declared.scrape_timeout,
            "evaluation_interval": declared.evaluation_interval,
            "sample_limit": declared.sample_limit,
            "external_labels": {"environment": environment, **declared.external_labels},
        },
        "rule_files": [f"{RULES}/*.yml"],
        "otlp": {"promote_resource_attributes": PROMOTED},
        # In the file and not as flags: those are deprecated, and the file can be reloaded.
        "storage": {
            "tsdb": {
                "retention": {
                    "time": declared.retention.time,
                    "size": _prometheus_size(declared.retention.size),
                },
                "out_of_order_time_window": "10m",
            }
        },
        "scrape_configs": [
            own_job(own, f"localhost:{PORT}"),
            *(own_job(each) for each in scraped if each.metrics is not None),
            *(probe_jobs(spec, blackbox, [own, *scraped]) if blackbox else ()),
            *(file_sd_job(job) for job in host_job_names(spec)),
            *(file_sd_job(extra.job) for extra in declared.extra_targets),
        ],
    }
    if alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.address()]}]}]}
    if declared.remote_write:
        config["remote_write"] = [{"url": each.url} for each in declared.remote_write]
    return yaml_text(config)


def _prometheus_size(size: str) -> str:
    """Prometheus writes binary units without the `i`, and means the same."""
    return size.replace(" ", "").replace("iB", "B")
