"""Prometheus's scrape jobs: from the services, from the spec's targets, and through the blackbox exporter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pointsman.inventory import Host
from pointsman.services import blackbox
from pointsman.services.model import Service
from pointsman.spec.exporters import STACK_PROBES
from pointsman.spec.models import Environment
from pointsman.spec.stack import ScrapeTargets

TARGETS = "targets"
HOST_JOBS = {"node": "hosts-node", "runner": "hosts-runner"}
"""The scrape job of each exporter that runs on hosts."""


def own_job(service: Service, address: str = "") -> dict[str, Any]:
    """The job of one service, at `address` where it is reached by another name than its own."""
    assert service.metrics is not None
    return {
        "job_name": service.name,
        "metrics_path": service.metrics.path,
        **({"honor_labels": True} if service.metrics.honor_labels else {}),
        # Who could tell names with dots, as the Collector could, is asked for those that dashboards and alerts know.
        "metric_name_escaping_scheme": "underscores",
        "static_configs": [
            {"targets": [address or service.address(service.metrics.on)], "labels": {"service": service.name}}
        ],
    }


def file_sd_job(job: str) -> dict[str, Any]:
    """A job whose targets are in a file that Prometheus watches."""
    return {
        "job_name": job,
        # Relative to the config file, so that a release is validated with its own targets and not with those in force.
        # Read again every 5 s: the file lies behind the `current` link, whose change file notification does not see.
        "file_sd_configs": [{"files": [f"{TARGETS}/{job}.json"], "refresh_interval": "5s"}],
    }


def host_job_names(spec: Environment) -> list[str]:
    """The jobs of what runs on the hosts, one an exporter."""
    return [] if spec.runners.hosts == "none" else list(HOST_JOBS.values())


def hosts_sd(spec: Environment, hosts: Sequence[Host]) -> dict[str, str]:
    """The file of each of those jobs: a host that comes or goes needs no reload."""
    files = {}
    for exporter, job in HOST_JOBS.items() if spec.runners.hosts != "none" else ():
        found = [
            {
                "targets": [f"{_host_address(spec, host)}:{host.exporters[exporter]}"],
                "labels": {"host": host.name, **({"part": host.runner.part} if host.runner else {})},
            }
            for host in hosts
            if exporter in host.exporters
        ]
        files[f"{TARGETS}/{job}.json"] = json.dumps(found, indent=2) + "\n"
    return files


def _host_address(spec: Environment, host: Host) -> str:
    """Containers by name on the environment's network, machines where plays find them."""
    return host.name if spec.runners.hosts == "containers" else host.address


def file_sd(extra: ScrapeTargets) -> str:
    """The file of such a job."""
    return json.dumps([{"targets": extra.targets, "labels": extra.labels}], indent=2) + "\n"


def probe_jobs(
    spec: Environment, exporter: Service, probed: Sequence[Service], address: str = ""
) -> list[dict[str, Any]]:
    """The jobs that go through the blackbox exporter: the readiness of `probed`, and the spec's own probes.

    `address` is where the exporter is reached by another name than its own.
    """
    address = address or exporter.address()
    stack = [
        {
            "targets": [f"{each.url(each.ready.on)}{each.ready.path}"],
            "labels": {"service": each.name},
        }
        for each in probed
        if each.ready is not None
    ]
    return [
        _probe_job(address, STACK_PROBES, blackbox.HTTP, stack),
        *(
            _probe_job(address, each.job, each.module, [{"targets": each.targets}])
            for each in spec.exporters.blackbox.probes
        ),
    ]


def _probe_job(address: str, job: str, module: str, configs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "job_name": job,
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "static_configs": configs,
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": address},
        ],
    }
