"""An alert finds its way from a sample over rule, Alertmanager and route to a receiver.

The label `run` of the sample is one of a fixed set of slots. A fresh value for each run would be three new series each
time (the sample, and what Prometheus writes of a firing rule), for as long as samples are kept. What makes the alert of
a run fresh is that its slot was free: neither Prometheus nor Alertmanager held an alert for it before, and no other run
of this user holds its lock: of two with one slot, the first to end would resolve the other's alert.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Set
from typing import Any

from pointsman.builds.locks import first_free
from pointsman.checks import Check
from pointsman.paths import environment_dir
from pointsman.services import alert_sink, alertmanager
from pointsman.signals.verification import ALERT, METRIC
from pointsman.verify.entry import attributes, entered, pushed
from pointsman.verify.metric_flow import gauge, history
from pointsman.verify.signal_path import Sight, Step, follow
from pointsman.verify.site import METRICS, Lost, Site

NAME = "alert from OTLP to receiver"
SLOTS = tuple(f"slot-{number:02d}" for number in range(32))
PROMETHEUS_ALERTS = "/api/v1/alerts"
RULES = "/api/v1/rules"
ALERTMANAGER_ALERTS = "/api/v2/alerts"
NOTIFICATIONS = "/notifications"
FIRING, RESOLVED = 1, 0
LOCKS = "verify"


def round_trip(site: Site) -> Check:
    """A sample that makes a rule fire, followed until a receiver has the notification; then it is resolved."""
    free = sorted(set(SLOTS) - _taken(site)) or list(SLOTS)
    random.shuffle(free)
    folder = environment_dir(site.declared.environment) / LOCKS
    with first_free(folder / slot for slot in free) as lock:
        return _followed(site, lock.name if lock else free[0])


def _followed(site: Site, slot: str) -> Check:
    known: set[str] = set()
    with contextlib.suppress(Lost):
        known |= _received(site, slot)
    expected = f"alert {ALERT} with run {slot}"

    def sample() -> Sight:
        values = history(site, f'{METRIC}{{run="{slot}"}}')
        there = bool(values) and max(values, key=lambda each: each[1])[0] == FIRING
        return Sight(there, f"{METRIC} = 1" if there else "no such sample")

    def fires() -> Sight:
        states = [each["state"] for each in _firing(site) if each["labels"].get("run") == slot]
        return Sight("firing" in states, ", ".join(states) or f"no alert {ALERT} with run {slot}{_judged(site)}")

    def routed() -> Sight:
        found = _routed(site, slot)
        return Sight(bool(found), "active" if found else "no such alert")

    def received() -> Sight:
        fresh = _received(site, slot) - known
        return Sight(bool(fresh), f"received at {max(fresh)}" if fresh else "no new notification of it")

    # Of ones own Prometheus the check of its config says whether it has the rule.
    load = site.rendered(METRICS) if site.declared.service(METRICS).elsewhere else ""
    steps = (
        *entered(site, "metrics", lambda: _sample(site, slot, FIRING), METRICS),
        Step("sample in Prometheus", METRICS, f'{METRIC}{{run="{slot}"}} = 1', sample),
        Step("rule fires", METRICS, f"{expected} firing", fires, remedy=load),
        Step("in Alertmanager", alertmanager.NAME, expected, routed, needs=(METRICS,)),
        Step("at the receiver", alert_sink.NAME, f"a notification of {expected}", received, needs=(alertmanager.NAME,)),
    )
    try:
        return follow(site, NAME, steps)
    finally:
        # Whatever became of it, it is not to go on firing; without this it would end with its sample, after 5 minutes.
        with contextlib.suppress(Lost):
            pushed(site, "metrics", _sample(site, slot, RESOLVED))


def _sample(site: Site, slot: str, value: int) -> dict[str, Any]:
    return gauge(site, METRIC, value, attributes({"run": slot}))


def _taken(site: Site) -> Set[str]:
    """The slots that another run holds, or that a killed one left; who does not answer here is found by the hops."""
    taken: set[str] = set()
    with contextlib.suppress(Lost):
        taken |= {each["labels"].get("run", "") for each in _firing(site)}
    with contextlib.suppress(Lost):
        taken |= {each["labels"].get("run", "") for each in _routed(site)}
    return taken


def _judged(site: Site) -> str:
    """When the rule was last judged: a Prometheus that has stopped judging is another fault than a lost sample."""
    with contextlib.suppress(Lost):
        for group in site.data(METRICS, RULES, **{"rule_name[]": ALERT})["groups"]:
            return f", its rule was last judged at {group['lastEvaluation']} in {group['evaluationTime']:.3f} s"
    return ""


def _firing(site: Site) -> list[dict[str, Any]]:
    alerts = site.data(METRICS, PROMETHEUS_ALERTS)["alerts"]
    return [each for each in alerts if each["labels"].get("alertname") == ALERT]


def _routed(site: Site, slot: str = "") -> list[dict[str, Any]]:
    matchers = [f'alertname="{ALERT}"', *([f'run="{slot}"'] if slot else [])]
    found: list[dict[str, Any]] = site.json(alertmanager.NAME, ALERTMANAGER_ALERTS, filter=matchers)
    return found


def _received(site: Site, slot: str) -> Set[str]:
    """When the sink received notifications that the slot's alert fires, as it says itself: no clock is compared."""
    told = site.json(alert_sink.NAME, NOTIFICATIONS, match=slot)
    return {each["received"] for each in told if any(_is(alert, slot) for alert in each["alerts"])}


def _is(alert: dict[str, Any], slot: str) -> bool:
    labels = alert["labels"]
    return bool(alert["status"] == "firing" and labels.get("alertname") == ALERT and labels.get("run") == slot)
