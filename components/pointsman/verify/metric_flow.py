"""A metric finds its way from OTLP to PromQL, and Prometheus sees every target that it should."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.services.model import Service
from pointsman.verify.site import METRICS, Lost, Site

OTLP = "/api/v1/otlp/v1/metrics"
QUERY = "/api/v1/query"
TARGETS = "/api/v1/targets"
# One series for ever: what is fresh about a run is the sample's value, never a label.
METRIC, JOB = "pointsman_verify", "pointsman-verify"
# Prometheus keeps samples as float64, which holds every whole number below this.
EXACT_INTEGERS = 2**53


def round_trip(site: Site) -> Check:
    """A gauge with a value never used before, pushed as OTLP and followed until PromQL returns that very value."""
    name, value = "metric from OTLP to PromQL", secrets.randbelow(EXACT_INTEGERS)
    started = time.monotonic()
    try:
        site.send(METRICS, OTLP, _gauge(value))
    except Lost as lost:
        expected = "hop 1, OTLP push: accepted"
        return failed(name, f"lost at hop 1, OTLP push: {lost.seen}", expected=expected, remedy=site.remedy(METRICS))
    pushed = time.monotonic()
    expected = f"hop 2, PromQL query: {METRIC} = {value}"
    try:
        arrived = site.until(lambda: value in _values(site))
    except Lost as lost:
        return failed(name, f"lost at hop 2, PromQL: {lost.seen}", expected=expected, remedy=site.remedy(METRICS))
    if not arrived:
        seen = f"lost at hop 2, PromQL: accepted, but not returned within {time.monotonic() - pushed:.1f} s"
        return failed(name, seen, expected=expected, remedy=site.remedy(METRICS))
    return passed(name, f"OTLP push {pushed - started:.3f} s, PromQL {time.monotonic() - pushed:.3f} s")


def targets(site: Site) -> list[Check]:
    """A check for every scrape target of the estate and of the spec's extra targets.

    What was not scraped yet, and what is down although its container runs, is waited for until the deadline.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    own = [service for service in site.declared.estate.services if service.metrics]
    extra = _extra_targets(site.declared.service(METRICS))

    def settled() -> bool:
        active = site.data(METRICS, TARGETS, state="active")["activeTargets"]
        found.clear()
        # The pool is the job as configured; a target's own labels may say otherwise.
        found.update({(each["scrapePool"], each["discoveredLabels"]["__address__"]): each for each in active})
        by_job = {job: each for (job, _), each in found.items()}
        waited = [service for service in own if not site.halted(service.name)]
        return all(by_job.get(service.name, {}).get("health") == "up" for service in waited) and all(
            found.get((job, target), {}).get("health", "unknown") != "unknown" for job, target in extra
        )

    try:
        site.until(settled)
    except Lost as lost:
        expected = "the targets of every job"
        return [failed("scrape targets", lost.seen, expected=expected, remedy=site.remedy(METRICS))]
    return [
        *(_own_target(site, service, found) for service in own),
        *(_extra_target(site, job, target, found.get((job, target))) for job, target in extra),
        *_undeclared(site, {service.name for service in own} | {job for job, _ in extra}, found),
    ]


def _gauge(value: int) -> dict[str, Any]:
    point = {"timeUnixNano": str(time.time_ns()), "asInt": str(value)}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": JOB}}]}
    metrics = [{"name": METRIC, "gauge": {"dataPoints": [point]}}]
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}


def _values(site: Site) -> set[int]:
    """Every value of the last minute: a second run at the same time may have pushed a later one."""
    found = site.data(METRICS, QUERY, query=f'{METRIC}{{job="{JOB}"}}[1m]')["result"]
    return {int(value) for series in found for _, value in series["values"]}


def _extra_targets(prometheus: Service) -> list[tuple[str, str]]:
    """Job and address of every target that the spec adds: the files that Prometheus watches, as they were rendered."""
    config = prometheus.config
    assert config is not None
    return [
        (path.rpartition("/")[2].removesuffix(".json"), target)
        for path, text in config.files.items()
        if path.startswith(config.watched)
        for group in json.loads(text)
        for target in group["targets"]
    ]


def _own_target(site: Site, service: Service, found: Mapping[tuple[str, str], dict[str, Any]]) -> Check:
    name = f"scrape target {service.name}"
    each = next((each for (job, _), each in found.items() if job == service.name), None)
    if each is None:
        expected = f"job {service.name}"
        return failed(name, "Prometheus has no such job", expected=expected, remedy=site.declared.apply)
    return _judged(name, each, remedy=site.remedy(service.name))


def _extra_target(site: Site, job: str, target: str, each: dict[str, Any] | None) -> Check:
    name, spec = f"extra target {job} {target}", f"stacks/{site.declared.environment}.yaml"
    if each is None:
        expected = f"the target of prometheus.extra_targets in {spec}"
        return failed(name, "Prometheus does not have it", expected=expected, remedy=site.declared.apply)
    return _judged(name, each, remedy=f"start what should answer there, or take it out of {spec}")


def _judged(name: str, each: Mapping[str, Any], remedy: str) -> Check:
    url = each["scrapeUrl"]
    if each["health"] == "unknown":
        return not_verifiable(name, f"not scraped yet: the first scrape is due within {each['scrapeInterval']}")
    if each["health"] != "up":
        return failed(name, f"{each['health']}: {each['lastError']}", expected=f"{url} scraped", remedy=remedy)
    return passed(name, f"up, scraped in {each['lastScrapeDuration'] * 1000:.0f} ms")


def _undeclared(site: Site, jobs: set[str], found: Mapping[tuple[str, str], Any]) -> list[Check]:
    return [
        failed(f"scrape job {job}", target, expected="no job that the spec lacks", remedy=site.declared.apply)
        for job, target in sorted(found)
        if job not in jobs
    ]
