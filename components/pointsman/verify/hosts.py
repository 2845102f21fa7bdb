"""Runner hosts as they are seen without logging in: container, runner's service, GitHub's word, exporters."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pointsman.checks import Check, Outcome, failed, not_verifiable, passed
from pointsman.errors import PointsmanError
from pointsman.hosts import asking
from pointsman.hosts.planning import HostPlan, Registration
from pointsman.hosts.sight import ONLINE, READING_FAILED, RUNNERS, TARGETS, Sight, expression, sight
from pointsman.services import github_exporter
from pointsman.spec.scalars import duration_seconds
from pointsman.targets.docker import names
from pointsman.verify.exposition import samples
from pointsman.verify.metric_flow import QUERY
from pointsman.verify.site import METRICS, Lost, Site

if TYPE_CHECKING:
    from pointsman.github.model import Runner
    from pointsman.targets.docker.engine import Running

# A scrape that is due within this is waited for, since what was seen before may be over.
DUE_SECONDS = 6.0

Ask = Callable[[Registration], "Runner | None"]


def hosts(site: Site, running: Mapping[str, Running | None], ask: Ask = asking.runner) -> list[Check]:
    """The checks of every host; what only follows from another one of the same host is not verifiable.

    `ask` is how GitHub itself is asked for a runner that its exporter does not see online.
    """
    if not site.declared.hosts:
        return []
    seen, unseen = _sight(site)
    known, unknown = _known(site)
    found: list[Check] = []
    for plan in site.declared.hosts:
        own = [*_container(site, plan, running), *_exporters(site, plan, seen, unseen)]
        if plan.registration:
            own.append(_service(site, plan, seen, unseen))
            own.append(_online(site, plan, known, unknown, ask))
        found += _folded([replace(check, service=plan.name) for check in own])
    return found


def _container(site: Site, plan: HostPlan, running: Mapping[str, Running | None]) -> Iterator[Check]:
    if not plan.container:
        return
    name, found = f"host {plan.name}", running.get(plan.name)
    wanted = names.container(site.declared.environment, plan.name)
    if found is None:
        yield failed(name, "no such container", expected=f"{wanted} running", remedy=site.declared.apply)
    elif found.status == "paused":
        yield failed(name, "paused", expected="running", remedy=f"docker unpause {wanted}")
    elif found.status != "running":
        yield failed(name, found.status, expected="running", remedy=f"docker start {wanted}")
    else:
        up = datetime.now(UTC) - found.started if found.started else None
        yield passed(name, f"{found.image_label}, up {str(up).partition('.')[0]}")


def _exporters(site: Site, plan: HostPlan, seen: Sight, unseen: str) -> Iterator[Check]:
    for exporter in plan.variables.get("exporters_enabled") or ():
        name, told = f"{exporter} exporter of {plan.name}", seen.targets.get((plan.name, exporter))
        expected, remedy = "scraped", f"pointsman verify --host {plan.name} --env {site.declared.environment}"
        if unseen:
            yield not_verifiable(name, unseen)
        elif told is None:
            yield failed(name, "Prometheus does not have it", expected=expected, remedy=site.rendered(METRICS))
        elif told["health"] == "unknown":
            yield not_verifiable(name, f"not scraped yet: due within {told['scrapeInterval']}")
        elif told["health"] != "up":
            yield failed(name, f"{told['health']}: {told['lastError']}", expected=expected, remedy=remedy)
        else:
            yield passed(name, f"up, scraped in {told['lastScrapeDuration'] * 1000:.0f} ms")


def _service(site: Site, plan: HostPlan, seen: Sight, unseen: str) -> Check:
    name = f"runner service of {plan.name}"
    if unseen:
        return not_verifiable(name, unseen)
    if "runner" not in (plan.variables.get("exporters_enabled") or ()):
        return not_verifiable(name, "the inventory has no runner exporter on the host; see verify --hosts")
    state = seen.states.get(plan.name)
    if state is None:
        return not_verifiable(name, "its exporter has told nothing yet")
    if state != "active":
        remedy = f"pointsman runner restore {plan.name} --env {site.declared.environment}"
        return failed(name, state, expected="active", remedy=remedy)
    return passed(name, state)


def _online(site: Site, plan: HostPlan, known: Mapping[str, bool], unknown: str, ask: Ask) -> Check:
    assert plan.registration is not None
    name, runner = f"GitHub's word on {plan.name}", plan.registration.runner
    if unknown:
        return not_verifiable(name, unknown)
    online = known.get(runner)
    if not online:
        # The exporter asks every now and then: a runner that has just come is not known to it yet.
        try:
            fresh = ask(plan.registration)
        except PointsmanError as error:
            return not_verifiable(name, f"GitHub does not answer: {error.message}")
        online = fresh.online if fresh else None
    if online is None:
        seen = f"it knows no runner {runner}"
        return failed(name, seen, expected=f"{runner} online", remedy=site.declared.apply)
    if not online:
        remedy = f"pointsman runner restore {plan.name} --env {site.declared.environment}"
        return failed(name, f"{runner} is offline", expected="online", remedy=remedy)
    return passed(name, f"{runner} is online")


def _folded(checks: list[Check]) -> list[Check]:
    """A container that is gone has no service; a service that does not run is not online."""
    cause = next((check for check in checks if check.outcome is Outcome.FAIL and check.name.startswith("host ")), None)
    silent = next(
        (check for check in checks if check.outcome is Outcome.FAIL and "runner exporter" in check.name), None
    )
    found = []
    for check in checks:
        if check.name.startswith("runner service") and silent and check.outcome is Outcome.PASS:
            check = not_verifiable(check.name, f"{silent.name} is {silent.seen}", service=check.service)
        if cause and check is not cause and check.outcome is not Outcome.NOT_VERIFIABLE:
            check = not_verifiable(check.name, f"{cause.name} is {cause.seen}", service=check.service)
        elif cause is None and check.outcome is Outcome.FAIL and check.name.startswith(("runner service", "host ")):
            cause = check
        found.append(check)
    return found


def _sight(site: Site) -> tuple[Sight, str]:
    """What Prometheus tells, after one more scrape where that is due soon; and why it tells nothing.

    Of the runner exporter one more is always wanted; of one that is down as well, since a busy host may have answered
    too late just once.
    """
    runners = [(each.name, "runner") for each in site.declared.hosts if each.registration]
    try:
        first = last = _look(site)
        down = [key for key, told in first.targets.items() if told["health"] == "down"]
        due = [key for key in {*runners, *down} if 0 < _due(first, key) <= DUE_SECONDS]
        for _ in site.tries() if due else ():
            last = _look(site)
            if all(first.scraped(*key) != last.scraped(*key) for key in due):
                break
    except Lost as lost:
        return Sight({}), f"Prometheus does not answer: {lost.seen}"
    return last, ""


def _look(site: Site) -> Sight:
    environment = site.declared.among_others
    active = site.data(METRICS, TARGETS, state="active")["activeTargets"]
    return sight(active, site.data(METRICS, QUERY, query=expression(environment))["result"], environment)


def _due(seen: Sight, target: tuple[str, str]) -> float:
    """The seconds until the next scrape of a host's exporter; 0 where that is unknown or long overdue."""
    told = seen.targets.get(target)
    if told is None:
        return 0.0
    try:
        # Prometheus writes nanoseconds, which datetime does not read.
        text = re.sub(r"(\.\d{6})\d*", r"\1", str(told["lastScrape"]).replace("Z", "+00:00"))
        age = time.time() - datetime.fromisoformat(text).timestamp()
        return max(0.0, duration_seconds(str(told["scrapeInterval"])) - age)
    except (ValueError, KeyError):
        return 0.0


def _known(site: Site) -> tuple[dict[str, bool], str]:
    """Whether each runner is online as GitHub told its exporter, which is asked itself: that is fresher than what was
    scraped; and why nothing is known."""
    if site.lacks(github_exporter.NAME):
        return {}, "the environment is declared without the GitHub exporter"
    try:
        page = site.ask(github_exporter.NAME, "/metrics").text
    except Lost as lost:
        return {}, f"the GitHub exporter does not answer: {lost.seen}"
    if any(name == READING_FAILED and 'reading="runners"' in told and value for name, told, value in samples(page)):
        remedy = f"pointsman logs {github_exporter.NAME} --env {site.declared.environment}"
        return {}, f"GitHub does not tell its runners; see: {remedy}"
    found = {
        match.group(1): value == 1
        for name, told, value in samples(page)
        if name == ONLINE and (match := re.search(r'runner="([^"]*)"', told))
    }
    return found, "" if found or f"{RUNNERS} " in page else "the GitHub exporter has told nothing yet"
