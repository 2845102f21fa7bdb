"""How alerts fared is told from samples alone: firings, flapping, dominance."""

from __future__ import annotations

import pytest

from pointsman.alerts.history import Firing, Rule, fared, firings, series_name

STEP = 60.0


def at(*minutes: int) -> list[float]:
    """Samples at these minutes."""
    return [minute * STEP for minute in minutes]


def test_a_gap_ends_a_firing() -> None:
    """Samples of step after step are one firing; what comes after a gap is the next."""
    found = firings("A", "a", at(1, 2, 3, 7, 8), STEP)
    assert [(each.start / STEP, each.end / STEP) for each in found] == [(1, 3), (7, 8)]


def test_a_rule_without_firings_never_fired_or_cannot() -> None:
    """By whether Prometheus knows its metrics."""
    quiet, blind = fared([Rule("A", "warning"), Rule("B", "warning", ("gone_total",))], [], STEP)
    assert (quiet.verdicts, blind.verdicts) == (("never fired",), ("cannot fire",))
    assert blind.missing == ("gone_total",)


@pytest.mark.parametrize(
    ("minutes", "is_flapping"), [((0, 10, 20, 30), True), ((0, 10, 20), False), ((0, 90, 180, 270), False)]
)
def test_an_alert_flaps_that_comes_back_within_the_hour(minutes: tuple[int, ...], is_flapping: bool) -> None:
    """Three times, of one series; one that comes back later was mended in between."""
    (row,) = fared([Rule("A", "warning")], firings("A", "a", at(*minutes), STEP), STEP)
    assert ("flapping" in row.verdicts) is is_flapping


def test_many_series_at_once_are_no_flapping() -> None:
    """Ten hosts that fail together fail once each."""
    found = [firing for host in range(10) for firing in firings("A", f"host={host}", at(host), STEP)]
    (row,) = fared([Rule("A", "warning")], found, STEP)
    assert row.returns == 0
    assert row.firings == 10


def test_few_rules_that_make_most_of_the_noise_are_named() -> None:
    """By their share; what is meant to fire does not count, and a handful of firings says nothing."""
    rules = [Rule("Loud", "warning"), Rule("Soft", "critical"), Rule("Watchdog", "none")]
    every = [
        *(Firing("Loud", str(n), n, n) for n in range(9)),
        Firing("Soft", "a", 0, 0),
        *(Firing("Watchdog", str(n), n, n) for n in range(50)),
    ]
    rows = {row.name: row for row in fared(rules, every, STEP)}
    assert (rows["Loud"].share, rows["Loud"].verdicts) == (0.9, ("dominant",))
    assert (rows["Soft"].share, rows["Soft"].verdicts) == (0.1, ())
    assert rows["Watchdog"].share == 0
    few = fared(rules, [Firing("Loud", "a", 0, 0)], STEP)
    assert all("dominant" not in row.verdicts for row in few)


def test_rules_that_are_gone_do_not_count() -> None:
    """History may hold alerts whose rules are no longer loaded."""
    rows = fared([Rule("A", "warning")], [Firing("Gone", "a", 0, 0)], STEP)
    assert [row.name for row in rows] == ["A"]


def test_the_loudest_comes_first() -> None:
    """With how long it fired, a sample alone counted as a step."""
    found = [*firings("B", "a", at(1, 2), STEP), *firings("B", "a", at(90), STEP)]
    first, _ = fared([Rule("A", "warning"), Rule("B", "warning")], found, STEP)
    assert (first.name, first.firings, first.seconds) == ("B", 2, 3 * STEP)


def test_a_series_is_named_by_its_labels() -> None:
    """In order, so that the same labels are the same series."""
    assert series_name({"b": "2", "a": "1"}) == series_name({"a": "1", "b": "2"}) == "a=1,b=2"
