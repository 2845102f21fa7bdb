"""Deployments of a workflow's steps: counted once whatever happens, sent when somebody takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pointsman.cli.app import app
from pointsman.deployments.ledger import FILE, KEPT_EVENTS
from pointsman.deployments.recording import Event, Recorded, Stores, record
from tests.unit.telemetry.test_pushing import free_port
from tests.unit.telemetry.told import Sink, sink

SIGNALS = ("metrics", "traces", "logs")
NOW = 1_700_000_000.0
WHERE = 'deployment_environment_name="production",deployment_service="api"'


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own; returns where the ledger is to be."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path))
    return tmp_path / "environments" / "dev" / FILE


@pytest.fixture
def stack() -> Iterator[Sink]:
    """Takes metrics, traces and logs."""
    with sink() as made:
        yield made


def tell(to: Sink | str, kind: str, at: float = NOW, **more: Any) -> Recorded:
    """Records an event of the service api in production."""
    url = to if isinstance(to, str) else to.url
    return record("dev", Event("production", "api", kind, **more), Stores(url, url), at)


def page(stack: Sink) -> str:
    """The page that the pushgateway got last."""
    return [body.decode() for path, body in stack.requests if path.startswith("/metrics/job/deployments/")][-1]


def sent(stack: Sink, path: str, *keys: str) -> list[dict[str, Any]]:
    """The spans or records of all requests to a path."""
    found: list[dict[str, Any]] = []
    for body in stack.bodies(path):
        document: Any = json.loads(body)
        for key in keys[:-1]:
            document = document[key][0]
        found += document[keys[-1]]
    return found


def spans(stack: Sink) -> list[dict[str, Any]]:
    """All spans."""
    return sent(stack, "/v1/traces", "resourceSpans", "scopeSpans", "spans")


def records(stack: Sink) -> list[dict[str, Any]]:
    """All log records."""
    return sent(stack, "/v1/logs", "resourceLogs", "scopeLogs", "logRecords")


def test_from_start_to_success(stack: Sink) -> None:
    """In progress meanwhile, zeros from the first on; then counted and timed, as one span with two records."""
    assert tell(stack, "start", commit="c0ffee").unsent == ()
    assert f"deployments_in_progress{{{WHERE}}} 1" in page(stack)
    assert f'deployments_total{{{WHERE},deployment_result="success"}} 0' in page(stack)
    done = tell(stack, "success", NOW + 90)
    assert (done.duration, done.notes, done.unsent) == (90.0, (), ())
    assert f"deployments_in_progress{{{WHERE}}} 0" in page(stack)
    assert f'deployments_total{{{WHERE},deployment_result="success"}} 1' in page(stack)
    assert f'deployment_duration_seconds_bucket{{{WHERE},deployment_result="success",le="60"}} 0' in page(stack)
    assert f'deployment_duration_seconds_bucket{{{WHERE},deployment_result="success",le="120"}} 1' in page(stack)
    assert f'deployment_duration_seconds_bucket{{{WHERE},deployment_result="success",le="+Inf"}} 1' in page(stack)
    assert f'deployment_duration_seconds_sum{{{WHERE},deployment_result="success"}} 90' in page(stack)
    assert f"deployment_last_success_timestamp_seconds{{{WHERE}}} 1700000090" in page(stack)
    (span,) = spans(stack)
    assert span["startTimeUnixNano"] == str(int(NOW * 1e9))
    assert {each["traceId"] for each in (span, *records(stack))} == {done.trace}
    assert [each["severityText"] for each in records(stack)] == ["INFO", "INFO"]


def test_the_commit_is_no_label(stack: Sink) -> None:
    """It stands on the span and in the log."""
    tell(stack, "start", commit="c0ffee")
    tell(stack, "failure", NOW + 5)
    assert "c0ffee" not in page(stack)
    (span,) = spans(stack)
    assert {"key": "vcs.ref.head.revision", "value": {"stringValue": "c0ffee"}} in span["attributes"]
    assert span["status"] == {"code": 2}
    assert records(stack)[-1]["severityText"] == "ERROR"
    assert "at commit c0ffee: failure" in records(stack)[-1]["body"]["stringValue"]


def test_when_it_last_failed_is_told(stack: Sink) -> None:
    """By the alert on it, which compares the moment with that of the last success; neither forgets the other."""
    tell(stack, "failure", NOW + 5)
    assert f"deployment_last_failure_timestamp_seconds{{{WHERE}}} 1700000005" in page(stack)
    assert "deployment_last_success_timestamp_seconds{" not in page(stack)
    tell(stack, "success", NOW + 9)
    tell(stack, "cancelled", NOW + 12)
    assert f"deployment_last_failure_timestamp_seconds{{{WHERE}}} 1700000005" in page(stack)
    assert f"deployment_last_success_timestamp_seconds{{{WHERE}}} 1700000009" in page(stack)


def test_an_end_without_a_start(stack: Sink) -> None:
    """Its duration is the one given; without one it is counted and not timed."""
    assert tell(stack, "failure", duration=30.0).duration == 30.0
    assert tell(stack, "failure").duration is None
    assert f'deployments_total{{{WHERE},deployment_result="failure"}} 2' in page(stack)
    assert f'deployment_duration_seconds_count{{{WHERE},deployment_result="failure"}} 1' in page(stack)


def test_a_start_upon_a_start(stack: Sink) -> None:
    """The first was left without a word: it counts as cancelled, and that is said."""
    tell(stack, "start")
    assert tell(stack, "start", NOW + 5).notes == ("the one before had not ended: counted as cancelled",)
    assert f'deployments_total{{{WHERE},deployment_result="cancelled"}} 1' in page(stack)
    assert f"deployments_in_progress{{{WHERE}}} 1" in page(stack)


def test_a_stack_that_is_down_and_comes_back(stack: Sink) -> None:
    """Nothing is raised; the next call brings all that was missed, once."""
    down = f"http://127.0.0.1:{free_port()}"
    tell(down, "start")
    missed = tell(down, "success", NOW + 60)
    assert [each.partition(": ")[0] for each in missed.unsent] == [f"{what} to {down}" for what in SIGNALS]
    tell(stack, "start", NOW + 100)
    tell(stack, "failure", NOW + 110)
    assert [span["endTimeUnixNano"] for span in spans(stack)] == [str(int((NOW + add) * 1e9)) for add in (60, 110)]
    assert len(records(stack)) == 4
    assert f'deployments_total{{{WHERE},deployment_result="success"}} 1' in page(stack)


def test_what_waits_is_bounded(state: Path) -> None:
    """A stack that is away for ever fills no disk; totals stay right."""
    down = f"http://127.0.0.1:{free_port()}"
    tell(down, "success")
    ledger = json.loads(state.read_text())
    ledger["logs"] *= KEPT_EVENTS + 10
    state.write_text(json.dumps(ledger))
    tell(down, "success")
    ledger = json.loads(state.read_text())
    assert len(ledger["logs"]) == KEPT_EVENTS
    assert ledger["lines"][0]["counts"]["success"] == 2


def test_many_at_once(stack: Sink) -> None:
    """Calls side by side are all counted."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: tell(stack, "success", duration=1.0), range(24)))
    assert f'deployments_total{{{WHERE},deployment_result="success"}} 24' in page(stack)


def test_a_ledger_that_cannot_be_read(state: Path, stack: Sink) -> None:
    """It is put aside, not thrown away, and counting goes on."""
    state.parent.mkdir(parents=True)
    state.write_text("{half")
    assert tell(stack, "success").unsent == ()
    assert state.with_suffix(".broken").read_text() == "{half"


def test_a_state_directory_that_refuses(tmp_path: Path) -> None:
    """A deployment is no worse for it: a warning, no error."""
    (tmp_path / "environments").write_text("a file where a folder is to be")
    (note,) = tell("http://127.0.0.1:1", "success").notes
    assert note.startswith("not counted")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the stack down: exit code 0, the result, and one warning that says what was not sent."""
    (tmp_path / "stacks").mkdir()
    ports = f"{{otlp_http: {free_port()}, pushgateway: {free_port()}}}"
    (tmp_path / "stacks" / "dev.yaml").write_text(f"ports: {ports}\n")
    monkeypatch.setenv("POINTSMAN_ROOT", str(tmp_path))
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    told = ["deployments", "record", "--env", "dev", "--environment", "production", "--service", "api"]
    result = CliRunner().invoke(app, [*told, "success", "--duration", "4m30s", "--commit", "c0ffee"])
    assert result.exit_code == 0
    assert result.stderr.count("! counted, but not sent until the next call: metrics to http://127.0.0.1:") == 1
    assert "deployment of api to production: success, trace " in result.stdout
    document = json.loads(CliRunner().invoke(app, [*told, "start", "--output", "json"]).stdout)
    assert (document["event"], document["sent"], len(document["warnings"])) == ("start", False, 3)
    wrong = CliRunner().invoke(app, [*told, "success", "--duration", "soon"])
    assert wrong.exit_code == 2
