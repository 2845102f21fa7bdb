"""How long two runner hosts take beside the stack, and what a thousand cost a preview. Printed; no time is asserted."""

from __future__ import annotations

import contextlib
import shutil
import threading
from pathlib import Path

import psutil
import pytest
import yaml

from tests.benchmarks.measuring import EMPTY, Pulumi, empty_project, show, timed
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate
from tests.deployed.fleet import Fleet
from tests.deployed.specs import whole_spec

RUNS = 3
MANY = 1000
GITHUB = {
    "url": "https://github.example.org/acme",
    "token": {"environment": "NOBODYS_TOKEN"},
    "repositories": ["acme/app"],
}
PACKAGE = {"url": "https://mirror.example.org/runner.tar.gz", "sha256": "0" * 64, "version": "2.336.0"}


@pytest.fixture(scope="module")
def fleet(new_estate: NewEstate) -> Fleet:
    """An environment with every service and two hosts, that is up."""
    runners = {"hosts": "containers", "exporter": {"interval": "10s"}}
    found = Fleet(new_estate(None, whole_spec() | {"runners": runners}))
    found.write_inventory()
    found.estate.first = found.estate.up()
    return found


@pytest.fixture(scope="module")
def pulumi(fleet: Fleet) -> Pulumi:
    """The `pulumi` of a user's shell."""
    return Pulumi(fleet.estate.clone.pulumi_variables() | {"PULUMI_DEBUG_COMMANDS": "true"})


def test_warm_up_with_two_hosts(fleet: Fleet) -> None:
    """From images that are there to both hosts hardened, registered, scraped and proved."""
    seconds = []
    for _ in range(2):
        fleet.pointsman("down").good()
        seconds.append(timed(fleet.estate.up))
    show("warm up with two hosts, to proved", seconds)


def test_plays(fleet: Fleet) -> None:
    """The whole play on both hosts where nothing is to be done: goal 15 s."""
    show("harden two hosts, nothing to do", [timed(lambda: fleet.pointsman("harden").good()) for _ in range(RUNS)])
    show("prove two hosts over SSH", [timed(lambda: fleet.pointsman("verify", "--hosts")) for _ in range(RUNS)])


def test_up_without_changes_beside_an_empty_program(fleet: Fleet, pulumi: Pulumi) -> None:
    """What hosts add where nothing changes: plain `pulumi up`, refresh included, beside a program with none."""
    empty, ours, theirs = empty_project(fleet.estate, pulumi), [], []
    for _ in range(RUNS):
        theirs.append(pulumi.up(empty, EMPTY))
        ours.append(pulumi.up(fleet.estate.clone.root, fleet.estate.name))
    show("pulumi up of an empty program", theirs)
    show("pulumi up without changes, two hosts", ours)


def test_preview_of_a_thousand_hosts(fleet: Fleet, pulumi: Pulumi) -> None:
    """Machines that nobody has: all of them would be made. Goal 30 s; the memory is that of all processes together."""
    estate, name = fleet.estate, "thousand"
    _write_many(estate, name)
    estate.clone.pointsman("images", "ensure", "--env", name).good()
    pulumi.run(estate.clone.root, "stack", "init", name, "--non-interactive")
    try:
        with Peak() as peak:
            seconds = [pulumi.run(estate.clone.root, "preview", "--stack", name, "--non-interactive") for _ in range(2)]
        show(f"preview of {MANY} hosts, the first by Ansible", seconds)
        print(f"    memory at most: {peak.bytes >> 20} MiB")
    finally:
        pulumi.run(estate.clone.root, "stack", "rm", "--yes", "--non-interactive", "--stack", name)


def _write_many(estate: Estate, name: str) -> None:
    runners = {"hosts": "machines", "github": GITHUB, "package": PACKAGE}
    spec = whole_spec() | {"runners": runners}
    (estate.clone.root / "stacks" / f"{name}.yaml").write_text(yaml.safe_dump(spec))
    folder = estate.clone.root / "inventory" / name
    shutil.copytree(fleet_folder(estate), folder)
    for file in (folder / "host_vars").iterdir():
        file.unlink()
    names = [f"build-{number:04}.example.org" for number in range(MANY)]
    parts = {"runners_primary": names[: MANY // 2], "runners_secondary": names[MANY // 2 :]}
    children = {part: {"hosts": dict.fromkeys(hosts)} for part, hosts in parts.items()}
    hosts = {"runners": {"children": children}, "monitored": {"children": {"runners": None}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts, sort_keys=False))


def fleet_folder(estate: Estate) -> Path:
    """The inventory of the environment that is up."""
    return estate.clone.root / "inventory" / estate.name


class Peak:
    """The most memory that the processes below this one had together, looked at ten times a second."""

    def __init__(self) -> None:
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._done.wait(0.1):
            total = 0
            for child in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += child.memory_info().rss
            self.bytes = max(self.bytes, total)
