"""What Prometheus tells of the runner hosts at one moment: their exporters' targets, and the series of both exporters.

Pure: `verify` and `status` ask it in their own ways, for the same, and read it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pointsman.services import github_exporter
from pointsman.services.scraping import HOST_JOBS

TARGETS = "/api/v1/targets"
ACTIVE = "pointsman_runner_service_active"
STATE = "pointsman_runner_service_state"
JOB_RUNNING = "pointsman_runner_job_running"
VERSION = "pointsman_runner_version_info"
FREE = "pointsman_runner_filesystem_free_bytes"
SIZE = "pointsman_runner_filesystem_size_bytes"
BOOTED = "node_boot_time_seconds"
RUNNERS = "pointsman_github_runners"
ONLINE = "pointsman_github_runner_online"
READING_FAILED = "pointsman_github_reading_failed"
_ASKED = (ACTIVE, STATE, JOB_RUNNING, VERSION, FREE, SIZE, BOOTED, RUNNERS, ONLINE, READING_FAILED)


@dataclass(frozen=True)
class Sample:
    """One series of the instant query: its value, and the Unix time by Prometheus's clock that it was asked for."""

    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True)
class Sight:
    """The target of each host and exporter, and what was scraped."""

    targets: Mapping[tuple[str, str], Mapping[str, Any]]
    samples: tuple[Sample, ...] = ()

    def scraped(self, host: str, exporter: str) -> str:
        """When the host's exporter was scraped last, by Prometheus's clock."""
        return str(self.targets.get((host, exporter), {}).get("lastScrape", ""))

    def told(self, name: str, **labels: str) -> Iterator[Sample]:
        """The series of the metric `name` that have these labels."""
        wanted = {"__name__": name, **labels}.items()
        return (each for each in self.samples if wanted <= each.labels.items())

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the first of them; None without any."""
        return next((each.value for each in self.told(name, **labels)), None)

    @cached_property
    def states(self) -> Mapping[str, str]:
        """The state of each runner's service as systemd has it, by host; `not active` where no more is known."""
        plain = {each.labels.get("host", ""): "active" if each.value else "not active" for each in self.told(ACTIVE)}
        exact = {each.labels.get("host", ""): each.labels["state"] for each in self.told(STATE) if each.value}
        return plain | exact


def expression(environment: str = "") -> str:
    """One PromQL selector for all that is read here; `environment` tells it apart in a Prometheus that others run."""
    own = f',environment="{environment}"' if environment else ""
    jobs = "|".join((*HOST_JOBS.values(), github_exporter.NAME))
    return f'{{__name__=~"{"|".join(_ASKED)}",job=~"{jobs}"{own}}}'


def sight(active: Sequence[Mapping[str, Any]], series: Sequence[Mapping[str, Any]], environment: str = "") -> Sight:
    """From Prometheus's active targets and its answer to `expression`.

    Raises KeyError, TypeError, ValueError or IndexError when they are not what Prometheus answers with.
    """
    exporters = {job: exporter for exporter, job in HOST_JOBS.items()}
    targets = {
        (str(each["labels"].get("host")), exporters[each["scrapePool"]]): each
        for each in active
        if each["scrapePool"] in exporters and environment in ("", each["labels"].get("environment"))
    }
    samples = (Sample(each["metric"], float(each["value"][1]), float(each["value"][0])) for each in series)
    return Sight(targets, tuple(samples))
