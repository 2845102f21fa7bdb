"""What a monitor elsewhere shows is what it shows on its own machine; the commands find it by the environment."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointsman.cli.watched import watched
from pointsman.errors import UnreachableError
from pointsman.monitor import __main__ as service
from pointsman.monitor.bus import Bus, audience
from pointsman.monitor.events import EventKind
from pointsman.monitor.handling import Occurrence, Rejected
from pointsman.monitor.journal import Journal
from pointsman.monitor.limits import Limits
from pointsman.monitor.remote import RemoteViews
from pointsman.monitor.serving import MonitorServer, Site
from pointsman.monitor.views import Views
from pointsman.monitor.watching import Watcher
from pointsman.runs.model import RunState
from pointsman.runs.opening import opened
from pointsman.runs.simulating import How, advance, create
from pointsman.runs.source import Page
from pointsman.spec.runs import StoreSettings
from tests.deployed.specs import free_ports
from tests.unit.cli.world import checkout, run
from tests.unit.monitor.world import ManualClock

SPEC = "monitor: {{enabled: true}}\nports: {{monitor: {port}}}\n"


class Refusing:
    """A handler that takes nothing."""

    name = "refusing"

    def wants(self, kind: EventKind) -> bool:
        return kind is EventKind.COMPLETED

    def handle(self, occurrence: Occurrence) -> str:
        raise Rejected("never")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Views]:
    """A checkout whose environment `dev` has a monitor that has given something up."""
    port = free_ports(1)[0]
    root = checkout(tmp_path / "clone", dev=SPEC.format(port=port), other="prometheus: {}\n")
    monkeypatch.chdir(root)
    monkeypatch.delenv("POINTSMAN_ROOT", raising=False)
    monkeypatch.delenv("POINTSMAN_ENVIRONMENT", raising=False)
    create(StoreSettings(), How.COMPLETING, steps=1)
    advance(StoreSettings())
    create(StoreSettings(), How.WAITING)
    journal, source, handlers = Journal(tmp_path / "state/journal.db"), opened(StoreSettings()), [Refusing()]
    Watcher(source, journal, Limits(), ManualClock(), audience(handlers)).step()
    Bus(journal, handlers, ManualClock()).turn("refusing")
    views = Views([source], journal)
    server = MonitorServer("127.0.0.1", port, Site(views, lambda: [], lambda: [], lambda: ""))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield views
    server.shutdown()
    server.server_close()
    source.close()
    journal.close()


def test_it_shows_what_is_shown_there(here: Views) -> None:
    """Runs, narrowed as well; one run with what became of its end; what was given up; nothing for what is not there."""
    remote = RemoteViews(watched(None, "dev").address, "look")
    every = remote.runs(Page(limit=5))
    assert [each["id"] for each in every] == [each["id"] for each in here.runs(Page(limit=5))]
    (completed,) = remote.runs(Page(frozenset({RunState.COMPLETED}), "test", 5))
    one = remote.run(completed["id"])
    assert one is not None
    assert one["events"] == json.loads(json.dumps(here.run(completed["id"])))["events"]
    assert remote.dead_letters("refusing") == here.dead_letters()
    assert remote.dead_letters("another") == []
    assert remote.run("a/../b") is None


def test_commands_ask_the_environments_monitor(here: Views) -> None:
    """In its checkout, without a monitor.yaml; one that does not answer is said, with what to do next."""
    result = run("runs", "list", "--state", "completed", "--output", "json")
    (listed,) = json.loads(result.stdout)["rows"]
    assert listed["id"] == here.runs(Page(frozenset({RunState.COMPLETED})))[0]["id"]
    Path("stacks/away.yaml").write_text(SPEC.format(port=free_ports(1)[0]))
    away = run("runs", "list", "--env", "away")
    assert (away.exit_code, "pointsman verify --env away" in away.stderr) == (3, True)


@pytest.mark.parametrize("named", ["other", "unknown", "monitor.yaml", "elsewhere"])
def test_else_it_is_this_folder(here: Views, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without a monitor, none at all, a monitor.yaml, another folder: the store here, and no address."""
    if named == "monitor.yaml":
        Path(named).write_text("{}\n")
    if named == "elsewhere":
        monkeypatch.chdir(tmp_path)
    found = watched(None, named if named in ("other", "unknown") else "dev")
    assert (found.address, found.settings.base) == ("", Path.cwd())


def test_nobody_answers() -> None:
    """It is said who."""
    with pytest.raises(UnreachableError, match="does not tell"):
        RemoteViews("http://127.0.0.1:1", "look").dead_letters()


def test_the_service_has_it_tried_again(here: Views, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the command does in the container: how much it is, and nothing else on standard output."""
    (tmp_path / "monitor.yaml").write_text("state: state\n")
    words = ["--settings", str(tmp_path / "monitor.yaml"), "--retry"]
    assert service.main([*words, "--handler", "another"]) == 0
    assert service.main(words) == 0
    assert capsys.readouterr().out.split() == ["0", "1"]
    assert service.main(["--settings", str(tmp_path / "none.yaml")]) == 2
