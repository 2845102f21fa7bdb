"""`dashboards preview`: a picture of each dashboard, by whichever Chromium there is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman import pictures
from pointsman.board.serving import server
from pointsman.cli.dashboards import taken
from pointsman.declared import Declared
from pointsman.errors import UnreachableError, UsageError
from pointsman.spec.models import Environment
from tests.unit.board.world import site
from tests.unit.verify.doubles import declared

# Stands for a browser: notes what it was asked for and leaves a file where the picture goes.
BROWSER = """#!/bin/sh
for word in "$@"; do
  echo "$word" >> {notes}
  case "$word" in --screenshot=*) printf 'PNG' > "${{word#--screenshot=}}";; esac
done
"""


@pytest.fixture
def board() -> Iterator[Declared]:
    """An environment whose board answers on a port of loopback."""
    serving = server(site(), "127.0.0.1", 0)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    found = declared()
    shows = found.estate.dashboards
    assert shows is not None
    moved = replace(shows, exposed=(replace(shows.main, published=serving.port),))
    stack = tuple(moved if each is shows else each for each in found.estate.stack)
    yield replace(found, estate=replace(found.estate, stack=stack))
    serving.shutdown()
    serving.server_close()
    thread.join()


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the browser on the path notes its words."""
    program, noted = tmp_path / "bin" / "chromium", tmp_path / "notes"
    program.parent.mkdir()
    program.write_text(BROWSER.format(notes=noted))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return noted


def test_every_dashboard_gets_its_picture(board: Declared, notes: Path, tmp_path: Path) -> None:
    """As high as its panels, from the address of the service that shows it, which is named for what it is."""
    rows = taken(board, [], tmp_path / "out")
    assert [each["dashboard"] for each in rows] == ["logs-and-traces", "workflow-overview"]
    assert {each["shown by"] for each in rows} == {"board board-1.0.0"}
    assert all(Path(each["file"]).read_bytes() == b"PNG" for each in rows)
    words = notes.read_text()
    assert "/d/workflow-overview/workflow-overview" in words
    assert "--window-size=1600,1280" in words


def test_one_dashboard_from_a_time_on(board: Declared, notes: Path, tmp_path: Path) -> None:
    """What was asked for, and no other."""
    (row,) = taken(board, ["logs-and-traces"], tmp_path, "now-3h")
    assert row["file"].endswith("logs-and-traces.png")
    assert "logs-traces?from=now-3h&to=now" in notes.read_text()


def test_an_unknown_dashboard_is_refused(board: Declared, notes: Path, tmp_path: Path) -> None:
    """With those that there are, before any picture."""
    with pytest.raises(UsageError) as caught:
        taken(board, ["gone"], tmp_path)
    assert "workflow-overview" in caught.value.remedy
    assert not notes.exists()


def test_without_a_browser_it_says_what_to_install(
    board: Declared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreachableError) as caught:
        taken(board, [], tmp_path)
    assert "chromium" in caught.value.message
    assert "install the package chromium" in caught.value.remedy


def test_without_an_answer_it_says_so(notes: Path, tmp_path: Path) -> None:
    """The board is not there: nothing to take a picture of."""
    with pytest.raises(UnreachableError, match="/api/health"):
        taken(declared(), [], tmp_path)


def test_without_dashboards_there_is_nothing_to_show(tmp_path: Path) -> None:
    """The spec's own word."""
    off = declared(Environment.model_validate({"grafana": {"enabled": False}}))
    with pytest.raises(UsageError, match="shows no dashboards"):
        taken(off, [], tmp_path)


def test_a_browser_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    """Its last lines are the detail."""
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(UnreachableError) as caught:
        pictures.take(str(program), "http://127.0.0.1:1/", tmp_path / "x.png", 100, 100)
    assert caught.value.detail == "no display"
    assert json.dumps(caught.value.message)
