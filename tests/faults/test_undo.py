"""The undoing of faults is guaranteed: whatever ends the process, however often it is applied."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from tests.deployed.estate import CHECKOUT, Estate
from tests.faults.catalogue import FAULTS, Case
from tests.faults.harness import Harness, NotVerifiable, Place, described, recover
from tests.faults.harness.faults import (
    ConfigBroken,
    ContainerKilled,
    ContainerPaused,
    ContainerRemoved,
    CpuStarved,
    DiskFull,
    Fault,
    MountEmptied,
    NetworkCut,
    NetworkCutOneWay,
)
from tests.faults.harness.harness import undo
from tests.faults.harness.injecting import prepare
from tests.faults.harness.journal import Journal, open_entries
from tests.faults.harness.steps import Start
from tests.faults.observing import until_green
from tests.faults.record import GREEN_SECONDS

START_SECONDS = 60.0
HELD = "injected"
# One fault for each kind of step, run in a process of its own that is then killed.
KILLED = (
    ContainerPaused("loki"),
    ContainerRemoved("node-exporter"),
    ConfigBroken("loki"),
    MountEmptied("log-agent", "config"),
    NetworkCut("node-exporter"),
    NetworkCutOneWay("prometheus", to="loki"),
    CpuStarved("log-agent"),
    DiskFull("prometheus"),
)
HOLDER = """\
import sys, time
from pathlib import Path
from pointsman.declared import declared
from pointsman.targets.docker.engine import connect
from tests.faults.harness import Harness, Place
from tests.faults.harness.faults import *

with connect() as engine:
    harness = Harness(Path(sys.argv[1]))
    place = Place(declared(sys.argv[2]), engine, Path(sys.argv[4]))
    with harness.inject(eval(sys.argv[3]), place):
        print("injected", flush=True)
        time.sleep(600)
"""


def _states(api: docker.APIClient, estate: Estate) -> dict[str, tuple[str, str, str]]:
    """Id, status and start of every container of an estate."""
    found = {service: api.inspect_container(each) for service, each in estate.ids().items()}
    return {name: (each["Id"], each["State"]["Status"], each["State"]["StartedAt"]) for name, each in found.items()}


@contextmanager
def _held(estate: Estate, folder: Path, fault: Fault) -> Iterator[subprocess.Popen[str]]:
    """A process of its own in which a fault is injected."""
    variables = estate.clone.variables() | {
        "POINTSMAN_ROOT": str(estate.clone.root),
        "PYTHONPATH": os.pathsep.join((str(estate.clone.root / "components"), str(CHECKOUT))),
    }
    argv = [sys.executable, "-c", HOLDER, str(folder), estate.name, repr(fault), str(estate.clone.root / "components")]
    process = subprocess.Popen(argv, env=variables, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == HELD
        yield process
    finally:
        process.kill()
        process.wait(START_SECONDS)


@pytest.mark.parametrize("fault", KILLED, ids=described)
def test_a_fault_does_not_outlive_a_kill(estate: Estate, place: Place, tmp_path: Path, fault: Fault) -> None:
    """kill -9 leaves the fault there and the journal with it; the next start undoes it, and a second one has nothing
    left to do.
    """
    try:
        prepare(fault, place)
    except NotVerifiable as reason:
        pytest.skip(f"not verifiable here: {reason}")
    with _held(estate, tmp_path, fault) as process:
        assert recover(tmp_path) == []
        process.kill()
    assert recover(tmp_path) == [described(fault)]
    assert recover(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    green = until_green(estate, GREEN_SECONDS)
    assert green.seconds is not None, green.red


def test_sigterm_undoes(estate: Estate, api: docker.APIClient, tmp_path: Path) -> None:
    """A process that is asked to end undoes its faults first, and then ends by that very signal."""
    with _held(estate, tmp_path, ContainerPaused("loki")) as process:
        assert _states(api, estate)["loki"][1] == "paused"
        process.terminate()
        assert process.wait(START_SECONDS) == -signal.SIGTERM
        assert _states(api, estate)["loki"][1] == "running"
    assert list(tmp_path.iterdir()) == []


def test_the_command_recovers(estate: Estate, api: docker.APIClient, tmp_path: Path) -> None:
    """`python -m tests.faults.harness.recover` undoes what it finds in the user's state directory."""
    with _held(estate, tmp_path / "faults", ContainerKilled("loki")):
        pass
    assert _states(api, estate)["loki"][1] == "exited"
    variables = os.environ | {"POINTSMAN_STATE_DIR": str(tmp_path), "PYTHONPATH": str(CHECKOUT / "components")}
    argv = [sys.executable, "-m", "tests.faults.harness.recover"]
    done = subprocess.run(argv, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "undone: container killed loki\n")
    assert _states(api, estate)["loki"][1] == "running"


def test_undoing_what_never_happened_touches_nothing(
    estate: Estate, place: Place, api: docker.APIClient, tmp_path: Path
) -> None:
    """A process may be killed between journal and fault: the undoing then leaves every container alone."""
    before, journal = _states(api, estate), Journal(tmp_path)
    for case in FAULTS:
        try:
            prepared = prepare(case.fault, place)
        except NotVerifiable:
            continue
        undo(api, journal.began(described(case.fault), prepared.undo))
        assert _states(api, estate) == before, case.fault


@pytest.mark.parametrize(
    "case", [case for case in FAULTS if isinstance(case.fault, ContainerRemoved | NetworkCut | MountEmptied)], ids=str
)
def test_undoing_twice_is_undoing_once(
    estate: Estate, place: Place, api: docker.APIClient, tmp_path: Path, case: Case
) -> None:
    """After the fault is undone, the same steps change nothing more."""
    journal = Journal(tmp_path)
    try:
        prepared = prepare(case.fault, place)
    except NotVerifiable as reason:
        pytest.skip(f"not verifiable here: {reason}")
    entry = journal.began(described(case.fault), prepared.undo)
    prepared.act()
    undo(api, entry)
    after = _states(api, estate)
    time.sleep(0.5)
    undo(api, entry)
    assert _states(api, estate) == after


def test_a_fault_is_kept_to_its_environment(place: Place, harness: Harness, tmp_path: Path) -> None:
    """A container of another environment is refused, and nothing is written of it."""
    from dataclasses import replace

    other = replace(place, declared=replace(place.declared, estate_id="another"))
    with pytest.raises(AssertionError, match="is not of environment"), harness.inject(ContainerKilled("loki"), other):
        pass


def test_a_line_that_was_cut_off_is_no_entry(tmp_path: Path) -> None:
    """A kill while the journal is written: the fault of that line was not begun, the ones before it are known."""
    journal = Journal(tmp_path)
    entry = journal.began("first", (Start("one"),))
    closed = journal.began("second", (Start("two"),))
    journal.undone(closed)
    text = journal.path.read_bytes()
    assert open_entries(text) == [entry]
    assert open_entries(text + text.splitlines()[1][:-9]) == [entry]


def test_a_live_process_keeps_its_faults(tmp_path: Path) -> None:
    """Two sessions at a time: neither undoes what the other one has injected."""
    journal = Journal(tmp_path)
    journal.began("mine", (Start("no-such-container"),))
    assert recover(tmp_path) == []
    assert journal.path.exists()
