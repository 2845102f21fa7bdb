"""The page docs/reference/slos.md: `python -m pointsman.signals.slo_reference` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pointsman.signals import slos
from pointsman.signals.burn_rates import BROKEN, LOW_VOLUME, PERIOD, STANDARD, budget, number
from pointsman.signals.slis import SLIS, Sli
from pointsman.spec.models import Environment
from pointsman.spec.slos import SLO

PERIOD_SHOWN = "30d"
RECORDED = (
    ("slo:sli_events:increase1m", "events that the minute brought"),
    ("slo:sli_errors:increase1m", "bad ones among them"),
    ("slo:sli_events:increase<window>", "events in a window"),
    ("slo:sli_errors:increase<window>", "bad ones in a window"),
    ("slo:sli_error:ratio_rate<window>", "the share of bad events in a window; missing where there were no events"),
    ("slo:objective:ratio", "the objective"),
    ("slo:error_budget:ratio", "the share of events that may be bad"),
    ("slo:time_period:days", "the period that the budget is for"),
    ("slo:current_burn_rate:ratio", "how fast the budget burns now (5m; at low volume 1d): 1 spends it in one period"),
    ("slo:period_burn_rate:ratio", "the share of the budget that the period has used"),
    ("slo:period_error_budget_remaining:ratio", "the share that is left; below 0 when too much was used"),
    (slos.EXHAUSTED_IN, "seconds until it is used up at the rate of the last 6h (3d); missing at a rate of 1 or less"),
    ("slo:sli_events:seen", "the counters as the last evaluation saw them, which the next one counts from"),
    ("slo:sli_events:watched", "1 at each evaluation: counters that are new at the first one are history"),
)
ALERTS = (
    (slos.FAST, "critical", "`page`", "The budget burns so fast that it cannot wait for the morning."),
    (slos.SLOW, "warning", "`ticket`", "It burns slowly, but will not last for the period."),
    (slos.FORECAST, "info", "`forecast`", "At the present rate it is used up within `exhausted_within`."),
    (slos.NO_DATA, "warning, info", "always", "Data ceased (1h; at low volume 3d), or has never come for a day."),
)


def page(spec: Environment) -> str:
    """The page, with the objectives of a spec."""
    declared = [(sli, sli.of(spec.slos)) for sli in SLIS]
    parts = (
        "<!-- Written by `python -m pointsman.signals.slo_reference`; edit the code that it is taken from. -->",
        "# SLOs",
        "Six objectives are judged by default; `slos` of the spec ([all keys](spec.md)) moves, mutes or leaves out "
        "each. That of the runners is judged where the environment has runner hosts.",
        _table(("SLO", "`slo_service`", "events", "bad", "objective", "in", "mode", "at least"), _objectives(declared)),
        "Why these objectives:",
        "\n".join(f"- {sli.name}: {slo.rationale}" for sli, slo in declared),
        "A period's numbers are of what Prometheus keeps: `prometheus.retention.time` and `size` must cover the "
        "window, or they speak of fewer days. A longest good duration must be a bound of the histogram: "
        "1m, 2m, 5m, 10m, 15m, 30m, 1h or 2h.",
        "## Alerts",
        _table(("alert", "severity", "key in `alerts`", "meaning"), ((f"`{name}`", *rest) for name, *rest in ALERTS)),
        "Each carries the labels `slo` and `slo_service`.",
        *_standard(),
        *_low_volume(),
        "## Recorded series",
        "Each has the labels `slo` and `slo_service`, and is evaluated every minute. The names are those of Sloth, as "
        "far as it has them.",
        _table(("series", "meaning"), ((f"`{name}`", meaning) for name, meaning in RECORDED)),
    )
    return "\n\n".join(parts) + "\n"


def _standard() -> Iterator[str]:
    yield "### Standard"
    yield "Both windows must burn at more than the rate, and the long one must hold `minimum_events`."
    yield _table(
        ("tells", "budget spent", "long window", "short window", "burn rate in 30d"),
        (
            (each.told, f"{each.share:.0%}", each.long, each.short, number(each.factor(PERIOD_SHOWN)))
            for each in STANDARD
        ),
    )


def _low_volume() -> Iterator[str]:
    yield "### Low volume"
    yield (
        "The window must burn at more than the rate, hold `minimum_events`, and so many failures; and the last one "
        "must be recent. [Why](../explanation/slos-at-low-volume.md)."
    )
    yield _table(
        ("tells", "budget spent", "window", "failures", "the last within", "burn rate in 30d"),
        (
            (
                each.told,
                f"{each.share:.0%}",
                "the period" if each.window == PERIOD else each.window,
                str(each.failures),
                each.recent,
                number(each.factor(PERIOD_SHOWN)),
            )
            for each in LOW_VOLUME
        ),
    )
    yield "With fewer events than `minimum_events` in it, a window tells all the same when half of them or more failed:"
    yield _table(
        ("tells", "window", "failures", "the last within"),
        ((each.told, each.window, str(each.failures), each.recent) for each in BROKEN),
    )


def _objectives(declared: Iterable[tuple[Sli, SLO]]) -> Iterator[tuple[str, ...]]:
    for sli, slo in declared:
        yield (
            f"`{sli.name}`",
            f"`{sli.service}`",
            f"{sli.events} (`{sli.metric}`)",
            sli.bad.format(within=getattr(slo, "within", "")),
            f"{number(100 * slo.objective)} %, so {number(100 * budget(slo))} % may be bad",
            slo.window,
            slo.mode.replace("_", " "),
            f"{slo.minimum_events} events",
        )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    print(page(Environment()), end="")
