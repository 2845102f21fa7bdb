"""The scrape targets and the probes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pointsman.checks import Check, Outcome
from pointsman.verify.scraping import TARGETS, targets
from tests.unit.verify.doubles import World, target

BUILDS = ("builds", "build-1:9100")


def red(checks: list[Check]) -> dict[str, Check]:
    """The red checks by name."""
    return {check.name: check for check in checks if check.outcome is Outcome.FAIL}


def test_every_target_is_a_check_and_a_renamed_job_is_still_found() -> None:
    """Own services wherever their metrics are, probes, and extra targets whose labels give another job name."""
    world = World()
    world.targets[BUILDS] = target(*BUILDS, job="renamed")
    checks = {check.name: check.outcome for check in targets(world.site())}
    scraped = [each.name for each in world.environment.estate.services if each.metrics]
    probed = [each.name for each in world.environment.estate.services if each.ready]
    assert set(checks) == {
        *(f"scrape target {name}" for name in scraped),
        *(f"probe of {name}" for name in probed),
        "extra target builds build-1:9100",
        "probe site https://example.org",
    }
    assert set(checks.values()) == {Outcome.PASS}


def test_an_extra_target_that_is_down_is_red_on_its_own_line_and_not_waited_for() -> None:
    """What is down outside is told with the scrape's own error, as soon as it is known."""
    world = World()
    world.targets[BUILDS] = target(*BUILDS, health="down", error="no such host")
    found = red(targets(world.site(patience=30)))
    assert [(check.name, check.seen) for check in found.values()] == [
        ("extra target builds build-1:9100", "down: no such host")
    ]
    assert "stacks/test.yaml" in found["extra target builds build-1:9100"].remedy


def test_a_probe_that_failed_is_red_though_its_scrape_is_up() -> None:
    """The blackbox exporter answers; what it asked did not."""
    world = World()
    world.stores.probes["site", "https://example.org"] = 0
    found = red(targets(world.site()))
    assert set(found) == {"probe site https://example.org"}
    assert found["probe site https://example.org"].expected == "https://example.org answers blackbox"


def test_a_target_that_was_never_scraped_is_not_verifiable() -> None:
    """Right after a start neither up nor down is known; the report says when it will be."""
    world = World()
    world.targets["loki", "loki:3100"] = target("loki", "loki:3100", health="unknown")
    check = next(check for check in targets(world.site()) if check.name == "scrape target loki")
    assert check.outcome is Outcome.NOT_VERIFIABLE
    assert "15s" in check.seen


def test_missing_and_undeclared_jobs_are_red() -> None:
    """Prometheus runs with another config than the spec's."""
    world = World()
    world.targets["loki", "loki:3100"] = target("old-job", "gone:1")
    found = red(targets(world.site()))
    assert set(found) == {"scrape target loki", "scrape job old-job"}
    assert {check.service for check in found.values()} == {"prometheus"}


def test_a_prometheus_that_reaches_nobody_is_one_red_check() -> None:
    """Its network or its resolver is at fault, and not each of its targets."""
    world = World()
    for (job, address), _ in list(world.targets.items()):
        if job not in ("prometheus", "builds"):
            world.targets[job, address] = target(job, address, health="down", error="lookup: no such host")
    found = red(targets(world.site()))
    assert set(found) == {"scrape targets"}
    assert found["scrape targets"].service == "prometheus"
    assert "no such host" in found["scrape targets"].seen


def test_a_target_whose_container_is_halted_is_not_waited_for() -> None:
    """It cannot come up; that it is down is told all the same."""
    world = World(halted={"loki": "paused"})
    world.targets["loki", "loki:3100"] = target("loki", "loki:3100", health="down", error="timeout")
    world.stores.probes["stack-probes", "http://loki:3100/ready"] = 0
    found = red(targets(world.site(patience=30)))
    assert {check.service for check in found.values()} == {"loki"}


@pytest.mark.parametrize("state", ["paused", "exited"])
def test_a_halted_prometheus_is_named_without_asking_it(state: str) -> None:
    """A paused container accepts connections and says nothing: it is not waited for."""
    world = World(halted={"prometheus": state})
    (check,) = targets(world.site())
    assert check.seen == f"pointsman-test-prometheus is {state}"
    assert not [request for request in world.requests if request.url.path == TARGETS]


def test_a_target_that_is_down_is_waited_for_until_the_next_scrape() -> None:
    """It may have come back since the last one; another scrape settles it, either way."""
    world = World()
    down = target("loki", "loki:3100", health="down", error="connection refused") | {"lastScrape": "10:00:00"}
    world.targets["loki", "loki:3100"] = down
    site = world.site(patience=30)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(targets, site)
        # Targets and probes were asked for twice: the first look is over.
        while len(world.requests) < 4:
            time.sleep(0.01)
        assert not waiting.done()
        world.targets["loki", "loki:3100"] = down | {"lastScrape": "10:00:05"}
        assert set(red(waiting.result(timeout=10))) == {"scrape target loki"}
