"""How alerts fared over a window: which never fired, which flap, which make most of the noise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

FLAP_PAUSE_SECONDS = 3600.0
"""An alert that fires again sooner than this was not mended, it flaps: nobody mends and breaks again within an hour."""
FLAPS = 3
"""So many returns of one series in the window are flapping; one or two may be a repair that did not hold."""
DOMINANT_SHARE = 0.25
DOMINANT_LEAST = 10
"""With fewer firings of all rules together a share of them says nothing."""


@dataclass(frozen=True)
class Rule:
    """An alerting rule as Prometheus has loaded it. `missing` are metrics without which it cannot fire."""

    name: str
    severity: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Firing:
    """One series of an alert, from when to when it fired: Unix seconds."""

    alert: str
    series: str
    start: float
    end: float


@dataclass(frozen=True)
class Fared:
    """One rule over the window. `seconds` is how long it fired, all of its series together; `share` is of all firings,
    those of severity none apart; `returns` the most that one series fired again within an hour."""

    name: str
    severity: str
    firings: int
    seconds: float
    share: float
    returns: int
    missing: tuple[str, ...]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What there is to say of it: cannot fire, never fired, flapping, dominant."""
        quiet = "cannot fire" if self.missing else "never fired"
        return tuple(
            verdict
            for verdict, found in (
                (quiet, not self.firings),
                ("flapping", self.returns >= FLAPS),
                ("dominant", self.share > DOMINANT_SHARE),
            )
            if found
        )


def firings(alert: str, series: str, samples: Sequence[float], step: float) -> list[Firing]:
    """The firings of one series, from the Unix times of its samples: a gap of more than a step ends one."""
    found: list[Firing] = []
    for at in samples:
        if found and at - found[-1].end <= step * 1.5:
            found[-1] = Firing(alert, series, found[-1].start, at)
        else:
            found.append(Firing(alert, series, at, at))
    return found


def fared(rules: Collection[Rule], found: Collection[Firing], step: float) -> list[Fared]:
    """Every rule, the loudest first. A firing seen at one sample alone counts as a step of it."""
    by_rule: dict[str, list[Firing]] = {rule.name: [] for rule in rules}
    for each in found:
        by_rule.setdefault(each.alert, []).append(each)
    severities = {rule.name: rule.severity for rule in rules}
    counted = sum(len(each) for name, each in by_rule.items() if severities.get(name) not in (None, "none"))
    rows = [_fared(rule, by_rule[rule.name], counted, step) for rule in rules]
    return sorted(rows, key=lambda row: (-row.firings, row.name))


def _fared(rule: Rule, found: Sequence[Firing], counted: int, step: float) -> Fared:
    is_noise = rule.severity != "none" and counted >= DOMINANT_LEAST
    by_series: dict[str, list[Firing]] = {}
    for each in found:
        by_series.setdefault(each.series, []).append(each)
    return Fared(
        name=rule.name,
        severity=rule.severity,
        firings=len(found),
        seconds=sum(each.end - each.start + step for each in found),
        share=len(found) / counted if is_noise else 0.0,
        returns=max((_returns(each) for each in by_series.values()), default=0),
        missing=rule.missing,
    )


def _returns(found: Sequence[Firing]) -> int:
    ordered = sorted(found, key=lambda each: each.start)
    return sum(after.start - before.end < FLAP_PAUSE_SECONDS for before, after in pairwise(ordered))


def series_name(labels: Mapping[str, str]) -> str:
    """A series of an alert as one text, by its labels in order."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
