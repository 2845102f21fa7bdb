"""Cases of the SLOs for tens of events a day: sequences of events with the verdict on each, and the thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pointsman.signals.burn_rates import LOW_VOLUME, PERIOD, budget
from pointsman.signals.slos import FAST, NO_DATA, SLOW
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds
from tests.deployed.slo_rules import NEVER, Case, counter, from_first

SLO = "workflow-success"
DECLARED = Environment().slos.workflow_success
GOOD = 'workflow_runs_total{workflow_name="build", workflow_status="success"}'
BAD = 'workflow_runs_total{workflow_name="build", workflow_status="failure"}'
QUIET, TICKET, PAGE = "quiet", "ticket", "page"

Fails = Callable[[int, int], bool]
"""Whether an event fails: by its day from 0, and its place in that day from 0."""


@dataclass(frozen=True)
class Sequence:
    """`daily` events spread evenly over each of `days` days, and the verdict at the end of the last one.

    The objective is 0.95 in 30 days, and ten events make a share: the default.
    """

    daily: int
    name: str
    days: int
    fails: Fails
    verdict: str


def never(day: int, place: int) -> bool:
    """All is well."""
    return False


def always(day: int, place: int) -> bool:
    """Nothing works."""
    return True


def on(*days: int, first: int = 0, count: int = 1000) -> Fails:
    """Only on these days, `count` events from the `first` of the day."""
    return lambda day, place: day in days and first <= place < first + count


def each_day(count: int) -> Fails:
    """The first so many of each day."""
    return lambda day, place: place < count


SEQUENCES = (
    Sequence(0, "no events", 30, never, QUIET),
    Sequence(1, "all good", 30, never, QUIET),
    Sequence(1, "one failure today, none in the month before", 30, on(29), QUIET),
    Sequence(1, "the second failure of the month: the budget was 1.5", 30, on(12, 29), TICKET),
    Sequence(1, "two failures weeks ago", 30, on(5, 6), QUIET),
    Sequence(1, "one failure ever, on the second day", 2, on(1), QUIET),
    Sequence(1, "two of two fail", 2, always, QUIET),
    Sequence(1, "three of three fail", 3, always, TICKET),
    Sequence(1, "fails for three days after ten good ones", 13, on(10, 11, 12), TICKET),
    Sequence(1, "fails every other day", 14, lambda day, place: day % 2 == 1, TICKET),
    Sequence(5, "all good", 30, never, QUIET),
    Sequence(5, "one failure a week", 29, on(0, 7, 14, 21, 28, count=1), QUIET),
    Sequence(5, "one failure a day", 10, each_day(1), TICKET),
    Sequence(5, "two in a row today", 20, on(19, first=3), TICKET),
    Sequence(5, "three in a row today", 20, on(19, first=2), PAGE),
    Sequence(5, "all fail today", 20, on(19), PAGE),
    Sequence(5, "all failed yesterday, good since", 20, on(18), QUIET),
    Sequence(5, "all fail from the first day on", 1, always, PAGE),
    Sequence(20, "all good", 30, never, QUIET),
    Sequence(20, "one failure every other day", 30, lambda day, place: day % 2 == 1 and place == 0, QUIET),
    Sequence(20, "three failures a day", 10, each_day(3), TICKET),
    Sequence(20, "two failures a day, for a week", 21, lambda day, place: day >= 14 and place < 2, TICKET),
    Sequence(20, "five in a row today: a sixth of the month's budget", 30, on(29, first=15), QUIET),
    Sequence(20, "seven in a row today", 30, on(29, first=13), PAGE),
    Sequence(20, "seven in a row this morning, good since", 30, on(29, first=0, count=7), TICKET),
    Sequence(20, "all fail", 2, always, PAGE),
    Sequence(50, "all good", 30, never, QUIET),
    Sequence(50, "one failure a day", 30, each_day(1), QUIET),
    Sequence(50, "six failures a day", 10, each_day(6), TICKET),
    Sequence(50, "an outage of eight hours, now", 30, on(29, first=33), PAGE),
    Sequence(50, "an outage of eight hours two days ago", 30, on(27, first=33), QUIET),
    Sequence(50, "four failures today", 30, on(29, first=46), QUIET),
)


def sequences(daily: int) -> list[Case]:
    """The cases of a volume."""
    return [_case(each) for each in SEQUENCES if each.daily == daily]


def cases() -> list[Case]:
    """All but the sequences."""
    return [*thresholds(), *gates(), *counting(), *durations(), *without_data()]


def by_step(daily: int, days: int, fails: Fails) -> tuple[list[float], list[float]]:
    """Good and bad events in each six hours."""
    good, bad = [0.0] * 4 * days, [0.0] * 4 * days
    for day in range(days):
        for place in range(daily):
            at = day * 4 + int((place + 0.5) * 4 / daily)
            (bad if fails(day, place) else good)[at] += 1
    return good, bad


def _case(sequence: Sequence) -> Case:
    good, bad = by_step(sequence.daily, sequence.days, sequence.fails)
    firing = {QUIET: (), TICKET: (SLOW,), PAGE: (FAST,)}[sequence.verdict]
    # Who is paged need not be told that a ticket is there as well.
    looked_at = (FAST, NO_DATA) if sequence.verdict == PAGE else (FAST, SLOW, NO_DATA)
    return Case(
        f"{sequence.daily} a day: {sequence.name}: {sequence.verdict}",
        SLO,
        "6h",
        # What a counter holds at the first look is history; one that has not counted yet is not there.
        {GOOD: counter(good, start=7), BAD: from_first(bad)},
        {f"{24 * sequence.days}h": firing},
        looked_at=looked_at,
    )


def thresholds() -> Iterator[Case]:
    """A burn for as long as the window, many runs an hour, after good days that fill the period."""
    for burn in LOW_VOLUME:
        window = DECLARED.window if burn.window == PERIOD else burn.window
        name = FAST if burn.told == "page" else SLOW
        length = int(duration_seconds(window) // 21_600)
        for share in (0.9, 1.1):
            bad = 1000 * share * burn.factor(DECLARED.window) * budget(DECLARED)
            calm = 120 - length
            yield Case(
                f"{burn.told} of {window} at {share} of its threshold",
                SLO,
                "6h",
                {GOOD: counter([1000.0] * calm + [1000 - bad] * length), BAD: counter([0.0] * calm + [bad] * length)},
                {"720h": (name,) if share > 1 else ()},
                {f"slo:sli_error:ratio_rate{window}": bad / 1000},
                looked_at=(name,),
            )


def gates() -> Iterator[Case]:
    """One event or failure less, and nobody is told: runs of one day, good ones first."""
    table = (
        ("ten runs, four bad: a share beyond the page's", 6, 4, (FAST, SLOW)),
        ("nine runs, four bad: too few for a share, less than half", 5, 4, ()),
        ("nine runs, five bad: too few for a share, but broken", 4, 5, (FAST, SLOW)),
        ("four runs, two bad: half, but two may be chance", 2, 2, ()),
        ("ten runs, two bad: enough for a ticket", 8, 2, (SLOW,)),
        ("ten runs, one bad: twice the budget's share, and one may be chance", 9, 1, ()),
    )
    for name, good, bad, firing in table:
        runs = [1.0] * good + [0.0] * bad, [0.0] * good + [1.0] * bad
        series = {GOOD: counter(runs[0]), BAD: from_first(runs[1])}
        yield Case(name, SLO, "1h", series, {f"{good + bad}h": firing}, looked_at=(FAST, SLOW))


def counting() -> Iterator[Case]:
    """Counted to the event, where `increase()` would guess."""
    each = [BAD.replace("{", f'{{instance="run-{number}", ') for number in range(3)]
    yield Case(
        "three programs that each end after one failure",
        SLO,
        "5m",
        {series: "_ " * (2 + 3 * number) + "1" for number, series in enumerate(each)},
        {"1h": (FAST, SLOW)},
        {"slo:sli_errors:increase6h": 3, "slo:sli_events:increase6h": 3},
        looked_at=(FAST, SLOW),
    )
    yield Case(
        "a counter that was there before, and begins again at 1",
        SLO,
        "5m",
        {GOOD: "500 501 502 502 1 2 2 2"},
        {"40m": ()},
        {"slo:sli_errors:increase6h": 0, "slo:sli_events:increase6h": 4},
    )
    yield Case(
        "samples that stay away for an hour, with three runs in it",
        SLO,
        "5m",
        {GOOD: "500 501 _x12 504 504"},
        {"75m": ()},
        {"slo:sli_events:increase6h": 4},
    )
    yield Case(
        "runs that were cancelled or skipped are no events",
        SLO,
        "5m",
        {GOOD: "0 1 2", GOOD.replace("success", "cancellation"): "0 5 9", GOOD.replace("success", "skip"): "0 5 9"},
        {"10m": ()},
        {"slo:sli_events:increase6h": 2},
    )


def told(events: float, errors: float) -> dict[str, float | None]:
    """What is recorded of the last six hours."""
    return {"slo:sli_events:increase6h": events, "slo:sli_errors:increase6h": errors}


def durations() -> Iterator[Case]:
    """What is late is bad, as is what failed; a histogram without the objective's bucket tells nothing."""
    name, of = "deployment-success", 'deployment_environment_name="production", deployment_service="shop"'
    metric = "deployment_duration_seconds"
    good, bad = (f'{of}, deployment_result="{result}"' for result in ("success", "failure"))
    succeeded = {
        f"{metric}_count{{{good}}}": "0 1 2 3 4 4 4",
        f'{metric}_bucket{{{good}, le="600"}}': "0 1 2 3 3 3 3",
        f'{metric}_bucket{{{good}, le="+Inf"}}': "0 1 2 3 4 4 4",
    }
    failed = {f"{metric}_count{{{bad}}}": "_ _ _ _ _ 1 2", f'{metric}_bucket{{{bad}, le="600"}}': "_ _ _ _ _ 1 2"}
    together = {**succeeded, **failed}
    yield Case("three in time, one late, two failed", name, "5m", together, {"30m": (FAST, SLOW)}, told(6, 3))
    scraped = {series.replace('"600"', '"600.0"'): values for series, values in together.items()}
    yield Case("the same from a scrape", name, "5m", scraped, {"30m": (FAST, SLOW)}, told(6, 3))
    yield Case("nothing ever succeeded", name, "5m", failed, {"30m": ()}, told(2, 2))
    other = {series.replace('"600"', '"500"'): values + " 4x20" for series, values in succeeded.items()}
    yield Case(
        "no bucket for the objective",
        name,
        "1h",
        other,
        {"23h": (), "25h": (NEVER,)},
        {"slo:sli_errors:increase6h": None},
    )
    late = "workflow_duration_seconds"
    labels = 'workflow_name="build", workflow_status="success"'
    runs = {f"{late}_count{{{labels}}}": "0 2 4", f'{late}_bucket{{{labels}, le="1800"}}': "0 2 3"}
    yield Case("one run of four is late", "workflow-latency", "5m", runs, {"10m": ()}, told(4, 1))


def without_data() -> Iterator[Case]:
    """A weekend without a program that runs is no news; three days are; and so is a first day with nothing at all."""
    yield Case(
        "no program ran for three days",
        SLO,
        "1h",
        {GOOD: "1 2 3 _x90 1 2 3"},
        {"64h": (), "77h": (NO_DATA,), "92h": (NO_DATA,), "96h": ()},
    )
    yield Case("never anything", SLO, "1h", {"up": "1"}, {"23h": (), "25h": (NEVER,), "100h": (NEVER,)})
