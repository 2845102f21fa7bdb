"""What people see of a running environment: the status again and again, addresses, and the topology."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pointsman.cli import addresses, seeing
from pointsman.cli.output import Output
from pointsman.errors import UnreachableError, UsageError
from pointsman.status import HostRow, Row, Status
from tests.unit.cli.world import NOWHERE, checkout, run
from tests.unit.status.world import declared

GOOD = Row(
    "collector",
    "running",
    "ready",
    "0.155.0",
    "image",
    "pointsman/collector:1",
    3661.0,
    0,
    2**24,
    2**29,
    "http://a:4318",
)
BAD = Row("loki", "paused", "paused; docker unpause x", "3.7.8", "image", "pointsman/loki:1", 5.0, 2, None, 2**29, "")
HOST = HostRow(
    "runner-1",
    "running",
    "ready",
    ("deploy", "self-hosted"),
    "2.336.0",
    False,
    2**26,
    2**27,
    86461.0,
    "127.0.0.1:2201",
)
STOPPED = replace(HOST, host="runner-2", health="runner service failed")
Look = Sequence[Row | HostRow] | Exception


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, no state, and no engine."""
    root = checkout(tmp_path / "clone", dev="{}")
    monkeypatch.setenv("POINTSMAN_ROOT", str(root))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    return root


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[..., io.StringIO]:
    """Prepares what is seen at each look, after which Ctrl-C is pressed; gives what is printed."""

    def prepare(*looks: Look, terminal: bool = False) -> io.StringIO:
        left, paper = list(looks), io.StringIO()

        def look(_: object) -> Status:
            if not left:
                raise KeyboardInterrupt
            seen = left.pop(0)
            if isinstance(seen, Exception):
                raise seen
            services = tuple(each for each in seen if isinstance(each, Row))
            return Status(services, tuple(each for each in seen if isinstance(each, HostRow)))

        monkeypatch.setattr("pointsman.status.look", look)
        monkeypatch.setattr(seeing, "INTERVAL_SECONDS", 0.0)
        monkeypatch.setattr(seeing, "out", Console(file=paper, force_terminal=terminal, width=160))
        monkeypatch.setattr("pointsman.declared.declared", lambda environment: declared())
        return paper

    return prepare


def test_the_table(world: Callable[..., io.StringIO]) -> None:
    """What is wrong is said, what is unknown is not a zero, and what counts nothing has no rate; code 1."""
    paper = world([GOOD, BAD, replace(GOOD, memory=None)])
    assert seeing.once(declared(), Output.TABLE) == 1
    assert "1:01:01" in paper.getvalue()
    assert "paused; docker unpause x" in paper.getvalue()
    assert [paper.getvalue().count(each) for each in ("16 of 512 MiB", "unknown", "/s")] == [1, 1, 0]
    assert "hosts" not in paper.getvalue()


def test_the_table_of_hosts(world: Callable[..., io.StringIO]) -> None:
    """Below that of the services, in their own words; a host alone that is not well makes the code 1."""
    paper = world([GOOD, HOST, STOPPED])
    assert seeing.once(declared(), Output.TABLE) == 1
    _, below = paper.getvalue().split("hosts", 1)
    _, well, stopped = below.strip().splitlines()
    for said in (
        "runner-1",
        "ready",
        "2.336.0",
        "1 day, 0:01:01",
        "idle",
        "64 of 128 MiB",
        "deploy, self-hosted",
        "2201",
    ):
        assert said in well
    assert "runner service failed" in stopped
    assert "idle" not in stopped, "a runner that is not well waits for no job"
    world([GOOD, HOST])
    assert seeing.once(declared(), Output.TABLE) == 0


@pytest.mark.parametrize(
    ("changes", "job", "free"),
    [
        ({"job": True}, "yes", "64 of 128 MiB"),
        ({"job": None, "free": None, "size": None}, "", ""),
        ({"free": 3 * 2**29, "size": 2**36}, "idle", "1.5 of 64.0 GiB"),
    ],
    ids=str,
)
def test_a_host_in_words(changes: dict[str, Any], job: str, free: str) -> None:
    """What nothing tells is empty and not zero."""
    row = replace(HOST, **changes)
    cells = {column.header: list(column.cells) for column in seeing.hosts_table([row]).columns}
    assert (cells["job"], cells["free disk"]) == ([job], [free])


@pytest.mark.parametrize(
    ("rate", "unit", "said"),
    [
        (None, "", ""),
        (None, "lines", "unknown"),
        (0.0, "alerts", "0 alerts/s"),
        (0.0182, "alerts", "0.018 alerts/s"),
        (3.25, "spans", "3.2 spans/s"),
        (1382.2, "samples", "1,382 samples/s"),
    ],
)
def test_rates_in_words(rate: float | None, unit: str, said: str) -> None:
    """As many digits as tell something."""
    assert seeing.takes_in(replace(GOOD, ingestion=rate, ingestion_unit=unit)) == said


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_watch_ends_with_ctrl_c(terminal: bool, world: Callable[..., io.StringIO]) -> None:
    """Each look replaces or follows the one before, one without an engine too; the cursor is given back; code 0."""
    paper = world([GOOD], UnreachableError("the engine is away"), [GOOD, BAD], terminal=terminal)
    assert seeing.watch(declared(), Output.TABLE) == 0
    shown = paper.getvalue()
    assert "1 of 1 well" in shown
    assert "the engine is away" in shown
    assert "1 of 2 well" in shown
    assert ("\x1b[?25h" in shown) is terminal


def test_watch_counts_the_hosts(world: Callable[..., io.StringIO]) -> None:
    """Beside the services, and only where there are any."""
    paper = world([GOOD, HOST, STOPPED], [GOOD])
    assert seeing.watch(declared(), Output.TABLE) == 0
    first, second = (line for line in paper.getvalue().splitlines() if " well" in line)
    assert first.endswith("1 of 1 well, 1 of 2 hosts")
    assert second.endswith("1 of 1 well")


def test_watch_for_scripts(world: Callable[..., io.StringIO], capsys: pytest.CaptureFixture[str]) -> None:
    """A document a line."""
    world([GOOD], [GOOD, BAD], [GOOD, STOPPED])
    assert seeing.watch(declared(), Output.JSON) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["good"] for each in documents] == [True, False, False]
    assert [each["good"] for each in documents[1]["services"]] == [True, False]
    assert [each["health"] for each in documents[2]["hosts"]] == ["runner service failed"]


URLS = {"prometheus": "http://127.0.0.1:9090", "loki": "http://127.0.0.1:3100"}


def test_the_page_that_is_looked_at_first() -> None:
    """Grafana, or Prometheus where there is none; a service by its name."""
    assert addresses.chosen(URLS, None, "dev") == URLS["prometheus"]
    assert addresses.chosen({**URLS, "grafana": "http://127.0.0.1:3003"}, None, "dev") == "http://127.0.0.1:3003"
    assert addresses.chosen(URLS, "loki", "dev") == URLS["loki"]


@pytest.mark.parametrize(("urls", "service"), [(URLS, "socket-proxy"), ({"loki": URLS["loki"]}, None)])
def test_what_cannot_be_opened(urls: dict[str, str], service: str | None) -> None:
    """The message lists all that can."""
    with pytest.raises(UsageError) as caught:
        addresses.chosen(urls, service, "dev")
    assert "loki  http://127.0.0.1:3100" in caught.value.detail


@pytest.mark.parametrize(
    ("words", "display", "opens"), [((), ":0", True), ((), "", False), (("--print",), ":0", False)], ids=str
)
def test_open(words: tuple[str, ...], display: str, opens: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is printed in any case; a browser is started only where it has a display."""
    opened: list[str] = []
    monkeypatch.setattr("pointsman.declared.declared", lambda environment: declared())

    def browse(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = run("open", "collector-health", *words)
    assert (result.exit_code, result.stdout) == (0, "http://127.0.0.1:13133\n")
    assert opened == ["http://127.0.0.1:13133"] * opens
    assert run("open", "socket-proxy").exit_code == 2


def test_topology_before_there_are_images(tmp_path: Path) -> None:
    """As declared, and said so; no engine is needed for it."""
    result = run("topology", "--output", "json")
    assert result.exit_code == 0
    assert "as declared" in result.stderr
    flows = json.loads(result.stdout)["rows"]
    assert {"from": "log-agent", "signal": "logs", "to": "loki"}.items() <= flows[
        [(flow["from"], flow["to"]) for flow in flows].index(("log-agent", "loki"))
    ].items()
    assert run("topology", "--declared", "--svg", str(tmp_path / "a.svg")).exit_code == 0
    assert (tmp_path / "a.svg").read_text().startswith("<svg ")
    assert run("topology", "--declared", "--svg", str(tmp_path / "none/a.svg")).exit_code == 3
    assert run("topology", "--health").exit_code == 2


def test_topology_in_colours(tmp_path: Path, world: Callable[..., io.StringIO]) -> None:
    """Of what runs: red with its reason."""
    world([GOOD, BAD])
    assert run("topology", "--svg", str(tmp_path / "a.svg"), "--health").exit_code == 0
    assert "paused; docker" in (tmp_path / "a.svg").read_text()
