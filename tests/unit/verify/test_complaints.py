"""The reason of a fault in the words of the service that met it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pointsman.checks import Check, failed, passed
from pointsman.logs import Line
from pointsman.verify.complaints import SHOWN_CHARACTERS, explained, last_reason
from tests.unit.verify.doubles import World

LOOKUP = "dial tcp: lookup prometheus on 127.0.0.11:53: i/o timeout"
PRINTED = {
    "tempo": 'level=error caller=flush.go:167 msg="failed to cut traces" err="write wal: no space left on device"',
    "collector": f'2026\tinfo\tretry_sender.go\tExporting failed.\t{{"resource": {{}}, "error": "Post: {LOOKUP}"}}',
    "log-agent": 'level=warn msg="could not transfer logs" error="Get \\"http://socket-proxy\\": refused"',
    "loki": "level=info msg=ready",
}


def _lines(name: str) -> list[Line]:
    return [Line(1, name, PRINTED[name])] if name in PRINTED else []


def _red(name: str, service: str) -> Check:
    return failed(name, "lost", expected="", remedy="", service=service)


@pytest.mark.parametrize(
    ("name", "service", "seen"),
    [
        ("losses of tempo", "tempo", "lost; tempo says: write wal: no space left on device"),
        ("losses of collector", "collector", f"lost; collector says: Post: {LOOKUP}"),
        ("reached socket-proxy", "socket-proxy", 'lost; log-agent says: Get "http://socket-proxy": refused'),
        ("losses of loki", "loki", "lost"),
        ("losses of prometheus", "prometheus", "lost"),
        ("config tempo", "tempo", "lost"),
    ],
)
def test_who_met_the_fault_says_why(name: str, service: str, seen: str) -> None:
    """In logfmt or in the Collector's JSON; of the proxy, which is silent, the agent that reads through it tells."""
    (check,) = explained(World().site(), [_red(name, service)], _lines)
    assert check.seen == seen


def test_nothing_is_read_for_what_is_green_or_does_not_run() -> None:
    """The last lines of a container that died are told by its own check."""
    asked: list[str] = []

    def printed(name: str) -> list[Line]:
        asked.append(name)
        return []

    checks = [passed("losses of loki", "none", service="loki"), _red("losses of tempo", "tempo")]
    site = World(halted={"tempo": "exited"}).site()
    assert explained(site, checks, printed) == checks
    assert asked == []


def test_the_end_of_a_long_error_is_shown() -> None:
    """Errors are wrapped from the inside: the cause stands last. The last line with one counts."""
    line = Line(1, "loki", f'err="{"while doing this: " * 40}no space left"')
    told = last_reason([replace(line, text='err="another"'), line, Line(2, "loki", "level=info msg=well")])
    assert told.endswith("no space left")
    assert len(told) == SHOWN_CHARACTERS + 1
