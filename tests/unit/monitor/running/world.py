"""A folder with a store and a monitor.yaml, and monitors that are processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from pointsman.monitor.handlers import zipping
from pointsman.monitor.handlers.summary import Summary
from pointsman.monitor.journal import Journal
from pointsman.monitor.letters import Letters
from pointsman.runs import simulating
from pointsman.spec.runs import StoreSettings
from tests.deployed.specs import free_ports
from tests.postgres import Database
from tests.standins.sinks import HttpSink, until

ROOT = Path(__file__).parents[4]
START_SECONDS = 60.0


@dataclass
class Running:
    """A process of `pointsman monitor run`."""

    process: subprocess.Popen[str]
    port: int
    said: list[str] = field(default_factory=list)

    def get(self, path: str) -> httpx.Response:
        """What it answers."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10, trust_env=False)

    def page(self, name: str) -> dict[str, float]:
        """The samples of a metric, by their labels as the page has them."""
        lines = [
            line for line in self.get("/metrics").text.splitlines() if line.startswith(f"pointsman_monitor_{name}")
        ]
        return {line.rpartition(" ")[0].removeprefix("pointsman_monitor_"): float(line.split()[-1]) for line in lines}

    def hears(self, what: str) -> bool:
        """Whether it has said that on standard error."""
        return any(what in line for line in self.said)

    def end(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Ends it; its exit code, negative for a signal."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


class Site:
    """A folder for one store and its monitors; `sink` takes alerts and traces. Without `database` it is SQLite's."""

    def __init__(self, folder: Path, sink: HttpSink, database: Database | None = None, **spec: Any) -> None:
        self.folder, self.sink = folder, sink
        artifacts = "artifacts/{run_id}"
        self.store = database.settings(artifacts=artifacts) if database else StoreSettings(artifacts=artifacts)
        self.settle(**spec)
        rule = {"severity": "info", "throttle": "1ms"}
        rules = dict.fromkeys(("RunCompleted", "RunFailed", "RunStalled", "MonitorUnhealthy"), rule)
        self.write("alerts.yaml", {"rules": rules})

    def settle(self, **spec: Any) -> None:
        """Writes monitor.yaml."""
        port = free_ports(1)[0]
        told = {
            "store": self.store.model_dump(exclude_unset=True),
            "serving": {"port": port},
            "log": "events.jsonl",
            "archive": {"min_free": "1B"},
            "retries": {"first": "50ms"},
            "traces": {"endpoint": self.sink.url},
        }
        self.spec = {**told, **spec}
        self.write("monitor.yaml", self.spec)

    def write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content))

    def made(self, how: str, count: int = 1, **more: Any) -> list[str]:
        """Runs that are made up."""
        return simulating.create(self.store, simulating.How(how), count, base=self.folder, **more)

    def advance(self) -> None:
        """A step of all that go."""
        simulating.advance(self.store, base=self.folder)

    @property
    def environment(self) -> dict[str, str]:
        paths = os.pathsep.join((str(ROOT / "components"), str(ROOT)))
        return {**os.environ, "PYTHONPATH": paths, "ALERT_WEBHOOK_URL": f"{self.sink.url}/alerts"}

    @contextmanager
    def monitor(self, *words: str, port: int = 0, **environment: str) -> Iterator[Running]:
        """A monitor, killed at the end if it is still there."""
        command = [sys.executable, "-c", "from pointsman.cli.app import main; main()", "monitor", "run", *words]
        more = ["--port", str(port)] if port else []
        process = subprocess.Popen(
            [*command, *more],
            cwd=self.folder,
            env=self.environment | environment,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        running = Running(process, port or int(self.spec["serving"]["port"]))
        reading = threading.Thread(target=lambda: running.said.extend(process.stderr or ()), daemon=True)
        reading.start()
        try:
            yield running
        finally:
            process.kill()
            process.wait()
            reading.join()

    def events(self) -> dict[str, tuple[str, str]]:
        """What was told: kind and run by the event's id."""
        with self._journal() as journal:
            rows = journal.rows("SELECT id, run_id, body FROM events")
        return {row[0]: (json.loads(row[2])["kind"], row[1]) for row in rows}

    def pending(self) -> int:
        """How many deliveries are to be made."""
        with self._journal() as journal:
            return sum(Letters(journal).pending().values())

    def done(self, *, ends: int) -> bool:
        """Whether so many runs were told to have ended, and all is delivered."""
        if not (self.folder / ".state/monitor/journal.db").exists():
            return False
        told = [kind for kind, _ in self.events().values()]
        return sum(kind in ("run_completed", "run_failed") for kind in told) >= ends and not self.pending()

    def await_done(self, ends: int, seconds: float = START_SECONDS) -> None:
        """Waits for that."""
        until(lambda: self.done(ends=ends), f"{ends} ends are told and delivered", seconds)

    def prove_once(self, ended: list[str], *, repeats: bool = False) -> None:
        """Each of these runs is archived, reported, logged and alerted, once; what only goes out at least once may be
        there again where `repeats` says so, with the same ids."""
        ids = {run: event for event, (kind, run) in self.events().items() if kind in ("run_completed", "run_failed")}
        assert sorted(ids) == sorted(ended)
        with self._journal() as journal:
            assert Letters(journal).dead_counts() == {}
        assert sorted(each.name for each in (self.folder / ".archive").iterdir()) == sorted(
            f"{run}.zip" for run in ended
        )
        reports = sorted(each.name for each in (self.folder / "reports").iterdir())
        assert reports == sorted(f"{run}_summary.{kind}" for run in ended for kind in ("html", "json"))
        for run, event in ids.items():
            assert zipping.verify(self.folder / f".archive/{run}.zip").events == (event,)
            summary = (self.folder / f"reports/{run}_summary.json").read_bytes()
            assert Summary.model_validate_json(summary).events == (event,)
        lines = [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]
        assert sorted(line["event_id"] for line in lines) == sorted(self.events())
        self._prove_sent(ids, repeats)

    def _prove_sent(self, ids: dict[str, str], repeats: bool) -> None:
        alerts = [alert for each in self.sink.at("/alerts") for alert in each.body["alerts"]]
        told = [alert["annotations"]["event_id"] for alert in alerts]
        assert set(told) == set(ids.values())
        spans = [span for each in self.sink.at("/v1/traces") for span in _spans(each.body)]
        roots = [span["traceId"] for span in spans if not span.get("parentSpanId")]
        assert len(set(roots)) == len(ids)
        if not repeats:
            assert len(told) == len(ids) == len(roots)

    @contextmanager
    def _journal(self) -> Iterator[Journal]:
        journal = Journal(self.folder / ".state/monitor/journal.db")
        try:
            yield journal
        finally:
            journal.close()


def _spans(body: Any) -> Iterator[dict[str, Any]]:
    for resource in body["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]
