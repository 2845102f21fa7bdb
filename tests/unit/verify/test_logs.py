"""Reading logs: from Loki, or from the engine when Loki does not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import httpx
import pytest

from pointsman import logs
from pointsman.errors import UsageError
from pointsman.logs import Line, query, selector
from tests.unit.verify.doubles import World, running


class Engine:
    """What the engine keeps of a container's log; `asked` are the tails that were wanted."""

    def __init__(self, printed: dict[str, bytes]) -> None:
        self.printed = printed
        self.asked: list[Any] = []

    def logs(self, container: str, *, timestamps: bool, tail: Any, since: float | None) -> bytes:
        self.asked.append(tail)
        return self.printed.get(container, b"")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine in place of the machine's."""
    first = b"2026-01-02T03:04:05.000000001Z level=info msg=\xff first\r\n"
    pretended = Engine({"id-of-loki": first, "id-of-prometheus": b"2026-01-02T03:04:05Z second\n"})

    @contextmanager
    def connect() -> Iterator[Engine]:
        yield pretended

    monkeypatch.setattr(logs, "connect", connect)
    monkeypatch.setattr(logs, "containers", lambda client, estate, environment: running(World().environment))
    return pretended


def test_the_newest_lines_come_oldest_first() -> None:
    """The limit cuts off the oldest lines; lines that verify pushed are no container's and stay out."""
    world = World()
    for age in (3, 1, 2):
        world.printed("loki", f"{age} s old", age=age)
    world.stores.lines.append(
        ({"environment": "test", "service": "x", "stream": "verify"}, Line(time.time_ns(), "x", "id"))
    )
    found = list(query(world.environment, limit=2, client=world.client()))
    assert [line.text for line in found] == ["2 s old", "1 s old"]


def test_one_service_and_a_text() -> None:
    """Both narrow what is asked of Loki; the text is taken as it is, whatever it holds."""
    world = World()
    world.printed("loki", 'msg="a" `b` \\d')
    world.printed("loki", "another")
    world.printed("prometheus", 'msg="a" `b` \\d')
    found = list(query(world.environment, "loki", grep='"a" `b` \\d', client=world.client()))
    assert [(line.service, line.text) for line in found] == [("loki", 'msg="a" `b` \\d')]


def test_a_service_that_is_not_there_is_named_with_those_that_are() -> None:
    """A typing mistake is a usage error before anything is asked."""
    with pytest.raises(UsageError, match=r"no service lokki[\s\S]*node-exporter"):
        list(query(World().environment, "lokki"))


def test_without_loki_the_engine_is_read_and_it_is_said(engine: Engine) -> None:
    """Times to the nanosecond, lines merged by time, bytes that are no text shown as such."""
    world = World(lost={logs.QUERY: httpx.ConnectError("[Errno 111] Connection refused")})
    told: list[str] = []
    found = list(query(world.environment, notice=told.append, client=world.client()))
    assert [(line.service, line.text) for line in found] == [
        ("prometheus", "second"),
        ("loki", "level=info msg=\ufffd first"),
    ]
    assert found[1].at - found[0].at == 1
    assert found[0].time.isoformat() == "2026-01-02T03:04:05+00:00"
    assert len(told) == 1
    assert "Connection refused" in told[0]
    assert set(engine.asked) == {100}


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(503, text="starting")])
def test_what_answers_badly_is_not_read_as_loki(engine: Engine, answer: httpx.Response) -> None:
    """Another program on the port, or a Loki that is not ready, is the same as none; a search reads whole logs."""
    world = World(answers={logs.QUERY: answer})
    found = list(query(world.environment, grep="second", client=world.client()))
    assert [line.text for line in found] == ["second"]
    assert set(engine.asked) == {"all"}


def test_following_shows_each_line_once_and_late_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that reaches Loki after a younger one still comes; what the limit cut off does not."""
    world = World()
    world.printed("loki", "cut off", age=9)
    world.printed("loki", "first", age=8)
    arrivals = iter([("late", 2.0), ("young", 0.0)])

    def arrive(seconds: float) -> None:
        text, age = next(arrivals)
        world.printed("loki", text, age=age)

    monkeypatch.setattr(time, "sleep", arrive)
    world.printed("loki", "second", age=1)
    found = islice(query(world.environment, limit=2, follow=True, client=world.client()), 4)
    assert [line.text for line in found] == ["first", "second", "late", "young"]


def test_a_selector_is_escaped() -> None:
    """Quotes and backslashes end no LogQL string."""
    assert selector({"service": 'a"b'}, grep="c\\d\n") == '{service="a\\"b"} |= "c\\\\d\\n"'
