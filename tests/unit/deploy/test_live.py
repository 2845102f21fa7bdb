"""The picture of an update, as a person sees it."""

from __future__ import annotations

import io
import time

import pytest
from pulumi.automation.events import EngineEvent
from rich.console import Console

from pointsman.deploy.events import Run
from pointsman.deploy.live import Display, line
from tests.unit.deploy.recorded import (
    CONFIG,
    FAILED,
    NETWORK,
    OUTPUTS,
    PLAY,
    PRE,
    VOLUME,
    doing,
    done,
    run_of,
    step,
    urn,
)
from tests.unit.deploy.recorded import STACK as COMPONENT

EVENTS = [
    *done("refresh", "prometheus"),
    *done("same", "prometheus"),
    *done("create", "observability", COMPONENT, parent=""),
    *done("create", "pointsman-dev", NETWORK, parent="", to=1),
    *done("create", "loki-config", CONFIG, at=1, to=2),
    *done("delete-replaced", "loki", at=2, to=3),
    *done("replace", "loki", at=3),
    *done("create-replacement", "loki", at=3, to=7),
    step(PRE, "create", "log-agent", at=8),
    step(FAILED, "create", "log-agent", at=20),
    *done("delete", "tempo", at=8, to=9),
    *done("update", "grafana", at=8, to=9),
    step(PRE, "create", "node-exporter", at=18),
]

TREE = """\
  ✓ pointsman-dev           Network       created 1s
ObservabilityStack
  ✓ loki-config             ConfigVolume  created 1s
  ✓ loki                    Container     replaced 4s
  ✗ log-agent               Container     create failed 12s
  ✓ tempo                   Container     deleted 1s
  ✓ grafana                 Container     updated 1s
  … node-exporter           Container     create 12s
1 looked at, unchanged
"""

LINES = """\
✓ pointsman-dev           Network       created 1s
✓ loki-config             ConfigVolume  created 1s
✓ loki                    Container     replaced 4s
✗ log-agent               Container     create failed 12s
✓ tempo                   Container     deleted 1s
✓ grafana                 Container     updated 1s
"""


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    """A console of 80 columns without colours, and what it printed."""
    printed = io.StringIO()
    return Console(file=printed, width=80, force_terminal=terminal, color_system=None), printed


def test_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes stands below its component with its seconds; a component itself has no line; the rest is counted."""
    monkeypatch.setattr(time, "time", lambda: 1030.0)
    shown, printed = console(terminal=True)
    shown.print(Display(shown, run_of(*EVENTS)).tree())
    assert "\n".join(text.rstrip() for text in printed.getvalue().splitlines()) + "\n" == TREE


def test_lines_where_there_is_no_terminal() -> None:
    """A log gets one line for each change, when it is over, in the order of their ends."""
    shown, printed = console(terminal=False)
    run = Run()
    with Display(shown, run) as display:
        for number, event in enumerate(EVENTS):
            moved = run.take(EngineEvent.from_json({"sequence": number, **event}))
            if moved:
                display.tell(moved)
    assert printed.getvalue() == LINES


def test_the_last_picture_stays() -> None:
    """On a terminal the tree is drawn to the end, and no line is printed beside it."""
    shown, printed = console(terminal=True)
    run = Run()
    with Display(shown, run) as display:
        for event in done("create", "loki", to=3):
            moved = run.take(EngineEvent.from_json(event))
            assert moved is not None
            display.tell(moved)
    last = printed.getvalue().rpartition("ObservabilityStack")[2]
    assert last.count("loki") == 1
    assert "created 3s" in last


def test_data_volumes_are_said_to_be_kept() -> None:
    """A destroy takes them out of the state only, which the engine calls a deletion as well."""
    shown, printed = console(terminal=False)
    run = Run()
    events = [step(kind, "delete", "loki-data", VOLUME, retained=True) for kind in (PRE, OUTPUTS)]
    with Display(shown, run) as display:
        for event in events:
            moved = run.take(EngineEvent.from_json(event))
            assert moved is not None
            display.tell(moved)
    assert printed.getvalue() == "✓ loki-data               Volume        kept 0s\n"


def test_what_a_resource_does_stands_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task of a running play, in one line however long; when it is over, nothing of it is left."""
    monkeypatch.setattr(time, "time", lambda: 1030.0)
    play = urn("runner-1-play", PLAY, COMPONENT)
    begun = [step(PRE, "create", "runner-1-play", PLAY, parent=COMPONENT, at=18)]
    shown, printed = console(terminal=True)
    shown.print(Display(shown, run_of(*begun, doing("runner-1: ssh : Write the settings (12)", play))).tree())
    assert "… runner-1-play           HostPlay      create 12s  runner-1: ssh : Write the" in printed.getvalue()
    assert len(printed.getvalue().splitlines()) == 3
    over = run_of(
        *begun, doing("a task", play), step(OUTPUTS, "create", "runner-1-play", PLAY, parent=COMPONENT, at=19)
    )
    assert line(over.steps[play], 1030.0).plain == "✓ runner-1-play           HostPlay      created 1s"


def test_a_log_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody watches, a long play says every quarter of a minute in which task it is, and not all of them."""
    now = [1000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    shown, printed = console(terminal=False)
    run = Run()
    play = urn("runner-1-play", PLAY, COMPONENT)
    with Display(shown, run) as display:
        run.take(EngineEvent.from_json(step(PRE, "create", "runner-1-play", PLAY, parent=COMPONENT)))
        for second in range(0, 40, 2):
            now[0] = 1000.0 + second
            moved = run.take(EngineEvent.from_json(doing(f"runner-1: Task {second}", play)))
            assert moved is not None
            display.tell(moved)
    assert [text.rpartition("  ")[2] for text in printed.getvalue().splitlines()] == [
        "runner-1: Task 16",
        "runner-1: Task 32",
    ]
