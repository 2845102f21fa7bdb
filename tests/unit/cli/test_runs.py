"""`pointsman runs` and `pointsman monitor check`: stores made, runs listed and shown, what was given up tried again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pointsman.cli import run_tables
from pointsman.cli.output import Output
from pointsman.monitor.bus import Bus, audience
from pointsman.monitor.clock import SystemClock
from pointsman.monitor.events import EventKind
from pointsman.monitor.handling import Occurrence, Rejected
from pointsman.monitor.journal import Journal
from pointsman.monitor.letters import Letters
from pointsman.monitor.limits import Limits
from pointsman.monitor.watching import Watcher
from pointsman.runs import schema
from pointsman.runs.opening import opened, placed, writing
from pointsman.runs.simulating import How, create
from pointsman.spec.runs import StoreSettings
from tests.standins.sinks import HttpSink
from tests.unit.cli.world import run

TOKEN = "ghp_" + "a" * 36


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("POINTSMAN_MONITOR", "GITHUB_TOKEN", "SLACK_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def rows(*words: str, code: int = 0) -> list[dict[str, Any]]:
    """The rows that a command prints."""
    result = run(*words, "--output", "json")
    assert result.exit_code == code, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout.splitlines()[-1])["rows"]
    return found


def settle(**spec: Any) -> None:
    """Writes monitor.yaml."""
    Path("monitor.yaml").write_text(yaml.safe_dump(spec))


class Refusing:
    """A handler that takes nothing."""

    name = "refusing"

    def wants(self, kind: EventKind) -> bool:
        return True

    def handle(self, occurrence: Occurrence) -> str:
        raise Rejected("never")


def test_a_store_is_made_once(place: Path) -> None:
    """`init` makes it, and again changes nothing; `migrate` is for others' databases."""
    (first,) = rows("runs", "init")
    (again,) = rows("runs", "init")
    assert first == again
    assert (first["place"], first["schema"]) == (str(place / ".state/orchestration.db"), 1)
    assert run("runs", "migrate").exit_code == 2


def test_paths_begin_at_the_file(place: Path) -> None:
    """Wherever the command is run from."""
    (place / "elsewhere").mkdir()
    (place / "elsewhere/mine.yaml").write_text("store: {url: 'sqlite:///runs.db'}\n")
    (made,) = rows("runs", "init", "--config", "elsewhere/mine.yaml")
    assert made["place"] == str(place / "elsewhere/runs.db")


def test_runs_that_are_made_up_are_listed_and_shown() -> None:
    """Narrowed by state and kind; one run with its steps; one that is not there is said."""
    (done,) = rows("runs", "create-test", "completing", "--advance", "--steps", "2", "--interval", "0.01")
    rows("runs", "create-test", "silent", "--count", "3", "--kind", "batch", "--age", "45m")
    assert [each["state"] for each in rows("runs", "list", "--state", "completed")] == ["completed"]
    assert len(rows("runs", "list", "--kind", "batch", "--limit", "2")) == 2
    (one,) = rows("runs", "show", done["run"])
    assert [step["state"] for step in one["steps"]] == ["completed", "completed"]
    shown = run("runs", "show", done["run"]).stdout
    assert "step 2" in shown
    assert "a test, completing" in run("runs", "list").stdout
    assert "no run 'nothing'" in run("runs", "show", "nothing").stderr
    assert run("runs", "create-test", "dancing").exit_code == 2
    assert run("runs", "create-test", "--age", "long").exit_code == 2


def test_a_list_is_followed(capsys: pytest.CaptureFixture[str]) -> None:
    """A document a look, until Ctrl-C, which is its good end."""
    looks = iter([[{"id": "a"}], [{"id": "b"}]])

    def look() -> list[dict[str, Any]]:
        try:
            return next(looks)
        except StopIteration:
            raise KeyboardInterrupt from None

    run_tables.watch(look, 0.0, Output.JSON)
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["rows"] for each in documents] == [[{"id": "a"}], [{"id": "b"}]]


def test_without_a_store_it_is_said() -> None:
    """With what to do next."""
    result = run("runs", "list")
    assert result.exit_code == 1
    assert "pointsman runs init" in result.stderr


def test_what_was_given_up_is_tried_again() -> None:
    """Listed with the reason; all, or those of a handler or of an event, are due again."""
    assert rows("runs", "dead-letters", "list", code=0) == []
    assert run("runs", "dead-letters", "retry").exit_code == 2
    ids = create(StoreSettings(), How.COMPLETING, 2)
    _given_up()
    found = rows("runs", "dead-letters", "list")
    assert [(each["run"], each["error"]) for each in found] == [(run_id, "never") for run_id in ids]
    assert rows("runs", "dead-letters", "list", "--handler", "another") == []
    assert rows("runs", "dead-letters", "retry", "--event", found[0]["event_id"]) == [{"retried": 1}]
    assert rows("runs", "dead-letters", "retry", "--handler", "refusing") == [{"retried": 1}]
    journal = Journal(Path(".state/monitor/journal.db"))
    assert Letters(journal).pending() == {"refusing": 2}
    journal.close()
    (one,) = rows("runs", "show", ids[0])
    assert [event["handlers"][0]["state"] for event in one["events"]] == ["pending"]


def _given_up() -> None:
    journal, handlers, source = Journal(Path(".state/monitor/journal.db")), [Refusing()], opened(StoreSettings())
    Watcher(source, journal, Limits(), SystemClock(), audience(handlers)).step()
    Bus(journal, handlers, SystemClock()).turn("refusing")
    source.close()
    journal.close()


def test_a_run_is_run_again_by_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook is given the run; one that refuses is the world's fault; without a hook nothing is asked."""
    (run_id,) = create(StoreSettings(), How.FAILING)
    refused = run("runs", "rerun", run_id)
    assert (refused.exit_code, "rerun.webhook" in refused.stderr) == (2, True)
    with HttpSink(first=(200, 500)) as sink:
        monkeypatch.setenv("RERUN", f"{sink.url}/again")
        settle(rerun={"webhook": {"environment": "RERUN"}})
        (said,) = rows("runs", "rerun", run_id)
        (posted,) = sink.at("/again")
        assert (posted.body["run"]["id"], posted.body["run"]["state"]) == (run_id, "running")
        assert posted.body["request_id"] in said["result"]
        failed = run("runs", "rerun", run_id)
        assert (failed.exit_code, sink.url in failed.stderr) == (3, False)


def test_a_run_of_actions_is_run_again_by_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known by its address, whatever store it is in."""
    store = StoreSettings()
    (run_id,) = create(store, How.FAILING)
    with writing(placed(store)).begin() as connection:
        url = "https://github.com/acme/app/actions/runs/4711/attempts/2"
        connection.execute(schema.runs.update().values(url=url, updated_at=datetime.now(UTC)))
    asked: list[tuple[str, int, bool]] = []

    class GitHub:
        def __init__(self, scope: object, token: object) -> None:
            self.scope = str(scope)

        def __enter__(self) -> GitHub:
            return self

        def __exit__(self, *error: object) -> None: ...

        def workflows(self) -> GitHub:
            return self

        def rerun(self, run_id: int, failed_only: bool = True) -> None:
            asked.append((self.scope, run_id, failed_only))

    monkeypatch.setattr("pointsman.monitor.rerunning.connect", GitHub)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    settle(rerun={"github": {"failed_only": False}})
    (said,) = rows("runs", "rerun", run_id)
    assert asked == [("acme/app", 4711, False)]
    assert "4711 of acme/app" in said["result"]


def test_archives_are_where_the_settings_say(place: Path) -> None:
    """`runs archive` needs no folder where monitor.yaml names one."""
    settle(archive={"folder": "kept"})
    (place / "kept").mkdir()
    assert rows("runs", "archive", "list") == []
    settle(archive={"enabled": False})
    assert "not archived" in run("runs", "archive", "list").stderr


def test_check_finds_what_is_wrong(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store, folders, channels, Collector, secrets: each with what to do; good when all is there."""
    rows("runs", "init")
    found = {each["check"]: each for each in rows("monitor", "check")}
    assert {each["outcome"] for each in found.values()} == {"pass"}
    assert found["slack"]["seen"] == "disabled: SLACK_WEBHOOK_URL unset"
    (place / "file").touch()
    wrong = {"url": "sqlite:///none.db", "artifacts": "artifacts/{run_id}"}
    settle(
        store=wrong,
        reports={"folder": "file/reports"},
        traces={"endpoint": "http://127.0.0.1:1"},
        handlers=[{"entry_point": "mine"}],
        rerun={"webhook": {"environment": "RERUN"}},
        archive={"min_free": "8000000TiB"},
    )
    found = {each["check"]: each for each in rows("monitor", "check", code=1)}
    failed = {name for name, each in found.items() if each["outcome"] == "fail"}
    assert failed == {"who answers", "archive", "reports", "traces", "handlers", "rerun by webhook"}
    assert all(found[name]["next"] for name in failed)
    (place / "monitor.yaml").write_text("archive: {folder: x}\nreports: {folder: x}\nstore: {urll: 1}\n")
    refused = run("monitor", "check")
    assert refused.exit_code == 2
    assert "same folder" in refused.stderr
    assert "did you mean store.url?" in refused.stderr
