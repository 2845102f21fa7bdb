"""How fast an error budget may burn before somebody is told: the windows as data, and the conditions they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pointsman.spec.scalars import duration_seconds
from pointsman.spec.slos import SLO

Told = Literal["page", "ticket"]
PERIOD = "period"
"""Stands for the SLO's own window where a window is expected."""


@dataclass(frozen=True)
class Burn:
    """Two windows that must both burn at the rate which spends `share` of the error budget within `long`.

    The short window ends the alert soon after the errors end.
    """

    told: Told
    share: float
    long: str
    short: str

    def factor(self, period: str) -> float:
        """The burn rate: how many times faster than one that spends the budget in exactly the period."""
        return _factor(self.share, period, self.long)


@dataclass(frozen=True)
class CountedBurn:
    """A window of `failures` or more that burn at the rate which spends `share` of the budget within it.

    `recent` must hold a failure: it ends the alert when failures end, however few events there are.
    """

    told: Told
    share: float
    window: str
    recent: str
    failures: int

    def factor(self, period: str) -> float:
        """The burn rate, as that of `Burn`."""
        return _factor(self.share, period, period if self.window == PERIOD else self.window)


@dataclass(frozen=True)
class Broken:
    """Fewer events in `window` than a share needs, but `failures` or more of them bad, and at least half."""

    told: Told
    window: str
    recent: str
    failures: int


# The SRE Workbook, "Alerting on SLOs", table 5-8: over 30 days the factors are 14.4, 6, 3 and 1.
STANDARD = (
    Burn("page", 0.02, "1h", "5m"),
    Burn("page", 0.05, "6h", "30m"),
    Burn("ticket", 0.10, "1d", "2h"),
    Burn("ticket", 0.10, "3d", "6h"),
)
# Ours: docs/explanation/slos-at-low-volume.md says why. Over 30 days the factors are 6, 2, 1.5 and 1.
LOW_VOLUME = (
    CountedBurn("page", 0.20, "1d", "6h", 3),
    CountedBurn("ticket", 0.20, "3d", "1d", 2),
    CountedBurn("ticket", 0.35, "7d", "1d", 2),
    CountedBurn("ticket", 1.00, PERIOD, "1d", 2),
)
BROKEN = (Broken("page", "1d", "6h", 3), Broken("ticket", "7d", "1d", 3))
FORECAST = {"standard": "6h", "low_volume": "3d"}
"""By mode, the window whose rate the forecast takes for the present one."""
PRESENT = {"standard": "5m", "low_volume": "1d"}
"""By mode, the window of `slo:current_burn_rate:ratio`."""
QUIET = {"standard": "1h", "low_volume": "3d"}
"""By mode, how long there may be no data: programs that run now and then leave a weekend without."""


def windows(slo: SLO) -> tuple[str, ...]:
    """All the windows that the rules of an SLO look at, the shortest first, its period last."""
    if slo.mode == "standard":
        found = {window for burn in STANDARD for window in (burn.long, burn.short)}
    else:
        found = {window for burn in LOW_VOLUME for window in (burn.window, burn.recent)} - {PERIOD}
    return (*sorted(found, key=duration_seconds), slo.window)


def budget(slo: SLO) -> float:
    """The share of events that may be bad."""
    return round(1 - slo.objective, 12)


def condition(slo: SLO, told: Told, selector: str) -> str:
    """The expression that has a value while somebody is to be told; the value is the share of bad events."""
    if slo.mode == "standard":
        parts = [_standard(slo, burn, selector) for burn in STANDARD if burn.told == told]
    else:
        parts = [_counted(slo, burn, selector) for burn in LOW_VOLUME if burn.told == told]
        parts += [_broken(slo, each, selector) for each in BROKEN if each.told == told]
    return " or ".join(f"({part})" for part in parts)


def number(value: float) -> str:
    """A number as people write it: 14.4 and not 14.399999999999999."""
    return f"{value:.10g}"


def _factor(share: float, period: str, window: str) -> float:
    return round(share * duration_seconds(period) / duration_seconds(window), 6)


def _standard(slo: SLO, burn: Burn, selector: str) -> str:
    threshold = f"{number(burn.factor(slo.window))} * {number(budget(slo))}"
    return _all(
        f"slo:sli_error:ratio_rate{burn.long}{selector} > {threshold}",
        f"slo:sli_error:ratio_rate{burn.short}{selector} > {threshold}",
        f"slo:sli_events:increase{burn.long}{selector} >= {slo.minimum_events}",
    )


def _counted(slo: SLO, burn: CountedBurn, selector: str) -> str:
    window = slo.window if burn.window == PERIOD else burn.window
    return _all(
        f"slo:sli_error:ratio_rate{window}{selector} > {number(burn.factor(slo.window))} * {number(budget(slo))}",
        f"slo:sli_events:increase{window}{selector} >= {slo.minimum_events}",
        f"slo:sli_errors:increase{window}{selector} >= {burn.failures}",
        f"slo:sli_errors:increase{burn.recent}{selector} > 0",
    )


def _broken(slo: SLO, each: Broken, selector: str) -> str:
    return _all(
        f"slo:sli_error:ratio_rate{each.window}{selector} >= 0.5",
        f"slo:sli_events:increase{each.window}{selector} < {slo.minimum_events}",
        f"slo:sli_errors:increase{each.window}{selector} >= {each.failures}",
        f"slo:sli_errors:increase{each.recent}{selector} > 0",
    )


def _all(*conditions: str) -> str:
    return " and ".join(conditions)
