"""Prometheus: scrapes every service of the estate and the targets that the spec adds, and keeps the samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from pointsman.services.model import Config, HttpReload, Probe, Retention, Service
from pointsman.spec.models import Environment, ScrapeTargets
from pointsman.spec.scalars import duration_seconds, size_bytes

NAME = "prometheus"
PORT = 9090
CONFIG = "/etc/prometheus"
DATA = "/prometheus"
TARGETS = "targets"


def service(environment: str, spec: Environment, scraped: Sequence[Service]) -> Service:
    """Prometheus with one scrape job for each of `scraped`, for itself, and for each entry of `extra_targets`."""
    declared = spec.prometheus
    files = {"prometheus.yml": _config(environment, spec, scraped)}
    files |= {f"{TARGETS}/{extra.job}.json": _file_sd(extra) for extra in declared.extra_targets}
    return Service(
        name=NAME,
        image="prometheus",
        command=(
            "/bin/prometheus",
            f"--config.file={CONFIG}/current/prometheus.yml",
            f"--storage.tsdb.path={DATA}",
            f"--web.listen-address=:{PORT}",
            "--web.enable-lifecycle",
            "--web.enable-otlp-receiver",
            "--log.format=logfmt",
        ),
        port=PORT,
        published=spec.ports.prometheus,
        remap="ports.prometheus",
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=Probe("/-/ready"),
        config=Config(
            directory=CONFIG,
            files=files,
            validate=("/bin/promtool", "check", "config", "--lint=none", "{release}/prometheus.yml"),
            reload=HttpReload(
                path="/-/reload",
                succeeded="prometheus_config_last_reload_successful",
                at="prometheus_config_last_reload_success_timestamp_seconds",
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


def _config(environment: str, spec: Environment, scraped: Sequence[Service]) -> str:
    declared = spec.prometheus
    own = [(NAME, f"localhost:{PORT}", "/metrics")]
    others = [(each.name, each.address, each.metrics) for each in scraped if each.metrics is not None]
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": declared.scrape_interval,
            "scrape_timeout": declared.scrape_timeout,
            "evaluation_interval": declared.evaluation_interval,
            "external_labels": {"environment": environment, **declared.external_labels},
        },
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
            *(_own_job(name, target, path) for name, target, path in own + others),
            *(_file_sd_job(extra.job) for extra in declared.extra_targets),
        ],
    }
    return yaml.safe_dump(config, sort_keys=False)


def _own_job(name: str, target: str, path: str | None) -> dict[str, Any]:
    return {
        "job_name": name,
        "metrics_path": path,
        "static_configs": [{"targets": [target], "labels": {"service": name}}],
    }


def _file_sd_job(job: str) -> dict[str, Any]:
    return {
        "job_name": job,
        # Relative to the config file, so that a release is validated with its own targets and not with those in force.
        # Read again every 5 s: the file lies behind the `current` link, whose change file notification does not see.
        "file_sd_configs": [{"files": [f"{TARGETS}/{job}.json"], "refresh_interval": "5s"}],
    }


def _file_sd(extra: ScrapeTargets) -> str:
    return json.dumps([{"targets": extra.targets, "labels": extra.labels}], indent=2) + "\n"


def _prometheus_size(size: str) -> str:
    """Prometheus writes binary units without the `i`, and means the same."""
    return size.replace(" ", "").replace("iB", "B")
