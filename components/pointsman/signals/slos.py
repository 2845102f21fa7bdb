"""SLOs: from each of the spec, recorded error ratios, burn rates and budget, and the alerts on them.

The recorded names are the field's, those of Sloth.
"""

from __future__ import annotations

from collections.abc import Iterator

from pointsman.signals import burn_rates
from pointsman.signals.burn_rates import budget, number
from pointsman.signals.model import Alert, Record, RuleGroup, Severity
from pointsman.signals.slis import ERRORS, EVENTS, RUNNERS, SLIS, Sli
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds
from pointsman.spec.slos import DAY, SLO

INTERVAL = "1m"
OWNER = "platform"
BOARD = "slo-overview"
FAST, SLOW = "SLOErrorBudgetBurnFast", "SLOErrorBudgetBurnSlow"
FORECAST, NO_DATA = "SLOErrorBudgetExhaustedSoon", "SLONoData"
ALERTS = (FAST, SLOW, FORECAST, NO_DATA)
EXHAUSTED_IN = "slo:error_budget_exhausted_in:seconds"
# How long no event at all is nothing to tell of: somebody may still be about to connect the first program.
NEVER_FOR = "1d"


def groups(spec: Environment) -> tuple[RuleGroup, ...]:
    """A group for each SLO that is enabled; that of the runners only where there are some to ask GitHub of."""
    declared = [(sli, sli.of(spec.slos)) for sli in SLIS]
    has_runners = spec.runners.hosts != "none" and spec.runners.exporter.enabled
    return tuple(group(sli, slo) for sli, slo in declared if slo.enabled and (sli.name != RUNNERS or has_runners))


def group(sli: Sli, slo: SLO) -> RuleGroup:
    """The rules of one SLO, in the order in which they need each other."""
    rules: tuple[Alert | Record, ...] = (
        *sli.rules(sli, slo),
        *_windows(sli, slo),
        *_budget(sli, slo),
        *_alerts(sli, slo),
    )
    return RuleGroup(f"slo-{sli.name}", rules, interval=INTERVAL)


def _windows(sli: Sli, slo: SLO) -> Iterator[Record]:
    """Sums of the minutes' counts, which are exact over any window: a minute is in it once or not at all."""
    for window in burn_rates.windows(slo):
        events, errors = f"slo:sli_events:increase{window}", f"slo:sli_errors:increase{window}"
        yield Record(events, f"sum_over_time({EVENTS}{sli.selector}[{window}])", sli.labels)
        yield Record(errors, f"sum_over_time({ERRORS}{sli.selector}[{window}])", sli.labels)
        # Without events there is no share, rather than a NaN.
        ratio = f"{errors}{sli.selector} / ({events}{sli.selector} > 0)"
        yield Record(f"slo:sli_error:ratio_rate{window}", ratio, sli.labels)


def _budget(sli: Sli, slo: SLO) -> Iterator[Record]:
    """Objective, budget, how fast it burns, what is left of it, and when it is used up at the present rate."""
    days = duration_seconds(slo.window) / DAY
    share, at = number(budget(slo)), sli.selector
    present = burn_rates.PRESENT[slo.mode]
    yield Record("slo:objective:ratio", f"vector({number(slo.objective)})", sli.labels)
    yield Record("slo:error_budget:ratio", f"vector({share})", sli.labels)
    yield Record("slo:time_period:days", f"vector({number(days)})", sli.labels)
    yield Record("slo:current_burn_rate:ratio", f"slo:sli_error:ratio_rate{present}{at} / {share}", sli.labels)
    yield Record("slo:period_burn_rate:ratio", f"slo:sli_error:ratio_rate{slo.window}{at} / {share}", sli.labels)
    yield Record("slo:period_error_budget_remaining:ratio", f"1 - slo:period_burn_rate:ratio{at}", sli.labels)
    yield Record(EXHAUSTED_IN, _forecast(sli, slo), sli.labels)


def _forecast(sli: Sli, slo: SLO) -> str:
    """What is left of the budget, at the rate of the last hours or days; nothing at a rate that never uses it up."""
    window, at = burn_rates.FORECAST[slo.mode], sli.selector
    left = f"clamp_min(slo:period_error_budget_remaining:ratio{at}, 0) * {number(duration_seconds(slo.window))}"
    rate = f"(slo:sli_error:ratio_rate{window}{at} / {number(budget(slo))} > 1)"
    enough = [f"slo:sli_events:increase{window}{at} >= {slo.minimum_events}"]
    if slo.mode == "low_volume":
        enough.append(f"slo:sli_errors:increase{window}{at} >= 2")
    return f"{left} / {rate} and " + " and ".join(enough)


def _alerts(sli: Sli, slo: SLO) -> Iterator[Alert]:
    if "page" in slo.alerts:
        yield _burning(sli, slo, FAST, "critical")
    if "ticket" in slo.alerts:
        yield _burning(sli, slo, SLOW, "warning")
    if "forecast" in slo.alerts:
        yield Alert(
            name=FORECAST,
            expr=f"{EXHAUSTED_IN}{sli.selector} < {number(duration_seconds(slo.exhausted_within))}",
            severity="info",
            summary=f"{sli.name} will soon have no error budget",
            description=f"At the rate of the last {burn_rates.FORECAST[slo.mode]}, what is left of the budget for "
            f"{slo.window} lasts {{{{ $value | humanizeDuration }}}}. {slo.rationale}",
            labels=sli.labels,
            owner=OWNER,
            dashboard=BOARD,
        )
    yield from _no_data(sli, slo)


def _burning(sli: Sli, slo: SLO, name: str, severity: Severity) -> Alert:
    told: burn_rates.Told = "page" if name == FAST else "ticket"
    pace = "fast" if name == FAST else "slowly, but too fast to last"
    return Alert(
        name=name,
        expr=burn_rates.condition(slo, told, sli.selector),
        severity=severity,
        summary=f"{sli.name} burns its error budget {pace}",
        description=f"{{{{ $value | humanizePercentage }}}} of its events were bad ({_bad(sli, slo)}); the objective "
        f"allows {budget(slo) * 100:.3g} % in {slo.window}. {slo.rationale}",
        labels=sli.labels,
        owner=OWNER,
        dashboard=BOARD,
    )


def _no_data(sli: Sli, slo: SLO) -> Iterator[Alert]:
    """Two rules of one name: data that ceased is a fault, data that never came may be nobody's."""
    quiet, counts = burn_rates.QUIET[slo.mode], f"{ERRORS}{sli.selector}"
    yield Alert(
        name=NO_DATA,
        expr=f"present_over_time({counts}[{slo.window}]) unless present_over_time({counts}[{quiet}])",
        hold="5m",
        severity="warning",
        summary=f"{sli.name} cannot be judged any more",
        description=f"There was no sample of {sli.metric} for {quiet}: as long as none comes, the other alerts of "
        f"{{{{ $labels.slo }}}} cannot fire. {slo.rationale}",
        labels=sli.labels,
        owner=OWNER,
        dashboard=BOARD,
    )
    yield Alert(
        name=NO_DATA,
        expr=f"absent_over_time({counts}[{slo.window}])",
        hold=NEVER_FOR,
        severity="info",
        summary=f"{sli.name} was never judged",
        description=f"No sample of {sli.metric} has come for {{{{ $labels.slo }}}} in {slo.window}. Where there is "
        f"nothing to judge: slos.{sli.key}.enabled: false. {slo.rationale}",
        labels=sli.labels,
        owner=OWNER,
        dashboard=BOARD,
    )


def _bad(sli: Sli, slo: SLO) -> str:
    return sli.bad.format(within=getattr(slo, "within", ""))
