"""What alerting costs and how soon it tells: the whole rule set, the way of a fault to the sink, 500 alerts at once.

Times are printed, none is asserted; that no rule fails and that no alert is lost is.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from pointsman.images.model import Resolution
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from pointsman.spec.scalars import duration_seconds
from pointsman.telemetry import Limits, configure
from tests.benchmarks.hops import Hop, Passed, follow, hops_of, show
from tests.benchmarks.measuring import timed
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate, eventually
from tests.deployed.receivers import Teller, started, unpacked
from tests.deployed.specs import Spec, whole_spec
from tests.standins.sinks import HttpSink, until

DEMO_SECONDS = 60
# Rules of SLOs are evaluated once a minute.
EVALUATED_SECONDS = 180
QUERY_SECONDS = 30.0
TELLING_SECONDS = 600.0
STOPPED = "node-exporter"
# As many failing runs as are judged at all, and one more.
FAILING_RUNS = 6

SHORT: Spec = {
    "prometheus": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
    "alertmanager": {"group_wait": "1s", "group_interval": "5s"},
    "alerts": {"target_down_for": "5s"},
}
AT_ONCE = 500
RECEIVERS = """\
notifier: {{enabled: false}}
alertmanager:
  group_by: [{group_by}]
  group_wait: 100ms
  group_interval: 5s
  receivers:
    - {{name: good, url: "{good}"}}
    - {{name: failing, url: "{failing}"}}
    - {{name: hanging, url: "{hanging}"}}
    - {{name: refusing, url: "http://127.0.0.1:9/webhook"}}
"""
# Twice the interval of a group: by then a notification that is sent a second time has come.
SETTLED_SECONDS = 10.0


@pytest.fixture(scope="module")
def estate(new_estate: NewEstate) -> Estate:
    """Every service, with the intervals that a spec has by default."""
    spec = whole_spec()
    for section, values in SHORT.items():
        for key in values.keys() & spec.get(section, {}).keys():
            del spec[section][key]
    made = new_estate(None, spec)
    made.http = httpx.Client(timeout=QUERY_SECONDS, trust_env=False)
    made.first = made.up()
    return made


def test_what_the_rules_cost(estate: Estate) -> None:
    """Each group's seconds and samples by evaluation, after a demo; every rule is well. Costliest first."""
    estate.clone.pointsman("demo", "--env", estate.name, "--seconds", str(DEMO_SECONDS)).good()
    time.sleep(EVALUATED_SECONDS)
    window = f"[{EVALUATED_SECONDS}s]"
    mean = _by_group(estate, f"avg_over_time(prometheus_rule_group_last_duration_seconds{window})")
    most = _by_group(estate, f"max_over_time(prometheus_rule_group_last_duration_seconds{window})")
    samples = _by_group(estate, f"max_over_time(prometheus_rule_group_last_evaluation_samples{window})")
    groups = {each["name"]: each for each in estate.data("prometheus", "/api/v1/rules")["groups"]}
    print(f"\n    {'group':<28}{'rules':>6}{'every':>8}{'samples':>9}{'mean':>12}{'most':>12}{'of a core':>11}")
    whole = 0.0
    for name in sorted(groups, key=lambda name: -mean[name] / groups[name]["interval"]):
        rules, every = groups[name]["rules"], groups[name]["interval"]
        whole += (share := mean[name] / every)
        print(f"    {name:<28}{len(rules):>6}{every:>6} s{samples[name]:>9.0f}", end="")
        print(f"{mean[name] * 1e3:>9.2f} ms{most[name] * 1e3:>9.2f} ms{share:>11.3%}")
    rules = [rule for group in groups.values() for rule in group["rules"]]
    print(f"    {'all':<28}{len(rules):>6}{'':>8}{sum(samples.values()):>9.0f}", end="")
    print(f"{sum(mean.values()) * 1e3:>9.2f} ms{'':>12}{whole:>11.3%}")
    _show_costliest(rules)
    _show_series(estate)
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}


def _by_group(estate: Estate, query: str) -> dict[str, float]:
    found = estate.data("prometheus", "/api/v1/query", query=query)["result"]
    return {each["metric"]["rule_group"].rpartition(";")[2]: float(each["value"][1]) for each in found}


def _show_costliest(rules: list[dict[str, Any]]) -> None:
    first = sorted(rules, key=lambda rule: -rule["evaluationTime"])[:5]
    told = ", ".join(f"{rule['name']} {rule['evaluationTime'] * 1e3:.2f} ms" for rule in first)
    print(f"    costliest rules, last evaluation: {told}")


def _show_series(estate: Estate) -> None:
    queries = {
        "series in the head": "prometheus_tsdb_head_series",
        "of them written by rules": 'count({__name__=~"ALERTS|ALERTS_FOR_STATE|slo:.*"})',
        "evaluations that failed": "sum(prometheus_rule_evaluation_failures_total)",
        "evaluations that were missed": "sum(prometheus_rule_group_iterations_missed_total)",
    }
    print("    " + ", ".join(f"{what} {sum(estate.query(query).values()):.0f}" for what, query in queries.items()))


@pytest.mark.parametrize("intervals", ["default", "short"])
def test_from_fault_to_sink(estate: Estate, intervals: str) -> None:
    """A service that is killed and a workflow that fails, both at once: when each hop was seen."""
    if intervals == "short":
        for section, values in SHORT.items():
            estate.edit(section, **values)
        estate.pulumi_up()
    with ThreadPoolExecutor() as pool:
        both = {
            f"{STOPPED} killed, {intervals} intervals": pool.submit(_killed, estate),
            f"a workflow fails, {intervals} intervals": pool.submit(_failing, estate, f"failing-{intervals}"),
        }
        for title, passed in both.items():
            show(title, passed.result())
    _show_waits(parse(estate.file.read_text(), str(estate.file)))


def _killed(estate: Estate) -> list[Passed]:
    container = estate.containers()[STOPPED]
    hops = hops_of(estate, f'up{{job="{STOPPED}"}} == 0', {"alertname": "TargetDown", "job": STOPPED})
    began = time.monotonic()
    container.kill()
    dead = Passed("killed", time.monotonic() - began)
    try:
        return [dead, *follow(hops, began, TELLING_SECONDS)]
    finally:
        container.start()
        eventually(lambda: not hops[3].seen(), TELLING_SECONDS)


def _failing(estate: Estate, name: str) -> list[Passed]:
    series = f'workflow_runs_total{{workflow_name="{name}", workflow_status="failure"}}'
    hops = hops_of(estate, series, {"alertname": "WorkflowFailureRateHigh", "workflow_name": name})
    telemetry = configure(
        "benchmark", to=estate.url("collector"), is_global=False, log_level=None, limits=Limits(metrics_seconds=3600)
    )
    began = time.monotonic()
    for _ in range(FAILING_RUNS):
        with contextlib.suppress(RuntimeError), telemetry.workflow(name, trigger="push"):
            raise RuntimeError("as a benchmark wants it")
    sent = Hop(f"{FAILING_RUNS} failing runs taken by the Collector", lambda: telemetry.shutdown(QUERY_SECONDS))
    passed = follow((sent, *hops), began, TELLING_SECONDS)
    assert not any(telemetry.dropped.values())
    return passed


def _show_waits(spec: Environment) -> None:
    waits = {
        "scraped every": spec.prometheus.scrape_interval,
        "judged every": spec.prometheus.evaluation_interval,
        "TargetDown pending for": spec.alerts.target_down_for,
        "groups wait": spec.alertmanager.group_wait,
    }
    print("    declared: " + ", ".join(f"{what} {duration_seconds(wait):g} s" for what, wait in waits.items()))


@dataclass
class Receivers(Teller):
    """Alertmanager, who takes what it tells, and two of those who do not."""

    group_by: str
    good: HttpSink
    failing: HttpSink
    hanging: HttpSink
    sink: HttpSink


@pytest.fixture(params=["alertname", "severity"])
def receivers(
    request: pytest.FixtureRequest, engine: docker.DockerClient, images: Resolution, tmp_path: Path
) -> Iterator[Receivers]:
    """Each alert in a group of its own, or all in one."""
    root = unpacked(engine, images, tmp_path / "root")
    with ExitStack() as stack:
        good, failing, hanging, sink = (stack.enter_context(HttpSink(status)) for status in (200, 500, 0, 200))
        text = RECEIVERS.format(group_by=request.param, good=good.url, failing=failing.url, hanging=hanging.url)
        url = started(stack, root, parse(text, "stacks/benchmark.yaml"), sink)
        yield Receivers(url, request.param, good, failing, hanging, sink)


def test_many_alerts_at_once(receivers: Receivers) -> None:
    """Who takes notifications has every alert, in its own group and no other, beside three who take none."""
    names = {f"Alert{number:03d}" for number in range(AT_ONCE)}
    began = time.monotonic()
    posted = timed(lambda: receivers.fire(*({"alertname": name, "severity": "warning"} for name in sorted(names))))
    seconds = {}
    for who in ("good", "sink"):
        until(lambda who=who: _told(getattr(receivers, who)).keys() >= names, f"all at {who}", TELLING_SECONDS)  # type: ignore[misc]
        seconds[who] = time.monotonic() - began
    time.sleep(SETTLED_SECONDS)
    print(f"\n    {AT_ONCE} alerts in one request, grouped by {receivers.group_by}: taken in {posted:.2f} s")
    print(f"    {'receiver':<12}{'notifications':>14}{'alerts':>8}{'lost':>6}{'again':>7}{'the last after':>16}")
    for who in ("good", "sink"):
        told = _told(getattr(receivers, who))
        again, lost = sum(count - 1 for count in told.values()), len(names - told.keys())
        sent = len(getattr(receivers, who).posted)
        print(f"    {who:<12}{sent:>14}{len(told):>8}{lost:>6}{again:>7}{seconds[who]:>14.1f} s")
    for who in ("failing", "hanging"):
        print(f"    {who:<12}{len(getattr(receivers, who).posted):>14} tried, none taken")
    print(f"    failed meanwhile, as Alertmanager counts: {sum(receivers.failures().values()):.0f}")
    for each in (*receivers.good.posted, *receivers.sink.posted):
        group = each.body["groupLabels"]
        assert all(group.items() <= alert["labels"].items() for alert in each.body["alerts"])
    assert _told(receivers.good).keys() == names
    assert _told(receivers.sink).keys() == names


def _told(sink: HttpSink) -> Counter[str]:
    """How often each alert was told as firing."""
    return Counter(
        alert["labels"]["alertname"]
        for each in list(sink.posted)
        for alert in each.body["alerts"]
        if alert["status"] == "firing"
    )
