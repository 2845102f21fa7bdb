"""Counters of failures, before and after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import httpx

from pointsman.checks import Check, Outcome
from pointsman.verify.losses import Losses
from tests.unit.verify.doubles import World

FULL = "loki_ingester_wal_disk_full_failures_total"


def checks(world: World, between: dict[str, str]) -> dict[str, Check]:
    """The checks when services expose something else after the run than before it."""
    with ThreadPoolExecutor(4) as pool:
        losses = Losses(world.site(), pool)
        wait(losses._before.values())
        for service, text in between.items():
            world.answers[f"{service}:/metrics"] = httpx.Response(200, text=text)
        return {check.service: check for check in losses.checks()}


def exposed(service: str, text: str) -> dict[str, httpx.Response]:
    """An answer that says it."""
    return {f"{service}:/metrics": httpx.Response(200, text=text)}


def test_a_failure_during_the_run_is_red() -> None:
    """It is named with what rose."""
    found = checks(World(answers=exposed("loki", f"{FULL} 3\n")), {"loki": f"{FULL} 5\n"})
    assert found["loki"].outcome is Outcome.FAIL
    assert found["loki"].seen == f"{FULL} rose by 2"
    assert found["prometheus"].outcome is Outcome.PASS


def test_a_failure_of_the_past_is_none_now() -> None:
    """A counter never falls: what was mended long ago would be red for ever."""
    assert checks(World(answers=exposed("loki", f"{FULL} 3\n")), {})["loki"].outcome is Outcome.PASS


def test_what_the_collector_gives_up_is_red_and_what_a_client_sends_wrongly_is_not() -> None:
    """Refused input is the sender's fault."""
    refused = 'otelcol_receiver_refused_spans{receiver="otlp"} 9\n'
    assert checks(World(), {"collector": refused})["collector"].outcome is Outcome.PASS
    given_up = 'otelcol_exporter_send_failed_spans{exporter="otlp_grpc/traces"} 1\n'
    assert checks(World(), {"collector": given_up})["collector"].outcome is Outcome.FAIL


def test_a_silent_service_is_not_verifiable() -> None:
    """That it is silent is told by the check that it is reached."""
    found = checks(World(halted={"tempo": "paused"}), {})
    assert found["tempo"].outcome is Outcome.NOT_VERIFIABLE
    assert "is paused" in found["tempo"].seen
