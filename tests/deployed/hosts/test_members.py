"""A host that comes and one that goes: exactly what the preview said, and no trace of it afterwards."""

from __future__ import annotations

import json
import time

from pointsman.services.scraping import HOST_JOBS
from tests.deployed.estate import eventually
from tests.deployed.fleet import HOSTS, REPOSITORY, SECONDARY, Fleet

THIRD = "runner-3"
# A removal waits for nobody who is dead: half a minute, and several times that beside other tests; it never hangs.
DEAD_SECONDS = 180.0

Steps = set[tuple[str, str]]


def previewed(fleet: Fleet) -> Steps:
    """What a plain `pulumi preview` says, as (operation, resource)."""
    told = json.loads(fleet.estate.pulumi("preview", "--json").good().out)
    return {
        (step["op"], step["urn"].rpartition("::")[2])
        for step in told["steps"]
        if step["op"] not in ("same", "refresh", "read") and "pulumi:pulumi:Stack" not in step["urn"].split("::")[2]
    }


def everywhere(fleet: Fleet) -> set[str]:
    """Who is known to GitHub, Prometheus and the inventory's graph; empty while they do not agree."""
    jobs = HOST_JOBS.values()
    targets = fleet.estate.data("prometheus", "/api/v1/targets", state="active")["activeTargets"]
    graph = fleet.pointsman("inventory", "graph", "--output", "json").good().document()
    github = {name for name in fleet.runners() if name.startswith("runner-")}
    scraped = {each["labels"]["host"] for each in targets if each["scrapePool"] in jobs}
    drawn = {each["name"] for each in graph["hosts"]}
    return github if github == scraped == drawn else set()


def test_a_host_comes_and_goes_as_the_preview_says(fleet: Fleet) -> None:
    """One more host makes its own resources and Prometheus's list of targets, nothing else; and the same away again,
    although it is dead by then; the other hosts are not played on."""
    fleet.add(THIRD)
    wanted = previewed(fleet)
    own = {THIRD, f"{THIRD}-play", f"{THIRD}-registration"}
    assert {name for op, name in wanted if op == "create"} == own
    assert {(op, name) for op, name in wanted if op != "create"} == {("update", "prometheus-config")}
    assert fleet.estate.pulumi_up() == wanted
    eventually(lambda: everywhere(fleet) == {THIRD, *HOSTS}, seconds=30)
    assert not [check for check in fleet.prove(THIRD).values() if check.remedy]

    fleet.container(THIRD).kill()
    fleet.take_out(THIRD)
    wanted = previewed(fleet)
    assert {name for op, name in wanted if op == "delete"} == own
    assert {(op, name) for op, name in wanted if op != "delete"} == {("update", "prometheus-config")}
    began = time.monotonic()
    assert fleet.estate.pulumi_up() == wanted
    print(f"a dead host was removed in {time.monotonic() - began:.1f} s")
    assert time.monotonic() - began < DEAD_SECONDS
    eventually(lambda: everywhere(fleet) == {*HOSTS}, seconds=30)


def test_a_host_that_works_is_drained_before_it_goes(fleet: Fleet) -> None:
    """Its job ends well, no other one begins there, then it is off GitHub."""
    fleet.online(SECONDARY)
    fleet.github("POST", "/_control/jobs", repository=REPOSITORY, labels=["deploy"], script="sleep 8", count=2)
    eventually(lambda: fleet.runners()[SECONDARY]["job_id"], seconds=30)
    fleet.take_out(SECONDARY)
    done = fleet.estate.pulumi_up()
    assert {name for op, name in done if op == "delete"} >= {SECONDARY, f"{SECONDARY}-registration"}
    jobs = fleet.github("GET", "/_control/state")["jobs"]
    assert not [job for job in jobs if job.get("conclusion") not in ("success", None)], jobs
    assert SECONDARY not in fleet.runners()
