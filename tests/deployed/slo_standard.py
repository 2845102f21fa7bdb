"""Cases of the SLOs in standard mode: each threshold at 0.9 and 1.1 of it, and what is beside the thresholds."""

from __future__ import annotations

from collections.abc import Iterator

from pointsman.signals.burn_rates import STANDARD, Burn, budget
from pointsman.signals.slos import FAST, FORECAST, NO_DATA, SLOW
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds
from tests.deployed.slo_rules import NEVER, Case, counter

SLO = "api-availability"
DECLARED = Environment().slos.api_availability
REQUESTS = 1000  # in five minutes
GOOD_DAYS = 3 * 24 * 12 * REQUESTS
METRIC = "http_server_request_duration_seconds_count"
GOOD = f'{METRIC}{{http_request_method="GET", http_response_status_code="200"}}'
BAD = f'{METRIC}{{http_request_method="GET", http_response_status_code="503"}}'


def traffic(step: str, *phases: tuple[str, float], before: float = 0) -> dict[str, str]:
    """Phases of requests: how long, and at which burn rate. `before`: good ones in a first step of their own."""
    requests = REQUESTS * duration_seconds(step) / 300
    bad = [burn * budget(DECLARED) * requests for time, burn in phases for _ in range(steps(time, step))]
    first = [before] if before else []
    return {
        GOOD: counter([*first, *(requests - each for each in bad)]),
        BAD: counter([*(0 for _ in first), *bad]),
    }


def steps(time: str, step: str) -> int:
    """How many steps a time has."""
    return int(duration_seconds(time) // duration_seconds(step))


def minutes(*times: str) -> str:
    """The sum of times, as promtool takes it."""
    return f"{int(sum(duration_seconds(time) for time in times)) // 60}m"


def thresholds() -> Iterator[Case]:
    """A burn for as long as the long window, after three good days, in steps as long as the short window.

    What else fires at that rate follows from the table: a tenth of the budget in one day is a tenth in three as well.
    """
    for burn in STANDARD:
        step, factor = burn.short, burn.factor(DECLARED.window)
        # Steps of five minutes would make many of three days: all their requests come in the first.
        calm, before = ("6h", GOOD_DAYS) if burn.long == "1h" else ("3d", 0)
        for share in (0.9, 1.1):
            names = (FAST if burn.told == "page" else SLOW,) if share > 1 else ()
            yield Case(
                f"{burn.told} of {burn.long} at {share} of its threshold",
                SLO,
                step,
                traffic(step, (calm, 0), (burn.long, share * factor), before=before),
                {minutes(calm, step if before else "0s", burn.long): (*names, *_forecast(burn, share * factor))},
                {f"slo:sli_error:ratio_rate{burn.long}": share * factor * budget(DECLARED)},
                # The share of the window that was the first to fire.
                values_told={name: f"{100 * share * factor * budget(DECLARED):.4g}%" for name in names},
            )


def _forecast(burn: Burn, rate: float) -> tuple[str, ...]:
    """Whether the rate of the last 6h uses up within 3d what is left of the period, of which 3d and the burn are."""
    hours = duration_seconds(burn.long) / 3600
    present = rate * min(hours, 6) / 6
    left = 1 - rate * hours / (72 + hours)
    return (FORECAST,) if present > 1 and max(left, 0) * 30 / present < 3 else ()


def forecast() -> Iterator[Case]:
    """Good for 66 hours, then 6 hours of a burn: what is left lasts 30d × (1 - burn / 12) / burn."""
    for days in (0.9 * 3, 1.1 * 3):
        burn = 30 / (days + 2.5)
        yield Case(
            f"the forecast of {days:.2g} days",
            SLO,
            "1h",
            traffic("1h", ("66h", 0), ("6h", burn)),
            {"72h": (FORECAST,) if days < 3 else ()},
            {
                "slo:error_budget_exhausted_in:seconds": days * 86400,
                "slo:period_error_budget_remaining:ratio": 1 - burn / 12,
                "slo:current_burn_rate:ratio": burn,
            },
            # 2.7 days but for the last digit of a sum.
            values_told={FORECAST: "2d 16h 47m 59s"} if days < 3 else {},
        )
    yield Case(
        "at a burn of 0.99 the budget lasts for ever",
        SLO,
        "1h",
        traffic("1h", ("12h", 0.99)),
        {"12h": ()},
        {"slo:error_budget_exhausted_in:seconds": None, "slo:period_error_budget_remaining:ratio": 0.01},
    )


def others() -> Iterator[Case]:
    """Ends, few events, no events, no data, and the recorded constants."""
    yield Case(
        "the page ends five minutes after the errors",
        SLO,
        "5m",
        traffic("5m", ("1h", 40), ("1h", 0), before=GOOD_DAYS),
        {"65m": (FAST,), "70m": ()},
    )
    yield Case(
        "the ticket ends six hours after the errors, with its last short window",
        SLO,
        "2h",
        traffic("2h", ("3d", 0), ("1d", 3.3), ("8h", 0)),
        {"96h": (SLOW, FORECAST), "98h": (SLOW, FORECAST), "102h": ()},
    )
    yield Case(
        "too few requests for a share: 8 an hour, one of them bad",
        SLO,
        "1h",
        {GOOD: counter([7] * 12), BAD: counter([1] * 12)},
        {"12h": ()},
        {"slo:sli_error:ratio_rate6h": 0.125, "slo:sli_events:increase6h": 48},
    )
    yield Case(
        "no requests: no share, no alert, and nothing is missing",
        SLO,
        "1h",
        {GOOD: counter([0] * 48, start=500)},
        {"2d": ()},
        {"slo:sli_events:increase1d": 0, "slo:sli_error:ratio_rate1d": None},
    )
    yield Case(
        "no failure ever: an error ratio of 0, though there is no series of errors",
        SLO,
        "5m",
        {GOOD: counter([REQUESTS] * 24)},
        {"2h": ()},
        {
            "slo:sli_error:ratio_rate1h": 0,
            "slo:period_error_budget_remaining:ratio": 1,
            "slo:objective:ratio": 0.995,
            "slo:error_budget:ratio": 0.005,
            "slo:time_period:days": 30,
        },
    )
    yield Case(
        "data that ceases is told after an hour, until it comes again",
        SLO,
        "5m",
        {GOOD: "0+1000x24 _x36 27000+1000x24"},
        {"2h55m": (), "3h15m": (NO_DATA,), "4h": (NO_DATA,), "5h15m": ()},
    )
    yield Case(
        "data that never comes is told after a day",
        SLO,
        "1h",
        {"up": "1"},
        {"23h": (), "25h": (NEVER,)},
        values_told={NEVER: ""},
    )


def runners() -> Iterator[Case]:
    """Two runners, of which one goes offline: half of the runners' minutes are bad."""
    name = "runner-availability"
    first, second = (f'pointsman_github_runner_online{{runner="runner-{each}"}}' for each in (1, 2))
    # In steps of five minutes an hour has 24 of the runners' minutes, not 120.
    spec = "slos: {runner_availability: {minimum_events: 6}}"
    online, half = {first: "1x120", second: "1x120"}, {first: "1x120", second: "1x72 0x48"}
    yield Case("both online", name, "5m", online, {"8h": ()}, {"slo:sli_error:ratio_rate1h": 0}, spec)
    yield Case(
        "one of two offline pages within the hour",
        name,
        "5m",
        half,
        {"6h": (), "7h": (FAST, SLOW, FORECAST)},
        {"slo:sli_error:ratio_rate30m": 0.5},
        spec,
    )


def cases() -> list[Case]:
    """All of them."""
    return [*thresholds(), *forecast(), *others(), *runners()]
