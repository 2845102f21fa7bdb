"""Prometheus sees every target that it should, and what the blackbox exporter asked on its behalf was answered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from pointsman.checks import Check, Outcome, failed, not_verifiable, passed
from pointsman.declared import Declared
from pointsman.services import blackbox
from pointsman.services.scraping import HOST_JOBS
from pointsman.spec.exporters import STACK_PROBES
from pointsman.verify.metric_flow import QUERY
from pointsman.verify.site import METRICS, Lost, Site

TARGETS = "/api/v1/targets"
NAME = "scrape targets"
# With so many targets of running services down and none up, it is not them.
FEWEST_DOWN = 3

Kind = Literal["own", "extra", "probe", "stack probe"]
Found = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """A target of the rendered config. `service` is the one that is scraped or asked, empty for a stranger."""

    kind: Kind
    job: str
    address: str
    service: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """How Prometheus tells it from others."""
        return self.job, self.address

    @property
    def probed(self) -> bool:
        """Whether its scrape asks the blackbox exporter, which asks it."""
        return self.kind in ("probe", "stack probe")

    @property
    def check(self) -> str:
        """The name of its check."""
        if self.kind == "own":
            return f"scrape target {self.job}"
        if self.kind == "stack probe":
            return f"probe of {self.service}"
        return f"{self.kind if self.kind == 'probe' else 'extra target'} {self.job} {self.address}"


@dataclass(frozen=True)
class Look:
    """What Prometheus told at one moment: its active targets, and what each probe said last, 1 for a good answer."""

    targets: Found
    probes: Mapping[tuple[str, str], float]

    def health(self, each: Wanted) -> str:
        """`up`, `down`, or `unknown` for one that was not scraped yet."""
        return str(self.targets.get(each.key, {}).get("health", "unknown"))

    def scraped(self, each: Wanted) -> str:
        """When it was scraped last, by Prometheus's clock."""
        return str(self.targets.get(each.key, {}).get("lastScrape", ""))


def targets(site: Site) -> list[Check]:
    """A check for every scrape target and every probe that the config of Prometheus was rendered with.

    What was not scraped yet is waited for until the deadline; what is down although its container runs, until one more
    scrape has said so: it may have come back since the last one.
    """
    # What runs on hosts is theirs to tell.
    every = [each for each in wanted(site.declared) if each.job not in HOST_JOBS.values()]
    looks: list[Look] = []

    def settled() -> bool:
        looks[1:] = [_look(site, every)]
        return all(_settled(site, each, looks[0], looks[-1]) for each in every)

    started = time.monotonic()
    try:
        site.until(settled)
    except Lost as lost:
        expected = "the targets of every job"
        return [failed(NAME, lost.seen, expected=expected, remedy=site.remedy(METRICS), service=METRICS)]
    last = looks[-1]
    checks = [_judged(site, each, last.targets.get(each.key), last.probes.get(each.key)) for each in every]
    waited = time.monotonic() - started
    jobs = {each.job for each in every} | {*HOST_JOBS.values()}
    return [*_blind(site, every, checks, waited), *_undeclared(site, jobs, last.targets)]


def wanted(declared: Declared) -> Iterator[Wanted]:
    """Every target of Prometheus's rendered config, the files that it watches included."""
    config = declared.service(METRICS).config
    assert config is not None
    names = {service.name for service in declared.estate.services}
    for job in yaml.safe_load(config.files["prometheus.yml"])["scrape_configs"]:
        name = job["job_name"]
        for group in job.get("static_configs", ()):
            service = group.get("labels", {}).get("service", "")
            kind: Kind = "stack probe" if name == STACK_PROBES else "own" if name in names else "probe"
            yield from (Wanted(kind, name, address, service) for address in group["targets"])
        for path in (path for each in job.get("file_sd_configs", ()) for path in each["files"]):
            for group in json.loads(config.files[path]):
                yield from (Wanted("extra", name, address) for address in group["targets"])


def _look(site: Site, every: list[Wanted]) -> Look:
    active = site.data(METRICS, TARGETS, state="active")["activeTargets"]
    # The pool is the job as configured; a target's own labels may say otherwise.
    found = {(each["scrapePool"], each["discoveredLabels"]["__address__"]): each for each in active}
    if not any(each.probed for each in every):
        return Look(found, {})
    result = site.data(METRICS, QUERY, query="probe_success")["result"]
    rows = ((each["metric"].get("job", ""), each["metric"].get("instance", ""), each["value"][1]) for each in result)
    return Look(found, {(job, instance): float(value) for job, instance, value in rows})


def _settled(site: Site, each: Wanted, first: Look, now: Look) -> bool:
    health = now.health(each)
    if health == "unknown":
        return bool(each.service and site.halted(each.service))
    good = health == "up" and (not each.probed or now.probes.get(each.key) == 1)
    if good or not each.service or site.halted(each.service):
        return True
    return first.scraped(each) != now.scraped(each)


def _judged(site: Site, each: Wanted, told: Mapping[str, Any] | None, answered: float | None) -> Check:
    name, spec = each.check, f"stacks/{site.declared.environment}.yaml"
    if told is None:
        expected, remedy = f"target {each.address} of job {each.job}", site.rendered(METRICS)
        return failed(name, "Prometheus does not have it", expected=expected, remedy=remedy, service=METRICS)
    stranger = f"start what should answer there, or take it out of {spec}"
    remedy = site.remedy(each.service) if each.service else stranger
    if told["health"] == "unknown":
        why = f"not scraped yet: the first scrape is due within {told['scrapeInterval']}"
        return not_verifiable(name, why, service=each.service)
    if told["health"] != "up":
        # A probe's scrape asks the blackbox exporter, whatever the address is.
        blamed = blackbox.NAME if each.probed else each.service
        seen, expected = f"{told['health']}: {told['lastError']}", f"{told['scrapeUrl']} scraped"
        return failed(name, seen, expected=expected, remedy=remedy, service=blamed)
    if each.probed and answered != 1:
        expected = f"{each.address} answers {blackbox.NAME}"
        return failed(name, "the probe failed", expected=expected, remedy=remedy, service=each.service)
    return passed(name, f"up, scraped in {told['lastScrapeDuration'] * 1000:.0f} ms", service=each.service)


def _blind(site: Site, every: list[Wanted], checks: list[Check], waited: float) -> list[Check]:
    """One fault of Prometheus in place of one for each of its targets, when it reaches none that runs."""
    others = [
        check
        for each, check in zip(every, checks, strict=True)
        if each.kind == "own" and each.service != METRICS and not site.halted(each.service)
    ]
    down = [check for check in others if check.outcome is Outcome.FAIL]
    if len(down) < FEWEST_DOWN or len(down) < len(others):
        return checks
    seen = f"none of {len(down)} is up after {waited:.1f} s; {down[0].name}: {down[0].seen}"
    # Laid to Prometheus one by one, they are unknown to it; else it is how it asks that is wrong.
    unknown = all(check.service == METRICS for check in down)
    remedy = site.rendered(METRICS) if unknown else site.remedy(METRICS)
    cause = failed(NAME, seen, expected="every target up", remedy=remedy, service=METRICS)
    rest = [
        not_verifiable(check.name, f"{NAME}: none is up", service=check.service)
        if check.outcome is Outcome.FAIL
        else check
        for check in checks
    ]
    return [cause, *rest]


def _undeclared(site: Site, jobs: set[str], found: Found) -> list[Check]:
    if site.declared.service(METRICS).elsewhere:
        return []  # the jobs of others are its own business
    return [
        failed(
            f"scrape job {job}",
            target,
            expected="no job that the spec lacks",
            remedy=site.declared.apply,
            service=METRICS,
        )
        for job, target in sorted(found)
        if job not in jobs
    ]
