"""How long what people wait for takes, and what the services use. Printed; no time is asserted.

Each figure is the minimum, median and maximum of its runs, in seconds. What is compared runs in turn, so that a machine
whose speed drifts slows both.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pointsman.builds import Store
from pointsman.builds.manifest import MANIFEST
from tests.benchmarks.measuring import EMPTY, Pulumi, empty_project, show, timed
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate
from tests.deployed.specs import whole_spec

RUNS = 5


@pytest.fixture(scope="module")
def estate(new_estate: NewEstate) -> Estate:
    """An environment with every service, that is up."""
    made = new_estate(None, whole_spec())
    made.first = made.up()
    return made


@pytest.fixture(scope="module")
def pulumi(estate: Estate) -> Pulumi:
    """The `pulumi` of a user's shell after `eval "$(pointsman env)"`."""
    return Pulumi(estate.clone.pulumi_variables() | {"PULUMI_DEBUG_COMMANDS": "true"})


@pytest.fixture(scope="module")
def empty(estate: Estate, pulumi: Pulumi) -> Path:
    """A project whose program makes nothing."""
    return empty_project(estate, pulumi)


def test_warm_up_to_proved(estate: Estate) -> None:
    """From images that are there to every check green."""
    seconds = []
    for _ in range(3):
        estate.clone.pointsman("down", "--env", estate.name).good()
        seconds.append(timed(estate.up))
    show("warm up to proved", seconds)
    document = estate.up()
    print(f"    phases of an up without changes: {document['seconds']}")


def test_up_without_changes_beside_an_empty_program(estate: Estate, pulumi: Pulumi, empty: Path) -> None:
    """What the estate costs where nothing changes: plain `pulumi up`, refresh included, beside a program with none."""
    ours, theirs = [], []
    for _ in range(RUNS):
        theirs.append(pulumi.up(empty, EMPTY))
        ours.append(pulumi.up(estate.clone.root, estate.name))
    show("pulumi up of an empty program", theirs)
    show("pulumi up without changes", ours)
    show("ratio", [mine / other for mine, other in zip(ours, theirs, strict=True)])


def test_config_edit_to_proved_live(estate: Estate, pulumi: Pulumi) -> None:
    """A scrape interval edited: the whole command, and within it the release from validation to proof."""
    whole, inside = [], []
    for interval in ("3s", "4s", "5s"):
        estate.edit("prometheus", scrape_interval=interval, scrape_timeout="1s")
        log = estate.clone.state / f"edit-{interval}.json"
        whole.append(pulumi.up(estate.clone.root, estate.name, "--event-log", str(log)))
        inside.append(_step_seconds(log, "prometheus-config"))
    show("config edit, plain pulumi up", whole)
    show("of that: validate, write, reload, prove", inside)


def test_verify(estate: Estate) -> None:
    """The whole command, and its slowest checks."""
    seconds, document = [], {}
    for _ in range(RUNS):
        done = estate.clone.pointsman("verify", "--env", estate.name, "--output", "json").good()
        seconds.append(done.seconds)
        document = done.document()
    show("verify", seconds)
    slowest = sorted(document["checks"], key=lambda check: check["seconds"], reverse=True)[:5]
    print("    slowest: " + ", ".join(f"{check['name']} {check['seconds']:.1f} s" for check in slowest))


def test_working_sets(estate: Estate) -> None:
    """Memory usage less inactive file cache of each service, half a minute after its start."""
    time.sleep(30)
    document = estate.clone.pointsman("status", "--env", estate.name, "--output", "json").good().document()
    rows = {row["service"]: row["memory"] for row in document["services"]}
    for service, used in rows.items():
        print(f"    {service:<16} {used / 2**20:7.1f} MiB")
    print(f"    {'all':<16} {sum(rows.values()) / 2**20:7.1f} MiB")


def test_cold_builds_as_recorded() -> None:
    """What each build took when this machine made it, from the manifests in the cache."""
    total = 0.0
    for path in sorted(Store().root.glob(f"*/*/{MANIFEST}")):
        told = json.loads(path.read_text())
        total += told["seconds"]
        print(f"    {told['name']:<28} {told['version']:<10} {told['seconds']:6.0f} s")
    print(f"    {'all':<28} {'':<10} {total:6.0f} s")


def _step_seconds(log: Path, resource: str) -> float:
    """Seconds between the engine's two events of one resource's update; the events' clock ticks in seconds."""
    times: list[int] = []
    for line in log.read_text().splitlines():
        event = json.loads(line)
        told = event.get("resourcePreEvent") or event.get("resOutputsEvent")
        if told and told["metadata"]["urn"].endswith(f"::{resource}") and told["metadata"]["op"] == "update":
            times.append(event["timestamp"])
    return float(times[-1] - times[0])
