"""A workflow that fails, as a program tells of it: spans with their error, a log record in them, metrics."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from pointsman.telemetry import Telemetry, configure
from tests.deployed.estate import Estate

# As many as `alerts.workflows.least` by default: with fewer no share of failed runs is judged.
RUNS = 5
# Longer than the test environments' interval of span metrics, so that a rate is seen and not only a total.
BETWEEN_SECONDS = 1.5


@dataclass(frozen=True)
class Failing:
    """What was told: all runs of `workflow` failed in `service`, each after it had called `called`.

    `line` is what each of them logged; `ids` are the runs' own ids.
    """

    estate: Estate
    workflow: str
    service: str
    called: str
    line: str
    ids: tuple[str, ...]


def fail(estate: Estate) -> Failing:
    """Runs the workflow, under a name that nothing else has, and tells the Collector."""
    token = secrets.token_hex(4)
    ids = tuple(f"{token}-{number}" for number in range(RUNS))
    told = Failing(estate, f"settle-{token}", f"orders-{token}", f"bank-{token}", f"order {token} is not paid", ids)
    to = estate.url("collector")
    with (
        _telling(configure(told.service, to=to, is_global=False)) as caller,
        _telling(configure(told.called, to=to, is_global=False, log_level=None)) as called,
    ):
        for number in ids:
            with contextlib.suppress(ConnectionError):
                _run(told, number, caller, called)
            assert caller.flush(10)
            assert called.flush(10)
            time.sleep(BETWEEN_SECONDS)
    return told


def _run(told: Failing, number: str, caller: Telemetry, called: Telemetry) -> None:
    with caller.workflow(told.workflow, trigger="push", run_id=number) as run, run.agent("cashier", action="charge"):
        logging.getLogger("orders").error(told.line)
        with (
            caller.tracer.start_as_current_span("charge", kind=SpanKind.CLIENT),
            called.tracer.start_as_current_span("charged", kind=SpanKind.SERVER),
        ):
            raise ConnectionError("the bank hung up")


@contextlib.contextmanager
def _telling(telemetry: Telemetry) -> Iterator[Telemetry]:
    try:
        yield telemetry
    finally:
        telemetry.shutdown(10)
