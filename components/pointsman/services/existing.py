"""A Prometheus that is there already: nothing is made of it; what it must load is drawn from the same services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pointsman.inventory import Host
from pointsman.services import prometheus
from pointsman.services.model import Config, Exposed, HttpReload, Service
from pointsman.services.scraping import file_sd_job, host_job_names, hosts_sd, own_job, probe_jobs
from pointsman.signals.model import RuleGroup
from pointsman.spec.models import Environment
from pointsman.yaml_text import yaml_text


def bare(url: str) -> Service:
    """It as the others know it: an address that every container reaches."""
    return Service(
        prometheus.NAME, "", (), (Exposed("http", prometheus.PORT),), 0, 0, ready=prometheus.READY, elsewhere=url
    )


def service(
    environment: str,
    spec: Environment,
    url: str,
    scraped: Sequence[Service],
    alertmanager: Service | None,
    rules: Sequence[RuleGroup],
    blackbox: Service | None,
    hosts: Sequence[Host] = (),
) -> Service:
    """It with the config that it must load: jobs that ask the machine's published ports, and the rules.

    It need not be on the estate's network, so every target is `network.bind` and a published port. Only the addresses
    that the blackbox exporter probes are inner ones: that is where it asks.
    """
    known = bare(url)
    config: dict[str, Any] = {
        "rule_files": [f"{prometheus.RULES}/*.yml"],
        "scrape_configs": [
            _job(environment, spec, each)
            for each in [
                *(own_job(each, _outside(spec, each, each.metrics.on)) for each in scraped if each.metrics is not None),
                *(probe_jobs(spec, blackbox, [known, *scraped], _outside(spec, blackbox)) if blackbox else ()),
                *(file_sd_job(job) for job in host_job_names(spec)),
            ]
        ],
    }
    if alertmanager:
        targets = [_outside(spec, alertmanager)]
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": targets}]}]}
    files = {"prometheus.yml": yaml_text(config)}
    # Its external labels are not this environment's.
    own = [replace(group, labels={"environment": environment}) for group in rules]
    files |= {f"{prometheus.RULES}/{group.name}.yml": group.rendered() for group in own}
    return _with(known, files | hosts_sd(spec, hosts))


def _with(known: Service, files: Mapping[str, str]) -> Service:
    reload = HttpReload(path="/-/reload", succeeded=prometheus.RELOADED, at=prometheus.RELOADED_AT)
    config = Config(directory=prometheus.CONFIG, files=files, validate=(), reload=reload)
    return Service(known.name, "", (), known.exposed, 0, 0, ready=known.ready, elsewhere=known.elsewhere, config=config)


def _outside(spec: Environment, service: Service, on: str = "") -> str:
    return f"{spec.network.bind}:{service.port(on).published}"


def _job(environment: str, spec: Environment, job: dict[str, Any]) -> dict[str, Any]:
    """A job among those of others: at this environment's own pace, its series told apart by the environment."""
    pace = {"scrape_interval": spec.prometheus.scrape_interval, "scrape_timeout": spec.prometheus.scrape_timeout}
    label = {"target_label": "environment", "replacement": environment}
    return job | pace | {"relabel_configs": [*job.get("relabel_configs", ()), label]}
